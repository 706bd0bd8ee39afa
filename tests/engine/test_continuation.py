"""An attempt that breaks is continued: each word once, in order, at its time, whatever happened."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from tests.engine import faults
from tests.engine.hearing import PLAIN, Fault, Hearing, Manner, Moment, telling
from tests.engine.running import SOON, Hurried, Watched, resumed, supervised
from tests.engine.scripted import Endpoint, Script
from tests.engine.truth import Truth, complaints, record
from workers import past
from workers.events import Connecting, Ended, Outcome, Retrying
from workers.history import JobHistory, Status
from workers.retries import Retries
from workers.session.assignment import Patience

BRISK = Patience(begin=1.0, end=1.0, silence=1.0)
PATIENTLY = Retries(attempts=50, first=0.01, most=0.01)
"""One job may meet what was meant for several."""

FLUENT = Manner(word_by_word=True)


def streamed(
    folder: Path,
    truths: Sequence[Truth],
    scripts: Sequence[Script],
    retries: Retries = SOON,
    patience: Patience | None = None,
) -> tuple[Watched, Endpoint]:
    """All of them at once; each first session meets one script, the further ones the last."""
    with (
        Endpoint(*scripts) as endpoint,
        supervised(
            endpoint.url,
            folder / "run",
            sessions=30,
            starts=Hurried(),
            retries=retries,
            patience=patience,
        ) as w,
    ):
        w.supervisor.add([truth.path for truth in truths])
        w.until_idle()
    return w, endpoint


def every_complaint(
    folder: Path, truths: Sequence[Truth], histories: Sequence[JobHistory], padding_ms: int = 0
) -> list[str]:
    """What is wrong with the jobs as they were followed, and as their traces tell of them."""
    found = []
    for kind, each in ("live", histories), ("replayed", past.histories(folder / "run")):
        for truth, history in zip(truths, each, strict=True):
            job = f"job {history.job}, {kind}"
            found += [f"{job}: {wrong}" for wrong in complaints(truth, history, padding_ms)]
    return found


def in_order(watched: Watched) -> list[JobHistory]:
    return [watched.histories[job] for job in sorted(watched.histories)]


BREAKING = {
    "a cut before Begin": (faults.cut, Moment.CONNECT),
    "a cut behind Begin": (faults.cut, Moment.BEGIN),
    "a cut before anything is final": (faults.cut, 3),
    "a cut within a turn": (faults.cut, 7),
    "a cut behind a final": (faults.cut, Moment.FINAL),
    "a cut before the last words": (faults.cut, Moment.TERMINATE),
    "a reset": (faults.reset, 5),
    "1011": (faults.error(1011), 6),
    "1013 and no Error": (faults.close(1013), 9),
    "3005": (faults.error(3005), 10),
    "3005 and no close": (faults.error_alone(3005), 10),
    "3008": (faults.error(3008, "Session Expired: Maximum session duration exceeded"), 11),
    "a close for no reason": (faults.close(1000), 8),
    "a Termination that nobody asked for": (faults.ended_unasked, 6),
    "a Termination before Terminate": (faults.ended_unasked, 13),
    "no Begin": (faults.mute, Moment.CONNECT),
    "no Termination": (faults.mute, Moment.TERMINATE),
    "no answer to anything": (faults.deaf(), 7),
    "text that is none, and the end": (faults.BAD_UTF8, 8),
    "bytes that are no frame": (faults.NO_FRAME, 9),
    "no place any more, in the middle": (faults.error(3009, faults.BUSY), 9),
}


def test_a_session_that_breaks_loses_no_word_and_doubles_none(tmp_path: Path) -> None:
    """However it breaks: each further attempt begins at the end of the last final turn."""
    truths = [record(tmp_path, 13, job, silent=[6]) for job in range(len(BREAKING))]
    manners = cycle([PLAIN, FLUENT])
    scripts = [
        telling(manner, fault, at)
        for manner, (fault, at) in zip(manners, BREAKING.values(), strict=False)
    ]
    watched, endpoint = streamed(tmp_path, truths, [*scripts, telling()], PATIENTLY, BRISK)

    assert every_complaint(tmp_path, truths, in_order(watched)) == []
    assert len(endpoint.heard) == 2 * len(truths)
    assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 2 * len(truths)


def test_what_is_only_strange_breaks_nothing(tmp_path: Path) -> None:
    """What was never specified, what comes twice, and ends of turns that tell nothing."""
    plan = [
        telling(PLAIN, faults.STRANGE, 5),
        telling(PLAIN, faults.repeats, 9),
        telling(FLUENT, faults.repeats, 9),
        telling(PLAIN, faults.empty_final, 6),
        telling(FLUENT, faults.empty_final, Moment.BEGIN),
        telling(Manner(wordless=True)),
        telling(PLAIN, faults.slow(0.5), Moment.BEGIN),
        telling(PLAIN, faults.deaf(0.4), 5),
    ]
    truths = [record(tmp_path, 12, job) for job in range(len(plan))]
    watched, _ = streamed(tmp_path, truths, plan)

    assert every_complaint(tmp_path, truths, in_order(watched)) == []
    assert {history.attempt for history in in_order(watched)} == {1}


def test_what_is_strange_may_also_break(tmp_path: Path) -> None:
    """Finals that come twice, that have no times, that count on: none is a place to lose."""

    def both(first: Fault) -> Fault:
        async def struck(hearing: Hearing) -> None:
            await first(hearing)
            await faults.cut(hearing)

        return struck

    plan = [
        telling(PLAIN, both(faults.repeats), 11),
        telling(FLUENT, both(faults.repeats), 11),
        telling(PLAIN, both(faults.empty_final), 6),
        telling(Manner(wordless=True), faults.cut, 9),
        telling(Manner(words=1), faults.cut, 9),
        telling(Manner(words=100), faults.cut, 9),
        telling(FLUENT),
    ]
    truths = [record(tmp_path, 12, job) for job in range(len(plan) - 1)]
    watched, _ = streamed(tmp_path, truths, plan)

    assert every_complaint(tmp_path, truths, in_order(watched)) == []


def test_ends_that_are_told_too_late_lose_nothing(tmp_path: Path) -> None:
    """A word's end that lies in audio which was not sent yet when it came is not believed."""
    manner = Manner(padding_ms=2500)
    silent = range(4, 14)
    truths = [record(tmp_path, 24, job, silent=silent) for job in range(4)]
    scripts = [telling(manner, faults.cut, Moment.FINAL)] * len(truths)
    watched, _ = streamed(tmp_path, truths, [*scripts, telling()])

    assert every_complaint(tmp_path, truths, in_order(watched), padding_ms=2500) == []


def test_a_job_that_breaks_all_the_time_fails_and_keeps_what_was_heard(tmp_path: Path) -> None:
    """Four attempts, each from where the one before broke, each with its trace; retry goes on."""
    truth = record(tmp_path, 22)
    script = telling(PLAIN, faults.cut, 5)
    with (
        Endpoint(*[script] * 4, telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=SOON) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_idle()
        history = watched.histories[1]
        begun = [event.from_ms for event in watched.said(Connecting)]

        assert history.status is Status.FAILED
        assert [ended.outcome for ended in watched.said(Ended)] == [Outcome.LOST] * 4
        assert begun == [0, 380, 780, 1180]
        assert history.transcript.text.split()[:16] == truth.texts[:16]
        assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 4

        watched.supervisor.retry(history.job)
        watched.until_idle()

    assert every_complaint(tmp_path, [truth], [history]) == []
    assert [seam.at_ms for seam in history.transcript.seams] == [380, 780, 1180, 1580]
    assert [attempt.number for attempt in history.earlier] == [1, 2, 3, 4]


class Tomorrow(Retries):
    """Nobody lives to see it."""

    def delay(self, broken: int) -> float:
        return 86_400.0


def test_a_further_attempt_waits_for_its_time_and_can_be_taken_out(tmp_path: Path) -> None:
    """It is told when, and why; others go first; cancelling ends it at once."""
    truths = [record(tmp_path, 3, job) for job in range(2)]
    with (
        Endpoint(telling(PLAIN, faults.cut, 2), telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", sessions=1, retries=Tomorrow()) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        watched.until_said(Retrying)
        watched.until_said(Ended, job=2)
        (retrying,) = watched.said(Retrying)

        assert watched.histories[1].status is Status.RETRYING
        assert retrying.in_seconds == 86_400.0
        assert "connection broke" in retrying.reason
        assert watched.histories[2].status is Status.DONE

        watched.supervisor.cancel(watched.histories[1].job)
        watched.until_idle()

        assert watched.histories[1].status is Status.CANCELLED
        assert len(endpoint.heard) == 2


def test_a_file_that_has_changed_is_not_continued(tmp_path: Path) -> None:
    """Half of the one and half of the other would be a transcript of neither."""
    truth = record(tmp_path, 12)
    with (
        Endpoint(telling(PLAIN, faults.cut, 6), telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=Tomorrow()) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_said(Retrying)
        watched.supervisor.stop()
        watched.until_idle()
    record(tmp_path, 12, silent=[3])
    with resumed(endpoint.url, tmp_path / "run") as again:
        again.until_idle()
    (ended,) = again.said(Ended)

    assert ended.outcome is Outcome.UNREADABLE
    assert "has changed" in ended.reason
    assert len(endpoint.heard) == 1
