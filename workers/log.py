"""Logging, off by default; ``--log-level`` and ``--log-file`` turn it on.

Each module creates one `Logger` and logs what can explain a misbehaving session, but no line per
chunk. While logging is off, a call returns at once, and the standard library's `logging` is not
imported, because every session process would pay for it.
"""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from workers import files, secrecy
from workers.visible_text import MAX_TEXT_CHARS, clean

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What to log and where, for every process of the program."""

    level: str
    """The lowest one of `LEVELS` to log."""
    path: str | None
    """The absolute path of a file that all processes append to; None for the standard error."""


_config: LogConfig | None = None
_context = ""
"""The job and attempt of a session process, added to each of its lines."""


class Logger:
    """Logs to the standard logger of the same name; does nothing while logging is off.

    Messages take ``%`` arguments as in `logging`. Only the parent process passes ``job`` and
    ``attempt``, because its lines may be about any job.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, message: str, *args: object, job: int = 0, attempt: int = 0) -> None:
        """Logs a single step."""
        if _config is not None:
            self._log("DEBUG", message, args, job, attempt)

    def info(self, message: str, *args: object, job: int = 0, attempt: int = 0) -> None:
        """Logs a decision, or the start or end of something."""
        if _config is not None:
            self._log("INFO", message, args, job, attempt)

    def warning(self, message: str, *args: object, job: int = 0, attempt: int = 0) -> None:
        """Logs something that should not happen."""
        if _config is not None:
            self._log("WARNING", message, args, job, attempt)

    def _log(
        self, level: str, message: str, args: tuple[object, ...], job: int, attempt: int
    ) -> None:
        import logging

        context = _context_of(job, attempt) if job else _context
        logger = logging.getLogger(self._name)
        logger.log(getattr(logging, level), message, *args, extra={"context": context})


def current_config() -> LogConfig | None:
    """The configuration to hand to a child process; None while logging is off."""
    return _config


def enable(config: LogConfig, *, job: int = 0, attempt: int = 0) -> None:
    """Turns logging on in this process; raises `OSError` if the file cannot be opened.

    ``job`` and ``attempt`` are those of a session process.
    """
    global _config, _context
    import logging

    if config.path is not None:
        descriptor = files.open_output(config.path, files.PRIVATE_FILE_MODE)
    else:
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ is not None else 2

    class LineHandler(logging.Handler):
        """Writes each line at once and as a whole, since several processes append to the file."""

        def emit(self, record: logging.LogRecord) -> None:
            context = getattr(record, "context", "")
            text = f"{record.levelname} {record.name}{context}: {record.getMessage()}"
            text = secrecy.redact(text)
            text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:MAX_TEXT_CHARS])
            text = clean(text)
            clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            line = f"{clock}.{int(record.msecs):03d}Z {text}\n"
            with suppress(OSError):  # a full disk must not end a session
                os.write(descriptor, line.encode(errors="replace"))

    root = logging.getLogger("paceline")
    root.handlers = [LineHandler()]
    root.setLevel(config.level.upper())
    root.propagate = False
    _config, _context = config, _context_of(job, attempt) if job else ""


def _context_of(job: int, attempt: int) -> str:
    return f" job={job} attempt={attempt}" if attempt else f" job={job}"
