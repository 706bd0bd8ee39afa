"""Transcripts for scoring tools: STM, CTM and SegLST, as NIST's sclite and MeetEval read them.

=======  ==========================================================================================
stm      one line a turn: recording, channel, speaker, start, end (s), text
ctm      one line a word: recording, channel, start (s), duration (s), word, confidence if there is
         one; words without times are left out
seglst   a JSON list of turns: ``session_id``, ``speaker``, ``start_time``, ``end_time`` (s),
         ``words``
=======  ==========================================================================================

The recording is its file name without suffix; in a field of STM and CTM, spaces become ``_``. The
speaker is that of the half of a call, or the protocol's label, or the recording itself. The channel
is always 1: the halves of a call are speakers. A turn without times is left out of STM and CTM, as
they cannot hold it. Only final turns are written.

All recordings in one file: their lines after each other.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from workers.exports.sanitise import single_line
from workers.jobs.job_state import JobState
from workers.jobs.transcript import TranscriptLine


def stm_of(state: JobState) -> str:
    """The final turns of one job as STM."""
    return stm_of_all([state])


def stm_of_all(states: Iterable[JobState]) -> str:
    """The final turns of all jobs as STM."""
    rows = []
    for state in states:
        name = _field(_recording_name(state))
        for line, speaker in _final_lines(state):
            if line.start_ms is not None and line.end_ms is not None:
                times = f"{line.start_ms / 1000:.3f} {line.end_ms / 1000:.3f}"
                text = single_line(line.text)
                rows.append(f"{name} 1 {_field(speaker)} {times} {text}\n")
    return "".join(rows)


def ctm_of(state: JobState) -> str:
    """The words of one job as CTM."""
    return ctm_of_all([state])


def ctm_of_all(states: Iterable[JobState]) -> str:
    """The words of all jobs as CTM, each recording's in order of time, as the format requires."""
    rows = []
    for state in states:
        name = _field(_recording_name(state))
        words = [word for line, _ in _final_lines(state) for word in line.words]
        for word in sorted(words, key=lambda word: word.start):
            duration_s = max(0, word.end - word.start) / 1000
            row = f"{name} 1 {word.start / 1000:.3f} {duration_s:.3f} {_field(word.text)}"
            rows.append(f"{row} {word.confidence:.3f}\n" if word.confidence else f"{row}\n")
    return "".join(rows)


def seglst_of(state: JobState) -> str:
    """The final turns of one job as SegLST."""
    return seglst_of_all([state])


def seglst_of_all(states: Iterable[JobState]) -> str:
    """The final turns of all jobs as SegLST."""
    segments = [
        {
            "session_id": _recording_name(state),
            "speaker": speaker,
            "start_time": (line.start_ms or 0) / 1000,
            "end_time": (line.end_ms or 0) / 1000,
            "words": single_line(line.text),
        }
        for state in states
        for line, speaker in _final_lines(state)
    ]
    return json.dumps(segments, ensure_ascii=True, indent=1) + "\n"


def _final_lines(state: JobState) -> Iterator[tuple[TranscriptLine, str]]:
    """The final turns with text, each with its speaker."""
    labels = {turn.turn_order: turn.speaker_label for turn in state.transcript.turns}
    for line in state.transcript.lines:
        if line.is_final and line.text.strip():
            yield line, line.speaker or labels.get(line.turn_order) or _recording_name(state)


def _recording_name(state: JobState) -> str:
    return single_line(PurePath(state.file).stem)


def _field(text: str) -> str:
    """A text as one field, since spaces separate fields; ``;;`` would begin a comment."""
    return "_".join(single_line(text).split()).replace(";;", ";_") or "_"
