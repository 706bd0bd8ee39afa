"""The desk as it is drawn, cell by cell, in a few scenes, so that nothing changes by accident.

``pytest tests/screens/test_snapshots.py --snapshot-update`` updates the snapshots; review every
difference before you keep it. They are text, not SVG: a diff shows what changed.
"""

import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

import pytest
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual._compositor import LayoutUpdate
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from tests.screens.conftest import DESTINATION
from tests.support import audio_files
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    connecting,
    ended_done,
    ended_failed,
    queued,
    streaming,
    turn_heard,
)
from tests.support.scored_run import write_scored_run
from tui.app.desk import Desk
from tui.cli.view import replay_title
from tui.config.settings import DeskSettings
from tui.model.replay import Replay
from workers.jobs.events import Ended, Outcome
from workers.runs.timeline import RunTimeline

TEXTUAL_VERSION = "8.2.8"
"""The release of Textual that drew the pictures; it may be another's right to draw otherwise."""

pytestmark = pytest.mark.skipif(
    version("textual") != TEXTUAL_VERSION,
    reason=f"the pictures were drawn by Textual {TEXTUAL_VERSION}",
)

DARK, LIGHT = "paceline", "paceline-light"
SMALL, USUAL, LARGE = (80, 24), (120, 34), (200, 60)


@dataclass(frozen=True, slots=True)
class Scene:
    """The keys that lead to the scene, and the terminal."""

    keys: tuple[str, ...] = ()
    size: tuple[int, int] = USUAL
    theme: str = DARK


SCENES = {
    "table": Scene(("j", "space", "space")),
    "table-light": Scene(("j", "space", "space"), theme=LIGHT),
    "table-small": Scene(size=SMALL),
    "table-large": Scene(size=LARGE),
    "reading": Scene(("j", "j", "enter")),
    "reading-small-light": Scene(("j", "j", "enter"), SMALL, LIGHT),
    "job": Scene(("j", "j", "4")),
    "wall": Scene(("w",)),
    "wall-small-light": Scene(("w",), SMALL, LIGHT),
    "wall-large": Scene(("w",), LARGE),
    "help": Scene(("question_mark",)),
    "adding": Scene(("a", *"~/rec/")),
    "exporting": Scene(("j", "j", "e")),
    "exporting-small-light": Scene(("j", "j", "e"), SMALL, LIGHT),
}


SCORE_SCENES = {
    "score": Scene(("enter", "5")),
    "score-small-light": Scene(("5",), SMALL, LIGHT),
    "dashboard": Scene(("D",)),
    "dashboard-small-light": Scene(("D",), SMALL, LIGHT),
}


class TextSnapshotExtension(SingleFileSnapshotExtension):
    """Stores a snapshot as a text file."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def home_with_recordings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder with recordings; its path has a fixed length, as lines show it."""
    with tempfile.TemporaryDirectory(prefix="home-", dir="/tmp") as folder:
        monkeypatch.setenv("HOME", folder)
        for name in ("a.wav", "b.wav", "day one/c.wav"):
            path = Path(folder, "rec", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            audio_files.write_recording(path, audio_files.distinct_samples(1.0))
        yield Path(folder)


def supervisor_with_every_state() -> FakeSupervisor:
    """Recordings in every state that looks the same at any time: no countdowns."""
    made = FakeSupervisor()
    words = "Good morning. The next train to the coast will leave from the other side."
    for number in range(1, 9):
        job = made.job(f"/rec/interview {number}.wav", *streaming(sent=6.0 * number))
        for order in range(number):
            made.report(job, turn_heard(order, words, final=True, at=5000 * order))
        made.report(
            job, turn_heard(number, "Please do not forget your", settled=3, at=5000 * number)
        )
    made.job(
        "/rec/museum.flac", *streaming(sent=60.0), turn_heard(0, words, final=True), ended_done()
    )
    made.job(
        "/rec/会議.wav", *streaming(lag=14.0), turn_heard(0, "おはようございます。", final=True)
    )
    made.job("/rec/gone.mp3", queued(), ended_failed("the server ended the session (3005)"))
    made.job("/rec/left.wav", *streaming(), Ended(Outcome.CANCELLED, "cancelled"))
    made.job("/rec/calling.ogg", queued(), connecting())
    for number in range(1, 31):
        made.queue.append(made.job(f"/rec/call {number:02}.wav", queued(30.0 * number)))
    return made


def render_as_text(desk: Desk) -> str:
    """The text of each row; then how many cells have which style; then the styles."""
    screen, beneath = desk.screen, desk._background_screens
    update = screen._compositor.render_update(full=True, screen_stack=beneath)
    strips = [Strip.join(row).simplify() for row in cast(LayoutUpdate, update).strips]
    styles: dict[str, int] = {}
    rows = []
    for y, strip in enumerate(strips):
        runs = [
            (segment.cell_length, styles.setdefault(str(segment.style or Style()), len(styles)))
            for segment in strip
        ]
        rows.append(f"{y}: " + " ".join(f"{cells}×{style}" for cells, style in runs))
    legend = [f"×{number} is {style}" for style, number in styles.items()]
    return "\n\n".join(
        "\n".join(lines) for lines in ([s.text.rstrip() for s in strips], rows, legend)
    )


@pytest.mark.parametrize("name", SCENES)
async def test_the_desk_looks_as_it_did(
    name: str, home_with_recordings: Path, snapshot: SnapshotAssertion
) -> None:
    """After a change on purpose, update the snapshot."""
    scenario = SCENES[name]
    settings = DeskSettings(theme=scenario.theme)
    desk = Desk(
        supervisor_with_every_state(),
        DESTINATION,
        home_with_recordings / "runs" / "today",
        settings=settings,
    )
    desk.animation_level = "none"
    async with desk.run_test(size=scenario.size) as pilot:
        desk.tick()
        await pilot.press(*scenario.keys)
        await _settle(desk, pilot)
        drawn = render_as_text(desk).replace(home_with_recordings.name, "home-········")

    assert drawn == snapshot(extension_class=TextSnapshotExtension)


@pytest.mark.parametrize("name", SCORE_SCENES)
async def test_scores_look_as_they_did(
    name: str,
    home_with_recordings: Path,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a past run with errors, two groups and a session whose pacing did not hold."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    scenario = SCORE_SCENES[name]
    folder = write_scored_run(home_with_recordings / "scored")
    timeline = RunTimeline(folder)
    title = replay_title(folder, timeline, still_running=False)
    desk = Desk(Replay(timeline), title, folder, settings=DeskSettings(theme=scenario.theme))
    desk.animation_level = "none"
    async with desk.run_test(size=scenario.size) as pilot:
        desk.tick()
        await pilot.press(*scenario.keys)
        while desk.state.scores.unscored_count or not _has_figures(desk):
            await pilot.pause(0.02)  # a process scores
            desk.tick()
        await _settle(desk, pilot)
        drawn = render_as_text(desk).replace(home_with_recordings.name, "home-········")

    assert drawn == snapshot(extension_class=TextSnapshotExtension)


def _has_figures(desk: Desk) -> bool:
    """Whether the tab has its scores, or the dashboard those of the three valid sessions."""
    drawn = "\n".join(strip.text for strip in desk.screen._compositor.render_strips())
    return "WER 30.0 %" in drawn or re.search(r"first partial +(ttft +)?3 ", drawn) is not None


async def _settle(desk: Desk, pilot: Pilot[None]) -> None:
    for line in desk.screen.query(Input):
        line.cursor_blink = False
    while not all(worker.is_finished for worker in desk.workers):  # one may start another
        await pilot.pause()
    desk.tick()
    await pilot.pause()
