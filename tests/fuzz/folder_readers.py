"""Reads a run folder as each command does, in this process."""

import asyncio
import io
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.support.fake_launcher import FakeLauncher, script
from tui.cli.registry import paceline
from tui.cli.resume_options import prepare_resume
from tui.cli.run_setup import new_start_limiter
from tui.config.settings import DeskSettings
from tui.model.desk_state import DeskState
from tui.model.replay import Replay
from tui.model.transcript_cache import restore_turns
from workers.errors import PacelineError
from workers.jobs.events import Outcome
from workers.jobs.pair import session_states
from workers.runs import run_folder
from workers.runs.timeline import RunTimeline
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler
from workers.session.assignment import Timeouts
from workers.traces.tail import TraceTail

ENDPOINT = "ws://127.0.0.1:9"
"""Nothing is sent there."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a command made of a folder."""

    exit_code: int = 0
    output: str = ""
    problem: str = ""
    """What must not happen; empty if it did not."""

    @property
    def verdict(self) -> str:
        return "refused" if self.exit_code in (1, 2) else "read"


def _command(*arguments: str) -> Callable[[Path], ReadResult]:
    def read(folder: Path) -> ReadResult:
        given = [argument.replace("RUN", str(folder)) for argument in arguments]
        result = CliRunner().invoke(paceline, given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return ReadResult(result.exit_code, result.output)

    return read


def _list_runs(folder: Path) -> ReadResult:
    """As if the run were kept where all are."""
    state = os.environ["XDG_STATE_HOME"]
    home = folder.parent / "listed"
    (home / "paceline").mkdir(parents=True, exist_ok=True)
    link = home / "paceline" / "runs"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.parent)
    os.environ["XDG_STATE_HOME"] = str(home)
    try:
        return _command("runs")(folder)
    finally:
        os.environ["XDG_STATE_HOME"] = state


def _print_settings(folder: Path) -> ReadResult:
    os.environ["PACELINE_SETTINGS"] = str(folder / "settings.toml")
    try:
        return _command("settings")(folder)
    finally:
        del os.environ["PACELINE_SETTINGS"]


def _refusing(read: Callable[[Path], None]) -> Callable[[Path], ReadResult]:
    """Expected failures end a command with a sentence."""

    def read_or_refuse(folder: Path) -> ReadResult:
        from tui.text.width import clean

        with redirect_stderr(io.StringIO()) as printed:
            try:
                read(folder)
            except (PacelineError, OSError) as error:
                return ReadResult(1, printed.getvalue() + clean(f"paceline: {error}"))
        return ReadResult(output=printed.getvalue())

    return read_or_refuse


def _resume(folder: Path) -> None:
    """What ``resume`` does, with sessions that are only played."""
    run = run_folder.reopen(folder)
    try:
        unset: dict[str, Any] = dict.fromkeys(
            ("ca_file", "key_file", "sessions", "start_rate", "attempts", "dead_after")
        )
        options, states = prepare_resume(
            folder, url=ENDPOINT, keyring=False, unencrypted=False, **unset
        )
        launcher = FakeLauncher(lambda _: script(Outcome.DONE))
        scheduler = Scheduler(
            run,
            options.settings,
            launcher,
            clock=launcher.clock,
            start_limiter=new_start_limiter(options),
            retry_policy=RetryPolicy(max_attempts=options.limits.attempts),
            timeouts=Timeouts(silence_s=options.limits.dead_after),
            session_limit=options.limits.sessions,
        )
        run.set_header(options.endpoint, options.settings, options.limits)
        scheduler.resume(states)
        launcher.run(scheduler)
        while (unsaved := run.take_unsaved()) is not None:
            run.save(unsaved, final=True)
    finally:
        run.close()
    run_folder.reopen(folder).close()  # what was written can be read


def _view(folder: Path) -> None:
    """What ``view`` reads: the replay, all lines of the traces, the transcripts."""
    timeline = RunTimeline(folder)
    state, replay = DeskState(), Replay(timeline)
    for moment in (replay.duration_s, 0.0, replay.duration_s / 2, replay.duration_s):
        replay.seek(moment)
        replay.update_state(state, 0.0)
        assert replay.replay_bar.time_of_day
    for job_state in state.job_states.values():
        for one in session_states(job_state):
            tail = TraceTail(folder, one.job)
            while tail.read():
                pass
            for entry in tail.entries(0):
                assert entry.fields is None or entry.size_bytes
            job_state.transcript.evict(0)
        restore_turns(folder, job_state)


def _open_desk(folder: Path) -> None:
    from tui.app.desk import Desk
    from tui.cli.view import replay_title

    async def look(desk: Desk) -> None:
        async with desk.run_test(size=(120, 40)) as pilot:
            for key in ("2", "3", "4", "5", "down", "w", "escape", "d", "escape", "home", "end"):
                await pilot.press(key)

    timeline = RunTimeline(folder)
    title = replay_title(folder, timeline, still_running=False)
    desk = Desk(Replay(timeline), title, folder, settings=DeskSettings())
    asyncio.run(look(desk))
    if isinstance(desk.fault, Exception):
        raise desk.fault


READER_WEIGHTS = {
    "export": 30,
    "runs": 20,
    "resume": 30,
    "view": 30,
    "score": 12,
    "report": 3,
    "compare": 2,
    "desk": 1,
}
"""How often each reads: the slow ones less often."""

READERS: Mapping[str, Callable[[Path], ReadResult]] = {
    "export": _command("export", "RUN", "--to", "txt,srt,vtt,json,csv", "--overwrite"),
    "runs": _list_runs,
    "settings": _print_settings,
    "resume": _refusing(_resume),
    "view": _refusing(_view),
    "desk": _refusing(_open_desk),
    "score": _command("score", "RUN", "--json"),
    "report": _command("report", "RUN"),
    "compare": _command("compare", "RUN", "RUN"),
}
