"""Servers with a known limit: they refuse, or become slow, above so many sessions at once."""

import asyncio
from pathlib import Path

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
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
QUICK_PLAN = TrialPlan(hold_s=2.0, warm_up_s=0.1, cool_down_s=0.2, max_gap_s=0.02, ramp_s=1.0)
"""Sees the delay of each session, also if its Begin is reported a second late."""

OBJECTIVE_S = 5.0
"""No session of a busy machine takes so long to its first words."""
SLOW_S = OBJECTIVE_S + 2


class LimitedServer(ScriptedServer):
    """Serves normally up to ``limit`` sessions at once. With more, refuses the next one, or, if it
    ``slows``, takes long to answer Terminate in all of them.

    On a busy machine a session may begin when others of its trial have ended. So once the server
    knows how many sessions a trial has, it ends none of them before as many were there at once, or
    one was refused.
    """

    def __init__(self, limit: int, *, slows: bool = False) -> None:
        super().__init__(self._serve_one)
        self._limit = limit
        self._slows = slows
        self._live: set[ServerConnectionScript] = set()
        self._is_crowded = False
        self._expected = 0
        self._all_came = asyncio.Event()

    def expect(self, sessions: int) -> None:
        """Begins a trial with so many sessions; none of them is connected yet."""
        self._is_crowded, self._expected, self._all_came = False, sessions, asyncio.Event()
        self._live = set()  # the last one's may be slow

    async def _serve_one(self, line: ServerConnectionScript) -> None:
        live, all_came = self._live, self._all_came
        self._is_crowded |= len(live) >= self._limit
        is_refused = not self._slows and len(live) >= self._limit
        if is_refused or len(live) + 1 >= self._expected:
            all_came.set()  # a refusal ends the trial
        if is_refused:
            await line.send(BUSY)
            await line.socket.close(1008, "See Error message for details")
            return
        live.add(line)
        try:
            await line.send(BEGIN)
            await line.receive()
            await all_came.wait()
            if self._is_crowded and self._slows:
                await asyncio.sleep(SLOW_S)
        finally:
            live.discard(line)
        await line.send(turn_message(0, "hello world", final=True), TERMINATION)
        await line.socket.close(1000, "Session Ended")


def trial_runner(
    server: LimitedServer, folder: Path, plan: TrialPlan, *, segment_s: float
) -> TrialRunner:
    """Makes trials of real sessions with that server, each of which streams so much."""
    recording = audio_files.write_recording(folder / "tone.wav", audio_files.sine(3))
    objectives = [parse_objective(f"ttfs.p95<{OBJECTIVE_S}s")]
    sources = [Source(recording, ReadOptions(end_s=segment_s))]
    endpoint = custom_endpoint(server.url)

    def open_run(sessions: int, run: Path):
        server.expect(sessions)
        limits = Limits(sessions=sessions, attempts=1)
        return open_supervisor(RunOptions(StreamSettings(), endpoint, None, limits, run))

    return TrialRunner(open_run, sources, plan, objectives)


def search_limit(
    server: LimitedServer,
    folder: Path,
    search: LimitSearch,
    budget: Budget | None = None,
) -> LimitReport:
    """Finds the limit of a server with short trials of real sessions."""
    found: list[tuple[Trial, Diagnosis]] = []
    return run_search(
        search,
        trial_runner(server, folder, QUICK_PLAN, segment_s=QUICK_PLAN.segment_s),
        QUICK_PLAN,
        folder,
        allowance=Allowance(budget, FREE),
        is_embedded=False,
        on_trial=lambda trial, diagnosis: found.append((trial, diagnosis)),
    )
