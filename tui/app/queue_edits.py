"""Edits of the queue, and the way back from each: what ``u`` undoes.

An edit never touches a session that streams; what has begun by the time it is undone goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import Supervision
from tui.model.verbs import jobs
from workers.jobs.job import JobId
from workers.jobs.job_state import Status

KEPT = 100
"""So many edits can be undone."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit that was made."""

    says: str
    """What was done, to stand behind “Undone:”."""
    undo: Callable[[], str]
    """Goes back, and says what of it could not; empty when all could."""


class Edits:
    """What the user does to the queue, newest last. Every verb gives a sentence."""

    def __init__(self, state: DeskState, supervisor: Supervision, keys: Keymap) -> None:
        self._state = state
        self._supervisor = supervisor
        self._keys = keys
        self._made: list[Edit] = []

    def undo(self) -> str:
        """Takes the newest edit back."""
        if not self._made:
            return "Nothing to undo"
        edit = self._made.pop()
        rest = edit.undo()
        return f"Undone: {edit.says}{f'; {rest}' if rest else ''}"

    def add(self, files: Sequence[str]) -> str:
        """Queues files, and shows them at once."""
        added = self._supervisor.add(files)
        self._state.expect(added, files)
        self._note(f"adding {jobs(len(added))}", lambda: self._take_out(added))
        return f"{jobs(len(added))} added at the end"

    def remove(self, targets: Sequence[JobId]) -> str:
        """Takes rows off the table, those that wait out of the queue too."""
        live = [job for job in targets if self._state.histories[job].status.live]
        gone = [job for job in targets if job not in live]
        streams = f"{jobs(len(live))} at work: {self._key('cancel')} cancels first" if live else ""
        if not gone:
            return f"Nothing removed; {streams}" if live else verbs.NOTHING_THERE
        waiting, order = self._waiting(gone), list(self._state.queued_order)
        for job in waiting:
            self._supervisor.cancel(job)
        self._state.remove(gone)
        self._note(f"removing {jobs(len(gone))}", lambda: self._put_back(gone, waiting, order))
        queue = "" if not waiting else " and the queue"
        undoes = f"{self._key('undo')} undoes"
        return f"{jobs(len(gone))} taken off the table{queue}; {streams or undoes}"

    def cancel(self, targets: Sequence[JobId]) -> str:
        """The verb; only for what was waiting is there a way back."""
        waiting, order = self._waiting(targets), list(self._state.queued_order)
        says = verbs.cancel(self._state, self._supervisor, targets, self._key("cancel"))
        if waiting:
            done = f"cancelling {len(waiting)} that waited"
            self._note(done, lambda: self._queue_again(waiting, order))
        return says

    def shift(self, targets: Sequence[JobId], by: int) -> str:
        """Moves waiting jobs up (-1) or down (1) in the queue."""
        waiting, before = self._waiting(targets), list(self._state.queued_order)
        if not waiting:
            return verbs.nothing(len(targets), "not waiting for a start")
        after = self._state.shift(waiting, by)
        whither = "up" if by < 0 else "down"
        if after == before:
            return f"Already {'first' if by < 0 else 'last'} in the queue"
        self._supervisor.arrange(after)
        self._note(f"moving {jobs(len(waiting))} {whither}", lambda: self._arrange(before))
        place = min(after.index(job) for job in waiting) + 1
        ahead = "next to start" if place == 1 else f"number {place} of {len(after)} in the queue"
        return f"{jobs(len(waiting))} moved {whither}: {ahead}"

    def allow(self, by: int) -> str:
        """Lets more (1) or fewer (-1) sessions run at once."""
        before = self._supervisor.sessions
        if not before:
            return "How many may run at once is not known before the engine is up"
        if before + by < 1:
            return f"One at once is the least; {self._key('hold')} holds new starts"
        self._supervisor.allow(before + by)
        self._note(f"{before + by} at once", lambda: self._allow(before))
        return self._at_once(before + by)

    # --- the ways back

    def _take_out(self, added: Sequence[JobId]) -> str:
        gone = [job for job in added if not self._state.histories[job].status.live]
        for job in self._waiting(gone):
            self._supervisor.cancel(job)
        self._state.remove(gone)
        begun = len(added) - len(gone)
        return f"{jobs(begun)} at work already: {self._key('cancel')} cancels" if begun else ""

    def _put_back(
        self, gone: Sequence[JobId], waiting: Sequence[JobId], order: Sequence[JobId]
    ) -> str:
        self._state.put_back(gone)
        return self._queue_again(waiting, order)

    def _queue_again(self, waiting: Sequence[JobId], order: Sequence[JobId]) -> str:
        again = [job for job in waiting if self._supervisor.retry(job)]
        self._arrange(order)
        lost = len(waiting) - len(again)
        return f"{jobs(lost)} still ending: {self._key('retry')} retries later" if lost else ""

    def _arrange(self, order: Sequence[JobId]) -> str:
        self._state.arrange(order)
        self._supervisor.arrange(order)
        return ""

    def _allow(self, sessions: int) -> str:
        self._supervisor.allow(sessions)
        return f"again {self._at_once(sessions)}"

    # --- what is so

    def _key(self, action: str) -> str:
        return self._keys.brief(Scope.JOBS, action)

    def _at_once(self, sessions: int) -> str:
        counts, live = self._state.counts, len(self._state.live)
        more = min(sessions - live, counts[Status.QUEUED] + counts[Status.RETRYING])
        if more > 0 and self._supervisor.holding:
            return f"{sessions} at once; new starts are held"
        if more > 0:
            return f"{sessions} at once; {more} more can start now"
        if live > sessions:
            return f"{sessions} at once; the {live} at work go on to their ends"
        return f"{sessions} at once"

    def _waiting(self, targets: Sequence[JobId]) -> list[JobId]:
        waiting = frozenset(self._state.queued_order)
        return [job for job in targets if job in waiting]

    def _note(self, says: str, undo: Callable[[], str]) -> None:
        self._made.append(Edit(says, undo))
        del self._made[:-KEPT]
