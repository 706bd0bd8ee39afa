"""Expected failures, in words that a user can act on. Imports no other Paceline module.

Each of these ends a job or the program with a message; a bug ends it with a traceback.
"""

from typing import ClassVar


class PacelineError(Exception):
    """What happened (``reason``) and what to do about it (``hint``, may be empty)."""

    code: ClassVar[str] = "failed"
    """What kind of failure it is, for programs: published, so a code never changes."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason}. {self.hint}" if self.hint else self.reason


class Unreadable(PacelineError):
    """A recording that cannot be streamed: missing, damaged, empty, truncated, or not audio."""

    code = "unreadable"


class DiskFailed(Unreadable):
    """The disk or file system of a recording failed, so it may be readable later."""

    code = "disk_failed"


class ProbeFailed(PacelineError):
    """The file could not be probed, but the file is not the cause; a retry may work."""

    code = "probe_failed"


class Malformed(PacelineError):
    """A record, on the wire or on disk, with a missing field or one of the wrong type."""

    code = "malformed"


class UsageProblem(PacelineError):
    """The user's options do not fit together; the program exits with code 2."""

    code = "usage"


class EngineUnavailable(PacelineError):
    """The embedded engine cannot run: its package is not installed, or it did not start."""

    code = "engine_unavailable"


class RunFolderProblem(PacelineError):
    """A run folder that cannot be made, written or read."""

    code = "run_folder"


class FleetProblem(PacelineError):
    """A fleet that cannot be used, or has no node that can."""

    code = "fleet"


class NoHomeFolder(PacelineError):
    """The user has no home folder, so nothing can be kept there."""

    code = "no_home_folder"


class MissingExtra(PacelineError):
    """A feature whose optional packages are not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, feature: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed",
            f"Install them with: pip install 'paceline[{extra}]'",
        )
