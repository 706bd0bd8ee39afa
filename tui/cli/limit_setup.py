"""Prepares the trials of ``paceline find-limit``: budget, recordings, folder, runs."""

import multiprocessing
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from workers import files, processes
from workers.audio.prober import Prober
from workers.audio.source import Source
from workers.errors import Unreadable, UsageProblem
from workers.limit_search.finder import Allowance
from workers.limit_search.trial import OpenRun, TrialPlan
from workers.prices.price_list import FREE
from workers.scheduling.supervisor import Supervisor

RUN_DEFAULTS: dict[str, Any] = {
    "release": "start",
    "speed": 1.0,
    "sample_rate": None,
    "sessions": None,
    "start_rate": None,
    "attempts": 1,  # a session that breaks ends its trial
    "dead_after": 20.0,
    "out": None,
}
"""Options of a run that the command does not have."""


def allowance_of(options: RunOptions) -> Allowance:
    """What all trials may take. Raises `UsageProblem` if others' sessions would be paid for, or
    burdened, without a budget."""
    price = options.session_price(options.settings)
    if options.limits.budget is None and price != FREE:
        reason = f"finding the limit of {options.destination} needs a budget"
        raise UsageProblem(reason, "Add --budget, such as 5usd or 2h; see docs/find-limit.md.")
    return Allowance(options.limits.budget, price)


def streamed_parts(sources: Sequence[Source], plan: TrialPlan) -> list[Source]:
    """As much of each recording as a session streams. Raises `UsageProblem` for a recording that
    cannot be used: each trial would meet it again."""
    parts = []
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for source in sources:
            if not source.is_local:
                raise UsageProblem(f"{source.file} is no local file", "Download it first.")
            try:
                recording = prober.probe(source.file, source.options)
            except Unreadable as error:
                raise UsageProblem(f"{source.file}: {error.reason}", error.hint) from None
            end_s = recording.start_seconds + plan.segment_s
            if recording.end_seconds > end_s:
                source = replace(source, options=replace(source.options, end_s=end_s))
            parts.append(source)
    return parts


def trials_folder(out: Path | None, stack: ExitStack) -> Path:
    """Where the runs of the trials are kept; without ``out``, until ``stack`` is closed."""
    if out is None:
        processes.ensure_temporary_folder()
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="paceline-find-limit-"))
        return Path(name)
    if out.exists() and any(out.iterdir()):
        raise UsageProblem(f"{out} is not empty", "Choose a new folder.")
    files.make_folders(out)
    return out


def run_opener(options: RunOptions) -> OpenRun:
    """Opens a run with so many sessions at once; the embedded engine then admits as many."""

    def open_run(sessions: int, folder: Path) -> AbstractContextManager[Supervisor]:
        limits = replace(options.limits, sessions=sessions, budget=None)  # the search keeps it
        return open_supervisor(replace(options, limits=limits, out=folder))

    return open_run
