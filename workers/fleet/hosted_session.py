"""One session that an agent hosts on its node."""

from dataclasses import replace
from pathlib import Path

from workers.audio.recording import Recording
from workers.fleet.leases import LeaseTerms
from workers.fleet.node_messages import SessionKey
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage, ExtendLease
from workers.session.local_launcher import LocalLauncher, LocalSession
from workers.sources.spool import remove_spool


class HostedSession:
    """A session on this node, from the request for it until its files are collected.

    Not thread-safe: callers must hold the agent's lock, except for `start`.
    """

    def __init__(self, key: SessionKey, assignment: Assignment, secret: Secret | None) -> None:
        self.key, self.assignment = key, assignment
        self._secret = secret
        self.reports = 0
        """How many it has reported."""
        self.is_over = self.is_starting = False
        self.spool: Path | None = None
        """Where its recording is, if this node has received it for this session."""
        self.is_kill_requested = False
        self._session: LocalSession | None = None
        self._early: list[ControlMessage] = []
        """Messages for a session that has not started yet."""

    def create(
        self, launcher: LocalLauncher, trace: Path, log: Path, terms: LeaseTerms, until_s: float
    ) -> LocalSession:
        """Creates the process's end on this node; the caller must start it without the lock.
        Raises `OSError`. ``until_s``: when it must begin to end, on the monotonic clock."""
        job, config = self.assignment.job, self.assignment.log_config
        job = replace(job, recording=self.recording)
        if not job.recording.is_growing:  # one may have nothing to send for long
            job = replace(job, settings=job.settings.with_params((terms.inactivity_timeout,)))
        if config is not None and config.path is not None:
            config = replace(config, path=str(trace.with_name("paceline.log")))
        assignment = replace(
            self.assignment,
            job=job,
            trace_path=str(trace),
            log_path=str(log),
            lease_until_s=until_s,
            log_config=config,
        )
        self._session = launcher.create(assignment, self._secret)
        self._secret = None
        return self._session

    @property
    def recording(self) -> Recording:
        """The recording, where this node has it."""
        recording = self.assignment.job.recording
        return recording if self.spool is None else replace(recording, path=str(self.spool))

    @property
    def is_live(self) -> bool:
        """Whether it has a process."""
        return self._session is not None and not self.is_over

    def send_early(self) -> None:
        """Sends what came before the start."""
        for message in self._early:
            self.send(message)
        self._early = []
        if self.is_kill_requested:
            self.kill()

    def send(self, message: ControlMessage) -> None:
        """Forwards a message to the session, now or as soon as it has started."""
        if self.is_over:
            return
        if self._session is None:
            self._early.append(message)
        else:
            self._session.send(message)

    def extend(self, until_s: float) -> None:
        """Extends the lease of a live session."""
        if self._session is not None and not self.is_over:
            self._session.send(ExtendLease(until_s))

    def kill(self) -> None:
        """Kills the session, now or as soon as it has started."""
        self.is_kill_requested = True
        if self._session is not None and not self.is_over:
            self._session.kill()

    def check_alive(self) -> bool:
        """Like `Session.check_alive`."""
        return self._session is None or self.is_over or self._session.check_alive()

    def bytes_read_asleep(self) -> int | None:
        """Like `Session.bytes_read_asleep`, until it reports for the first time."""
        if self._session is None or self.is_over or self.reports:
            return None
        return self._session.bytes_read_asleep()

    def end(self) -> None:
        """Records that its process is gone, or was never started."""
        self.is_over = True
        self._secret = None
        if self.spool is not None:
            remove_spool(str(self.spool))
        if self._session is not None:
            self._session.close()
