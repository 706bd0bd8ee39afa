"""Describes the machine and measures CPU and memory of processes."""

import os
import platform
import time
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
import psutil

from workers.traces import files


def describe_machine() -> str:
    """The machine, and how late it wakes a process: shorter delays mean nothing."""
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}; load before: {os.getloadavg()[0]:.1f}\n{_noise()}"
    )


def _noise() -> str:
    start = time.monotonic()
    lateness = []
    for tick in range(round(5 / 0.01)):
        due = start + tick * 0.01
        time.sleep(max(0.0, due - time.monotonic()))
        lateness.append((time.monotonic() - due) * 1000)
    p99, highest = np.percentile(lateness, (99, 100), method="inverted_cdf")
    return f"an idle timer of 10 ms was late by p99 {p99:.1f} ms, at most {highest:.1f} ms"


def engine_processes() -> tuple[psutil.Process, list[psutil.Process]]:
    """The embedded engine that this process has started: its server, and its recognisers."""
    for child in psutil.Process().children():
        if "workers.localserver" in child.cmdline():
            return child, child.children(recursive=True)
    raise RuntimeError("the embedded engine is not running")


def session_processes() -> list[psutil.Process]:
    """The session processes below this one: only those have a trace open."""
    return [process for process in psutil.Process().children(recursive=True) if _traces(process)]


def cpu_seconds(processes: Iterable[psutil.Process]) -> dict[psutil.Process, float]:
    """CPU time of each so far, user and system, in seconds."""
    found = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it has ended, as sessions do
            times = process.cpu_times()
            found[process] = float(times.user + times.system)
    return found


def private_mb(processes: Iterable[psutil.Process]) -> list[float]:
    """Private memory of each (USS), in MB."""
    found = []
    for process in processes:
        time.sleep(0.01)  # the system holds a process while it counts its pages: one at a time
        with suppress(psutil.NoSuchProcess):
            found.append(float(process.memory_full_info().uss) / 1e6)
    return found


def resident_mb(process: psutil.Process) -> float:
    """Resident memory with shared pages (RSS), in MB."""
    return float(process.memory_info().rss) / 1e6


def _traces(process: psutil.Process) -> bool:
    try:
        return any(file.path.endswith(files.TRACE_SUFFIX) for file in process.open_files())
    except psutil.Error:  # gone meanwhile, or not ours to look at
        return False
