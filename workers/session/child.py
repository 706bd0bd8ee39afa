"""A session's process as its parent sees it: started, cancelled, listened to until its end."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from workers import processes
from workers.jobs.events import Began, Ended, JobReport, Outcome, Progressed
from workers.protocol.endpoint import Secret
from workers.session.assignment import Assignment, ForwardedMessage, StopCommand
from workers.session.session_queue import Closed, SessionQueue


class SessionChild:
    """Made before its process is, so that it can be asked to end while that is started.

    `start` and `reports` each belong to one thread, the rest to one at a time.
    """

    def __init__(self, context: BaseContext, assignment: Assignment, key: Secret | None) -> None:
        self._stop_commands: list[StopCommand] = []
        """The first of them is why it ends."""
        self._hung = False
        self._last_report_t, self._last_report_at = 0.0, time.monotonic()
        self._opened_at: float | None = None
        self._sent_seconds = 0.0
        self._exited = False
        self._kill_requested = False
        """To be killed, also if its process is not there yet."""
        self._context = context
        self._assignment, self._key = assignment, key
        self._reports: SessionQueue[JobReport] = SessionQueue(*context.Pipe(duplex=False))
        self._control: SessionQueue[StopCommand | ForwardedMessage] = SessionQueue(
            *context.Pipe(duplex=False)
        )
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Makes the process; raises as `processes.started` does, and then it is over."""
        try:
            self._process = processes.start_process(
                self._context,
                _child_main,
                self._assignment,
                self._key,
                self._reports,
                self._control,
                name=f"paceline-session-{self._assignment.job.id}",
            )
        except BaseException:
            self._exited = True
            self._reports.close_reader()
            self.close()
            raise
        finally:
            self._control.close_reader()
            # The child holds the only writing end now, so its death closes the queue.
            self._reports.close_writer()
        if self._kill_requested:
            self._kill()

    def request_stop(self, command: StopCommand) -> None:
        """Politely the first time, by force the second.

        Leaving is no second time for what was only cancelled: its last words are still to come.
        """
        if command in self._stop_commands or StopCommand.SHUT_DOWN in self._stop_commands:
            self._kill()
        else:
            self._stop_commands.append(command)
            self._control.put(command)

    def forward(self, message: ForwardedMessage) -> None:
        """Has it sent to the server, if it still streams when this arrives."""
        self._control.put(message)

    def flush(self) -> None:
        """Says again what its pipe had no room for."""
        self._control.flush()

    def close(self) -> None:
        """It is dead, and is told nothing any more."""
        self._control.close_writer()

    def kill_hung(self) -> None:
        """By force, because it has stood still for too long."""
        self._hung = True
        self._kill()

    @property
    def is_suspended(self) -> bool:
        """Somebody has stopped the process (SIGSTOP), where the system tells."""
        return self._process is not None and processes.is_suspended(self._process.pid)

    def read_reports(self) -> Iterator[JobReport]:
        """What it says, waiting for each, until it has nothing more to say and is dead."""
        with suppress(Closed):
            while True:
                report = self._reports.get()
                self._track(report)
                yield report
        self._exited = True
        self._reports.close_reader()
        if self._process is not None:
            self._process.join()

    def _track(self, report: JobReport) -> None:
        self._last_report_t, self._last_report_at = report.t, time.monotonic()
        match report.event:
            case Began() as began:
                self._opened_at = self._last_report_at - began.begin_ms / 1000
            case Progressed() as progressed:
                self._sent_seconds = progressed.sent_seconds

    @property
    def elapsed_s(self) -> float:
        """Seconds on its clock, as far as that is known here."""
        return self._last_report_t + time.monotonic() - self._last_report_at

    def fallback_ending(self) -> Ended:
        """The ending of a process that is dead and has not said how it ended, or never was."""
        opened = self._opened_at
        open_seconds = 0.0 if opened is None else time.monotonic() - opened
        return replace(
            self._cause_of_death(),
            sent_seconds=self._sent_seconds,
            open_seconds=round(open_seconds, 3),
        )

    def _cause_of_death(self) -> Ended:
        if self._hung:
            return Ended(
                Outcome.CRASHED, "the session's process stood still and was ended", _CONTINUE_HINT
            )
        began = self._process is not None
        how = "by force" if began or self._kill_requested else "before it began"
        if self._stop_commands[:1] == [StopCommand.CANCEL]:
            return Ended(Outcome.CANCELLED, f"stopped {how}", _CONTINUE_HINT)
        if self._stop_commands:
            return Ended(Outcome.INTERRUPTED, f"the program was left {how}", _CONTINUE_HINT)
        code = self._process.exitcode if self._process is not None else None
        death = f"was killed (signal {-code})" if code and code < 0 else f"ended with code {code}"
        return Ended(
            Outcome.CRASHED,
            f"the session's process {death}",
            f"{_CONTINUE_HINT} Its log may say more.",
        )

    def _kill(self) -> None:
        """Not through multiprocessing, which takes all for dead when its fork server is."""
        if self._exited:
            return
        self._kill_requested = True
        if self._process is None:
            processes.kill_fork_server()  # which may never answer: its end is that of the start
        elif self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)


_CONTINUE_HINT = "What was heard is kept; it can go on from there."


def _child_main(
    assignment: Assignment,
    key: Secret | None,
    reports: SessionQueue[JobReport],
    control: SessionQueue[StopCommand | ForwardedMessage],
) -> None:
    """The child. What it needs is loaded in the fork server already, and never in the parent."""
    from workers.session.main import run_session

    run_session(assignment, key, reports, control)
