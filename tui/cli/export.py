"""``paceline export``: transcripts of a finished run as files, from its traces alone."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tui.cli.summary import Exit
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.exports import (
    FORMATS,
    TOGETHER,
    AlreadyThere,
    Existing,
    export,
    export_together,
    names,
)
from workers.runs import reader


def exported(
    folder: Path,
    formats: Sequence[str],
    into: Path | None,
    *,
    existing: Existing = Existing.REFUSE,
    together: bool = False,
    say: Callable[[str], None],
) -> Exit:
    """Writes every job that was heard; says each file that was written, and why any was not.

    ``together``: one file a format for all.
    """
    _check(formats, together=together)
    target = into or folder / "exports"
    histories = reader.histories(folder)
    called = names(histories)
    heard, well = [], True
    for history in histories:
        if history.began is None and not len(history.transcript):
            say(clean(f"- {history.file}: nothing was streamed"))
        else:
            heard.append(history)
    if together:
        all_of_them = partial(export_together, heard, formats, target, existing=existing)
        well = not heard or _written("all of them", all_of_them, say)
    else:
        for history in heard:
            name = called[history.job]
            one = partial(export, history, formats, target, existing=existing, name=name)
            well &= _written(history.file, one, say)
    return Exit.DONE if well else Exit.SOME_FAILED


def _written(file: str, write: Callable[[], Sequence[Path]], say: Callable[[str], None]) -> bool:
    try:
        paths = write()
    except AlreadyThere as error:
        say(clean(f"✗ {file}: {error.reason}; --overwrite replaces, --number keeps both"))
        return False
    for path in paths:
        say(clean(f"✓ {path}"))
    return True


def _check(formats: Sequence[str], *, together: bool) -> None:
    unknown = [each for each in formats if each not in FORMATS]
    if unknown or not formats:
        raise UsageProblem(
            f"there is no format “{', '.join(unknown)}”", f"Known are {', '.join(FORMATS)}."
        )
    subtitles = [each for each in formats if together and each not in TOGETHER]
    if subtitles:
        raise UsageProblem(
            f"{' and '.join(subtitles)} cannot hold several recordings in one file",
            f"With --one-file: {', '.join(TOGETHER)}.",
        )
