"""Servers with a known limit: they refuse, or become slow, above so many sessions at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ConnectionScript,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.support import audio_files
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from workers.audio.source import ReadOptions, Source
from workers.jobs.job import Limits, StreamSettings
from workers.limit_search.diagnosis import Diagnosis
from workers.limit_search.finder import Allowance, LimitReport, run_search
from workers.limit_search.objectives import parse_objective
from workers.limit_search.search import LimitSearch
from workers.limit_search.trial import Trial, TrialPlan, TrialRunner
from workers.prices.budget import Budget
from workers.prices.price_list import FREE
from workers.protocol.endpoint import custom_endpoint

BUSY = {
    "type": "Error",
    "error_code": 1008,
    "error": "Unauthorized Connection: Too many concurrent sessions",
}
SLOW_S = 1.5
QUICK_PLAN = TrialPlan(hold_s=1.2, warm_up_s=0.1, cool_down_s=0.2, max_gap_s=0.02, ramp_s=1.0)


def limited_script(limit: int, *, slows: bool) -> ConnectionScript:
    """Serves normally up to ``limit`` sessions at once. With more, refuses the next one, or, if it
    ``slows``, takes long to answer Terminate in all of them."""
    live: set[ServerConnectionScript] = set()

    async def serve(line: ServerConnectionScript) -> None:
        if not slows and len(live) >= limit:
            await line.send(BUSY)
            await line.socket.close(1008, "See Error message for details")
            return
        live.add(line)
        try:
            await line.send(BEGIN)
            await line.receive()
            if len(live) > limit:
                await asyncio.sleep(SLOW_S)
            await line.send(turn_message(0, "hello world", final=True), TERMINATION)
            live.discard(line)
            await line.socket.close(1000, "Session Ended")
        finally:
            live.discard(line)

    return serve


@contextmanager
def limited_server(limit: int, *, slows: bool = False) -> Iterator[str]:
    """Runs such a server; yields its address."""
    with ScriptedServer(limited_script(limit, slows=slows)) as server:
        yield server.url


def search_limit(
    url: str,
    folder: Path,
    search: LimitSearch,
    objective: str = "ttfs.p95<1000ms",
    budget: Budget | None = None,
) -> LimitReport:
    """Finds the limit of an endpoint with short trials of real sessions."""
    recording = audio_files.write_recording(folder / "tone.wav", audio_files.sine(3))
    objectives = [parse_objective(objective)]
    end_s = QUICK_PLAN.segment_s
    sources = [Source(recording, ReadOptions(end_s=end_s))]
    options = RunOptions(StreamSettings(), custom_endpoint(url), None, Limits(attempts=1), None)
    found: list[tuple[Trial, Diagnosis]] = []

    def open_run(sessions: int, run: Path):
        limits = Limits(sessions=sessions, attempts=1)
        return open_supervisor(RunOptions(options.settings, options.endpoint, None, limits, run))

    return run_search(
        search,
        TrialRunner(open_run, sources, QUICK_PLAN, objectives),
        QUICK_PLAN,
        folder,
        allowance=Allowance(budget, FREE),
        is_embedded=False,
        on_trial=lambda trial, diagnosis: found.append((trial, diagnosis)),
    )
