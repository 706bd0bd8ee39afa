"""The verbs that act on sessions. Each returns a notice of what it did.

A verb skips jobs that it does not apply to.
"""

from collections.abc import Mapping, Sequence

from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.text.formats import format_count, format_duration
from tui.theme.roles import Look
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol.messages import UpdateConfiguration

NO_ROW_MESSAGE = "No session is selected"


def cancel(
    state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId], key: str = "x"
) -> str:
    """Ends sessions gracefully, the second time by force; removes queued jobs from the queue.

    ``key``: the key that cancels.
    """
    open_ = [job for job in targets if not state.job_states[job].status.is_finished]
    if not open_:
        return nothing_message(len(targets), "already finished")
    forced = sum(state.is_stopping(job) for job in open_)
    for job in open_:
        supervisor.cancel(job)
        if state.job_states[job].status.is_live:
            state.mark_stopping(job)
    if forced:
        return f"Cancelling {job_count(len(open_))}, {forced} by force"
    live = sum(state.is_stopping(job) for job in open_)
    again = f"; transcripts are kept, {key} again forces" if live else ""
    return f"Cancelling {job_count(len(open_))}{again}"


def retry(state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """Starts another attempt of failed and cancelled jobs, from where the last one stopped.

    Done jobs are skipped: their transcripts are complete, and another attempt would be billed.
    """
    wanted = [job for job in targets if state.job_states[job].status is not JobStatus.DONE]
    accepted = [job for job in wanted if supervisor.retry(job)]
    if not accepted:
        why = "running" if len(wanted) == len(targets) else "done or running" if wanted else "done"
        return nothing_message(len(targets), why)
    skipped = len(targets) - len(accepted)
    rest = f"; {skipped} done or running" if skipped else ""
    positions = [_resume_position_s(state.job_states[job]) for job in accepted]
    return f"Retrying {job_count(len(accepted))}{_resume_text(positions)}{rest}"


def _resume_text(positions_s: Sequence[float]) -> str:
    from_start = sum(not position for position in positions_s)
    if from_start == len(positions_s):
        return " from the start"
    if len(positions_s) == 1:
        return f" from {format_duration(positions_s[0])}, where it stopped"
    resumed = len(positions_s) - from_start
    text = f": {resumed} from where {'it' if resumed == 1 else 'they'} stopped"
    return f"{text}, {from_start} from the start" if from_start else text


def _resume_position_s(job_state: JobState) -> float:
    """Seconds into the recording at which another attempt would start."""
    from_start = (Outcome.DONE, Outcome.UNREADABLE)
    return (
        0.0
        if job_state.ended and job_state.ended.outcome in from_start
        else job_state.resume_point.at_ms / 1000
    )


def end_turn(supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """Asks the server to end the current turn now and not at the next silence."""
    sent = sum(supervisor.end_turn(job) for job in targets)
    if not sent:
        return nothing_message(len(targets), "not streaming")
    rest = _not_streaming_text(len(targets) - sent)
    return f"Ending the current turn of {session_count(sent)}{rest}"


def configure(
    supervisor: SupervisorProtocol, changes: Mapping[JobId, UpdateConfiguration], others: int
) -> str:
    """Sends each session its changes. ``others``: how many targets do not stream."""
    sent = sum(supervisor.configure(job, change) for job, change in changes.items())
    left = others + len(changes) - sent
    if not sent:
        return "Nothing was sent: these sessions have ended"
    return f"Sent to {session_count(sent)}{_not_streaming_text(left)}"


def _not_streaming_text(count: int) -> str:
    return f"; {count} not streaming" if count else ""


def toggle_hold(supervisor: SupervisorProtocol) -> str:
    """Holds new starts, or releases them."""
    on = not supervisor.holding
    supervisor.hold(on)
    if on:
        return "New starts held. Streaming sessions go on: a paced stream cannot pause"
    return "New starts released"


def over_message(state: DeskState, look: Look) -> str:
    """The notice for a run that has just finished, with the keys that are useful then."""
    failed = state.status_counts[JobStatus.FAILED]
    retry, export = (look.key_hint(Scope.JOBS, key) for key in ("retry_failed", "export(True)"))
    again = f"{retry} retries {format_count(failed, 'failed session')}, " if failed else ""
    return f"All finished: {again}{export} exports, {look.key_hint(Scope.DESK, 'quit')} quits"


def job_count(count: int) -> str:
    """``1 job``, ``3 jobs``."""
    return format_count(count, "job")


def session_count(count: int) -> str:
    """``1 session``, ``3 sessions``."""
    return format_count(count, "session")


def nothing_message(count: int, why: str) -> str:
    """Why a verb did nothing to ``count`` jobs."""
    return f"Nothing to do: {job_count(count)} {why}" if count else NO_ROW_MESSAGE
