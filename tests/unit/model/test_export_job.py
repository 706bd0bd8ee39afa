"""What the dialog that exports offers, remembers and says."""

from pathlib import Path

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import done, heard, queued, streaming
from tui.config.remembered_choices import remember
from tui.config.settings import ExportSettings
from tui.model import export_job
from tui.model.desk_state import DeskState
from tui.model.export_job import Choice, Group, Written, groups
from tui.render.export_choices import choices, layout, outcome, promise, writing
from tui.theme.roles import Line, Look
from tui.theme.symbols import ASCII, UNICODE
from workers.errors import PacelineError
from workers.exports import FORMATS, Existing
from workers.jobs.job import JobId
from workers.protocol.codec import JsonObject


def state() -> DeskState:
    """One done, one that is heard, one that waits."""
    supervisor, state = FakeSupervisor(), DeskState()
    spoken = heard(0, "Good morning.", final=True)
    supervisor.job("/a/talk.wav", *streaming(), spoken, done())
    supervisor.job("/b/talk.wav", *streaming(), spoken)
    supervisor.job("/c/wait.wav", queued())
    while not supervisor.reports.empty():
        state.apply(supervisor.reports.get())
    return state


def text(lines: list[Line]) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def test_rows_are_offered_from_the_fewest_to_all() -> None:
    """Those of which nothing was heard are passed over; shown is a question when some are not."""
    desk = state()
    one, two, waits = (JobId(each) for each in (1, 2, 3))

    assert [Group("this one", [two]), Group("done", [one]), Group("all", [one, two])] == groups(
        desk, [two]
    )
    assert [Group("done", [one]), Group("all", [one, two])] == groups(desk, [waits])
    desk.mark()
    desk.filter_by("talk")
    assert ["marked", "shown", "done", "all"] == [each.says for each in groups(desk, [one])]
    assert [] == groups(DeskState(), [])


def test_what_is_read_is_not_called_marked() -> None:
    """While others are marked, the verb of the full screen acts on what is read alone."""
    desk = state()
    desk.select(JobId(1))
    desk.mark()

    assert "this one" == groups(desk, [JobId(2)])[0].says


def test_the_choice_is_recalled() -> None:
    """As it was kept."""
    assert Choice() == Choice.recalled(ExportSettings())
    choice = Choice(frozenset({"srt", "csv"}), True, Existing.NUMBER, "/exports")
    choice.remember()

    assert choice == Choice.recalled(ExportSettings(together=False))


def test_the_first_choice_is_that_of_the_settings() -> None:
    """Until another one was made."""
    usual = ExportSettings(formats=("srt",), folder="/out", together=True, existing="replace")

    assert Choice(frozenset({"srt"}), True, Existing.REPLACE, "/out") == Choice.recalled(usual)


def test_what_was_not_kept_by_us_is_as_at_first() -> None:
    """Whatever stands there."""
    strange: list[JsonObject] = [
        {"formats": "txt", "together": 1, "existing": "burn", "folder": 7},
        {"formats": ["docx", "txt", ["srt"]], "existing": ["replace"]},
    ]
    for kept in strange:
        remember(export_job.REMEMBERED, kept)
        assert Choice() == Choice.recalled(ExportSettings())


def test_files_are_counted_before_they_are_written() -> None:
    """One for all makes one a format, and passes subtitles over."""
    choice = Choice(frozenset({"txt", "srt", "vtt"}))
    assert 9 == choice.files(3)
    together = Choice(choice.formats, together=True)
    assert (1, ["srt", "vtt"]) == (together.files(3), together.passed_over)

    said = text(promise(choice, 3, Look(UNICODE)))
    assert said.endswith("Enter writes 9 files; what is there stays")
    instead = Choice(choice.formats, existing=Existing.REPLACE)
    assert text(promise(instead, 3, Look(UNICODE))).endswith("Enter writes 9 files")
    said = text(promise(together, 3, Look(UNICODE)))
    assert "srt and vtt passed over: subtitles belong to one recording" in said
    assert "Enter writes 1 file" in said
    assert "No format is chosen" in text(promise(Choice(frozenset()), 3, Look(UNICODE)))
    only = Choice(frozenset({"srt"}), together=True)
    assert "Enter" not in text(promise(only, 3, Look(UNICODE)))


def test_a_way_follows_the_other() -> None:
    """And the last one the first."""
    choice = Choice()
    ways = [choice.existing, choice.turned().existing, choice.turned().turned().existing]

    assert list(Existing) == ways
    assert choice == choice.turned().turned().turned()


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_question_is_drawn_where_it_is_asked(symbols: object) -> None:
    """The lines stand as the layout says; the last question has a field of its own."""
    look = Look(UNICODE if symbols is UNICODE else ASCII)
    offered = [Group("marked", [JobId(1)]), Group("all", [JobId(1), JobId(2)])]
    lines = choices(offered, 1, Choice(), "srt", look)
    asked = layout(offered)

    assert len(asked) - 1 == len(lines)
    for question, line in zip(asked, lines, strict=False):
        drawn = text([line])
        assert bool(question) is bool(drawn)
        assert question not in FORMATS or f" {question}" in drawn
        assert (look.symbols.cursor in drawn[:1]) is (question == "srt")
    assert f"{look.symbols.on} all 2" in text(lines)
    assert "rows" not in text(choices(offered[:1], 0, Choice(), "txt", look))


def test_what_became_of_it_is_said(tmp_path: Path) -> None:
    """The first names and the folder; what stood in the way; what ended it."""
    written = Written([tmp_path / f"{each}.txt" for each in range(9)], [tmp_path / "x[b].txt"])
    written.problem = PacelineError("the disk is full", "Make room.")
    said = text(outcome(written, Path("/out"), 60, Look(UNICODE)))

    for part in (
        "9 files written → /out  y copies",
        "0.txt",
        "and 5 more",
        "1 file is already there",
        "x[b].txt",
        "the disk is full",
        "Make room.",
    ):
        assert part in said
    assert "Writing 3 of 9" in text(writing(3, 9, Look(UNICODE)))


def test_a_file_in_the_way_keeps_only_its_own_recording(tmp_path: Path) -> None:
    """The others are written."""
    desk = state()
    (tmp_path / "one.txt").write_text("mine")
    written = Written()
    for job, name in ((1, "one"), (2, "two")):
        written.write(desk.snapshot(JobId(job)), name, Choice(), tmp_path)

    assert ([tmp_path / "two.txt"], [tmp_path / "one.txt"]) == (written.files, written.there)
    written.write_together([desk.snapshot(JobId(1))], Choice(), tmp_path / "one.txt")
    assert written.problem is not None
