"""Changes to the queue, each of which can be undone.

Neither making nor undoing a change ends a live session.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.verbs import recording_count
from workers.audio.source import Source
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.localserver.capacity import core_count, process_count, session_capacity
from workers.pacing.certificate import SESSIONS_PER_CORE
from workers.protocol.endpoint import EndpointKind

MAX_UNDO_STEPS = 100


def capacity_warning(sessions: int, endpoint_kind: EndpointKind | None) -> str:
    """A sentence, to follow another, that says if so many sessions are more than the embedded
    engine or this machine holds; else an empty text."""
    most = session_capacity(process_count())
    if endpoint_kind is EndpointKind.EMBEDDED and sessions > most:
        return f". The embedded engine keeps up with about {most} on this machine"
    if sessions > (most := SESSIONS_PER_CORE * core_count()):
        return f". This machine keeps the pace of about {most}"
    return ""


@dataclass(frozen=True, slots=True)
class QueueEdit:
    description: str
    """What was done, as a phrase to follow “Undone:”."""
    undo: Callable[[], str]
    """Undoes the change; returns what could not be undone, or an empty text."""


class QueueEditor:
    """The user's changes to the queue. Every method returns a notice of what it did."""

    def __init__(
        self,
        state: DeskState,
        supervisor: SupervisorProtocol,
        keys: Keymap,
        endpoint_kind: EndpointKind | None = None,
    ) -> None:
        self._state, self._supervisor, self._keys = state, supervisor, keys
        self._endpoint_kind = endpoint_kind
        self._undo_stack: list[QueueEdit] = []

    def undo(self) -> str:
        if not self._undo_stack:
            return "Nothing to undo"
        edit = self._undo_stack.pop()
        rest = edit.undo()
        return f"Undone: {edit.description}{f'; {rest}' if rest else ''}"

    def add(self, sources: Sequence[Source | str]) -> str:
        """Queues recordings and shows their rows at once."""
        added = self._supervisor.add(sources)
        self._state.add_jobs(added, sources)

        def undo() -> str:
            removed = [job for job in added if not self._state.job_states[job].is_live]
            for job in self._waiting_among(removed):
                self._supervisor.cancel(job)
            self._state.remove(removed)
            running, cancel = len(added) - len(removed), self._key_label("cancel")
            return (
                f"{recording_count(running)} already running: {cancel} cancels" if running else ""
            )

        self._push_undo(f"adding {recording_count(len(added))}", undo)
        return f"{recording_count(len(added))} added to the end of the queue"

    def remove(self, targets: Sequence[JobId]) -> str:
        """Removes rows from the table, and waiting jobs from the queue too."""
        live = [job for job in targets if self._state.job_states[job].is_live]
        removed = [job for job in targets if job not in live]
        rest = (
            f"{recording_count(len(live))} running: cancel with {self._key_label('cancel')} first"
        )
        if not removed:
            return f"Nothing removed; {rest}" if live else verbs.NO_ROW_MESSAGE
        waiting, order = self._waiting_among(removed), list(self._state.table.waiting_jobs)
        for job in waiting:
            self._supervisor.cancel(job)
        self._state.remove(removed)

        def undo() -> str:
            self._state.undo_remove(removed)
            return self._requeue(waiting, order)

        count = recording_count(len(removed))
        self._push_undo(f"removing {count}", undo)
        queue, undo_hint = " and the queue" if waiting else "", f"{self._key_label('undo')} undoes"
        return f"{count} removed from the table{queue}; {rest if live else undo_hint}"

    def cancel(self, targets: Sequence[JobId]) -> str:
        """Cancels jobs. Only the removal of waiting jobs from the queue can be undone."""
        waiting, order = self._waiting_among(targets), list(self._state.table.waiting_jobs)
        notice = verbs.cancel(self._state, self._supervisor, targets, self._key_label("cancel"))
        if waiting:
            description = f"cancelling {len(waiting)} waiting"
            self._push_undo(description, lambda: self._requeue(waiting, order))
        return notice

    def move_in_queue(self, targets: Sequence[JobId], offset: int) -> str:
        """Moves waiting jobs up (-1) or down (1) in the queue."""
        waiting, before = self._waiting_among(targets), list(self._state.table.waiting_jobs)
        if not waiting:
            return verbs.nothing_message(len(targets), "not waiting in the queue")
        after = self._state.table.move_in_queue(waiting, offset)
        direction = "up" if offset < 0 else "down"
        if after == before:
            return f"Already {'first' if offset < 0 else 'last'} in the queue"
        self._supervisor.reorder(after)
        count, position = (
            recording_count(len(waiting)),
            min(after.index(job) for job in waiting) + 1,
        )
        self._push_undo(f"moving {count} {direction}", lambda: self._restore_order(before))
        if position == 1:
            return f"{count} moved {direction}: next to start"
        return f"{count} moved {direction}: number {position} of {len(after)} in the queue"

    def change_concurrency(self, delta: int) -> str:
        """Raises (1) or lowers (-1) the limit on concurrent sessions."""
        before = self._supervisor.max_sessions
        if not before:
            return "The session limit is not known until the engine has started"
        if before + delta < 1:
            key = self._key_label("hold")
            return f"The limit cannot go below 1; press {key} to hold new starts"
        self._push_undo(f"{before + delta} at once", lambda: self._set_concurrency(before))
        notice = self._set_concurrency(before + delta)
        return notice + (capacity_warning(before + delta, self._endpoint_kind) if delta > 0 else "")

    def _requeue(self, waiting: Sequence[JobId], order: Sequence[JobId]) -> str:
        ending = sum(not self._supervisor.retry(job) for job in waiting)
        self._restore_order(order)
        retry = self._key_label("retry")
        return (
            f"{recording_count(ending)} still ending; press {retry} later to retry"
            if ending
            else ""
        )

    def _restore_order(self, order: Sequence[JobId]) -> str:
        self._state.table.reorder_queue(order)
        self._supervisor.reorder(order)
        return ""

    def _set_concurrency(self, sessions: int) -> str:
        self._supervisor.set_max_sessions(sessions)
        counts, live = self._state.status_counts, self._state.live_session_count
        more = min(sessions - live, counts[JobStatus.QUEUED] + counts[JobStatus.RETRYING])
        if more > 0 and self._supervisor.holding:
            return f"{sessions} at once; new starts are held"
        if more > 0:
            return f"{sessions} at once; {more} more can start now"
        if live > sessions:
            return f"{sessions} at once; the {live} running continue"
        return f"{sessions} at once"

    def _key_label(self, action: str) -> str:
        return self._keys.short_key_display(Scope.JOBS, action)

    def _waiting_among(self, targets: Sequence[JobId]) -> list[JobId]:
        waiting = frozenset(self._state.table.waiting_jobs)
        return [job for job in targets if job in waiting]

    def _push_undo(self, description: str, undo: Callable[[], str]) -> None:
        self._undo_stack.append(QueueEdit(description, undo))
        del self._undo_stack[:-MAX_UNDO_STEPS]
