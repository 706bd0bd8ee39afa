"""The course of a conversation: how far it has got, and why it ends."""

import time
from dataclasses import replace

from workers.jobs import outcomes
from workers.jobs.events import Ended, MessageReceived, Outcome, TurnReceived, Warned
from workers.jobs.resume_point import ResumePoint
from workers.protocol import messages
from workers.protocol.connection import Closed
from workers.protocol.messages import Begin, ServerMessage, Termination, Turn
from workers.session.recorder import Recorder

_DONE_ENDING = Ended(Outcome.DONE, "all audio was sent and the server confirmed the end")
_ENDED_EARLY_ENDING = Ended(Outcome.LOST, "the server ended the session before it was asked to")


MAX_WARNINGS = 100
"""Of one session; a server that talks nonsense does so without end."""


class SessionState:
    """What messages and orders have done to a conversation."""

    def __init__(self, recorder: Recorder, resume_point: ResumePoint) -> None:
        self._recorder = recorder
        self._resume_point = resume_point
        self._ending: Ended | None = None
        self._pending_warnings: list[Warned] | None = []
        """Warnings that came before the clock started, to be told behind `Began`; None: it has."""
        self._warning_count = 0
        self.begin: Begin | None = None
        self.all_audio_sent = False
        """All audio has been sent."""
        self.terminate_sent = False
        """Terminate has been sent."""
        self.finished = False
        """The server has said its last word."""
        self.last_message_at = 0.0
        """On the monotonic clock."""
        self.ended_at = 0.0
        """On the same: when its ending was told; the server may have more to say."""

    @property
    def is_stopping(self) -> bool:
        """No more audio is to be sent."""
        return self.finished or self.ending is not None

    @property
    def is_streaming(self) -> bool:
        """The session has begun, and nobody has asked for its end."""
        return self.begin is not None and not self.terminate_sent and not self.is_stopping

    @property
    def ending(self) -> Ended | None:
        """Why the session ends before its time."""
        return self._ending or self._recorder.failure

    @property
    def is_interrupted(self) -> bool:
        """The program is leaving, or gone: nobody waits for long."""
        return self._ending is not None and self._ending.outcome is Outcome.INTERRUPTED

    def end(self, ending: Ended) -> None:
        """The first reason counts; but a session has handed over only if nothing else came."""
        if self._ending is None or self._ending.outcome is Outcome.HANDED_OVER:
            self._ending = ending
            self.ended_at = time.monotonic()

    def finalize(self) -> Ended:
        """How it ended; when the server confirmed the whole of it, nothing else counts."""
        self.publish_pending_warnings()
        return self.ending or _DONE_ENDING

    # --- messages --------------------------------------------------------------------------------

    def apply(self, message: ServerMessage | Closed) -> None:
        """Takes a message in and tells of it."""
        self.last_message_at = time.monotonic()
        match message:
            case Turn():
                cut = self.terminate_sent and not self.all_audio_sent
                self._recorder.publish(TurnReceived(self._shifted_turn(message), cut))
                return
            case messages.Warning():
                self.warn(Warned(message.warning, message.warning_code))
                return
            case Closed():
                self.finished = True
                self.end(self._lost_if_begun(outcomes.ended_by_close(message)))
                return
            case Begin():
                self.begin = message
            case Termination():
                self.finished = True
                if not self.terminate_sent:  # nor was a turn ended that is still open
                    self.end(_ENDED_EARLY_ENDING)
                elif self.all_audio_sent:
                    self._ending = None
            case messages.Error():
                self.finished = True
                self.end(self._lost_if_begun(outcomes.ended_by_error(message)))
        self._recorder.trace_only(MessageReceived(messages.to_json(message)))

    def _lost_if_begun(self, ending: Ended) -> Ended:
        """What has begun was let in, so it is not refused for want of a place any more."""
        if self.begin is not None and ending.outcome is Outcome.BUSY:
            return replace(ending, outcome=Outcome.LOST)
        return ending

    def _shifted_turn(self, turn: Turn) -> Turn:
        """On the recording's clock, and behind the turns of the attempts before."""
        by = self._resume_point.at_ms
        return replace(
            turn,
            turn_order=turn.turn_order + self._resume_point.turn,
            words=tuple(replace(w, start=w.start + by, end=w.end + by) for w in turn.words),
        )

    # --- warnings --------------------------------------------------------------------------------

    def warn(self, warned: Warned) -> None:
        """Tells of it, not before `Began`, and not for ever."""
        self._warning_count += 1
        if self._warning_count > MAX_WARNINGS:
            return
        if self._warning_count == MAX_WARNINGS:
            warned = Warned("further warnings of this session are not told")
        if self._pending_warnings is None:
            self._recorder.publish(warned)
        else:
            self._pending_warnings.append(warned)

    def publish_pending_warnings(self, at: float | None = None) -> None:
        """Tells the warnings that came early; ``at`` on the monotonic clock."""
        early, self._pending_warnings = self._pending_warnings or [], None
        for warned in early:
            self._recorder.publish(warned, at=at)
