"""Reports bugs: writes the traceback to a file and one line to the terminal."""

import traceback
from contextlib import suppress
from pathlib import Path

from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode
from workers import files, secrecy
from workers.errors import NoHomeFolder
from workers.threads import ThreadFault
from workers.user_folders import state_folder
from workers.visible_text import clean_lines


class RunFault(Exception):
    """A bug that ended a run; its cause is the original exception."""

    def __init__(self, log: Path) -> None:
        """``log``: the file in the run folder to which the traceback goes."""
        super().__init__(str(log))
        self.log = log


def report_fault(error: BaseException | ThreadFault, log: Path | None = None) -> ExitCode:
    """Appends the traceback to ``log`` and prints where it is.

    Without ``log``, or if it cannot be written, the traceback goes to ``faults.log`` in the user's
    state folder, or else to stderr.
    """
    if isinstance(error, RunFault):
        log = error.log
        error = error.__cause__ or error
    where_it_was = ""
    if isinstance(error, ThreadFault):
        where_it_was, error = f" in the thread “{error.thread}”", error.error
    text = secrecy.redact(clean_lines("".join(traceback.format_exception(error))))
    where = f":\n{text}"
    paths = [log] if log is not None else []
    with suppress(NoHomeFolder):
        paths.append(state_folder() / "faults.log")
    for path in paths:
        try:
            files.make_folders(path.parent)
            files.append_to_log(path, text)
        except OSError:
            continue
        where = f" is in {path}"
        break
    name = type(error).__name__
    problem = f"internal error{where_it_was} ({name})"
    for line in f"paceline: {problem}. The traceback{where}".splitlines():
        print_line(line, err=True)
    return ExitCode.INTERNAL_ERROR
