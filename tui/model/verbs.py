"""What the user's verbs do, and the sentence that says so.

A verb passes over the jobs that it does not fit.
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

NO_ROW_MESSAGE = "There is no row here to act on"


def cancel(
    state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId], key: str = "x"
) -> str:
    """Ends sessions politely, at the second time by force; takes queued jobs out.

    ``key``: what is pressed for it.
    """
    open_ = [job for job in targets if not state.job_states[job].status.is_finished]
    if not open_:
        return nothing_message(len(targets), "already over")
    forced = sum(state.is_stopping(job) for job in open_)
    for job in open_:
        supervisor.cancel(job)
        if state.job_states[job].status.is_live:
            state.mark_stopping(job)
    if forced:
        return f"Cancelling {job_count(len(open_))}, {forced} by force"
    live = sum(state.is_stopping(job) for job in open_)
    again = f"; what was heard is kept, {key} again forces" if live else ""
    return f"Cancelling {job_count(len(open_))}{again}"


def retry(state: DeskState, supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """A further attempt for what broke or was cancelled, from there; at once for what waits.

    What is done is passed over: its words are there, and would be paid again.
    """
    wanted = [job for job in targets if state.job_states[job].status is not JobStatus.DONE]
    accepted = [job for job in wanted if supervisor.retry(job)]
    if not accepted:
        why = "at work" if len(wanted) == len(targets) else "done or at work" if wanted else "done"
        return nothing_message(len(targets), why)
    passed = len(targets) - len(accepted)
    rest = f"; {passed} done or at work" if passed else ""
    places = [_resume_position_s(state.job_states[job]) for job in accepted]
    return f"Retrying {job_count(len(accepted))}{_resume_text(places)}{rest}"


def _resume_text(positions_s: Sequence[float]) -> str:
    anew = sum(not place for place in positions_s)
    if anew == len(positions_s):
        return " from the beginning"
    if len(positions_s) == 1:
        return f" from {format_duration(positions_s[0])}, where it left off"
    on = len(positions_s) - anew
    told = f": {on} from where {'it' if on == 1 else 'they'} left off"
    return f"{told}, {anew} from the beginning" if anew else told


def _resume_position_s(job_state: JobState) -> float:
    """Where in the recording a further attempt would take over, in seconds."""
    anew = (Outcome.DONE, Outcome.UNREADABLE)
    return (
        0.0
        if job_state.ended and job_state.ended.outcome in anew
        else job_state.resume_point.at_ms / 1000
    )


def retry_failed(state: DeskState, supervisor: SupervisorProtocol, failed: Sequence[JobId]) -> str:
    """The same for all that failed, wherever they stand."""
    return retry(state, supervisor, failed) if failed else "Nothing has failed"


def end_turn(supervisor: SupervisorProtocol, targets: Sequence[JobId]) -> str:
    """Asks the server for the end of the open turn, now and not at the next silence."""
    asked = sum(supervisor.end_turn(job) for job in targets)
    if not asked:
        return nothing_message(len(targets), "not streaming")
    rest = _not_streaming_text(len(targets) - asked)
    return f"{session_count(asked)} asked to end the turn now{rest}"


def configure(
    supervisor: SupervisorProtocol, changes: Mapping[JobId, UpdateConfiguration], others: int
) -> str:
    """Sends each session its changes; ``others``: how many of the targets do not stream."""
    sent = sum(supervisor.configure(job, change) for job, change in changes.items())
    left = others + len(changes) - sent
    if not sent:
        return "Nothing was sent: no session streams any more"
    return f"Sent to {session_count(sent)}{_not_streaming_text(left)}"


def _not_streaming_text(count: int) -> str:
    return f"; {count} {'does' if count == 1 else 'do'} not stream" if count else ""


def toggle_hold(supervisor: SupervisorProtocol) -> str:
    """Holds new starts, or lets them go on."""
    on = not supervisor.holding
    supervisor.hold(on)
    if on:
        return "New starts held. Sessions that stream go on: speech cannot wait"
    return "New starts go on"


def over_message(state: DeskState, look: Look) -> str:
    """What may be done when nothing is at work any more, and nothing waits."""
    failed = state.status_counts[JobStatus.FAILED]
    retry, export = (look.key_hint(Scope.JOBS, key) for key in ("retry_failed", "export(True)"))
    again = f"{retry} tries {format_count(failed, 'failed one')} again, " if failed else ""
    return f"All is over: {again}{export} exports, {look.key_hint(Scope.DESK, 'quit')} leaves"


def job_count(count: int) -> str:
    """``1 job``, ``3 jobs``."""
    return format_count(count, "job")


def session_count(count: int) -> str:
    """``1 session``, ``3 sessions``."""
    return format_count(count, "session")


def nothing_message(count: int, why: str) -> str:
    """Why a verb did nothing to so many jobs."""
    return f"Nothing to do: {job_count(count)} {why}" if count else NO_ROW_MESSAGE
