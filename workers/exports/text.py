"""Plain text: only the words of a transcript, ready to be pasted.

One turn a line, no times. Faults of the recording come first, each in brackets. A turn that never
became final, because the session was cancelled or lost, ends in ``[unfinished]``. Where a further
attempt continued, there is a line ``[attempt 2 goes on from 1:02]``. In the transcript of a pair,
each turn begins with the name of its speaker, as in ``agent: Good morning.``

All recordings in one file: each follows its heading ``=== path of the recording ===``; empty lines
separate them.
"""

from collections.abc import Iterable

from workers.exports.sanitise import single_line
from workers.jobs.attempt_spans import AttemptSpan, attempt_spans, span_of_turn
from workers.jobs.job_state import JobState
from workers.jobs.transcript import TranscriptLine

UNFINISHED_MARK = "[unfinished]"


def txt_of(state: JobState) -> str:
    """The transcript of one job."""
    attempts = attempt_spans(state)
    here = {span.speaker: span for span in reversed(attempts)}  # the first one of each speaker
    rows = [f"[{single_line(fault)}]" for fault in state.recording_faults]
    for line in state.transcript.lines:
        if not (text := single_line(line.text)):
            continue
        span = span_of_turn(attempts, line.turn_order, line.speaker)
        if span != here[line.speaker]:
            rows.append(f"[{resume_note(span)}]")
            here[line.speaker] = span
        text = f"{speaker_label(line)}{text}"
        rows.append(text if line.is_final else f"{text} {UNFINISHED_MARK}")
    return "".join(f"{row}\n" for row in rows)


def txt_of_all(states: Iterable[JobState]) -> str:
    """The transcripts of all jobs."""
    return "\n".join(f"=== {single_line(state.file)} ===\n{txt_of(state)}" for state in states)


def speaker_label(line: TranscriptLine) -> str:
    """What stands before a turn of a pair: the speaker's name and a colon; otherwise nothing."""
    return f"{single_line(line.speaker)}: " if line.speaker else ""


def resume_note(span: AttemptSpan) -> str:
    """A note that a further attempt continued from here, of one speaker in a pair."""
    minutes, seconds = divmod(span.start.at_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    speaker = f"{single_line(span.speaker)}, " if span.speaker else ""
    return f"{speaker}attempt {span.attempt} goes on from {clock}"
