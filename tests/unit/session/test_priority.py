"""The priority of a session that streams."""

import subprocess
import sys

import pytest

PROLOGUE = """
import os, resource, signal, time
from workers.session import priority
try:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
except OSError:
    raise SystemExit("not allowed")
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
is_real_time = lambda: os.sched_getscheduler(0) == os.SCHED_RR
"""


def printed(program: str) -> list[str]:
    """The words that a program prints: in a process of its own, since priorities are inherited."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program], capture_output=True, text=True, check=False
    )
    if "not allowed" in done.stderr:
        pytest.skip("only some users may raise a priority")
    return done.stdout.split()


def test_a_session_streams_with_real_time_priority_and_ends_without_it() -> None:
    """What follows streaming, such as comparing the recording's content, is not urgent."""
    words = printed(
        "limit = resource.getrlimit(resource.RLIMIT_RTTIME)\n"
        "with priority.real_time(): print(is_real_time())\n"
        "print(is_real_time(), limit == resource.getrlimit(resource.RLIMIT_RTTIME))\n"
        "print(signal.getsignal(signal.SIGXCPU) == signal.SIG_DFL)\n"
    )

    assert words == ["True", "False", "True", "True"]


def test_a_program_that_was_started_with_nice_keeps_its_priority() -> None:
    """Its user wants other programs to come first."""
    words = printed(
        "os.nice(1)\n"
        "with priority.real_time(): print(is_real_time())\n"
        "print(os.getpriority(os.PRIO_PROCESS, 0))\n"
    )

    assert words == ["False", "1"]


def test_another_real_time_priority_is_kept() -> None:
    """A user has chosen it, with ``chrt``."""
    words = printed(
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))\n"
        "with priority.real_time(): pass\n"
        "print(os.sched_getscheduler(0) == os.SCHED_FIFO, os.sched_getparam(0).sched_priority)\n"
    )

    assert words == ["True", "2"]


def test_a_session_that_computes_without_a_wait_loses_the_priority() -> None:
    """A recording that is hard to decode keeps no other program from running."""
    words = printed(
        "with priority.real_time():\n"
        "    while is_real_time(): pass\n"
        "    print('lost')\n"
        "    os.kill(os.getpid(), signal.SIGXCPU)\n"
        "    print('alive')\n"
    )

    assert words == ["lost", "alive"]


def test_without_permission_a_session_streams_as_before() -> None:
    """As for most users; nothing is said about it."""
    program = (
        "import os, resource\n"
        "from workers.session.priority import real_time\n"
        "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "with real_time(): print(os.sched_getscheduler(0) == os.SCHED_OTHER)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == ["True"], done.stderr
