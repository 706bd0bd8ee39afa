"""Which side gave in: this machine, the network or the service, with the evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from workers.limit_search.trial import Failure, Trial
from workers.pacing.certificate import Verdict

FULL_BUSY = 0.9
"""Share of all processors at which a machine counts as busy."""
MANY_RESENT = 0.01
"""Share of TCP segments that are sent again at which a network counts as bad."""
BACKLOG_BYTES = 64 << 10
"""Two seconds of speech at 16 kHz: more than that does not wait in sockets by chance."""
OTHERS_CORES = 0.1
"""Processor time of other programs that is worth a word."""
MANY_OTHERS = 0.25
"""Share of the processors from which on other programs count as the reason."""
SLOWER = 3.0
"""How many times slower than with one session something must be to count."""


class Side(Enum):
    """What gave in first."""

    OURS = "this machine"
    NETWORK = "network"
    SERVICE = "service"
    NONE = "none"  # nothing gave in
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Which side gave in, and why that is thought."""

    side: Side
    evidence: tuple[str, ...]
    """Sentences; the first one is the reason."""


def diagnose(trial: Trial, alone: Trial | None, *, is_embedded: bool) -> Diagnosis:
    """Which side gave in, in a trial that did not hold. ``alone``: a trial with one session, for
    comparison. ``is_embedded``: whether the service is the embedded engine, on this machine."""
    if trial.holds:
        return Diagnosis(Side.NONE, ())
    side, reason = _side(trial, alone, is_embedded=is_embedded)
    return Diagnosis(side, (reason, *_observations(trial, alone)))


def _side(trial: Trial, alone: Trial | None, *, is_embedded: bool) -> tuple[Side, str]:
    load = trial.load
    match trial.failure:
        case Failure.REFUSED:
            return Side.SERVICE, f"the service refused a session: {trial.reason}"
        case Failure.MACHINE_FULL:
            return Side.OURS, f"this machine has no room for another session: {trial.reason}"
        case Failure.STOPPED:
            return Side.NONE, trial.reason
        case Failure.SILENT:
            return Side.UNKNOWN, trial.reason
        case Failure.BROKEN:
            return Side.UNKNOWN, f"a session broke: {trial.reason}"
    engine_full = load is not None and is_embedded and (load.busy or 0.0) >= FULL_BUSY
    is_resending = load is not None and (load.resent or 0.0) >= MANY_RESENT
    is_blocked = load is not None and load.unsent_bytes >= BACKLOG_BYTES * trial.sessions
    broken = [result for result in trial.results if not result.holds]
    kept_when_sent = {one.objective.text for one in trial.sent_results if one.holds}
    if any(result.objective.metric == "pacing" for result in trial.results):
        late = any(result.objective.metric == "pacing" for result in broken)
    else:
        late = trial.verdicts.get(Verdict.HELD, 0) * 2 < sum(trial.verdicts.values())
    if late and is_blocked:
        side = Side.NETWORK if is_resending else Side.SERVICE
        return side, "chunks left late because what was sent before was not taken"
    if late:
        return Side.OURS, "this machine sent chunks late"
    if broken and all(result.objective.text in kept_when_sent for result in broken):
        return Side.OURS, "counted from when chunks were really sent, the delays hold"
    if engine_full and load is not None and load.others_cpu >= MANY_OTHERS * load.cores:
        return Side.OURS, "other programs leave the embedded engine too little processor time"
    if engine_full:
        return Side.SERVICE, "the embedded engine needs more processor time than there is"
    if is_resending:
        return Side.NETWORK, "delays grew, and segments had to be sent again"
    connects_slower = alone is not None and _is_slower(trial.connect_p95_ms, alone.connect_p95_ms)
    if connects_slower and not is_embedded:
        return Side.NETWORK, "delays grew, and so did the time to connect"
    return Side.SERVICE, "delays grew although chunks left in time"


def _is_slower(now_ms: float | None, alone_ms: float | None) -> bool:
    """Whether something takes much longer than with one session, and not only in small change."""
    return now_ms is not None and alone_ms is not None and now_ms > max(SLOWER * alone_ms, 50.0)


def _observations(trial: Trial, alone: Trial | None) -> Iterator[str]:
    """What was seen, whichever side it speaks against."""
    for result, sent in zip(trial.results, trial.sent_results, strict=True):
        if result.value is not None and not result.holds:
            yield result.sentence
            if sent.value is not None and abs(sent.value - result.value) >= 1:
                yield f"counted from when chunks were sent: {sent.value:.1f} ms"
    if trial.verdicts:
        held, all_of_them = trial.verdicts.get(Verdict.HELD, 0), sum(trial.verdicts.values())
        yield f"pacing held in {held} of {all_of_them} sessions, by their certificates"
    if trial.refusals and trial.failure is not Failure.REFUSED:
        yield f"{trial.refusals} sessions were refused at first"
    for text, count in trial.warnings.items():
        yield f"the server warned {count} times: {text}"
    for name, now, before in (
        ("connecting", trial.connect_p95_ms, alone.connect_p95_ms if alone else None),
        ("Begin", trial.begin_p95_ms, alone.begin_p95_ms if alone else None),
    ):
        if now is not None and before is not None:
            yield f"{name} took {now:.0f} ms (p95), {before:.0f} ms with one session"
    load = trial.load
    if load is None:
        return
    if load.busy is not None:
        shares = []
        if load.engine_cpu:
            shares.append(f"the embedded engine {load.engine_cpu:.2f}")
        if load.sessions_cpu is not None:
            shares.append(f"Paceline and its sessions {load.sessions_cpu:.2f}")
        if load.others_cpu >= OTHERS_CORES:
            shares.append(f"other programs {load.others_cpu:.2f}")
        cores = f"{load.cores} core{'s' if load.cores > 1 else ''}"
        used = f" ({', '.join(shares)})" if shares else ""
        yield f"processors were {100 * load.busy:.0f} % busy, of {cores}{used}"
    if load.stolen:
        yield f"the host took {100 * load.stolen:.0f} % of the processors"
    if load.stall_spans:
        stalled_ms = 1000 * load.stalled_s
        yield f"this machine stood still {load.stalls} times, {stalled_ms:.0f} ms in all"
    else:
        yield f"{load.stalls} timers were over 30 ms late, {1000 * load.stalled_s:.0f} ms in all"
    for what, count in (
        ("were sent and not taken", load.unsent_bytes),
        ("had arrived and were not read by our sessions", load.unread_bytes),
        ("had arrived and were not read by the server here", load.unread_by_server_bytes),
    ):
        if count >= BACKLOG_BYTES:
            yield f"up to {count >> 10} KB {what}"
    if load.resent is not None and load.resent >= 0.001:
        yield f"{100 * load.resent:.1f} % of TCP segments were sent again"
