"""The exit codes of every command."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """An exit code, what it means in a few words, and when a command ends with it."""

    meaning: str
    when: str

    def __new__(cls, value: int, meaning: str, when: str) -> "ExitCode":
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning, member.when = meaning, when
        return member

    DONE = 0, "all done", "Every recording is done, or you cancelled it."
    FATAL = (
        1,
        "fatal",
        "The command could not do its work: the run does not exist, a folder or the output cannot "
        "be written, or the embedded engine is not installed or did not start.",
    )
    USAGE = (
        2,
        "usage",
        "The command line or the settings file asks for something impossible: an unknown option, "
        "a path without audio, options that contradict each other, an `--out` folder that is not "
        "empty, the desk without a terminal, or an unknown model or parameter for the embedded "
        "engine. Nothing was started.",
    )
    SOME_FAILED = (
        3,
        "some recordings failed",
        "At least one recording failed, was left unfinished or was not exported. With `--strict`, "
        "one whose audio was not whole has failed. A parameter that another endpoint rejects "
        "counts too, because Paceline cannot check it in advance. Or a shard of a merged run is "
        "missing.",
    )
    NOT_AUTHORISED = 4, "not authorised", "The server refused the API key."
    INTERNAL_ERROR = 70, "internal error", "A bug. The last line names the file with its traceback."
    GATE_FAILED = (
        99,
        "a gate failed",
        "A threshold of `--fail-if` was crossed, or `find-limit` found that not even one session "
        "holds. The command did its work.",
    )
    INTERRUPTED = (
        130,
        "interrupted",
        "Ctrl-C, a signal or a closed terminal ended the command; or nobody read the events of "
        "`--json` any more.",
    )


PRECEDENCE = tuple(sorted(ExitCode, key=(130, 70, 4, 1, 2, 3, 99, 0).index))
"""If several codes apply, a command ends with the first of these."""


def most_severe(codes: Iterable[ExitCode]) -> ExitCode:
    """The code with the highest precedence; `ExitCode.DONE` if there are no codes."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.DONE)
