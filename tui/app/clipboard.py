"""What the user copies to the clipboard of their terminal, and the sentence that says so.

It goes there as an escape sequence (OSC 52), so it reaches the machine that the user sits at, over
SSH too. No terminal answers whether it took it.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tui.model.transcript_cache import restore_turns
from tui.text.formats import format_count
from workers.exports.sanitise import words_of
from workers.exports.text import txt_of, txt_of_all
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.traces.files import trace_files

MAX_CLIPBOARD_BYTES = 74_994
"""Bytes of text that every terminal with a clipboard takes: some stop at 100,000 of the sequence,
which is in base 64."""

CLIPBOARD_OVERFLOW_FILE = "copied.txt"
"""In the run's folder: what was too long."""


class ClipboardCopy(NamedTuple):
    """What goes to the clipboard, if anything, and what to say."""

    text: str
    notice: str


def copy_transcripts(job_states: Sequence[JobState], run_folder: Path) -> ClipboardCopy:
    """What was heard in these jobs, which no other thread knows; of several, each under its path,
    as the export as plain text has it.

    What is too long for a clipboard is written to a file, whose path is copied instead.
    """
    lost = [job_state for job_state in job_states if not restore_turns(run_folder, job_state)]
    heard = [history for history in job_states if len(history.transcript)]
    if not heard:
        return ClipboardCopy("", "Nothing was heard yet that could be copied")
    words = sum(len(words_of(each.text)) for history in heard for each in history.transcript.lines)
    of = f"{format_count(words, 'word')} of {format_count(len(heard), 'session')}"
    text = txt_of(heard[0]) if len(heard) == 1 else txt_of_all(heard)
    if lost:
        of += ", without turns that could not be read back from the trace"
    if len(text.encode()) <= MAX_CLIPBOARD_BYTES:
        return ClipboardCopy(text, f"Copied {of}{_tmux_hint()}")
    path = run_folder / CLIPBOARD_OVERFLOW_FILE
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        why = f"{path} cannot be written ({error.strerror})"
        return ClipboardCopy("", f"{of} are too long for a clipboard, and {why}")
    whole = _absolute_text(path)
    return ClipboardCopy(
        whole, f"{of} are too long for a clipboard; they are in {whole}, copied instead"
    )


def copy_trace_paths(jobs: Sequence[JobId], run_folder: Path) -> ClipboardCopy:
    """The path of each job's latest trace, a line each."""
    latest = [trace_files(run_folder, job)[-1:] for job in jobs]
    paths = [_absolute_text(path) for found in latest for _, path in found]
    if not paths:
        return ClipboardCopy("", "No attempt has left a trace yet")
    what = paths[0] if len(paths) == 1 else f"the paths of {len(paths)} traces"
    return ClipboardCopy("\n".join(paths), f"Copied {what}{_tmux_hint()}")


def _absolute_text(path: Path) -> str:
    """From the root on; bytes of a name that are no text cannot be copied."""
    return str(path.absolute()).encode(errors="replace").decode()


def _tmux_hint() -> str:
    """Tmux keeps what programs in it copy to itself, unless it was told otherwise."""
    return "; in tmux it needs set -g set-clipboard on" if "TMUX" in os.environ else ""
