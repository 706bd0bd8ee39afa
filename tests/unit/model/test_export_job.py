"""What the export dialog offers, remembers and shows."""

from pathlib import Path

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, queued, streaming, turn_heard
from tui.config.remembered_choices import save_choice
from tui.config.settings import ExportSettings
from tui.model import export_choice
from tui.model.desk_state import DeskState
from tui.model.export_choice import ExportChoice, ExportGroup
from tui.model.export_job import ExportResult, export_groups
from tui.model.row_filter import parse_filter
from tui.render.columns import COLUMNS
from tui.render.export_choices import (
    default_folder_text,
    export_progress_lines,
    export_result_lines,
    field_lines,
    field_order,
    preview_lines,
)
from tui.theme.roles import Look, StyledLine
from tui.theme.symbols import ASCII, UNICODE
from workers.errors import PacelineError
from workers.exports.files import FORMATS, OverwritePolicy
from workers.jobs.job import JobId
from workers.protocol.codec import JsonObject


def state() -> DeskState:
    """One job that is done, one with words so far, one that waits."""
    supervisor, state = FakeSupervisor(), DeskState()
    spoken = turn_heard(0, "Good morning.", final=True)
    supervisor.job("/a/talk.wav", *streaming(), spoken, ended_done())
    supervisor.job("/b/talk.wav", *streaming(), spoken)
    supervisor.job("/c/wait.wav", queued())
    while not supervisor.reports.empty():
        state.apply(supervisor.reports.get())
    return state


def text(lines: list[StyledLine]) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def test_groups_are_offered_from_the_smallest_to_all() -> None:
    """Jobs without words are left out; “shown” is offered only when a filter hides some."""
    desk = state()
    one, two, waits = (JobId(number) for number in (1, 2, 3))

    assert [
        ExportGroup("this one", [two]),
        ExportGroup("done", [one]),
        ExportGroup("all", [one, two]),
    ] == export_groups(desk, [two])
    assert [ExportGroup("done", [one]), ExportGroup("all", [one, two])] == export_groups(
        desk, [waits]
    )
    desk.table.toggle_mark()
    desk.table.filter_by(parse_filter("talk", COLUMNS))
    assert ["marked", "shown", "done", "all"] == [
        group.label for group in export_groups(desk, [one])
    ]
    assert [] == export_groups(DeskState(), [])


def test_the_job_on_the_full_screen_is_not_called_marked() -> None:
    """While others are marked, the verb of the full screen acts on its job alone."""
    desk = state()
    desk.table.select(JobId(1))
    desk.table.toggle_mark()

    assert "this one" == export_groups(desk, [JobId(2)])[0].label


def test_the_choice_is_remembered() -> None:
    """Exactly as it was saved."""
    assert ExportChoice() == ExportChoice.load(ExportSettings())
    choice = ExportChoice(frozenset({"srt", "csv"}), True, OverwritePolicy.NUMBER, "/exports")
    choice.save()

    assert choice == ExportChoice.load(ExportSettings(together=False))


def test_the_first_choice_is_that_of_the_settings() -> None:
    """The settings apply until the user makes a choice."""
    usual = ExportSettings(("srt",), "/out", together=True, existing="replace", csv_bom=True)

    assert ExportChoice(
        frozenset({"srt"}), True, OverwritePolicy.REPLACE, "/out", csv_bom=True
    ) == ExportChoice.load(usual)


def test_a_damaged_choice_falls_back_to_the_settings() -> None:
    """Whatever the file contains."""
    strange: list[JsonObject] = [
        {"formats": "txt", "together": 1, "existing": "burn", "folder": 7},
        {"formats": ["docx", "txt", ["srt"]], "existing": ["replace"]},
    ]
    for kept in strange:
        save_choice(export_choice.EXPORT_CHOICE_KEY, kept)
        assert ExportChoice() == ExportChoice.load(ExportSettings())


def test_files_are_counted_before_they_are_written() -> None:
    """One file for all means one per format, without subtitles."""
    choice = ExportChoice(frozenset({"txt", "srt", "vtt"}))
    assert 9 == choice.file_count(3)
    together = ExportChoice(choice.formats, together=True)
    assert (1, ["srt", "vtt"]) == (together.file_count(3), together.unmergeable_formats)

    shown = text(preview_lines(choice, 3, Look(UNICODE)))
    assert shown.endswith("Enter writes 9 files; existing files stay")
    instead = ExportChoice(choice.formats, existing=OverwritePolicy.REPLACE)
    assert text(preview_lines(instead, 3, Look(UNICODE))).endswith("Enter writes 9 files")
    shown = text(preview_lines(together, 3, Look(UNICODE)))
    assert "srt and vtt skipped: subtitles belong to one recording" in shown
    assert "Enter writes 1 file" in shown
    assert "No format is chosen" in text(preview_lines(ExportChoice(frozenset()), 3, Look(UNICODE)))
    only = ExportChoice(frozenset({"srt"}), together=True)
    assert "Enter" not in text(preview_lines(only, 3, Look(UNICODE)))


def test_the_policies_cycle() -> None:
    """The first one follows the last."""
    choice = ExportChoice()
    ways = [
        choice.existing,
        choice.with_next_existing().existing,
        choice.with_next_existing().with_next_existing().existing,
    ]

    assert list(OverwritePolicy) == ways
    assert choice == choice.with_next_existing().with_next_existing().with_next_existing()


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_question_is_drawn_in_its_line(symbols: object) -> None:
    """The lines follow the layout; the last question has its own input."""
    look = Look(UNICODE if symbols is UNICODE else ASCII)
    offered = [ExportGroup("marked", [JobId(1)]), ExportGroup("all", [JobId(1), JobId(2)])]
    lines = field_lines(offered, 1, ExportChoice(), "srt", look)
    questions = field_order(offered)

    assert len(questions) - 1 == len(lines)
    for question, line in zip(questions, lines, strict=False):
        drawn = text([line])
        assert bool(question) is bool(drawn)
        assert question not in FORMATS or f" {question}" in drawn
        assert (look.symbols.cursor in drawn[:1]) is (question == "srt")
    assert f"{look.symbols.checked} all 2" in text(lines)
    assert "rows" not in text(field_lines(offered[:1], 0, ExportChoice(), "txt", look))


def test_the_result_is_shown(tmp_path: Path) -> None:
    """The first names and the folder; files that existed; the error that ended it."""
    files, existing = [tmp_path / f"{number}.txt" for number in range(9)], [tmp_path / "x[b].txt"]
    error = PacelineError("the disk is full", "Make room.")
    shown = text(export_result_lines(files, existing, error, Path("/out"), 60, Look(UNICODE)))

    for part in (
        "9 files written → /out  y copies",
        "0.txt",
        "and 5 more",
        "1 file already exists",
        "x[b].txt",
        "the disk is full",
        "Make room.",
    ):
        assert part in shown
    assert "Writing 3 of 9" in text(export_progress_lines(3, 9, Look(UNICODE)))


def test_an_existing_file_skips_only_its_own_recording(tmp_path: Path) -> None:
    """The others are written."""
    desk = state()
    (tmp_path / "one.txt").write_text("mine")
    written = ExportResult()
    for job, name in ((1, "one"), (2, "two")):
        written.write(desk.job_states[JobId(job)].copy(), name, ExportChoice(), tmp_path)

    assert ([tmp_path / "two.txt"], [tmp_path / "one.txt"]) == (
        written.files,
        written.existing_files,
    )
    written.write_together([desk.job_states[JobId(1)].copy()], ExportChoice(), tmp_path / "one.txt")
    assert written.error is not None


def test_a_long_default_folder_keeps_its_end() -> None:
    """The end says in which run the files will be; the beginning is the same for all."""
    run = Path("/home/somebody/.local/state/paceline/runs/2026-11-29_15-31-38_594a")
    look = Look(UNICODE)

    assert "/rec/run/exports" == default_folder_text(Path("/rec/run/exports"), look)
    assert default_folder_text(run / "exports", look).endswith("5-31-38_594a/exports")
