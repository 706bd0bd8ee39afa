"""What a process prints without being asked, as a traceback, is clean text without secrets."""

import subprocess
import sys

import pytest

CODE = """
import sys, threading, warnings
from workers import secrecy
from workers.output import clean_errors

secrecy.protect(secrecy.Secret("9f86d081884c7d659a2feaa0c55ad015"))
clean_errors()
foreign = "\\x1b]0;title\\x07 \\u202e\\x9b2J e" + "\\u0301" * 500
foreign += " key: 9f86d081884c7d65%39a2feaa0c55ad015"

def fail():
    raise ValueError(foreign)

{}
"""


@pytest.mark.parametrize(
    "statement",
    [
        "fail()",
        "thread = threading.Thread(target=fail); thread.start(); thread.join()",
        "warnings.warn(foreign)",
        "print(foreign, file=sys.stderr)",
        "sys.exit(foreign)",
        "import logging; logging.getLogger('x').error('%s', foreign)",
        "class Odd:\n    def __del__(self): fail()\nOdd()",
    ],
)
def test_what_python_prints_is_clean(statement: str) -> None:
    """Uncaught exceptions, in threads and destructors too, warnings, and what libraries log."""
    ended = subprocess.run(
        [sys.executable, "-c", CODE.format(statement)], capture_output=True, timeout=60
    )
    text = ended.stderr.decode()

    assert "␛]0;title␇" in text
    assert "key: [the key]" in text
    assert {"\n"} >= {char for char in text if not char.isprintable()}
    assert text.count("\u0301") <= 8 * text.count("key:")
