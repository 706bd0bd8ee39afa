"""SRT and WebVTT, written by pysubs2 from cues.

pysubs2 takes SubStation text: it would drop ``{...}`` as a tag and break lines at ``\\N``. In both
formats ``<`` starts a tag. In WebVTT, these characters become character references, as in HTML. SRT
has no escapes, so they become full-width forms, which look alike; NFKC maps them back.

A turn that never became final is shown unmarked. Comments at the start of a WebVTT file say what is
wrong with the recording, and where further attempts continued; later in the file, some programs
would show comments as speech. SRT has none.

In the transcript of a pair, each cue of a WebVTT file has its speaker's name as a voice tag
(``<v agent>``). SRT has no such tags, so each turn begins with the name.
"""

from collections.abc import Mapping

from workers.exports.cues import cues
from workers.exports.sanitise import single_line
from workers.exports.text import resume_note
from workers.jobs.attempt_spans import further_spans
from workers.jobs.job_state import JobState

_VTT_ESCAPES = str.maketrans({char: f"&#{ord(char)};" for char in "{}\\"}) | str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_SRT_SUBSTITUTES = str.maketrans("<>{}\\", "＜＞｛｝＼")

_VTT_HEADER = "WEBVTT\n\n"


def srt_of(state: JobState) -> str:
    """The transcript as SubRip; empty for an empty transcript."""
    return _subtitle_text(state, "srt", _SRT_SUBSTITUTES)


def vtt_of(state: JobState) -> str:
    """The transcript as WebVTT; only the header for an empty transcript."""
    faults = (single_line(fault).replace("-->", "->") for fault in state.recording_faults)
    comments = [*faults, *(resume_note(span) for span in further_spans(state))]
    notes = "".join(f"NOTE {comment}\n\n" for comment in comments)
    cues_text = _subtitle_text(state, "vtt", _VTT_ESCAPES).removeprefix(_VTT_HEADER)
    return _VTT_HEADER + notes + cues_text


def _subtitle_text(state: JobState, format_name: str, replacements: Mapping[int, str | int]) -> str:
    import pysubs2  # slow to load, and most starts export nothing

    file = pysubs2.SSAFile()
    for cue in cues(state, label_turns=format_name == "srt"):
        text = r"\N".join(line.translate(replacements) for line in cue.lines)
        if cue.speaker and format_name == "vtt":
            text = f"<v {single_line(cue.speaker).translate(replacements)}>{text}"
        file.append(pysubs2.SSAEvent(cue.start_ms, cue.end_ms, text))
    return file.to_string(format_name)
