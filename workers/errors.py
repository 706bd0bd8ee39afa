"""Expected failures, said in words that a user can act on.

Every one of these ends a job, or the program, with a sentence; none of them is a bug. A bug stays
an ordinary exception and keeps its traceback.
"""


class PacelineError(Exception):
    """What happened (``reason``) and what to do about it (``hint``, may be empty)."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason}. {self.hint}" if self.hint else self.reason


class Unreadable(PacelineError):
    """A recording that cannot be streamed: missing, damaged, empty, truncated, or not audio."""


class ProbeFailed(PacelineError):
    """Nobody found out what a recording is, and it is not at fault: the next time may do better."""


class Malformed(PacelineError):
    """A record, on the wire or on disk, that lacks a field we need or has the wrong type in one."""


class UsageProblem(PacelineError):
    """Something in what the user asked for does not fit; the command line ends with exit code 2."""


class EngineUnavailable(PacelineError):
    """The embedded engine cannot run: its package is not installed, or it did not start."""


class RunFolderProblem(PacelineError):
    """A run folder that cannot be made, written or read."""
