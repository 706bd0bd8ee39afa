"""The state of a session: how far it has got, and why it ends."""

import time
from dataclasses import replace
from math import inf

from workers.jobs import outcomes
from workers.jobs.events import Ended, MessageReceived, Outcome, TurnReceived, Warned
from workers.jobs.resume_point import ResumePoint
from workers.log import Logger
from workers.protocol import messages
from workers.protocol.connection import CloseFrame
from workers.protocol.messages import Begin, ServerMessage, Termination, Turn
from workers.session.recorder import Recorder
from workers.session.turn_validation import TurnFault, TurnValidator

MAX_WARNINGS = 100
"""Maximum number of warnings per session, since a faulty server may send endless warnings."""

MAX_DURATION_ERROR_S = 10.0
"""How far the audio duration in Termination may be off: servers round it."""

_DONE_ENDING = Ended(Outcome.DONE, "all audio was sent and the server confirmed the end")
_ENDED_EARLY_ENDING = Ended(Outcome.LOST, "the server ended the session before it was asked to")

_log = Logger("paceline.session")


class SessionState:
    """The state of a session. Only its methods change it."""

    def __init__(self, recorder: Recorder, resume_point: ResumePoint) -> None:
        self._recorder = recorder
        self._start_seconds = resume_point.at_ms / 1000
        self._turns = TurnValidator(resume_point, self._report_fault)
        self._warned_of: set[str] = set()
        self._ending: Ended | None = None
        self._pending_warnings: list[Warned] | None = []
        """Warnings that came before `Began` was published; None after that."""
        self._warning_count = 0
        self.begin: Begin | None = None
        self.all_audio_sent = False
        self.terminate_sent = False
        self.clock_s: float | None = None
        """When the pair's clock starts, on the monotonic clock; None until the supervisor says."""
        self.is_terminated = False
        """Whether Termination has arrived. It says how the session ended, whatever comes after it;
        only late turns still count, until the server closes."""
        self.finished = False
        """True when nothing more is read from the server."""
        # Times on the monotonic clock:
        self.terminate_sent_at = 0.0
        self.last_message_at = 0.0
        """When the latest message arrived, or when Terminate was sent if that was later."""
        self.ended_at = 0.0
        """When the ending was set; messages may still arrive after it."""
        self.terminated_at = 0.0
        """When the first Termination arrived."""

    @property
    def is_stopping(self) -> bool:
        """Whether no more audio may be sent."""
        # Asked for before and after each wait, so without `ending`.
        return self.finished or self._ending is not None or self._recorder.failure is not None

    @property
    def is_streaming(self) -> bool:
        """Whether Begin has arrived and neither side is ending the session."""
        return self.begin is not None and not self.terminate_sent and not self.is_stopping

    @property
    def ending(self) -> Ended | None:
        """Why the session ends early; None if it does not."""
        return self._ending or self._recorder.failure

    @property
    def is_interrupted(self) -> bool:
        """Whether the program is quitting or has died; the session then does not wait for long."""
        return self._ending is not None and self._ending.outcome is Outcome.INTERRUPTED

    def end(self, ending: Ended) -> None:
        """Sets why the session ends. The first ending stays, unless it is a handover."""
        if self._ending is None or self._ending.outcome is Outcome.HANDED_OVER:
            self._ending = ending
            self.ended_at = time.monotonic()
            _log.info("ending: %s (%s)", ending.outcome.value, ending.reason)

    def finish(self, ending: Ended | None = None) -> None:
        """Stops reading from the server; ``ending`` says why, if something went wrong."""
        self.finished = True
        if ending is not None:
            self.end(ending)

    def mark_all_audio_sent(self) -> None:
        """Records that the last chunk was sent."""
        self.all_audio_sent = True

    def mark_terminate_sent(self) -> None:
        """Records that Terminate was sent; from now on the wait for messages is limited."""
        self.terminate_sent = True
        self.terminate_sent_at = self.last_message_at = time.monotonic()

    def final_ending(self) -> Ended:
        """Publishes warnings that are still pending, and returns how the session ended."""
        self.publish_pending_warnings()
        return self.ending or _DONE_ENDING

    def apply(
        self,
        message: ServerMessage | CloseFrame,
        *,
        sent_seconds: float = inf,
        at: float | None = None,
    ) -> None:
        """Applies a message from the server, and publishes or traces it.

        ``sent_seconds``: the position in the recording up to which audio was sent. ``at``: the
        monotonic time at which the message was received, before it was decoded; None is now.
        """
        self.last_message_at = time.monotonic()
        match message:
            case Turn() if self.begin is None:
                self._warn_once(
                    "early turn", "the server sent a turn before any audio; it is ignored"
                )
            case Turn():
                turn = self._turns.validate(message, sent_seconds)
                if turn is not None:
                    cut = self.terminate_sent and not self.all_audio_sent
                    self._recorder.publish(TurnReceived(turn, cut), at=at)
                    if len(turn.words) == len(message.words):
                        return  # otherwise the trace has the message too
            case messages.Warning():
                self.warn(Warned(message.warning, message.warning_code))
                return
            case CloseFrame():
                _log.debug("closed by the server: %s %s", message.code, message.reason)
                lost = self._lost_after_begin(outcomes.ended_by_close(message))
                self.finish(None if self.is_terminated else lost)
                return
            case Begin() if self.begin is not None:
                self._warn_once("second Begin", "the server sent a second Begin, which is ignored")
            case Begin():
                _log.info("Begin: session %s, model %s", message.id, message.model)
                self.begin = message
            case Termination() if not self.is_terminated:
                self._terminate(message, sent_seconds - self._start_seconds)
            case messages.Error() if not self.is_terminated:
                _log.debug("Error: %s %s", message.error_code, message.error)
                self.finish(self._lost_after_begin(outcomes.ended_by_error(message)))
        self._recorder.trace_only(MessageReceived(messages.to_json(message)), at=at)

    def _terminate(self, message: Termination, audio_seconds: float) -> None:
        _log.debug("Termination")
        self.is_terminated, self.terminated_at = True, time.monotonic()
        if not self.terminate_sent:  # the open turn may be incomplete
            self.end(_ENDED_EARLY_ENDING)
        elif self.all_audio_sent:  # the server confirms all of it: a success
            self._ending = None
        received = message.audio_duration_seconds
        if received > 0 and MAX_DURATION_ERROR_S < abs(received - audio_seconds) < inf:
            self._warn_once(
                "audio duration",
                f"the server says that it received {received:g} s of audio, but "
                f"{audio_seconds:.0f} s were sent. Check the end of the transcript",
            )

    def _lost_after_begin(self, ending: Ended) -> Ended:
        """Turns BUSY into LOST after Begin, since the server had room for the session."""
        if self.begin is not None and ending.outcome is Outcome.BUSY:
            return replace(ending, outcome=Outcome.LOST)
        return ending

    def warn_of_unread_part(self, reason: str, message: ServerMessage) -> None:
        """Warns, once per type, of a message of which only a part can be read."""
        self._warn_once(
            f"a part of {type(message).__name__}",
            f"a part of a message was not understood: {reason}",
        )

    def _report_fault(self, fault: TurnFault, said: str) -> None:
        self._warn_once(fault.name, fault.value.format(said))

    def _warn_once(self, about: str, warning: str) -> None:
        if about not in self._warned_of:
            self._warned_of.add(about)
            self.warn(Warned(warning))

    def warn(self, warning: Warned) -> None:
        """Publishes a warning, but keeps it until `Began`; drops it after `MAX_WARNINGS`."""
        self._warning_count += 1
        if self._warning_count > MAX_WARNINGS:
            return
        if self._warning_count == MAX_WARNINGS:
            warning = Warned("further warnings of this session are not shown")
        _log.warning("warning: %s", warning.warning)
        if self._pending_warnings is None:
            self._recorder.publish(warning)
        else:
            self._pending_warnings.append(warning)

    def publish_pending_warnings(self, at: float | None = None) -> None:
        """Publishes the warnings that came before `Began`; ``at`` is a monotonic time."""
        pending, self._pending_warnings = self._pending_warnings or [], None
        for warning in pending:
            self._recorder.publish(warning, at=at)
