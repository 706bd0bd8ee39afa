"""The scheduling state of one job: unprobed, queued, live or finished."""

from dataclasses import dataclass, field, replace
from enum import Enum
from math import inf

from workers.audio.source import ReadOptions, Source
from workers.errors import Unreadable
from workers.jobs.events import Ended, JobReport, Outcome, Progressed, TurnReceived
from workers.jobs.job import Half, Job, JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.outcomes import CONTINUE_HINT, RETRYABLE
from workers.jobs.resume_point import ResumePoint
from workers.jobs.sent_position import SentPosition
from workers.pacing.certificate import AUDIO_TOLERANCE_S
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.messages import UpdateConfiguration
from workers.scheduling.launcher import Session
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.spending import SOCKET_OVERHEAD_S
from workers.session.assignment import StopCommand

MAX_SUSPENDED_CHECKS = 3
"""A session is killed after this many checks in a row have found it suspended."""
MAX_SILENT_CHECKS = 15
"""A streaming session, which reports every second, is killed after this many silent checks."""
MAX_SILENT_SETUP_CHECKS = 600
"""The same for a session that is not streaming yet. It may be reading its file up to the resume
point, which takes a minute for some hours of Opus, or waiting for the server."""
MAX_BLOCKED_CHECKS = 15
"""A session that has reported nothing yet is killed after so many checks in a row have found it
asleep without having read more: its file system does not answer."""
MIN_BLOCKED_CHECKS = MAX_SILENT_CHECKS - 2
"""So many checks a streaming session was blocked if its file system is why it was killed: the first
silent check looks at no process, and the second has nothing to compare with."""
MAX_KILLED_CHECKS = 5
"""How many checks a session that was killed is waited for. Only a file system that does not answer
keeps one from ending."""

MIN_FOLLOWED_BYTES = 4096
"""How much of a recording must have arrived before it is followed: its header, and some audio."""
MAX_FOLLOWED_BYTES = 1024 * 1024
"""A recording that cannot be read when so much has arrived must arrive whole."""


class JobPhase(Enum):
    UNPROBED = "unprobed"
    RECEIVING = "receiving"  # its recording arrives from the network or a pipe
    PROBING = "probing"
    QUEUED = "queued"
    LIVE = "live"  # it has left the queue; its session is starting or running
    FINISHED = "finished"


class Arrival(Enum):
    """How far a recording from the network or a pipe has come."""

    NOT_BEGUN = "not begun"
    BEGUN = "begun"  # it is arriving, and may be followed
    AWAITED = "awaited"  # it is arriving, and is read when all of it is there
    FOLLOWED = "followed"  # it is arriving, and is read meanwhile
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class JobSlot:
    """One job, and its session if it has one. Only the scheduler changes it."""

    id: JobId
    source: Source
    path: str  # where its file is
    state: JobState  # what its sessions have reported, apart from old turns
    half: Half | None = None
    partner: "JobSlot | None" = None
    """The other half of the pair; None for a job of its own."""
    attempt: int = 1  # the number of the current attempt, or of the next one
    generation: int = 0
    """How often the user has retried the job. `attempt` may stay the same in a retry, because the
    number of an attempt that never started is used again."""
    phase: JobPhase = JobPhase.UNPROBED
    job: Job | None = None  # known once the file is probed
    session: Session | None = None
    due_at: float = 0.0  # the earliest start, on the monotonic clock
    started_at: float = 0.0  # when the current attempt left the queue
    failed_attempts: int = 0
    """Failures in a row since the last new final turn, or since the user last retried the job."""
    starts_over: bool = False
    """The next attempt starts at the beginning of the recording and drops the transcript."""
    changes: UpdateConfiguration = NO_CHANGES
    """Settings that the user changed while the job streamed; further attempts start with them."""
    end_requested: bool = False  # the user cancelled it, or the program ends
    sent_position: SentPosition | None = None
    """What the session has sent by its latest report; None before its first."""
    arrival: Arrival = Arrival.NOT_BEGUN
    """How far its recording has come, if that is not a local file."""
    follow_at_bytes: int = MIN_FOLLOWED_BYTES
    """How much must have arrived before it is followed."""
    arrival_problem: Unreadable | None = None
    """Why not all of it has come."""
    ending: JobReport | None = None
    """The session's last report; published when the session is gone."""
    _stop_commands: list[StopCommand] = field(default_factory=list)
    """The commands sent to the session; the first one is the reason why it ends."""
    _is_hung: bool = False
    _kill_requested: bool = False
    _silent_checks: int = 0
    _suspended_checks: int = 0
    _has_reported: bool = False
    _blocked_checks: int = 0
    _bytes_read: int | None = None
    _killed_checks: int = 0
    _last_report_t: float = 0.0  # on the session's clock
    _last_report_at: float = 0.0  # the same moment on the monotonic clock
    _clock_offset_s: float = inf
    """The start of the session's clock, on the monotonic clock. Reports arrive late, so the
    smallest difference between the two is the best."""

    @property
    def file(self) -> str:
        """The recording, as the user named it."""
        return self.source.file

    @property
    def must_be_received(self) -> bool:
        """Whether its recording is not a local file, and nothing receives it yet."""
        return not self.source.is_local and self.arrival is Arrival.NOT_BEGUN

    @property
    def read_options(self) -> ReadOptions:
        """How its file is read. One that is still arriving is followed; and so is one that an
        earlier attempt followed, because its hash is that of the beginning."""
        options = self.source.options
        is_followed = self.arrival is Arrival.FOLLOWED or self.expected_bytes is not None
        return options if self.source.is_local else replace(options, follow=is_followed)

    @property
    def is_finished(self) -> bool:
        """True if nothing more happens unless the user retries the job."""
        return self.phase is JobPhase.FINISHED

    @property
    def is_streaming(self) -> bool:
        """True if its session is sending audio and was not asked to end."""
        live = self.session is not None and not self.end_requested
        return live and self.state.status is JobStatus.STREAMING

    @property
    def resume_point(self) -> ResumePoint:
        """Where the next attempt begins."""
        return self.state.start_point if self.starts_over else self.state.resume_point

    @property
    def needed_s(self) -> float:
        """How long the socket of the next session will be open, as far as that is known: of a
        recording that is still being written, for what is there."""
        if self.job is None:
            return 0.0
        remaining_s = self.job.recording.end_seconds - self.resume_point.at_ms / 1000
        return max(0.0, remaining_s) / self.job.settings.speed + SOCKET_OVERHEAD_S

    @property
    def expected_sha256(self) -> str:
        """The SHA-256 that the recording must have at the next attempt; empty: any."""
        return "" if self.starts_over else self.state.sha256

    @property
    def expected_bytes(self) -> int | None:
        """Up to where that hash was computed; None: to the end of the file."""
        return None if self.starts_over else self.state.hashed_bytes

    def is_part_sent(self, last_report: JobReport) -> bool:
        """Whether a session ended because it had sent the chosen part of a recording."""
        ended, end_s = last_report.event, self.source.options.end_s
        return (
            isinstance(ended, Ended)
            and end_s is not None
            and (ended.sent_seconds > end_s - AUDIO_TOLERANCE_S)
        )

    def apply(self, report: JobReport) -> None:
        """Applies a report to the state, which keeps no final turns: the scheduler only needs the
        resume point."""
        self.state.apply(report)
        if isinstance(report.event, TurnReceived):
            self.state.transcript.evict(0)
        if self.state.has_started:  # the state has dropped the transcript
            self.starts_over = False

    def begin_attempt(self, session: Session, now: float) -> None:
        """Resets the state of the previous session; ``session`` is about to start."""
        self.session, self.ending = session, None
        self._stop_commands, self._is_hung, self._kill_requested = [], False, False
        self._silent_checks = self._suspended_checks = 0
        self._blocked_checks = self._killed_checks = 0
        self._bytes_read, self._has_reported = None, False
        self._last_report_t, self._last_report_at = 0.0, now
        self.sent_position, self._clock_offset_s = None, inf

    def note_report(self, report: JobReport, now: float) -> None:
        """Records that the session is alive, and what it has sent."""
        self._silent_checks, self._has_reported = 0, True
        self._last_report_t, self._last_report_at = report.t, now
        if isinstance(report.event, Progressed):  # `Began` has a time in the future
            self._clock_offset_s = min(self._clock_offset_s, now - report.t)
            at = report.t + self._clock_offset_s
            self.sent_position = SentPosition(report.event.sent_seconds, at)

    def request_stop(self, command: StopCommand) -> None:
        """Asks the session to end; a repeated command kills it. SHUT_DOWN after CANCEL does
        not kill it: the session is still receiving its last words."""
        assert self.session is not None
        if command in self._stop_commands or StopCommand.SHUT_DOWN in self._stop_commands:
            self._kill_requested = True
            self.session.kill()
        else:
            self._stop_commands.append(command)
            self.session.send(command)

    def check_session(self) -> None:
        """Kills the session if it was suspended or silent for too long. Call it once a second: it
        counts checks, not seconds, since no checks are made while the program or machine sleeps."""
        if self.session is None or not self.session.is_reachable:
            return
        self._killed_checks += self._kill_requested
        self._silent_checks += 1
        # A look at a process takes time from sessions that stream: none at one that has reported
        # since the last check, and has not been suspended for long. The next check makes up for it.
        if self._silent_checks == 1 or self.session.check_alive():
            self._suspended_checks = 0
        else:
            self._suspended_checks += 2 if self._silent_checks == 2 else 1
        is_quiet = not self._has_reported or self._silent_checks > 1
        bytes_read = self.session.bytes_read_asleep() if is_quiet else None
        is_blocked = bytes_read is not None and bytes_read == self._bytes_read
        self._blocked_checks = self._blocked_checks + 1 if is_blocked else 0
        self._bytes_read = bytes_read
        streaming = self.state.status is JobStatus.STREAMING
        longest = MAX_SILENT_CHECKS if streaming else MAX_SILENT_SETUP_CHECKS
        if (
            self._suspended_checks >= MAX_SUSPENDED_CHECKS
            or self._silent_checks >= longest
            or (self._blocked_checks >= MAX_BLOCKED_CHECKS and not self._has_reported)
        ):
            self._is_hung = self._kill_requested = True
            self.session.kill()

    @property
    def is_unkillable(self) -> bool:
        """Whether the session was killed and does not end."""
        return self._killed_checks > MAX_KILLED_CHECKS

    def unreported_ending(self, exit_text: str | None, now: float) -> JobReport:
        """Builds the last report of a session that is gone and never reported its end.
        ``exit_text`` says how its process ended; None if it never had one."""
        t = self._last_report_t + now - self._last_report_at
        how = "by force" if exit_text or self._kill_requested else "before the session began"
        if self._is_hung and self._blocked_checks >= MIN_BLOCKED_CHECKS:
            reason = "the disk or file system of the recording did not answer"
            ended = Ended(Outcome.CRASHED, reason, CONTINUE_HINT)
        elif self._is_hung:
            reason = "the session's process did not respond and was killed"
            ended = Ended(Outcome.CRASHED, reason, CONTINUE_HINT)
        elif self._stop_commands[:1] == [StopCommand.CANCEL]:
            ended = Ended(Outcome.CANCELLED, f"stopped {how}", CONTINUE_HINT)
        elif self._stop_commands:
            ended = Ended(Outcome.INTERRUPTED, f"the program was left {how}", CONTINUE_HINT)
        else:
            hint = f"{CONTINUE_HINT} See its log for details."
            ended = Ended(Outcome.CRASHED, f"the session's process {exit_text}", hint)
        started = self.state.has_started and self.state.attempt == self.attempt
        ended = replace(
            ended,
            sent_seconds=self.state.sent_seconds if started and self.state.lag else 0.0,
            open_seconds=round(self.state.socket_seconds(t), 3) if started else 0.0,
        )
        return JobReport(self.id, self.attempt, self.file, t, ended, self.half)

    def next_retry_delay(self, outcome: Outcome, retry_policy: RetryPolicy) -> float | None:
        """Seconds until another attempt may follow one with this outcome; None if none may.

        Only failures in a row count, without a new final turn between them: a long recording may
        break as often as the line does. A handover counts as a failure if the session did not get
        beyond its start; otherwise such sessions could follow each other forever.
        """
        # An attempt that never connected has left the tracker of the one before.
        has_advanced = self.state.has_started and self.state.resume_tracker.has_advanced
        if has_advanced:
            self.failed_attempts = 0
            if outcome is Outcome.HANDED_OVER:
                return 0.0
        # Interrupted by a signal to the session's process: the program itself is still running.
        if outcome not in RETRYABLE | {Outcome.HANDED_OVER, Outcome.INTERRUPTED}:
            return None
        self.failed_attempts += 1
        if self.failed_attempts >= retry_policy.max_attempts:
            return None
        return retry_policy.random_delay(self.failed_attempts)

    def reset_for_retry(self, attempt: int) -> None:
        """Prepares an attempt that the user requested. It continues where the last one broke, or
        starts over. ``attempt`` is its number: the same again if the last one never started."""
        outcome = self.state.latest_outcome
        # A file that was only missing never started an attempt, so it does not start over.
        unreadable = outcome is Outcome.UNREADABLE and attempt > self.attempt
        unreadable = unreadable and self.arrival_problem is None  # what has arrived was readable
        self.starts_over |= outcome is Outcome.DONE or unreadable
        self.attempt, self.generation, self.job = attempt, self.generation + 1, None
        self.failed_attempts, self.due_at, self.end_requested = 0, 0.0, False
        self.arrival, self.arrival_problem = Arrival.NOT_BEGUN, None
        self.follow_at_bytes = MIN_FOLLOWED_BYTES
