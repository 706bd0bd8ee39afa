"""The course of a conversation: how far it has got, and why it ends."""

import time
from dataclasses import replace

from workers.jobs import outcomes
from workers.jobs.events import Ended, MessageReceived, Outcome, TurnHeard, Warned
from workers.jobs.resume_point import Seam
from workers.protocol import messages
from workers.protocol.connection import Closed
from workers.protocol.messages import Begin, ServerMessage, Termination, Turn
from workers.session.recorder import Recorder

_DONE = Ended(Outcome.DONE, "all audio was sent and the server confirmed the end")
_ENDED_EARLY = Ended(Outcome.LOST, "the server ended the session before it was asked to")


MOST_WARNINGS = 100
"""Of one session; a server that talks nonsense does so without end."""


class Course:
    """What messages and orders have done to a conversation."""

    def __init__(self, recorder: Recorder, seam: Seam) -> None:
        self._recorder = recorder
        self._seam = seam
        self._ending: Ended | None = None
        self._early: list[Warned] | None = []
        """Warnings that came before the clock started, to be told behind `Began`; None: it has."""
        self._warned = 0
        self.begin: Begin | None = None
        self.complete = False
        """All audio has been sent."""
        self.finishing = False
        """Terminate has been sent."""
        self.over = False
        """The server has said its last word."""
        self.last_message = 0.0
        """On the monotonic clock."""
        self.ended_at = 0.0
        """On the same: when its ending was told; the server may have more to say."""

    @property
    def halted(self) -> bool:
        """No more audio is to be sent."""
        return self.over or self.ending is not None

    @property
    def streams(self) -> bool:
        """The session has begun, and nobody has asked for its end."""
        return self.begin is not None and not self.finishing and not self.halted

    @property
    def ending(self) -> Ended | None:
        """Why the session ends before its time."""
        return self._ending or self._recorder.failure

    @property
    def interrupted(self) -> bool:
        """The program is leaving, or gone: nobody waits for long."""
        return self._ending is not None and self._ending.outcome is Outcome.INTERRUPTED

    def end(self, ending: Ended) -> None:
        """The first reason counts; but a session has handed over only if nothing else came."""
        if self._ending is None or self._ending.outcome is Outcome.HANDED_OVER:
            self._ending = ending
            self.ended_at = time.monotonic()

    def ended(self) -> Ended:
        """How it ended; when the server confirmed the whole of it, nothing else counts."""
        self.tell_early()
        return self.ending or _DONE

    # --- messages --------------------------------------------------------------------------------

    def take(self, message: ServerMessage | Closed) -> None:
        """Takes a message in and tells of it."""
        self.last_message = time.monotonic()
        match message:
            case Turn():
                cut = self.finishing and not self.complete
                self._recorder.say(TurnHeard(self._placed(message), cut))
                return
            case messages.Warning():
                self.warn(Warned(message.warning, message.warning_code))
                return
            case Closed():
                self.over = True
                self.end(self._broken(outcomes.of_close(message)))
                return
            case Begin():
                self.begin = message
            case Termination():
                self.over = True
                if not self.finishing:  # nor was a turn ended that is still open
                    self.end(_ENDED_EARLY)
                elif self.complete:
                    self._ending = None
            case messages.Error():
                self.over = True
                self.end(self._broken(outcomes.of_error(message)))
        self._recorder.note(MessageReceived(messages.to_json(message)))

    def _broken(self, ending: Ended) -> Ended:
        """What has begun was let in, so it is not refused for want of a place any more."""
        if self.begin is not None and ending.outcome is Outcome.BUSY:
            return replace(ending, outcome=Outcome.LOST)
        return ending

    def _placed(self, turn: Turn) -> Turn:
        """On the recording's clock, and behind the turns of the attempts before."""
        by = self._seam.at_ms
        return replace(
            turn,
            turn_order=turn.turn_order + self._seam.turn,
            words=tuple(replace(w, start=w.start + by, end=w.end + by) for w in turn.words),
        )

    # --- warnings --------------------------------------------------------------------------------

    def warn(self, warned: Warned) -> None:
        """Tells of it, not before `Began`, and not for ever."""
        self._warned += 1
        if self._warned > MOST_WARNINGS:
            return
        if self._warned == MOST_WARNINGS:
            warned = Warned("further warnings of this session are not told")
        if self._early is None:
            self._recorder.say(warned)
        else:
            self._early.append(warned)

    def tell_early(self, at: float | None = None) -> None:
        """Tells the warnings that came early; ``at`` on the monotonic clock."""
        early, self._early = self._early or [], None
        for warned in early:
            self._recorder.say(warned, at=at)
