"""Logging: nothing while it is off, whole lines without secrets while it is on."""

import re
import subprocess
import sys
from pathlib import Path


def run_python(code: str, *arguments: str | Path) -> None:
    """Runs code in a separate process, because logging is on or off for a whole process."""
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, timeout=60)


def test_a_logger_that_is_off_does_not_import_logging() -> None:
    """A session process then pays nothing for logging."""
    run_python(
        "import sys; from workers import log; log.Logger('paceline.session').warning('x')\n"
        "assert 'logging' not in sys.modules and log.current_config() is None"
    )


def test_a_line_has_time_level_logger_job_and_attempt(tmp_path: Path) -> None:
    """Each message is one line without secrets, and lower levels are left out."""
    run_python(
        "import sys; from workers import log, secrecy\n"
        "secrecy.protect(secrecy.Secret('s3cret-s3cret-s3cret'))\n"
        "log.enable(log.LogConfig('info', sys.argv[1]), job=3, attempt=2)\n"
        "session, scheduler = log.Logger('paceline.session'), log.Logger('paceline.scheduler')\n"
        "session.debug('not wanted')\n"
        "session.info('close: %s', 's3cret-s3cret-s3cret\\n\\x1b[2J')\n"
        "scheduler.warning('probe failed', job=4)",
        tmp_path / "a.log",
    )
    first, second = (tmp_path / "a.log").read_text().splitlines()

    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", first)
    assert first.endswith(r"Z INFO paceline.session job=3 attempt=2: close: [the key]\n\x1b[2J")
    assert second.endswith("Z WARNING paceline.scheduler job=4: probe failed")
