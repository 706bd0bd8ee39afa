"""The text for the clipboard, and the notice about it."""

from pathlib import Path

import pytest

from tests.support.report_builders import job_state_of, queued, streaming, turn_heard
from tests.support.trace_builders import trace_path, write_trace
from tui.app import clipboard
from workers.jobs.job import JobId


@pytest.fixture(autouse=True)
def outside_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)


def test_one_transcript_is_copied_as_it_is(tmp_path: Path) -> None:
    """The notice counts its words; two transcripts have headings."""
    one = job_state_of(
        *streaming(), turn_heard(0, "Good morning.", final=True), turn_heard(1, "well")
    )
    two = job_state_of(*streaming(), turn_heard(0, "Yes.", final=True), file="/rec/two.wav")

    copied = clipboard.copy_transcripts([one], tmp_path)
    assert ("Good morning.\nwell [unfinished]\n", "Copied 3 words of 1 session") == (
        copied.text,
        copied.notice,
    )
    copied = clipboard.copy_transcripts([one, job_state_of(queued()), two], tmp_path)
    assert "Copied 4 words of 2 sessions" == copied.notice
    assert copied.text.endswith("\n=== /rec/two.wav ===\nYes.\n")


def test_text_too_long_for_a_clipboard_is_written_to_a_file(tmp_path: Path) -> None:
    """The file's path is copied instead, and the notice says so."""
    fits = turn_heard(0, "x" * (clipboard.MAX_CLIPBOARD_BYTES - 1), final=True)
    assert clipboard.MAX_CLIPBOARD_BYTES == len(
        clipboard.copy_transcripts([job_state_of(fits)], tmp_path).text
    )

    job_state = job_state_of(
        turn_heard(0, "word " + "x" * (clipboard.MAX_CLIPBOARD_BYTES - 5), final=True)
    )
    copied = clipboard.copy_transcripts([job_state], tmp_path)
    assert str(tmp_path / "copied.txt") == copied.text
    assert copied.text in copied.notice
    assert "too long for the clipboard" in copied.notice
    assert (tmp_path / "copied.txt").read_text().startswith("word xxx")

    copied = clipboard.copy_transcripts([job_state], tmp_path / "gone")
    assert "" == copied.text
    assert "cannot be written" in copied.notice


def test_the_path_of_the_latest_trace_is_copied(tmp_path: Path) -> None:
    """One per job; a job that was never started has none."""
    write_trace(tmp_path)
    write_trace(tmp_path, attempt=2)
    write_trace(tmp_path, job=2)

    assert clipboard.ClipboardCopy(
        str(trace_path(tmp_path, 2)), f"Copied {trace_path(tmp_path, 2)}"
    ) == (clipboard.copy_trace_paths([JobId(1)], tmp_path))
    copied = clipboard.copy_trace_paths([JobId(1), JobId(2), JobId(3)], tmp_path)
    assert 2 == len(copied.text.splitlines())
    assert "Copied the paths of 2 traces" == copied.notice
    assert "" == clipboard.copy_trace_paths([JobId(3)], tmp_path).text


def test_unsafe_characters_are_removed(tmp_path: Path) -> None:
    """Lone surrogates, and control characters that a terminal would obey after pasting."""
    job_state = job_state_of(turn_heard(0, "Good\x1b]0; \ud800morning.", final=True))

    assert "Good ]0; \ufffdmorning.\n" == clipboard.copy_transcripts([job_state], tmp_path).text
    strange = tmp_path / b"r\xff\xfen".decode("utf-8", "surrogateescape")
    write_trace(strange)
    assert clipboard.copy_trace_paths([JobId(1)], strange).text.encode()


def test_in_tmux_the_notice_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default, tmux takes no clipboard from programs."""
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    job_state = job_state_of(*streaming(), turn_heard(0, "Yes.", final=True))

    assert "set-clipboard on" in clipboard.copy_transcripts([job_state], tmp_path).notice


def test_evicted_turns_come_from_the_trace(tmp_path: Path) -> None:
    """The notice says if they cannot be read."""
    turns = [turn_heard(order, f"turn {order}", final=True) for order in range(50)]
    job_state = job_state_of(*streaming(), *turns)
    job_state.transcript.evict(10)
    assert "could not be read from" in clipboard.copy_transcripts([job_state], tmp_path).notice
    write_trace(tmp_path, *streaming()[1:], *turns)
    copied = clipboard.copy_transcripts([job_state], tmp_path)
    assert "Copied 100 words of 1 session" == copied.notice
    assert copied.text.startswith("turn 0\nturn 1\n")
