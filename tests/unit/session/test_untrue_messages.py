"""Servers that lie lose no audio and double none, whenever their connections break.

The sessions are simulated, but for the transcript and the seams everything real takes part: the
bytes of the messages, `SessionState`, `TurnValidator`, `JobState` and `ResumeTracker`.
"""

import re
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.simulated_job import SimulatedAttempt, SimulatedJob
from tests.engine.support.transcribing_server import TranscriptionStyle
from tests.engine.support.untrue_messages import LIES, NEEDS_TIMES, draw_lies
from workers.jobs.job_state import JobState

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "untrue-messages.md").read_text()

TENTHS = 80
"""Tenths of a second of a recording: long enough for a clock that starts over."""


def random_style(chance: Random, lies: list[str], *, timed: bool) -> TranscriptionStyle:
    return TranscriptionStyle(
        word_by_word=chance.random() < 0.5,
        words_per_turn=chance.randint(1, 6),
        partial_every=chance.randint(1, 3),
        padding_ms=chance.choice([0, 0, 40]),
        wordless=not timed,
        delay_tenths=chance.choice([0, 0, 5, 20, 40]),
        lies=tuple(lies),
        lie_seed=chance.randrange(10**6),
    )


def stream(chance: Random, kinds: list[str] | None, sessions: int) -> list[str]:
    """Streams a recording through sessions that tell these kinds of lies, or any if None; all but
    the last session break. Returns what is wrong with the transcript."""

    def attempt(*, is_last: bool) -> SimulatedAttempt:
        timed = chance.random() < 0.9 or not set(kinds or ()).isdisjoint(NEEDS_TIMES)
        lies = draw_lies(chance, timed=timed) if kinds is None else kinds
        return SimulatedAttempt(
            random_style(chance, lies, timed=timed),
            cut_after_chunks=None if is_last else chance.randint(3, TENTHS * 10 // 7),
            chunks_in_flight=chance.choice([0, 0, 3]),
        )

    silent = [tenth for tenth in range(TENTHS) if chance.random() < 0.1]
    with tempfile.TemporaryDirectory() as folder:
        truth = write_numbered_recording(Path(folder), TENTHS, silent=silent)
        attempts = [attempt(is_last=False) for _ in range(sessions - 1)]
        state = SimulatedJob(Path(folder), truth).run([*attempts, attempt(is_last=True)])
    return transcript_errors(truth, state, timed=False)


@pytest.mark.parametrize("kind", [None, *LIES], ids=str)
def test_a_lie_of_one_kind_neither_loses_nor_doubles_audio(kind: str | None) -> None:
    """Whatever the server is like otherwise; nor does an honest server."""
    for seed in range(2):
        assert stream(Random(seed), [kind] if kind else [], sessions=3) == []


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_lies_of_all_kinds_at_once_neither_lose_nor_double_audio(
    chance: Random, sessions: int
) -> None:
    """Drawn for each session, with breaks at any moment."""
    assert stream(Random(chance.random()), None, sessions) == []


def test_the_page_has_a_row_for_each_kind() -> None:
    """Its tables name the lies that are told here, and no others."""
    named = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)

    assert sorted(name for name in named if name != "kind") == sorted(LIES)


def warnings_after(kind: str, tmp_path: Path) -> list[str]:
    """The warnings of one session of a server that tells this lie."""
    truth = write_numbered_recording(tmp_path, TENTHS)
    style = TranscriptionStyle(words_per_turn=3, lies=(kind,))
    state: JobState = SimulatedJob(tmp_path, truth).run([SimulatedAttempt(style)])
    return state.session_warnings


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("word times half a minute ahead", "after the audio that was sent"),
        ("word times before the start", "before the audio that was sent"),
        ("word times unsorted", "not in order"),
        ("words that end before they start", "ends before it starts"),
        ("word times that are no numbers", "a part of a message was not understood"),
        ("turn numbers beyond every count", "cannot be true"),
        ("negative turn numbers", "the turn_order of a Turn is negative"),
        ("turn numbers that start over", "kept in the order in which they arrived"),
        ("a turn that shrinks", "without some of its words"),
        ("no transcript", "stopped before its words did"),
        ("Begin twice", "a second Begin"),
        ("turns before Begin", "before any audio"),
    ],
)
def test_a_lie_is_reported_once(kind: str, words: str, tmp_path: Path) -> None:
    """A warning says what is wrong; it is not repeated for each message."""
    warnings = warnings_after(kind, tmp_path)

    assert any(words in warning for warning in warnings), warnings
    assert len(warnings) == len(set(warnings))
    assert len(warnings) < 5


@pytest.mark.parametrize("padding_ms", [0, 1300])
def test_an_honest_server_is_not_called_a_liar(padding_ms: int, tmp_path: Path) -> None:
    """Late messages, padded ends and words that run ahead are no lies."""
    truth = write_numbered_recording(tmp_path, TENTHS, silent=range(30, 50))
    for number, style in enumerate(
        (
            TranscriptionStyle(padding_ms=padding_ms),
            TranscriptionStyle(padding_ms=padding_ms, word_by_word=True, delay_tenths=40),
            TranscriptionStyle(padding_ms=padding_ms, wordless=True),
        )
    ):
        (folder := tmp_path / str(number)).mkdir()
        state = SimulatedJob(folder, truth).run([SimulatedAttempt(style, chunks_in_flight=3)])

        assert state.session_warnings == []
