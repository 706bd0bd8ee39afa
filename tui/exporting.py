"""``paceline export``: transcripts of a finished run as files, from its traces alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tui.lines.cells import clean
from tui.summary import Exit
from workers import past
from workers.errors import UsageProblem
from workers.exports import FORMATS, AlreadyThere, export, names


def exported(
    folder: Path,
    formats: Sequence[str],
    into: Path | None,
    *,
    overwrite: bool,
    say: Callable[[str], None],
) -> Exit:
    """Writes every job that was heard; says each file that was written, and why any was not."""
    unknown = [each for each in formats if each not in FORMATS]
    if unknown or not formats:
        raise UsageProblem(
            f"there is no format “{', '.join(unknown)}”", f"Known are {', '.join(FORMATS)}."
        )
    histories = past.histories(folder)
    called = names(histories)
    refused = 0
    for history in histories:
        if history.began is None and not len(history.transcript):
            say(clean(f"- {history.file}: nothing was streamed"))
            continue
        try:
            written = export(
                history,
                formats,
                into or folder / "exports",
                overwrite=overwrite,
                name=called[history.job],
            )
        except AlreadyThere as error:
            refused += 1
            say(clean(f"✗ {history.file}: {error.reason}; --overwrite replaces it"))
            continue
        for path in written:
            say(clean(f"✓ {path}"))
    return Exit.SOME_FAILED if refused else Exit.DONE
