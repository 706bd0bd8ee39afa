"""SRT and WebVTT, written by pysubs2 from cues.

pysubs2 thinks in SubStation: ``{...}`` would be an override tag and ``\\N`` a line break, so a
braced word would vanish and a Windows path would break in two. Nor may ``<`` stand for itself.

- WebVTT has character references (as HTML has), and they spell all of these.
- SRT has no escape at all, and players take ``<i>``, ``{\\an8}`` and ``-->`` at their word. Here
  such a character becomes its full-width twin, which looks alike and which NFKC turns back.

A turn that never became final is shown as it was heard, unmarked: a viewer reads what is said.
Where a further attempt took over is told in comments at the head of a WebVTT file: further down,
programs that do not know comments take them for speech. SRT has none.
"""

from collections.abc import Mapping

from workers.exports import seams
from workers.exports.cues import cues
from workers.jobs.attempt_spans import attempt_spans
from workers.jobs.job_state import JobState

_VTT_ESCAPES = str.maketrans({each: f"&#{ord(each)};" for each in "{}\\"}) | str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_SRT_SUBSTITUTES = str.maketrans("<>{}\\", "＜＞｛｝＼")

_VTT_HEADER = "WEBVTT\n\n"


def srt_of(state: JobState) -> str:
    """SubRip; empty when nothing was heard. Where attempts took over is not marked."""
    return _subtitle_text(state, "srt", _SRT_SUBSTITUTES)


def vtt_of(state: JobState) -> str:
    """WebVTT; only its heading when nothing was heard."""
    notes = [f"NOTE {seams.resume_note(each)}\n\n" for each in attempt_spans(state)[1:]]
    return (
        _VTT_HEADER
        + "".join(notes)
        + _subtitle_text(state, "vtt", _VTT_ESCAPES).removeprefix(_VTT_HEADER)
    )


def _subtitle_text(state: JobState, format_name: str, replacements: Mapping[int, str | int]) -> str:
    import pysubs2  # only here: a start that exports nothing does not pay for it

    file = pysubs2.SSAFile()
    for cue in cues(state):
        text = r"\N".join(line.translate(replacements) for line in cue.lines)
        file.append(pysubs2.SSAEvent(cue.start_ms, cue.end_ms, text))
    return file.to_string(format_name)
