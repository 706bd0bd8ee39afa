"""Exports of what a run has left on the disk, whatever became of the program."""

import json
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    turn_heard,
)
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline
from workers.jobs.events import Event
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

SPOKEN: list[Event] = [
    connecting(),
    began(),
    progressed(5.0),
    turn_heard(0, "Good morning.", final=True, at=1000),
]
LOST = ended_failed("the connection broke", seconds=5.0)


def run(folder: Path, *attempts: list[Event]) -> Path:
    """A run of one job, with the traces of these attempts."""
    (folder / "run.json").write_text(json.dumps({"jobs": [{"id": 1, "file": "talk.wav"}]}))
    for number, events in enumerate(attempts, start=1):
        head = TraceHead(job=1, attempt=number, file="talk.wav")
        with TraceWriter(folder / f"0001-talk.{number}.trace.jsonl", head) as trace:
            for event in events:
                trace.write(1.0, event)
    return folder


def export(folder: Path, *options: str, to: str = "txt") -> tuple[int, str, str]:
    """``paceline export``: its exit code, stdout and stderr."""
    result = CliRunner().invoke(paceline, ["export", str(folder), "--to", to, *options])
    return result.exit_code, result.stdout, result.stderr


def text(folder: Path) -> str:
    assert ExitCode.DONE == export(folder)[0]
    return (folder / "exports" / "talk.txt").read_text()


@pytest.mark.parametrize(
    "further",
    [
        [],
        [[connecting(1580, 1)]],
        [[connecting(1580, 1), ended_failed("nothing answers")]],
        [[connecting(1580, 1), began(), progressed(2.0)]],
    ],
    ids=["none", "that calls", "that was never let in", "that received nothing"],
)
def test_what_was_heard_is_exported_whatever_a_further_attempt_has_come_to(
    tmp_path: Path, further: list[list[Event]]
) -> None:
    """Also while it is running."""
    assert "Good morning.\n" == text(run(tmp_path, [*SPOKEN, LOST], *further))


def test_a_run_that_was_killed_is_exported_as_far_as_it_got(tmp_path: Path) -> None:
    """Its last line is torn, and no attempt has an end."""
    run(tmp_path, SPOKEN, [connecting(1580, 1), began(), turn_heard(1, "How are", at=1600)])
    for trace in tmp_path.glob("*.trace.jsonl"):
        trace.write_bytes(trace.read_bytes() + b'{"t":2.0,"type":"turn","turn_or')

    assert "Good morning.\n[attempt 2 goes on from 0:01]\nHow are [unfinished]\n" == text(tmp_path)


def test_a_recording_in_which_nothing_was_said_is_exported_too(tmp_path: Path) -> None:
    """Nothing was recognised."""
    assert "" == text(run(tmp_path, [*SPOKEN[:3], ended_done()]))


def test_what_is_there_is_kept_or_stands_beside_a_numbered_one(tmp_path: Path) -> None:
    """Without an option nothing is overwritten, and the message names both options."""
    text(run(tmp_path, [*SPOKEN, LOST]))
    code, out, _ = export(tmp_path)

    assert ExitCode.SOME_FAILED == code
    assert "already exists; --overwrite replaces, --number keeps both" in out
    numbered = f"✓ {tmp_path / 'exports' / 'talk-2.txt'}\n"
    assert (ExitCode.DONE, numbered, "") == export(tmp_path, "--number")
    assert ExitCode.USAGE == export(tmp_path, "--number", "--overwrite")[0]


def test_a_further_format_is_written_beside_what_is_there(tmp_path: Path) -> None:
    """A text that was exported before does not keep the subtitles from being written."""
    text(run(tmp_path, [*SPOKEN, LOST]))
    code, out, _ = export(tmp_path, to="srt,txt")
    document = json.loads(export(tmp_path, "--json", to="vtt,txt")[1])

    assert ExitCode.SOME_FAILED == code
    assert "talk.wav: talk.txt already exists; --overwrite" in out
    assert f"✓ {tmp_path / 'exports' / 'talk.srt'}\n" in out
    assert ["vtt"] == [each["format"] for each in document["files"]]
    assert ["files_exist"] == [each["error"]["code"] for each in document["failed"]]


def test_one_file_holds_all_that_was_heard(tmp_path: Path) -> None:
    """Subtitles are refused before anything is written."""
    run(tmp_path, [*SPOKEN, LOST])
    code, _, errors = export(tmp_path, "--one-file", to="txt,srt")
    assert ExitCode.USAGE == code
    assert "srt cannot hold several recordings" in errors
    assert not (tmp_path / "exports").exists()

    code, out, _ = export(tmp_path, "--one-file", to="txt,csv")
    assert ExitCode.DONE == code
    written = [line.rsplit("/", 1)[1] for line in out.splitlines()]
    assert ["transcripts.txt", "transcripts.csv"] == written
    assert "talk.wav" in (tmp_path / "exports" / "transcripts.csv").read_text()


def test_a_job_that_never_was_let_in_is_told_and_not_written(tmp_path: Path) -> None:
    """There is nothing to export."""
    run(tmp_path, [connecting(), ended_failed("nothing answers")])

    assert (ExitCode.DONE, "- talk.wav: nothing was streamed\n", "") == export(tmp_path)


def test_csv_for_excel_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    """With `--bom`, also in one file for all recordings; without it, there is none."""
    folder = run(tmp_path, SPOKEN)
    export(folder, "--bom", "--one-file", to="csv")
    export(folder, to="csv")

    assert (folder / "exports" / "transcripts.csv").read_bytes().startswith(BOM_UTF8)
    assert (folder / "exports" / "talk.csv").read_bytes().startswith(b"turn_order,")
