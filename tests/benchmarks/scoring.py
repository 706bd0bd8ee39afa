"""How long it takes to score a large run, and how much memory.

``python -m tests.benchmarks.scoring [--files 1000] [--words 1500] [--partials 3]``

Writes a run of so many recordings with so many words each, with references beside them, in turns of
15 words with some partials; 5 % of the words are wrong. Then scores it in a process of its own.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import ROOT
from tests.unit.evaluation.scored_runs import BEGAN_S, turn, write_index, write_job

TURN_WORDS = 15
WORD_S = 0.4
VOCABULARY = [f"{first}{last}" for first in "bdfgklmnprst" for last in ("at", "en", "ill", "ow")]


def write_run(folder: Path, files: int, words: int, partials: int) -> Path:
    """Writes the run and its references; returns the run's folder."""
    generator = random.Random(1)
    recordings = folder / "recordings"
    recordings.mkdir()
    paths = [recordings / f"{number:04}.wav" for number in range(files)]
    run = write_index(folder / "run", paths)
    for job, path in enumerate(paths, start=1):
        said = generator.choices(VOCABULARY, k=words)
        path.with_suffix(".txt").write_text(" ".join(said))
        heard = [generator.choice(VOCABULARY) if generator.random() < 0.05 else w for w in said]
        events = []
        for order, start in enumerate(range(0, words, TURN_WORDS)):
            texts = heard[start : start + TURN_WORDS]
            ends = [WORD_S * (start + index + 1) for index in range(len(texts))]
            for partial in range(1, partials + 1):
                count = max(1, len(texts) * partial // (partials + 1))
                at = BEGAN_S + ends[count - 1] + 0.3
                events.append(turn(at, order, " ".join(texts[:count]), ends[:count]))
            events.append(turn(BEGAN_S + ends[-1] + 0.7, order, " ".join(texts), ends, final=True))
        write_job(run, events, job=job, file=str(path), seconds=round(words * WORD_S, 1))
    return run


def main() -> None:
    """Prints time, and peak memory of the largest process, of ``paceline score``."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--words", type=int, default=1500)
    parser.add_argument("--partials", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder), options.files, options.words, options.partials)
        size = sum(path.stat().st_size for path in run.iterdir())
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "tui", "score", str(run), "--worst", "1"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s, peak_mb = used.ru_utime + used.ru_stime, used.ru_maxrss / 1000
        total = options.files * options.words
        print(
            f"{total:,} words, {options.files} recordings, {size / 1e6:.0f} MB of traces: "
            f"{seconds:.1f} s ({cpu_s:.1f} s of processor time), {peak_mb:.0f} MB"
        )


if __name__ == "__main__":
    main()
