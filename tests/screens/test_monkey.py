"""Random keys at any moment, in any window."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot

from tests.screens.conftest import DeskFactory
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    queued,
    refused_attempt,
    streaming,
    turn_heard,
)
from tui.app.desk import Desk
from tui.keys.key_table import KEY_BINDINGS
from tui.theme.themes import THEMES
from workers.jobs.events import Event
from workers.jobs.job import JobId

LETTERS = [*'abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789!:<>"[~']
NAMES = sorted({name for key in KEY_BINDINGS for name in key.keys} - {"q", "ctrl+c"})
SIZES = [(200, 60), (80, 24), (40, 10), (20, 5), (60, 1)]
WORDS = ["[/", "[laughs]", "\x1b[31m", "\u202e", "a" + "\u0301" * 30, "日本", "x" * 300, "words"]


class Staying(Desk):
    """A desk that does not quit."""

    async def action_quit_unasked(self) -> None:
        """Does nothing."""


def report_something(supervisor: FakeSupervisor, random: Random) -> None:
    """Reports an event of a session, or adds another session."""
    words = " ".join(random.choices(WORDS, k=4))
    if random.random() < 0.1:
        supervisor.queue.append(supervisor.job(f"/rec/{words}.wav", queued()))
    job = JobId(random.randint(1, len(supervisor.queue)))
    supervisor.streaming.add(job)
    histories: list[list[Event]] = [
        streaming(random.uniform(0, 60), lag=random.uniform(0, 99)),
        [turn_heard(random.randrange(5), words, final=random.random() < 0.5)],
        [ended_done()],
        [ended_failed(words, words)],
        broken_attempt(words),
        refused_attempt(),
    ]
    supervisor.report(job, *random.choices(histories, [4, 8, 1, 1, 1, 1])[0])


async def mash(desk: Desk, pilot: Pilot[Any], random: Random) -> None:
    """Presses keys faster than the screen is drawn, and sometimes resizes or pastes."""
    for name in random.choices(NAMES, k=3) + random.choices(LETTERS, k=2):
        desk.post_message(Key(name, name if len(name) == 1 else None))
    if random.random() < 0.08:
        await pilot.resize_terminal(*random.choice(SIZES))
    if random.random() < 0.03:
        desk.theme = random.choice(THEMES).name
    if random.random() < 0.05:
        (desk.focused or desk.screen).post_message(Paste(random.choice(WORDS)))
    await pilot.pause()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.slow
async def test_no_key_at_any_moment_ends_the_desk(
    open_desk: DeskFactory, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions continue meanwhile; a failure names the seed."""
    monkeypatch.chdir(tmp_path)
    random = Random(seed)
    supervisor = FakeSupervisor()
    supervisor.queue.append(supervisor.job("/rec/one.wav", *streaming()))
    async with open_desk(supervisor, size=SIZES[seed], kind=Staying) as seat:
        for _ in range(25):
            report_something(supervisor, random)
            await mash(seat.desk, seat.pilot, random)

        assert seat.desk.is_running
