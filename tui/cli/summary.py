"""What a run came to, in lines for the normal screen, and its exit code."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path

from tui.model import metrics
from tui.text.formats import clock
from tui.text.width import clean
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobHistory, Status
from workers.pacing.certificate import Certificate

ALIKE = 4
"""From so many on, jobs that failed for the same reason are told of together."""

NAMED = 3
"""So many of them by name; `ALIKE` is more."""

_WORDS = ("done", "failed", "interrupted", "cancelled", "not begun")


class Exit(IntEnum):
    """The program's exit codes."""

    DONE = 0
    FATAL = 1
    USAGE = 2
    SOME_FAILED = 3
    NOT_AUTHORISED = 4
    INTERRUPTED = 130


def exit_code(histories: Sequence[JobHistory], *, interrupted: bool, saved: bool = True) -> Exit:
    """What the program tells its caller; ``saved``: the run's index is on disk."""
    outcomes = {history.ended.outcome for history in histories if history.ended}
    if Outcome.UNAUTHORISED in outcomes:
        return Exit.NOT_AUTHORISED
    if interrupted:
        return Exit.INTERRUPTED
    as_wanted = (Status.DONE, Status.CANCELLED)  # the user cancelled, and not the whole of it
    well = saved and all(h.status in as_wanted for h in histories)
    return Exit.DONE if well else Exit.SOME_FAILED


def summary(histories: Sequence[JobHistory], folder: Path, *, saved: bool = True) -> list[str]:
    """A few lines: how many ended how, why any failed, where everything is."""
    if not histories:
        return ["Nothing was streamed."]
    counts = Counter(_came_to(history) for history in histories)
    told = [f"{counts[word]} {word}" for word in _WORDS if counts[word]]
    seconds = sum(history.sent_seconds for history in histories)
    open_ = sum(history.open_seconds for history in histories)
    sockets = f", sockets open {clock(open_)}" if open_ else ""
    lines = [f"{', '.join(told)} · {clock(seconds)} of audio{sockets}"]
    lines += failures([history for history in histories if history.status is Status.FAILED])
    if not saved:
        lines.append(clean(f"{folder} cannot be written: is the disk full, or the folder gone?"))
    lines.append(clean(f"Transcripts and traces: {folder}"))
    if not all(history.finished for history in histories):
        lines.append(clean(f"Go on with the rest: paceline resume {quoted(folder)}"))
    lines.append(clean(f"Export them: paceline export {quoted(folder)} --to txt,srt"))
    return lines


def failures(failed: Iterable[JobHistory]) -> list[str]:
    """Why jobs failed: a line for each, or for all of those that failed for the same reason."""
    alike: dict[str, list[JobHistory]] = {}
    for history in failed:
        alike.setdefault(_why(history), []).append(history)
    lines = []
    for why, histories in alike.items():
        if len(histories) < ALIKE:
            lines += [f"  {failure(history)}" for history in histories]
            continue
        named = ", ".join(metrics.name(history) for history in histories[:NAMED])
        lines.append(clean(f"  {len(histories)} recordings: {why}"))
        lines.append(clean(f"    {named} and {len(histories) - NAMED} more"))
    return lines


def _why(history: JobHistory) -> str:
    ended = history.ended
    return f"{ended.reason}. {ended.hint}".rstrip() if ended else "it did not end"


def _came_to(history: JobHistory) -> str:
    if history.ended is None:
        return "not begun"
    if history.ended.outcome is Outcome.INTERRUPTED:
        return "interrupted"
    return history.status.value


def failure(history: JobHistory) -> str:
    """A failed job in one line: which, why, and what to do."""
    attempts = f" ({history.attempt} attempts)" if history.attempt > 1 else ""
    return clean(f"{history.file}: {_why(history)}{attempts}")


def pacing(certificate: Certificate | None) -> str:
    """A certificate in a few words."""
    if certificate is None:
        return "nothing was sent"
    lag = certificate.lag_ms
    slips = f", {certificate.slips} slips" if certificate.slips else ""
    return f"pacing {certificate.verdict.value}: lag p50 {lag.p50:.1f} p99 {lag.p99:.1f} ms{slips}"


def quoted(path: Path) -> str:
    """A path as a shell reads it."""
    import shlex

    return shlex.quote(str(path))
