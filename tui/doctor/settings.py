"""Whether the settings can be read."""

from collections.abc import Callable, Iterator

from tui.config.loader import settings_path
from tui.config.settings import DeskSettings
from tui.doctor.finding import Finding, State, Topic
from workers.errors import NoHomeFolder, UsageProblem


def check_settings(load: Callable[[], DeskSettings]) -> Iterator[Finding]:
    """``load`` reads the settings; raises `UsageProblem`."""
    try:
        path = settings_path()
    except NoHomeFolder as error:
        yield Finding(Topic.SETTINGS, "settings", State.MISSING, error.reason, error.hint)
        return
    try:
        load()
    except UsageProblem as problem:
        # The desk would not open, and recordings can be streamed all the same.
        remedy = problem.hint or f"Correct {path}"
        yield Finding(Topic.SETTINGS, "settings", State.WARNING, problem.reason, remedy)
        return
    values = {"path": str(path)}
    if path.exists():
        yield Finding(Topic.SETTINGS, "settings", State.OK, str(path), "", values)
    else:
        text, remedy = f"defaults; there is no {path}", "paceline settings --create"
        yield Finding(Topic.SETTINGS, "settings", State.OK, text, remedy, values)
