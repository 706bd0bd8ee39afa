"""Builds the text for the clipboard of the user's terminal, and a notice that describes it.

The app sends the text as an escape sequence (OSC 52), which also works over SSH. Terminals do not
confirm the copy.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tui.model.transcript_cache import restore_turns
from tui.text.formats import format_count
from workers import files
from workers.exports.sanitise import words_of
from workers.exports.text import txt_of, txt_of_all
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.traces.files import trace_files

MAX_CLIPBOARD_BYTES = 74_994
"""Maximum bytes of text: some terminals limit the base64 sequence to 100,000 bytes."""


class ClipboardCopy(NamedTuple):
    text: str
    """The text to copy; if empty, nothing is copied."""
    notice: str


def copy_transcripts(job_states: Sequence[JobState], run_folder: Path) -> ClipboardCopy:
    """Formats the transcripts of jobs like the plain-text export. If the text is too long, writes
    it to a file in the run folder and copies the file's path. Restores evicted turns in
    ``job_states``, which must be snapshots."""
    incomplete = [state for state in job_states if not restore_turns(run_folder, state)]
    filled = [state for state in job_states if len(state.transcript)]
    words = sum(len(words_of(line.text)) for state in filled for line in state.transcript.lines)
    of = f"{format_count(words, 'word')} of {format_count(len(filled), 'session')}"
    text = txt_of(filled[0]) if len(filled) == 1 else txt_of_all(filled)
    if incomplete:
        of += ", without turns that could not be read from the trace"
    if len(text.encode()) <= MAX_CLIPBOARD_BYTES:
        return ClipboardCopy(text, f"Copied {of}{_tmux_hint()}")
    path, too_long = run_folder / "copied.txt", f"{of} are too long for the clipboard"
    try:
        files.replace_file(path, text.encode())
    except OSError as error:
        return ClipboardCopy("", f"{too_long}, and {path} cannot be written ({error.strerror})")
    whole = _absolute_text(path)
    return ClipboardCopy(whole, f"{too_long}; copied the path of a file instead: {whole}")


def copy_trace_paths(jobs: Sequence[JobId], run_folder: Path) -> ClipboardCopy:
    """The paths of the jobs' latest traces, one per line."""
    latest = (trace_files(run_folder, job)[-1:] for job in jobs)
    paths = [_absolute_text(path) for files in latest for _, path in files]
    if not paths:
        return ClipboardCopy("", "There is no trace yet")
    what = paths[0] if len(paths) == 1 else f"the paths of {len(paths)} traces"
    return ClipboardCopy("\n".join(paths), f"Copied {what}{_tmux_hint()}")


def _absolute_text(path: Path) -> str:
    """The absolute path, with bytes that are not UTF-8 replaced by question marks."""
    return str(path.absolute()).encode(errors="replace").decode()


def _tmux_hint() -> str:
    """A hint for tmux, which by default does not forward the clipboard to the terminal."""
    return "; in tmux this needs set -g set-clipboard on" if "TMUX" in os.environ else ""
