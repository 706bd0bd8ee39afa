"""``paceline export``: transcripts of a finished run as files, from its traces alone."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tui.cli.summary import ExitCode
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.exports import (
    COMBINED_FORMATS,
    FORMATS,
    FilesExist,
    OverwritePolicy,
    export_names,
    write_combined_exports,
    write_exports,
)
from workers.runs import reader


def export_run(
    folder: Path,
    formats: Sequence[str],
    into: Path | None,
    *,
    existing: OverwritePolicy = OverwritePolicy.REFUSE,
    together: bool = False,
    echo: Callable[[str], None],
) -> ExitCode:
    """Writes every job that was heard; says each file that was written, and why any was not.

    ``together``: one file a format for all.
    """
    _require_known_formats(formats, together=together)
    target = into or folder / "exports"
    job_states = reader.read_job_states(folder)
    called = export_names(job_states)
    heard, well = [], True
    for job_state in job_states:
        if job_state.began is None and not len(job_state.transcript):
            echo(clean(f"- {job_state.file}: nothing was streamed"))
        else:
            heard.append(job_state)
    if together:
        all_of_them = partial(write_combined_exports, heard, formats, target, existing=existing)
        well = not heard or _write_and_report("all of them", all_of_them, echo)
    else:
        for job_state in heard:
            name = called[job_state.job]
            one = partial(write_exports, job_state, formats, target, existing=existing, name=name)
            well &= _write_and_report(job_state.file, one, echo)
    return ExitCode.DONE if well else ExitCode.SOME_FAILED


def _write_and_report(
    file: str, write: Callable[[], Sequence[Path]], echo: Callable[[str], None]
) -> bool:
    try:
        paths = write()
    except FilesExist as error:
        echo(clean(f"✗ {file}: {error.reason}; --overwrite replaces, --number keeps both"))
        return False
    for path in paths:
        echo(clean(f"✓ {path}"))
    return True


def _require_known_formats(formats: Sequence[str], *, together: bool) -> None:
    unknown = [each for each in formats if each not in FORMATS]
    if unknown or not formats:
        raise UsageProblem(
            f"there is no format “{', '.join(unknown)}”", f"Known are {', '.join(FORMATS)}."
        )
    subtitles = [each for each in formats if together and each not in COMBINED_FORMATS]
    if subtitles:
        raise UsageProblem(
            f"{' and '.join(subtitles)} cannot hold several recordings in one file",
            f"With --one-file: {', '.join(COMBINED_FORMATS)}.",
        )
