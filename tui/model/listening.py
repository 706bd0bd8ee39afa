"""Listening: which session is heard, and where the playback is in its recording.

You hear the session that is selected. While it streams at the speed of speech, that is what it
sends; otherwise its recording, from the word under the cursor. Plain Python; the player does the
work elsewhere.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from time import monotonic
from typing import Protocol

from tui.model.desk_state import DeskState
from tui.model.metrics import file_name
from tui.model.tabs import WordCursor
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState
from workers.jobs.sent_position import SentPosition
from workers.playback.messages import Heard, Passage, PlaybackEnded, Report

LEAD_IN_MS = 100
"""How long before its first word a recording starts, since the time of a word is not exact."""


MAX_REPORT_AGE_S = 1.0
"""After so long without a report, the player is taken to be silent."""


class PlayerProtocol(Protocol):
    """What listening needs from `workers.playback.player.Player`. No method waits."""

    def play(self, passage: Passage) -> None: ...

    def follow(self, sent: SentPosition) -> None: ...

    def stop(self) -> None: ...

    def take_reports(self) -> list[Report]: ...


class _Sound(Enum):
    NONE = auto()  # the user listens, but nothing can be heard of the selected session
    SENT = auto()  # what the session sends
    RECORDING = auto()


class Listening:
    """What the user listens to. ``sent_position``: returns what a live session has sent, or None if
    it is not streaming; a replay has no such function."""

    def __init__(
        self,
        state: DeskState,
        run_folder: Path,
        player: PlayerProtocol,
        sent_position: Callable[[JobId], SentPosition | None] | None = None,
    ) -> None:
        self._state, self._run_folder, self._player = state, run_folder, player
        self._sent_position = sent_position
        self.is_on = False
        self._job: JobId | None = None
        """The job that was selected at the last update."""
        self._sound = _Sound.NONE
        self._sent: SentPosition | None = None
        """The last report that the player was given."""
        self._heard: Heard | None = None
        self._start_ms = 0
        self._cursor: WordCursor | None = None
        """Where the word cursor was put last; if it is elsewhere, the user has moved it."""

    def toggle(self, first_word_ms: int) -> str:
        """Starts listening to the selected job, or stops; returns a notice.

        ``first_word_ms``: the start of the first word in view, on the recording's clock. A
        recording is played from there if there is no word under the cursor.
        """
        job_state = self._state.table.current_job_state
        if job_state is None or (self.is_on and self._sound is not _Sound.NONE):
            return self.stop("Stopped listening")
        was_on, self.is_on, self._job = self.is_on, True, job_state.job
        if self._start_live(job_state):
            return f"You hear what {_name(job_state)} sends"
        if self._is_unfinished(job_state):
            if was_on:
                return self.stop("Stopped listening")
            return f"You will hear {_name(job_state)} when it streams"
        if not job_state.last_started_attempt:
            return self.stop(f"Nothing of {_name(job_state)} was ever sent")
        cursor = self._state.tab_state.word_cursor_of(job_state.job)
        self._play_recording(job_state, cursor.at_ms if cursor else first_word_ms)
        return f"Playing {_name(job_state)}"

    def stop(self, notice: str = "") -> str:
        """Ends the sound; returns ``notice``. The word cursor stays where the playback was."""
        if self.is_on:
            self.is_on = False
            self._silence()
            self._state.mark_listened(None)
        return notice

    def update(self) -> str:
        """Follows the selection, the session and the playback; returns a notice, often empty."""
        if not self.is_on:
            return ""
        job_state = self._state.table.current_job_state
        if job_state is None:
            return self.stop("Stopped listening: no session is selected")
        if job_state.job != self._job:
            self._move_to(job_state)
        for report in self._player.take_reports():
            if isinstance(report, PlaybackEnded):
                return self.stop(self._ended_notice(job_state, report))
            self._heard = report
        match self._sound:
            case _Sound.NONE:
                self._start_live(job_state)
            case _Sound.SENT:
                if notice := self._follow_session(job_state):
                    return self.stop(notice)
            case _Sound.RECORDING:
                cursor = self._state.tab_state.word_cursor_of(job_state.job)
                if cursor is not None and cursor is not self._cursor:
                    self._play_recording(job_state, cursor.at_ms)
        self._show(job_state)
        return ""

    # --- starting and following

    def _move_to(self, job_state: JobState) -> None:
        """Listens to another job. Its sound replaces that of the last one in the same process."""
        was_sounding, self._job = self._sound is not _Sound.NONE, job_state.job
        self._leave_passage()
        if not self._start_live(job_state) and was_sounding:
            self._player.stop()

    def _start_live(self, job_state: JobState) -> bool:
        """Starts to play what the session sends; returns False if it sends nothing now."""
        sent = self._sent_by(job_state)
        if not sent or not self._is_unfinished(job_state):
            return False
        if job_state.status is not JobStatus.STREAMING:
            return False
        self._sound, self._sent, self._heard, self._start_ms = _Sound.SENT, sent, None, 0
        self._player.play(replace(self._passage(job_state), sent=sent))
        return True

    def _play_recording(self, job_state: JobState, start_ms: int) -> None:
        self._sound, self._heard, self._start_ms = _Sound.RECORDING, None, start_ms
        start_s = max(0, start_ms - LEAD_IN_MS) / 1000
        self._player.play(replace(self._passage(job_state), start_s=start_s))
        self._cursor = WordCursor(job_state.job, start_ms)
        self._state.tab_state.word_cursor = self._cursor

    def _follow_session(self, job_state: JobState) -> str:
        """Passes on what the session has sent; returns why it ended, if it did."""
        sent = self._sent_by(job_state)
        if sent and sent != self._sent:
            self._sent = sent
            self._player.follow(sent)
        if job_state.status in (JobStatus.STREAMING, JobStatus.FINISHING, JobStatus.DONE):
            return ""  # after the last chunk, the player reports the end of the recording
        state = "waits for another attempt" if job_state.status.is_waiting else "has ended"
        if job_state.status.is_live:
            state = "connects again"
        return f"Stopped listening: {_name(job_state)} {state}"

    def _passage(self, job_state: JobState) -> Passage:
        """The recording of a job; that of a pair has both of its speakers."""
        job, is_pair = job_state.job, isinstance(job_state, PairState)
        if isinstance(job_state, PairState):
            job = job_state.halves[0].job
        return Passage(str(self._run_folder), job, job_state.sha256, all_channels=is_pair)

    def _sent_by(self, job_state: JobState) -> SentPosition | None:
        """What the job's session has sent. The halves of a pair share a clock: either will do."""
        if self._sent_position is None:
            return None
        states = job_state.halves if isinstance(job_state, PairState) else [job_state]
        found = (self._sent_position(state.job) for state in states)
        return next((sent for sent in found if sent is not None), None)

    def _is_unfinished(self, job_state: JobState) -> bool:
        """Whether the session will still send something that can be heard as it is sent: at another
        speed than that of speech, its recording is played instead."""
        if self._sent_position is None or job_state.speed != 1:
            return False
        return not (job_state.status.is_finished or job_state.status is JobStatus.FINISHING)

    def _silence(self) -> None:
        if self._sound is not _Sound.NONE:
            self._player.stop()
        self._leave_passage()

    def _leave_passage(self) -> None:
        """Leaves the word cursor where the playback is."""
        self._sound, self._heard = _Sound.NONE, None
        if (cursor := self._state.tab_state.word_cursor) is not None and cursor.is_heard:
            self._state.tab_state.word_cursor = WordCursor(cursor.job, cursor.at_ms)
            self._state.table.changed_jobs.add(cursor.job)

    # --- showing

    def _show(self, job_state: JobState) -> None:
        """Puts the word cursor on what is heard, and describes it."""
        heard, now = self._heard, monotonic()
        if self._sound is _Sound.NONE:
            listening = "nothing is sent"
        elif heard is None or not heard.is_sounding or now - heard.at > MAX_REPORT_AGE_S:
            listening = "silent" if self._sound is _Sound.SENT else "seeking"
        else:
            at_ms = max(round(1000 * (heard.seconds + now - heard.at)), self._start_ms)
            self._cursor = WordCursor(job_state.job, at_ms, is_heard=True)
            self._state.tab_state.word_cursor = self._cursor
            self._state.table.changed_jobs.add(job_state.job)
            unheard = heard.unheard_s
            listening = "playing" if unheard is None else f"{max(unheard, 0):.1f} s after sending"
        self._state.mark_listened(job_state.job, listening)

    def _ended_notice(self, job_state: JobState, ended: PlaybackEnded) -> str:
        name = _name(job_state)
        if ended.reason:
            return f"{name} is not heard: {ended.reason}" + (f". {ended.hint}" * bool(ended.hint))
        return f"{name} was sent to its end" if self._sound is _Sound.SENT else f"{name} has ended"


def _name(job_state: JobState) -> str:
    return file_name(job_state.file)
