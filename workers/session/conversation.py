"""The conversation of one attempt: dial, Begin, every chunk on time, Terminate, Termination."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from math import inf

from workers.errors import Unreadable
from workers.jobs import outcomes
from workers.jobs.events import Began, Connecting, Ended, Outcome, Readied
from workers.log import Logger
from workers.pacing.schedule import Beat, Schedule, next_in_phase
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.connection import ConnectionLost
from workers.protocol.messages import Begin, Terminate
from workers.protocol.unreachable import Unreachable
from workers.secrecy import Secret
from workers.session import priority
from workers.session.assignment import Assignment
from workers.session.audio_stream import AudioStream
from workers.session.chunks import Chunk, read_ahead
from workers.session.control import ControlChannel
from workers.session.dialer import connect
from workers.session.loop import SessionLoop
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.recording_file import FILE_CHANGED, RecordingFile
from workers.session.session_state import SessionState
from workers.session.watches import FileWatch, SleepWatch

DRAIN_S = 2.0
"""How long to read on after Termination for turns that come late, unless the server closes."""

START_LEAD_S = 0.02
"""Delay from Begin to the start of the schedule; leaves time to publish `Began`."""

READ_AHEAD_MS = 500
"""How much audio is decoded at a time: more would delay the chunks of other sessions."""

_log = Logger("paceline.session")


class Conversation:
    """Runs one attempt. Call `run` once."""

    def __init__(
        self,
        assignment: Assignment,
        key: Secret | None,
        recorder: Recorder,
        control: ControlChannel,
        file: RecordingFile,
    ) -> None:
        """``file``: the recording, already hashed."""
        self._assignment, self._key = assignment, key
        self._recorder, self._control = recorder, control
        self._recording, self._settings = assignment.job.recording, assignment.job.settings
        self._rate = self._settings.sample_rate_for(self._recording)
        self._state = SessionState(recorder, assignment.resume_point)
        self._file = file
        self._audio = AudioStream(assignment, self._rate, file, self._check, self._state.warn)
        start = self._audio.start_sample
        self._progress = SendProgress(self._recording, self._settings, start, recorder)

    def run(self) -> Ended:
        """Runs the attempt, and returns how it ended.

        Raises `Cancelled` if a stop command arrives before the server is dialed.
        """
        endpoint, timeouts = self._assignment.endpoint, self._assignment.timeouts
        state, progress = self._state, self._progress
        recorder, control = self._recorder, self._control
        start, address = self._assignment.resume_point, endpoint.address
        position = (start.at_ms, start.turn, start.kept_words)
        node = self._assignment.node
        recorder.publish(Connecting(address, self._file.sha256, *position, self._file.end, node))
        with closing(self._audio.chunks()) as chunks:
            try:
                # Decoded before dialing, because seeking far into a file may take a minute.
                first = next(chunks, None)  # None: all audio was sent in earlier attempts
            except Unreadable as error:
                return outcomes.ended_by_unreadable(error)
            if not self._file.is_current():  # what is decoded is not what was hashed
                return FILE_CHANGED
            control.check()
            dialed_at = time.monotonic()
            _log.debug("dialing %s", address)
            url = endpoint.with_parameters(self._settings.query_params(self._rate))
            try:
                connection = connect(url, endpoint.ca, self._key, timeouts, control, state)
            except Unreachable as error:
                _log.info("not connected: %s", error.reason)
                was_reached = self._assignment.was_reached
                return state.ending or outcomes.ended_by_unreachable(error, was_reached=was_reached)
            opened_at = time.monotonic()
            _log.debug("connected after %.0f ms", (opened_at - dialed_at) * 1000)
            with connection:
                try:
                    speed = self._settings.speed
                    loop = SessionLoop(
                        connection, state, progress, control, recorder, timeouts, speed
                    )
                    loop.timers += [
                        FileWatch(self._file, recorder, state, progress),
                        SleepWatch(progress),
                    ]
                    begin = self._await_begin(loop, opened_at + timeouts.begin_s)
                    if begin is not None and not state.is_stopping:
                        began = Began(
                            session_id=begin.id,
                            model=begin.model or self._settings.speech_model,
                            sample_rate=self._rate,
                            expires_at=begin.expires_at,
                            connect_ms=round((opened_at - dialed_at) * 1000, 1),
                            begin_ms=round((time.monotonic() - opened_at) * 1000, 1),
                        )
                        with priority.real_time():
                            self._stream(loop, chain([first] if first else [], chunks), began)
                    if not state.finished:  # even without Begin, which may still come
                        self._terminate(loop)
                except ConnectionLost as error:
                    if not state.is_terminated:
                        state.end(Ended(Outcome.LOST, error.reason, outcomes.RETRY_HINT))
                connection.close()
        open_seconds = round(time.monotonic() - opened_at, 3)
        ending = state.final_ending()
        read, failure = self._audio.finish(
            progress.file_seconds, is_done=ending.outcome is Outcome.DONE
        )
        recorder.publish(read)
        return replace(
            failure or ending,
            sent_seconds=round(progress.sent_seconds, 3),
            open_seconds=open_seconds,
            certificate=progress.certificate(read.audio),
        )

    def _check(self) -> None:
        """Called repeatedly while the recording is skipped or compared, which may take a minute.

        Reports that the session is alive. Raises `Cancelled` on a stop command, except between
        Begin and Terminate, when the loop handles all commands.
        """
        if not self._state.is_streaming:
            self._control.check()
        self._progress.tick(time.monotonic())

    def _await_begin(self, loop: SessionLoop, deadline: float) -> Begin | None:
        """Waits for Begin, because an open socket does not mean that the session is accepted."""
        state, assignment = self._state, self._assignment
        loop.run_until(deadline, lambda: state.begin is not None or state.is_stopping)
        if state.begin is None:
            waited = f"{assignment.timeouts.begin_s:g} s"
            name = assignment.endpoint.name
            reason = f"{name} accepted the connection but started no session within {waited}"
            hint = "Is this the address of a v3 endpoint? Retry later."
            state.end(Ended(Outcome.UNREACHABLE, reason, hint))
        return state.begin

    def _stream(self, loop: SessionLoop, chunks: Iterator[bytes], began: Began) -> None:
        """Sends every chunk at its due time. The schedule starts `START_LEAD_S` from now or at the
        session's phase after that, or on the beat of the pair."""
        state, progress = self._state, self._progress
        start, beat_s = time.monotonic() + START_LEAD_S, None
        if (phase := self._assignment.phase) is not None:
            start = next_in_phase(start, phase, self._interval_s)
        if self._assignment.job.half is not None:
            beat = self._await_clock(loop)
            if beat is None:
                return
            # If the message about the start was late, the first chunks are late too, not omitted.
            is_first = time.monotonic() < beat.at(1)
            number = 0 if is_first else beat.next_number(time.monotonic() + START_LEAD_S)
            start, beat_s = beat.at(number), beat.interval_s
            began = replace(began, clock_s=beat.start_s, clock_chunk=number)
        schedule = Schedule(
            rate=self._rate,
            start=start,
            release=self._settings.release,
            speed=self._settings.speed,
            beat_s=beat_s,
        )
        self._recorder.publish(began, at=start)
        progress.start_reporting()
        state.publish_pending_warnings(start)
        if self._assignment.changes != NO_CHANGES:
            # Not in the query, because many key terms can make the URL too long for a server.
            loop.send(self._assignment.changes, at=start)
        growth = self._audio.growth
        if growth is not None:
            growth.pause = partial(self._continue_until, loop)
            progress.written_samples = lambda: growth.written_samples
        try:
            # Decoded and framed before waiting, so that only the write remains at the due time.
            # What is still being written is read as late as possible.
            ahead = 1 if growth is not None else max(1, READ_AHEAD_MS // self._settings.chunk_ms)
            for group in read_ahead(chunks, ahead):
                waiting = deque(group)
                while waiting and (
                    self._send_undisturbed(loop, schedule, waiting)
                    or self._send_next(loop, schedule, waiting)
                ):
                    pass
                if waiting:
                    break
            else:
                if self._audio.is_at_end:
                    state.mark_all_audio_sent()
                    progress.mark_end()
            loop.run_until(schedule.due(progress.sent_samples, 0), lambda: state.is_stopping)
        except Unreadable as error:
            state.end(outcomes.ended_by_unreadable(error))
        progress.report()

    def _send_undisturbed(
        self, loop: SessionLoop, schedule: Schedule, waiting: deque[Chunk]
    ) -> bool:
        """Sends chunks as long as there is nothing else to do, up to the next report, and counts
        them afterwards: what a chunk does not need would only delay those of other sessions.
        Returns whether any was sent."""
        progress, lags_s = self._progress, list[float]()
        if self._audio.growth is None and not self._state.is_stopping:
            chunks = list(islice(waiting, progress.chunks_to_report))
            position, frames = progress.sent_samples, list[tuple[bytes, float]]()
            for chunk in chunks:
                frames.append((chunk.frame, schedule.due(position, chunk.samples)))
                position += chunk.samples
            try:
                loop.send_undisturbed(frames, lags_s)
            finally:
                for lag_s in lags_s:
                    progress.add_chunk(waiting.popleft(), lag_s)
        return bool(lags_s)

    def _send_next(self, loop: SessionLoop, schedule: Schedule, waiting: deque[Chunk]) -> bool:
        """Sends the next chunk at its due time, and handles whatever comes before. Returns False if
        the session stops."""
        state, progress, connection = self._state, self._progress, loop.connection
        growth, chunk = self._audio.growth, waiting[0]
        due = schedule.due(progress.sent_samples, chunk.samples)
        if growth is not None:
            waited_s = schedule.wait_for_audio(due, growth.ready_at)
            if waited_s is not None:
                progress.record_wait(waited_s)
                due = schedule.due(progress.sent_samples, chunk.samples)
        loop.run_until(due, lambda: state.is_stopping)
        if state.is_stopping:
            return False
        stalled_s = schedule.slip_if_late(due, time.monotonic())
        if stalled_s is not None:
            progress.record_slip(stalled_s)
            due = schedule.due(progress.sent_samples, chunk.samples)
            loop.run_until(due, lambda: state.is_stopping)  # to the next beat of a pair
            if state.is_stopping:
                return False
        connection.send_audio(chunk.frame)
        if connection.has_unsent:  # until the server reads again, or the keepalive gives up
            loop.run_until(inf, lambda: state.is_stopping or not connection.has_unsent)
        progress.add_chunk(waiting.popleft(), time.monotonic() - due)
        return True

    def _continue_until(self, loop: SessionLoop, deadline: float) -> bool:
        """Waits for more of a recording that is still being written; False if the session ends."""
        self._progress.is_waiting = True
        loop.run_until(deadline, lambda: self._state.is_stopping)
        return not self._state.is_stopping

    def _await_clock(self, loop: SessionLoop) -> Beat | None:
        """Waits until the clock of the pair starts; None if the session ends before that. The
        supervisor limits the wait: see `workers.scheduling.pair_clock`."""
        state, start_s = self._state, self._assignment.clock_s
        if start_s is None:
            self._recorder.publish(Readied())
            loop.run_until(inf, lambda: state.clock_s is not None or state.is_stopping)
            start_s = state.clock_s
        if start_s is None or state.is_stopping:
            return None
        return Beat(start_s, self._interval_s)

    @property
    def _interval_s(self) -> float:
        """The time between two chunks."""
        return self._audio.chunk_frames / (self._rate * self._settings.speed)

    def _terminate(self, loop: SessionLoop) -> None:
        """Sends Terminate and handles everything up to Termination, and what comes after it."""
        state = self._state
        if not state.is_terminated:
            loop.send(Terminate())
            state.mark_terminate_sent()
        while not state.finished:
            now, deadline = time.monotonic(), self._last_message_deadline()
            if now >= deadline:
                reason = "the server did not confirm the end in time"
                hint = "The last words may be missing; a retry continues from the last turn."
                unconfirmed = Ended(Outcome.LOST, reason, hint)
                state.finish(None if state.is_terminated else unconfirmed)
                return
            # Waits a second at most, since messages and commands move the deadline.
            loop.run_until(min(deadline, now + 1.0), lambda: state.finished)

    def _last_message_deadline(self) -> float:
        """Until when to wait for the server to end the session, on the monotonic clock."""
        state, timeouts = self._state, self._assignment.timeouts
        if state.is_interrupted or state.begin is None:
            deadline = state.ended_at + timeouts.shutdown_s
        else:
            # At a higher speed a server has more audio left to recognise.
            termination_s = timeouts.termination_s * max(self._settings.speed, 1.0)
            deadline = min(
                state.last_message_at + timeouts.next_message_s,
                state.terminate_sent_at + termination_s,
            )
        return min(deadline, state.terminated_at + DRAIN_S) if state.is_terminated else deadline
