"""The one clock of a pair: decides when the first chunks of both halves are due.

Each half reports that it is ready and waits. When both are ready, or the other one has failed, both
get the same start time. `CLOCK_MONOTONIC` is shared by all processes of a machine, so the halves
then need nothing more from the program, or from each other, to stay together.
"""

from workers.scheduling.job_slot import JobPhase, JobSlot
from workers.session.assignment import StartClock

CLOCK_LEAD_S = 0.1
"""Seconds from the decision to the first chunk; the time has to reach both processes before it."""
MAX_PARTNER_WAIT_S = 30.0
"""How long one half waits, with its socket open, for the other one to be ready."""


class PairClock:
    """The clock of one pair. Only the scheduler changes it."""

    def __init__(self) -> None:
        self.start_s: float | None = None
        """When it started, on the machine's monotonic clock; None until then."""
        self._waiting: dict[JobSlot, float] = {}
        """The halves that are ready, and since when."""

    def reset(self) -> None:
        """Stops the clock, because both halves are about to start."""
        self.start_s = None
        self._waiting.clear()

    def add_ready(self, slot: JobSlot, now: float) -> None:
        """Records that a half waits for the clock."""
        self._waiting[slot] = now
        self.start_if_due(now)

    def remove(self, slot: JobSlot, now: float) -> None:
        """Records that the session of a half has ended; the other one need not wait for it."""
        self._waiting.pop(slot, None)
        self.start_if_due(now)

    def start_if_due(self, now: float) -> None:
        """Sends the start time to the halves that wait, if nothing more is to wait for."""
        if not self._waiting:
            return
        if self.start_s is None:
            waited_s = now - min(self._waiting.values())
            partners = (slot.partner for slot in self._waiting)
            connecting = any(
                partner is not None
                and partner.phase is JobPhase.LIVE
                and partner not in self._waiting
                for partner in partners
            )
            if connecting and waited_s < MAX_PARTNER_WAIT_S:
                return
            self.start_s = now + CLOCK_LEAD_S
        for slot in self._waiting:
            if slot.session is not None:
                slot.session.send(StartClock(self.start_s))
        self._waiting.clear()
