"""What the machine lets sessions have: files, processes, memory, disk and punctual timers."""

import os
import resource
import select
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tui.doctor.finding import Finding, State, Topic
from tui.text.formats import format_bytes, format_count
from workers import machine_limits
from workers.errors import NoHomeFolder
from workers.pacing.certificate import LAG_TOLERANCE_MS
from workers.protocol.codec import Json
from workers.runs.run_folder import runs_path

FILES_PER_SESSION = 8
"""Pipes, trace, log and recording of one session, in the program and in the session, rounded up."""
WANTED_SESSIONS = 50
"""With room for fewer, doctor warns."""

MIN_RUNS_DISK_BYTES = 1 << 30
MIN_SHM_BYTES = 1 << 20
"""Semaphores of the fork server live in /dev/shm."""

TIMER_TRIAL_S = 2.0
TIMER_STEP_S = 0.01
"""A wait of the trial; sessions wait for the due time of a chunk in the same way."""


def check_machine() -> Iterator[Finding]:
    yield _files()
    yield _processes()
    yield _shared_memory()
    yield disk_finding()
    yield timer_finding(timer_lateness_ms(TIMER_TRIAL_S))


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    usable = machine_limits.RAISED_FILES if hard == resource.RLIM_INFINITY else hard
    usable = min(usable, machine_limits.RAISED_FILES)
    sessions = max(usable - machine_limits.RESERVED_FILES, 0) // FILES_PER_SESSION
    text = f"{usable:,} open files at once, enough for {format_count(sessions, 'session')}"
    values = {"soft": soft, "hard": hard, "sessions": sessions}
    is_enough = sessions >= WANTED_SESSIONS
    remedy = "" if is_enough else "ulimit -Hn 65536, or LimitNOFILE= of the service"
    state = State.OK if is_enough else State.WARNING
    return Finding(Topic.MACHINE, "open files", state, text, remedy, values)


def _processes() -> Finding:
    limit, where = machine_limits.process_limit()
    if limit is None:
        return Finding(Topic.MACHINE, "processes", State.OK, "no limit on processes")
    used = machine_limits.used_processes()
    free = max(limit - used, 0)
    text = f"{free:,} of {limit:,} processes and threads are free ({where})"
    state = State.OK if free >= WANTED_SESSIONS else State.WARNING
    remedy = "" if state is State.OK else f"Raise that limit: {where}"
    return Finding(Topic.MACHINE, "processes", state, text, remedy, {"limit": limit, "free": free})


def _shared_memory() -> Finding:
    folder = Path("/dev/shm")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Finding(
            Topic.MACHINE,
            "shared memory",
            State.FAILED,
            "/dev/shm is missing or cannot be written, and sessions need it to start",
            "mount -t tmpfs tmpfs /dev/shm, or --shm-size of the container",
        )
    free = shutil.disk_usage(folder).free
    state = State.OK if free >= MIN_SHM_BYTES else State.WARNING
    return Finding(
        Topic.MACHINE,
        "shared memory",
        state,
        f"{format_bytes(free)} free in /dev/shm",
        "" if state is State.OK else "Remove files in /dev/shm",
        {"free_bytes": free},
    )


def disk_finding() -> Finding:
    try:
        folder = runs_path()
    except NoHomeFolder as error:
        return Finding(
            Topic.MACHINE, "disk", State.FAILED, f"runs cannot be kept: {error.reason}", error.hint
        )
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    free = shutil.disk_usage(existing).free
    values: dict[str, Json] = {"folder": str(folder), "free_bytes": free}
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        problem = "cannot be written" if existing.is_dir() else "is not a folder"
        text = f"runs cannot be kept under {folder}: {existing} {problem}"
        remedy = f"ls -ld {existing}, or name another folder with --out"
        return Finding(Topic.MACHINE, "disk", State.FAILED, text, remedy, values)
    is_enough = free >= MIN_RUNS_DISK_BYTES
    return Finding(
        Topic.MACHINE,
        "disk",
        State.OK if is_enough else State.WARNING,
        f"{format_bytes(free)} free for runs under {folder}",
        "" if is_enough else "Remove old runs, or name another folder with --out",
        values,
    )


def timer_lateness_ms(seconds: float) -> list[float]:
    """How late waits of `TIMER_STEP_S` ended, in ms, in ascending order; measured for so long."""
    late_ms = []
    due = time.monotonic()
    until = due + seconds
    while due < until:
        due = max(due + TIMER_STEP_S, time.monotonic())
        if (wait_s := due - time.monotonic()) > 0:
            select.select([], [], [], wait_s)
        late_ms.append((time.monotonic() - due) * 1000)
    return sorted(late_ms)


def timer_finding(late_ms: list[float]) -> Finding:
    p50, p99, most = (late_ms[min(int(len(late_ms) * r), len(late_ms) - 1)] for r in (0.5, 0.99, 1))
    text = f"waits end {p50:.1f} ms late (p99 {p99:.1f}, at most {most:.1f}) when nothing streams"
    state = State.OK if p99 <= LAG_TOLERANCE_MS else State.WARNING
    remedy = "End programs that keep the processor busy" if state is State.WARNING else ""
    values = {"p50_ms": round(p50, 3), "p99_ms": round(p99, 3), "max_ms": round(most, 3)}
    return Finding(Topic.MACHINE, "timers", state, text, remedy, values)
