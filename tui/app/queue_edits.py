"""Edits of the queue, and the way back from each: what ``u`` undoes.

An edit never touches a session that streams; what has begun by the time it is undone goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.verbs import job_count
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus

MAX_UNDO_STEPS = 100
"""So many edits can be undone."""


@dataclass(frozen=True, slots=True)
class QueueEdit:
    """One edit that was made."""

    description: str
    """What was done, to stand behind “Undone:”."""
    undo: Callable[[], str]
    """Goes back, and says what of it could not; empty when all could."""


class QueueEditor:
    """What the user does to the queue, newest last. Every verb gives a sentence."""

    def __init__(self, state: DeskState, supervisor: SupervisorProtocol, keys: Keymap) -> None:
        self._state = state
        self._supervisor = supervisor
        self._keys = keys
        self._undo_stack: list[QueueEdit] = []

    def undo(self) -> str:
        """Takes the newest edit back."""
        if not self._undo_stack:
            return "Nothing to undo"
        edit = self._undo_stack.pop()
        rest = edit.undo()
        return f"Undone: {edit.description}{f'; {rest}' if rest else ''}"

    def add(self, files: Sequence[str]) -> str:
        """Queues files, and shows them at once."""
        added = self._supervisor.add(files)
        self._state.add_jobs(added, files)
        self._push_undo(f"adding {job_count(len(added))}", lambda: self._undo_add(added))
        return f"{job_count(len(added))} added at the end"

    def remove(self, targets: Sequence[JobId]) -> str:
        """Takes rows off the table, those that wait out of the queue too."""
        live = [job for job in targets if self._state.job_states[job].status.is_live]
        gone = [job for job in targets if job not in live]
        streams = (
            f"{job_count(len(live))} at work: {self._key_label('cancel')} cancels first"
            if live
            else ""
        )
        if not gone:
            return f"Nothing removed; {streams}" if live else verbs.NO_ROW_MESSAGE
        waiting, order = self._waiting_among(gone), list(self._state.table.waiting_jobs)
        for job in waiting:
            self._supervisor.cancel(job)
        self._state.remove(gone)
        self._push_undo(
            f"removing {job_count(len(gone))}", lambda: self._undo_remove(gone, waiting, order)
        )
        queue = "" if not waiting else " and the queue"
        undoes = f"{self._key_label('undo')} undoes"
        return f"{job_count(len(gone))} taken off the table{queue}; {streams or undoes}"

    def cancel(self, targets: Sequence[JobId]) -> str:
        """The verb; only for what was waiting is there a way back."""
        waiting, order = self._waiting_among(targets), list(self._state.table.waiting_jobs)
        says = verbs.cancel(self._state, self._supervisor, targets, self._key_label("cancel"))
        if waiting:
            done = f"cancelling {len(waiting)} that waited"
            self._push_undo(done, lambda: self._requeue(waiting, order))
        return says

    def move_in_queue(self, targets: Sequence[JobId], offset: int) -> str:
        """Moves waiting jobs up (-1) or down (1) in the queue."""
        waiting, before = self._waiting_among(targets), list(self._state.table.waiting_jobs)
        if not waiting:
            return verbs.nothing_message(len(targets), "not waiting for a start")
        after = self._state.table.move_in_queue(waiting, offset)
        whither = "up" if offset < 0 else "down"
        if after == before:
            return f"Already {'first' if offset < 0 else 'last'} in the queue"
        self._supervisor.reorder(after)
        self._push_undo(
            f"moving {job_count(len(waiting))} {whither}", lambda: self._restore_order(before)
        )
        place = min(after.index(job) for job in waiting) + 1
        ahead = "next to start" if place == 1 else f"number {place} of {len(after)} in the queue"
        return f"{job_count(len(waiting))} moved {whither}: {ahead}"

    def change_concurrency(self, delta: int) -> str:
        """Lets more (1) or fewer (-1) sessions run at once."""
        before = self._supervisor.max_sessions
        if not before:
            return "How many may run at once is not known before the engine is up"
        if before + delta < 1:
            return f"One at once is the least; {self._key_label('hold')} holds new starts"
        self._supervisor.set_max_sessions(before + delta)
        self._push_undo(f"{before + delta} at once", lambda: self._restore_concurrency(before))
        return self._concurrency_text(before + delta)

    # --- the ways back

    def _undo_add(self, added: Sequence[JobId]) -> str:
        gone = [job for job in added if not self._state.job_states[job].status.is_live]
        for job in self._waiting_among(gone):
            self._supervisor.cancel(job)
        self._state.remove(gone)
        begun = len(added) - len(gone)
        return (
            f"{job_count(begun)} at work already: {self._key_label('cancel')} cancels"
            if begun
            else ""
        )

    def _undo_remove(
        self, removed: Sequence[JobId], waiting: Sequence[JobId], order: Sequence[JobId]
    ) -> str:
        self._state.undo_remove(removed)
        return self._requeue(waiting, order)

    def _requeue(self, waiting: Sequence[JobId], order: Sequence[JobId]) -> str:
        again = [job for job in waiting if self._supervisor.retry(job)]
        self._restore_order(order)
        lost = len(waiting) - len(again)
        return (
            f"{job_count(lost)} still ending: {self._key_label('retry')} retries later"
            if lost
            else ""
        )

    def _restore_order(self, order: Sequence[JobId]) -> str:
        self._state.table.reorder_queue(order)
        self._supervisor.reorder(order)
        return ""

    def _restore_concurrency(self, sessions: int) -> str:
        self._supervisor.set_max_sessions(sessions)
        return f"again {self._concurrency_text(sessions)}"

    # --- what is so

    def _key_label(self, action: str) -> str:
        return self._keys.short_key_display(Scope.JOBS, action)

    def _concurrency_text(self, sessions: int) -> str:
        counts, live = self._state.status_counts, len(self._state.live_job_states)
        more = min(sessions - live, counts[JobStatus.QUEUED] + counts[JobStatus.RETRYING])
        if more > 0 and self._supervisor.holding:
            return f"{sessions} at once; new starts are held"
        if more > 0:
            return f"{sessions} at once; {more} more can start now"
        if live > sessions:
            return f"{sessions} at once; the {live} at work go on to their ends"
        return f"{sessions} at once"

    def _waiting_among(self, targets: Sequence[JobId]) -> list[JobId]:
        waiting = frozenset(self._state.table.waiting_jobs)
        return [job for job in targets if job in waiting]

    def _push_undo(self, description: str, undo: Callable[[], str]) -> None:
        self._undo_stack.append(QueueEdit(description, undo))
        del self._undo_stack[:-MAX_UNDO_STEPS]
