"""The verbs (commands that act on sessions), and their notices.

Each verb skips jobs that it cannot act on, and returns a notice that describes what it did.
"""

from collections.abc import Mapping, Sequence

from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import (
    HELD_BY_REFUSAL_MESSAGE,
    SERVER_RESTARTED_MESSAGE,
    SupervisorProtocol,
    SupervisorStatus,
)
from tui.text.formats import format_count, format_duration
from tui.theme.roles import Look
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.protocol.messages import UpdateConfiguration

NO_ROW_MESSAGE = "No session is selected"


def cancel(
    state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId], key: str = "x"
) -> str:
    """Ends sessions gracefully, kills them if called twice; removes queued jobs from the queue.

    ``key``: the key that cancels.
    """
    jobs = [job for job in targets if not state.job_states[job].status.is_finished]
    if not jobs:
        return nothing_message(len(targets), "already finished")
    forced = sum(state.is_stopping(job) for job in jobs)
    for job in jobs:
        supervisor.cancel(job)
        if state.job_states[job].is_live:
            state.mark_stopping(job)
    if forced:
        return f"Cancelling {recording_count(len(jobs))}, {forced} by force"
    live = any(state.is_stopping(job) for job in jobs)
    again = f"; transcripts are kept; press {key} again to force" if live else ""
    return f"Cancelling {recording_count(len(jobs))}{again}"


def retry(state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """Queues another attempt of failed and cancelled jobs, from where the last one stopped.

    Skips done jobs: their transcripts are complete, and another attempt would be billed.
    """
    wanted = [job for job in targets if state.job_states[job].status is not JobStatus.DONE]
    accepted = [job for job in wanted if supervisor.retry(job)]
    if not accepted:
        why = "running" if len(wanted) == len(targets) else "done or running" if wanted else "done"
        return nothing_message(len(targets), why)
    skipped = len(targets) - len(accepted)
    rest = f"; {skipped} done or running" if skipped else ""
    resume_s = []
    for job in accepted:
        ended, resume_point = state.job_states[job].ended, state.job_states[job].resume_point
        unreadable = ended is not None and ended.outcome is Outcome.UNREADABLE
        if resume_point.at_ms and not unreadable:
            resume_s.append(resume_point.at_ms / 1000)
    from_start = len(accepted) - len(resume_s)
    if not resume_s:
        place = " from the start"
    elif len(accepted) == 1:
        place = f" from {format_duration(resume_s[0])}, where it stopped"
    else:
        place = f": {len(resume_s)} from where {'it' if len(resume_s) == 1 else 'they'} stopped"
        place += f", {from_start} from the start" if from_start else ""
    return f"Retrying {recording_count(len(accepted))}{place}{rest}"


def end_turn(supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """Asks servers to end the current turn now, without waiting for silence."""
    sent = sum(supervisor.end_turn(job) for job in targets)
    if not sent:
        return nothing_message(len(targets), "not streaming")
    return f"Ending the current turn of {_sent_text(sent, len(targets) - sent)}"


def configure(
    supervisor: SupervisorProtocol, changes: Mapping[JobId, UpdateConfiguration], others: int
) -> str:
    """Sends each session its changes. ``others``: how many targets are not streaming."""
    sent = sum(supervisor.configure(job, change) for job, change in changes.items())
    if not sent:
        return "Nothing was sent: these sessions have ended"
    return f"Sent to {_sent_text(sent, others + len(changes) - sent)}"


def _sent_text(sent: int, not_streaming: int) -> str:
    return session_count(sent) + (f"; {not_streaming} not streaming" if not_streaming else "")


def toggle_hold(supervisor: SupervisorProtocol) -> str:
    """Holds new starts, or releases them."""
    on, spending = not supervisor.holding, supervisor.spending
    supervisor.hold(on)
    if not on and spending.is_reached:
        return (
            f"New starts released, but the budget of {spending.budget} has no room for the next "
            "session: quit, then continue with paceline resume and a larger --budget"
        )
    if on:
        return "New starts held. Streaming sessions continue: a paced stream cannot pause"
    return "New starts released"


class RunNotices:
    """Notices about the run as a whole, each shown once."""

    def __init__(self, supervisor: SupervisorStatus, look: Look) -> None:
        self._supervisor = supervisor
        self._look = look
        self._announced_restarts = 0
        self._was_held = False

    def poll(self) -> str:
        """Returns the next notice; empty if nothing has changed since the last call."""
        if self._supervisor.server_restarts > self._announced_restarts:
            self._announced_restarts = self._supervisor.server_restarts
            return SERVER_RESTARTED_MESSAGE
        was_held, self._was_held = self._was_held, self._supervisor.held_by_refusal
        if self._was_held and not was_held:
            key = self._look.key_hint(Scope.JOBS, "hold")
            return f"{HELD_BY_REFUSAL_MESSAGE}: {key} releases them"
        return ""


def recording_count(count: int) -> str:
    """Formats ``1 recording`` or ``3 recordings``."""
    return format_count(count, "recording")


def session_count(count: int) -> str:
    """Formats ``1 session`` or ``3 sessions``."""
    return format_count(count, "session")


def nothing_message(count: int, why: str) -> str:
    """The notice of a verb that skipped all ``count`` jobs; ``why``: their state."""
    return f"Nothing to do: {recording_count(count)} {why}" if count else NO_ROW_MESSAGE
