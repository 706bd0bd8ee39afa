"""What the user's verbs do, and the sentence that says so.

A verb passes over the jobs that it does not fit.
"""

from collections.abc import Mapping, Sequence

from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import Supervision
from tui.text.formats import clock, counted
from tui.theme.roles import Look
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status
from workers.protocol.messages import UpdateConfiguration

NOTHING_THERE = "There is no row here to act on"


def cancel(
    state: DeskState, supervisor: Supervision, targets: Sequence[JobId], key: str = "x"
) -> str:
    """Ends sessions politely, at the second time by force; takes queued jobs out.

    ``key``: what is pressed for it.
    """
    open_ = [job for job in targets if not state.histories[job].status.over]
    if not open_:
        return nothing(len(targets), "already over")
    forced = sum(state.stopping(job) for job in open_)
    for job in open_:
        supervisor.cancel(job)
        if state.histories[job].status.live:
            state.asked_to_stop(job)
    if forced:
        return f"Cancelling {jobs(len(open_))}, {forced} by force"
    live = sum(state.stopping(job) for job in open_)
    again = f"; what was heard is kept, {key} again forces" if live else ""
    return f"Cancelling {jobs(len(open_))}{again}"


def retry(state: DeskState, supervisor: Supervision, targets: Sequence[JobId]) -> str:
    """A further attempt for what broke or was cancelled, from there; at once for what waits.

    What is done is passed over: its words are there, and would be paid again.
    """
    wanted = [job for job in targets if state.histories[job].status is not Status.DONE]
    accepted = [job for job in wanted if supervisor.retry(job)]
    if not accepted:
        why = "at work" if len(wanted) == len(targets) else "done or at work" if wanted else "done"
        return nothing(len(targets), why)
    passed = len(targets) - len(accepted)
    rest = f"; {passed} done or at work" if passed else ""
    places = [_goes_on_at(state.histories[job]) for job in accepted]
    return f"Retrying {jobs(len(accepted))}{_from(places)}{rest}"


def _from(places: Sequence[float]) -> str:
    anew = sum(not place for place in places)
    if anew == len(places):
        return " from the beginning"
    if len(places) == 1:
        return f" from {clock(places[0])}, where it left off"
    on = len(places) - anew
    told = f": {on} from where {'it' if on == 1 else 'they'} left off"
    return f"{told}, {anew} from the beginning" if anew else told


def _goes_on_at(history: JobHistory) -> float:
    """Where in the recording a further attempt would take over, in seconds."""
    anew = (Outcome.DONE, Outcome.UNREADABLE)
    return 0.0 if history.ended and history.ended.outcome in anew else history.seam.at_ms / 1000


def retry_failed(state: DeskState, supervisor: Supervision, failed: Sequence[JobId]) -> str:
    """The same for all that failed, wherever they stand."""
    return retry(state, supervisor, failed) if failed else "Nothing has failed"


def end_turn(supervisor: Supervision, targets: Sequence[JobId]) -> str:
    """Asks the server for the end of the open turn, now and not at the next silence."""
    asked = sum(supervisor.end_turn(job) for job in targets)
    if not asked:
        return nothing(len(targets), "not streaming")
    return f"{sessions(asked)} asked to end the turn now{_others(len(targets) - asked)}"


def configure(
    supervisor: Supervision, changes: Mapping[JobId, UpdateConfiguration], others: int
) -> str:
    """Sends each session its changes; ``others``: how many of the targets do not stream."""
    sent = sum(supervisor.configure(job, change) for job, change in changes.items())
    left = others + len(changes) - sent
    if not sent:
        return "Nothing was sent: no session streams any more"
    return f"Sent to {sessions(sent)}{_others(left)}"


def _others(count: int) -> str:
    return f"; {count} {'does' if count == 1 else 'do'} not stream" if count else ""


def hold(supervisor: Supervision) -> str:
    """Holds new starts, or lets them go on."""
    on = not supervisor.holding
    supervisor.hold(on)
    if on:
        return "New starts held. Sessions that stream go on: speech cannot wait"
    return "New starts go on"


def over(state: DeskState, look: Look) -> str:
    """What may be done when nothing is at work any more, and nothing waits."""
    failed = state.counts[Status.FAILED]
    again = f"{look.key(Scope.JOBS, 'retry_failed')} tries {counted(failed, 'failed one')} again, "
    then = f"{look.key(Scope.JOBS, 'export(True)')} exports, {look.key(Scope.DESK, 'quit')} leaves"
    return f"All is over: {again if failed else ''}{then}"


def jobs(count: int) -> str:
    """``1 job``, ``3 jobs``."""
    return counted(count, "job")


def sessions(count: int) -> str:
    """``1 session``, ``3 sessions``."""
    return counted(count, "session")


def nothing(count: int, why: str) -> str:
    """Why a verb did nothing to so many jobs."""
    return f"Nothing to do: {jobs(count)} {why}" if count else NOTHING_THERE
