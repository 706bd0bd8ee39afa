"""What goes to the clipboard, and what is said of it."""

from pathlib import Path

import pytest

from tests.support.report_builders import heard, history_of, queued, streaming
from tests.support.trace_builders import trace_path, traced
from tui.app import clipboard
from workers.jobs.job import JobId


@pytest.fixture(autouse=True)
def outside_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)


def test_one_transcript_is_copied_as_it_is(tmp_path: Path) -> None:
    """Its words are counted; of two, each stands under its name."""
    one = history_of(*streaming(), heard(0, "Good morning.", final=True), heard(1, "well"))
    two = history_of(*streaming(), heard(0, "Yes.", final=True), file="/rec/two.wav")

    copied = clipboard.transcripts([one], tmp_path)
    assert ("Good morning.\nwell [unfinished]\n", "Copied 3 words of 1 session") == (
        copied.text,
        copied.sentence,
    )
    copied = clipboard.transcripts([one, history_of(queued()), two], tmp_path)
    assert "Copied 4 words of 2 sessions" == copied.sentence
    assert copied.text.endswith("\n=== /rec/two.wav ===\nYes.\n")


def test_what_is_too_long_for_a_clipboard_is_written_to_a_file(tmp_path: Path) -> None:
    """Nothing is lost in silence: its path is copied instead."""
    fits = heard(0, "x" * (clipboard.MOST - 1), final=True)
    assert clipboard.MOST == len(clipboard.transcripts([history_of(fits)], tmp_path).text)

    history = history_of(heard(0, "word " + "x" * (clipboard.MOST - 5), final=True))
    copied = clipboard.transcripts([history], tmp_path)
    assert str(tmp_path / "copied.txt") == copied.text
    assert copied.text in copied.sentence
    assert "too long for a clipboard" in copied.sentence
    assert (tmp_path / "copied.txt").read_text().startswith("word xxx")

    copied = clipboard.transcripts([history], tmp_path / "gone")
    assert "" == copied.text
    assert "cannot be written" in copied.sentence


def test_the_path_of_the_latest_trace_is_copied(tmp_path: Path) -> None:
    """One a job; a job that was never begun has none."""
    traced(tmp_path)
    traced(tmp_path, attempt=2)
    traced(tmp_path, job=2)

    assert clipboard.Copied(str(trace_path(tmp_path, 2)), f"Copied {trace_path(tmp_path, 2)}") == (
        clipboard.trace_paths([JobId(1)], tmp_path)
    )
    copied = clipboard.trace_paths([JobId(1), JobId(2), JobId(3)], tmp_path)
    assert 2 == len(copied.text.splitlines())
    assert "Copied the paths of 2 traces" == copied.sentence
    assert "" == clipboard.trace_paths([JobId(3)], tmp_path).text


def test_what_no_terminal_could_write_is_left_out(tmp_path: Path) -> None:
    """Half a character, and what a terminal would obey when it is pasted."""
    history = history_of(heard(0, "Good\x1b]0; \ud800morning.", final=True))

    assert "Good ]0; \ufffdmorning.\n" == clipboard.transcripts([history], tmp_path).text
    strange = tmp_path / b"r\xff\xfen".decode("utf-8", "surrogateescape")
    traced(strange)
    assert clipboard.trace_paths([JobId(1)], strange).text.encode()


def test_nothing_heard_is_said(tmp_path: Path) -> None:
    """And nothing is copied; what a clipboard holds stays there."""
    copied = clipboard.transcripts([history_of(queued())], tmp_path)

    assert ("", "Nothing was heard yet that could be copied") == (copied.text, copied.sentence)


def test_in_tmux_it_is_said_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is set up, tmux takes no clipboard from programs."""
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    history = history_of(*streaming(), heard(0, "Yes.", final=True))

    assert "set-clipboard on" in clipboard.transcripts([history], tmp_path).sentence


def test_turns_that_are_in_no_memory_come_from_the_trace(tmp_path: Path) -> None:
    """And what cannot be read back is not left out in silence."""
    said = [heard(order, f"turn {order}", final=True) for order in range(50)]
    history = history_of(*streaming(), *said)
    history.transcript.shed(10)
    assert "could not be read back" in clipboard.transcripts([history], tmp_path).sentence
    traced(tmp_path, *streaming()[1:], *said)
    copied = clipboard.transcripts([history], tmp_path)
    assert "Copied 100 words of 1 session" == copied.sentence
    assert copied.text.startswith("turn 0\nturn 1\n")
