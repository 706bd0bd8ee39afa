"""An attempt that breaks is continued: each word once, in order, at its time, whatever happened."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import complaints, record
from tests.engine.support.scenario import Played, Scene, played, recordings
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import SOON, resumed, supervised
from tests.engine.support.transcribing_server import PLAIN, Fault, Hearing, Manner, Moment, telling
from tests.support.run_builders import facts
from workers.jobs.events import Connecting, Ended, Outcome, Retrying
from workers.jobs.job_state import JobHistory, Status
from workers.runs import reader
from workers.runs.timeline import Chronicle, Trouble
from workers.scheduling.retry_policy import Retries
from workers.session.assignment import Patience

BRISK = Patience(begin=1.0, end=1.0, silence=1.0)


class Later(Retries):
    """When the others have begun, or one job would meet what was meant for several."""

    def delay(self, broken: int) -> float:
        return 1.0


PATIENTLY = Later(attempts=50)

FLUENT = Manner(word_by_word=True)

BREAKING = {
    "a cut before Begin": (server_faults.cut, Moment.CONNECT),
    "a cut behind Begin": (server_faults.cut, Moment.BEGIN),
    "a cut before anything is final": (server_faults.cut, 3),
    "a cut within a turn": (server_faults.cut, 7),
    "a cut behind a final": (server_faults.cut, Moment.FINAL),
    "a cut before the last words": (server_faults.cut, Moment.TERMINATE),
    "a reset": (server_faults.reset, 5),
    "1011": (server_faults.error(1011), 6),
    "1013 and no Error": (server_faults.close(1013), 9),
    "3005": (server_faults.error(3005), 10),
    "3005 and no close": (server_faults.error_alone(3005), 10),
    "3008": (server_faults.error(3008, "Session Expired: Maximum session duration exceeded"), 11),
    "a close for no reason": (server_faults.close(1000), 8),
    "a Termination that nobody asked for": (server_faults.ended_unasked, 6),
    "no Begin": (server_faults.mute, Moment.CONNECT),
    "no Termination": (server_faults.mute, Moment.TERMINATE),
    "no answer to anything": (server_faults.deaf(), 7),
    "text that is none, and the end": (server_faults.BAD_UTF8, 8),
    "bytes that are no frame": (server_faults.NO_FRAME, 9),
    "no place any more, in the middle": (server_faults.error(3009, server_faults.BUSY), 9),
}
STRANGE = [
    telling(PLAIN, server_faults.STRANGE, 5),
    telling(PLAIN, server_faults.repeats, 9),
    telling(FLUENT, server_faults.repeats, 9),
    telling(PLAIN, server_faults.empty_final, 6),
    telling(FLUENT, server_faults.empty_final, Moment.BEGIN),
    telling(Manner(wordless=True)),
    telling(PLAIN, server_faults.slow(0.5), Moment.BEGIN),
    telling(PLAIN, server_faults.deaf(0.4), 5),
]


def then_cut(first: Fault) -> Fault:
    async def struck(hearing: Hearing) -> None:
        await first(hearing)
        await server_faults.cut(hearing)

    return struck


STRANGE_AND_BREAKING = [
    telling(PLAIN, then_cut(server_faults.repeats), 9),
    telling(FLUENT, then_cut(server_faults.repeats), 9),
    telling(PLAIN, then_cut(server_faults.empty_final), 6),
    telling(Manner(wordless=True), server_faults.cut, 9),
    telling(Manner(words=1), server_faults.cut, 9),
    telling(Manner(words=100), server_faults.cut, 9),
]
LATE_MS = 1500


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    folder = tmp_path_factory.mktemp("continuation")
    breaking = [
        telling(manner, fault, at)
        for manner, (fault, at) in zip(cycle([PLAIN, FLUENT]), BREAKING.values(), strict=False)
    ]
    late = [telling(Manner(padding_ms=LATE_MS), server_faults.cut, Moment.FINAL)] * 2
    return played(
        folder,
        {
            "breaking": Scene(
                recordings(folder / "a", len(BREAKING), 13, silent=[6]),
                [*breaking, telling()],
                PATIENTLY,
                BRISK,
            ),
            "strange": Scene(recordings(folder / "b", len(STRANGE), 12), STRANGE),
            "both": Scene(
                recordings(folder / "c", len(STRANGE_AND_BREAKING), 12),
                [*STRANGE_AND_BREAKING, telling(Manner(word_by_word=True, words=100))],
                PATIENTLY,
            ),
            "late": Scene(
                recordings(folder / "d", len(late), 18, silent=range(4, 14)), [*late, telling()]
            ),
        },
    )


def test_a_session_that_breaks_loses_no_word_and_doubles_none(
    scenes: Mapping[str, Played],
) -> None:
    """However it breaks: each further attempt begins at the end of the last final turn."""
    scene = scenes["breaking"]

    assert scene.complaints() == []
    assert len(scene.heard) > 1.5 * len(BREAKING)
    assert len(list(scene.folder.glob("*.trace.jsonl"))) == len(scene.heard)


def test_what_is_only_strange_breaks_nothing(scenes: Mapping[str, Played]) -> None:
    """What was never specified, what comes twice, and ends of turns that tell nothing."""
    assert scenes["strange"].complaints() == []
    assert len(scenes["strange"].heard) == len(STRANGE)


def test_what_is_strange_may_also_break(scenes: Mapping[str, Played]) -> None:
    """Finals that come twice, that have no times, that count on: none is a place to lose."""
    assert scenes["both"].complaints() == []


def test_ends_that_are_told_too_late_lose_nothing(scenes: Mapping[str, Played]) -> None:
    """A word's end that lies in audio which was not sent yet when it came is not believed."""
    assert scenes["late"].complaints(LATE_MS) == []


def test_a_job_that_breaks_all_the_time_fails_and_keeps_what_was_heard(tmp_path: Path) -> None:
    """Four attempts, each from where the one before broke, each with its trace; retry goes on."""
    truth = record(tmp_path, 12)
    script = telling(Manner(words=2), server_faults.cut, 3)
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
        assert begun == [0, 180, 380, 580]
        assert history.transcript.text.split()[:8] == truth.texts[:8]
        assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 4

        watched.supervisor.retry(history.job)
        watched.until_idle()

    (replayed,) = reader.histories(tmp_path / "run")
    assert complaints(truth, history) == complaints(truth, replayed) == []
    assert [seam.at_ms for seam in history.transcript.seams] == [180, 380, 580, 780]
    assert [attempt.number for attempt in history.earlier] == [1, 2, 3, 4]


class Tomorrow(Retries):
    """Nobody lives to see it."""

    def delay(self, broken: int) -> float:
        return 86_400.0


def test_a_further_attempt_waits_for_its_time_and_can_be_taken_out(tmp_path: Path) -> None:
    """It is told when, and why; others go first; cancelling ends it at once."""
    truths = recordings(tmp_path, 2, 3)
    with (
        Endpoint(telling(PLAIN, server_faults.cut, 2), telling()) as endpoint,
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
        Endpoint(telling(PLAIN, server_faults.cut, 6), telling()) as endpoint,
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


def test_a_look_back_ends_as_the_traces_tell(scenes: Mapping[str, Played]) -> None:
    """Though it passes over what was replaced; and it is the same to go on from halfway."""
    for scene in scenes.values():
        chronicle = Chronicle(scene.folder)
        halfway = chronicle.length / 2
        steps = [
            *chronicle.between(-1.0, halfway),
            *chronicle.between(halfway, chronicle.length),
        ]
        for moments in (chronicle.between(-1.0, chronicle.length), steps):
            seen: dict[int, JobHistory] = {}
            for _, report in moments:
                history = seen.setdefault(report.job, JobHistory(report.job, report.file))
                history.apply(report)
            assert [facts(each) for each in scene.replayed] == [
                facts(seen[job]) for job in sorted(seen)
            ]
    assert {trouble for _, trouble in Chronicle(scenes["breaking"].folder).troubles} == {
        Trouble.RETRIED
    }
