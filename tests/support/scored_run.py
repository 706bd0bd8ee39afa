"""Writes a run of several recordings with references and known delays, for the desk's scores."""

from pathlib import Path

from tests.unit.evaluation.scored_runs import BEGAN_S, sent, turn, write_index, write_job
from workers.pacing.certificate import Verdict

SAID = "The quick brown fox jumps over the lazy dog today."
RIGHT = "the quick brown fox jumps over the lazy dog today"
WRONG = "the quick round fox jumps the lazy dog today again"
"""A substitution, a deletion and an insertion in ten words."""

EOT_MS = 400
"""From the end of the first turn's last word to its final; its chunk is due at that end."""


def write_scored_run(parent: Path, jobs: int = 4) -> Path:
    """Writes the run and its recordings, which have references beside them but for the last one.

    The words of odd jobs are wrong; the pacing of the second one did not hold. The column
    ``speaker`` is anna for odd jobs, else bert.
    """
    recordings = parent / "rec"
    recordings.mkdir(parents=True)
    files = [recordings / f"talk-{number:03}.wav" for number in range(1, jobs + 1)]
    for file in files[:-1]:
        file.with_suffix(".txt").write_text(SAID)
    speakers = [{"speaker": ("anna", "bert")[place % 2]} for place in range(jobs)]
    folder = write_index(parent / "run", files, speakers)
    for number, file in enumerate(files, start=1):
        text = WRONG if number % 2 else RIGHT
        ends = [0.3 * (place + 1) for place in range(10)]
        final_s = BEGAN_S + ends[-1] - 0.1 + EOT_MS / 1000
        events = [
            turn(1.2, 0, "the quick"),
            turn(final_s, 0, text, ends, final=True),
            sent(4.52, "Terminate"),
        ]
        verdict = Verdict.LATE if number == 2 else Verdict.HELD
        write_job(folder, events, job=number, file=str(file), verdict=verdict)
    return folder
