"""Checks that players can read subtitle files with any text."""

import html
import subprocess
import sys
import unicodedata

import pysubs2
from hypothesis import given
from hypothesis import strategies as st

from workers.exports.cues import Cue, cues
from workers.exports.sanitise import words_of
from workers.exports.subtitles import srt_of, vtt_of
from workers.jobs.events import Began
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn, Word

FOREIGN = st.text(st.one_of(st.characters(), st.sampled_from(" \n{}\\Nnh<>&-i/;#0123456789\x00")))


def heard(*turns: Turn) -> JobState:
    return JobState(JobId(1), "x.wav", transcript=Transcript(turns))


def turn(text: str, order: int = 0, start: int = 0) -> Turn:
    """A turn of 300 ms."""
    return Turn(order, True, text, words=(Word(text, start, start + 300),))


def parsed(text: str, form: str) -> list[Cue]:
    """The file as read by pysubs2, which treats a last line of digits as the next cue's number."""
    file = pysubs2.SSAFile.from_string(f"{text}9\n", form, keep_html_tags=True)
    return [Cue(event.start, event.end, tuple(event.text.split(r"\N"))) for event in file]


def test_an_srt_file_looks_like_one():
    """Numbered cues, times with a comma, a blank line between."""
    job_state = heard(turn("Yes.", 0, 0), turn("No.", 1, 3_600_700))

    assert (
        "1\n00:00:00,000 --> 00:00:01,000\nYes.\n\n2\n01:00:00,700 --> 01:00:01,700\nNo.\n\n"
    ) == srt_of(job_state)


def test_a_webvtt_file_looks_like_one():
    """Its heading first, times with a full stop."""
    assert "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\nYes.\n\n" == vtt_of(heard(turn("Yes.")))


def test_nothing_heard_is_a_file_without_cues():
    """A player opens it and shows nothing."""
    assert ["", "WEBVTT\n\n"] == [srt_of(heard()), vtt_of(heard())]


def test_a_further_attempt_is_a_comment_in_webvtt_that_no_program_takes_for_speech():
    """It is at the start, where players without comments skip it; SRT cannot have it."""
    job_state = heard(turn("Yes.", 0, 0), turn("No.", 1, 3_723_000))
    plain = srt_of(job_state), vtt_of(job_state)
    job_state.transcript.resume_points.append(ResumePoint(3_722_900, 1))
    job_state.attempt, job_state.began = 2, Began("s", "m", 16000, 0, 1.0, 1.0)
    job_state.started_from = ResumePoint(3_722_900, 1)

    assert plain[0] == srt_of(job_state)
    assert vtt_of(job_state).startswith("WEBVTT\n\nNOTE attempt 2 goes on from 1:02:02\n\n1\n")
    assert parsed(plain[1], "vtt") == parsed(vtt_of(job_state), "vtt")


def test_webvtt_spells_its_own_characters_as_references():
    """No text can end a cue's times, open a tag or become an override."""
    text = vtt_of(heard(turn(r"a --> b <i> R&D {\p1} C:\Nt")))

    assert "a --&gt; b &lt;i&gt; R&amp;D &#123;&#92;p1&#125; C:&#92;Nt" in text


def test_srt_shows_look_alikes_of_what_players_would_obey():
    """SRT has no escapes, so a full-width form is shown."""
    text = srt_of(heard(turn(r"a --> b <i> R&D {\p1} C:\Nt")))

    assert r"a --＞ b ＜i＞ R&D ｛＼p1｝ C:＼Nt" in text


@given(st.lists(FOREIGN, max_size=4))
def test_any_text_comes_back_from_webvtt(texts: list[str]):
    """Every cue, with its times and each of its characters."""
    job_state = heard(*(Turn(order, True, f"w{text}") for order, text in enumerate(texts)))

    assert cues(job_state) == [
        Cue(each.start_ms, each.end_ms, tuple(map(html.unescape, each.lines)))
        for each in parsed(vtt_of(job_state), "vtt")
    ]


@given(st.lists(FOREIGN, max_size=4))
def test_any_text_comes_back_from_srt(texts: list[str]):
    """Every cue with its times, and its text but for the look-alikes."""
    job_state = heard(*(Turn(order, True, f"w{text}") for order, text in enumerate(texts)))
    read = parsed(srt_of(job_state), "srt")

    assert [(cue.start_ms, cue.end_ms) for cue in read] == [
        (cue.start_ms, cue.end_ms) for cue in cues(job_state)
    ]
    assert [unicodedata.normalize("NFKC", " ".join(cue.lines)) for cue in read] == [
        unicodedata.normalize("NFKC", " ".join(cue.lines)) for cue in cues(job_state)
    ]
    assert [word for text in texts for word in words_of(f"w{text}")] == [
        word for cue in cues(job_state) for line in cue.lines for word in line.split()
    ]


def test_the_writer_is_not_loaded_before_it_is_needed():
    """A start that exports nothing does not pay for pysubs2."""
    code = "import sys, workers.exports; sys.exit('pysubs2' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
