"""The limits of one account, kept over many nodes: what nodes and the driver say to each other.

An account may have so many sessions open, and may start so many a minute, wherever they run. The
driver has one `LeaseGranter`, each node has a `LeaseHolder`. Both are plain state machines: they
take messages and the time, and do nothing by themselves. They know no network, thread or clock.

A **permit** lets a node start one session. A **lease** is how long the node may act on what it
holds: start sessions with its permits, and keep those open that it has started. Each `LeaseBeat`
of the node asks to renew its lease. Each `LeaseGrant` answers one beat, renews the lease from the
moment at which **that beat** was made, and may bring permits. So clocks need not agree, only run
at nearly the same speed (`LeaseTerms.max_drift`), and a message may take any time, arrive twice,
in another order, or never.

On the node::

    holder = LeaseHolder(new_holder_id("node-3"), terms)
    holder.request("17-1")                    # a session is to start: any name that is unique here
    for session in holder.take_startable(now):
        ...                                   # start it now, as `Assignment.lease_until_s` says
    holder.note_answer("17-1", now)           # the server sent Begin: it has counted the start
    holder.note_end("17-1", now)              # its socket is closed, or it never had one
    beat = holder.make_beat(now)              # every `LeaseTerms.beat_interval_s`; at once if
                                              # `holder.has_news`
    holder.apply(grant, now)                  # then `take_startable`
    until_s = time.monotonic() + holder.seconds_to_use(now)  # the sessions' clock
                                              # for `Assignment.lease_until_s`; and now and then
                                              # `ExtendLease(until_s)` for all live sessions
    for session in holder.overdue(now):
        ...                                   # kill it: it should have ended by itself

On the driver::

    granter = LeaseGranter(terms, max_sessions=100, starts_per_minute=100, epoch=…, now=now)
    grant = granter.apply(beat, now)          # send it to that node
    granter.next_start_at(now)                # when a start may be permitted, at the earliest
    granter.is_over(holder_id, now)           # a node is silent: is it certain that its sessions
                                              # have ended? Only then may their jobs continue
                                              # elsewhere

``now`` is `lease_clock` of the machine that calls. Sessions of a fleet also have the parameter
`LeaseTerms.inactivity_timeout`.

What ends a session when its node can no longer renew: the session itself, before the lease does
(`workers.session.control`), and with Terminate, so that another one continues. If its process is
frozen or its machine has lost power, the server does, because sessions ask it for an
`inactivity_timeout`. The granter waits for the longer of both before it permits others.
"""

import secrets
import time
from dataclasses import dataclass

MINUTE_S = 60.0
"""The window in which an account's starts are counted."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """What granter and holders agree on, in seconds. Both sides must have the same."""

    lease_s: float = 20.0
    """How long a lease lasts after the beat that asked for it. A node that is cut off for less
    keeps its sessions."""
    end_lead_s: float = 6.0
    """How long before the end of the lease a session begins to end: it sends Terminate, and has
    `Timeouts.shutdown_s` for its last words."""
    kill_lead_s: float = 1.0
    """How long before the end of the lease a session that has not ended is killed."""
    inactivity_timeout_s: int = 15
    """What sessions ask of the server: to end them after so much silence."""
    fence_margin_s: float = 2.0
    """How much longer than that the granter waits before it counts silent sessions as ended."""
    beat_interval_s: float = 1.0
    """How often a node asks to renew its lease."""
    max_drift: float = 0.002
    """How much faster or slower than true time a clock may run: NTP slews by 0.0005 at most."""

    @property
    def inactivity_timeout(self) -> tuple[str, str]:
        """The connection parameter that makes the server end a session that nobody feeds."""
        return "inactivity_timeout", str(self.inactivity_timeout_s)

    @property
    def drift_ratio(self) -> float:
        """How much longer a time may be on one machine's clock than on another's."""
        return (1 + self.max_drift) / (1 - self.max_drift)

    @property
    def granted_s(self) -> float:
        """How long after a beat the granter counts the lease as held, on its own clock."""
        return self.lease_s * self.drift_ratio

    @property
    def fenced_s(self) -> float:
        """How long after a beat sessions may be open at the server, on the granter's clock."""
        silence_s = self.inactivity_timeout_s + self.fence_margin_s
        return (self.lease_s + silence_s) * self.drift_ratio


@dataclass(frozen=True, slots=True, order=True)
class GrantId:
    """The identity of a grant: granters of later drivers have higher epochs."""

    epoch: int
    number: int  # counts from 1 for each holder


NO_GRANT = GrantId(0, 0)
"""What a holder has applied before its first grant."""


@dataclass(frozen=True, slots=True)
class CountedStart:
    """A start that the server has counted."""

    number: int  # counts from 1 for each holder
    age_s: float
    """How long before the beat the server answered, on the node's clock; it counted earlier."""


@dataclass(frozen=True, slots=True)
class LeaseBeat:
    """What a node said about its leases when it asked to renew them."""

    holder: str
    number: int  # counts from 1 for each holder
    applied: GrantId  # the latest grant that it knew
    waiting: int  # sessions that need a permit
    permits: int  # permits in hand, not used
    opening: int  # sessions that the server has not answered yet
    open: int  # sessions that it has answered
    starts: tuple[CountedStart, ...] = ()  # those that the granter may not know yet

    @property
    def held(self) -> int:
        """How many sessions the node has, or may start without asking."""
        return self.permits + self.opening + self.open


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """What the granter answered to one beat."""

    holder: str
    id: GrantId
    beat: int  # the number of the beat: the lease is renewed from when it was made
    base: GrantId  # `LeaseBeat.applied` of that beat
    permits: int  # new ones
    known_starts: int  # the number of the latest start that the granter knows


def new_holder_id(node: str) -> str:
    """A name for the leases of one process on a node; its successor must have another."""
    return f"{node}:{secrets.token_hex(4)}"


def lease_clock() -> float:
    """Seconds on a clock that also runs while the machine sleeps, and that nobody can set."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
