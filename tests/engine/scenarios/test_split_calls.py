"""Both channels of a stereo call stream as a pair: on one clock, shown and exported as one job."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import WORD_NUMBERS_PER_JOB, word_start_ms, word_text
from tests.engine.support.scripted_server import ConnectionScript, ReceivedSession, ScriptedServer
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    ObservedSupervisor,
    resume_supervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import transcribe
from tests.support.audio_files import write_recording
from workers.audio.source import ReadOptions, Source
from workers.exports.files import write_exports
from workers.jobs.events import Began, Ended, Outcome, Progressed, Readied
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState, combine_pairs
from workers.processes import START_METHOD
from workers.runs import reader
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

RATE, TENTHS = 8000, 20
PAIR, LEFT, RIGHT = JobId(1), JobId(2), JobId(3)
SPEAKERS = ReadOptions(speakers=("agent", "caller"))
NUMBERS = {
    speaker: [index * WORD_NUMBERS_PER_JOB + tenth + 1 for tenth in range(TENTHS)]
    for index, speaker in enumerate(SPEAKERS.speakers)
}
"""The words of each speaker: one in each tenth of a second."""


def channel(speaker: str) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """The samples of one channel: each word is its number, from 20 to 80 ms of its tenth."""
    samples = np.zeros((TENTHS, RATE // 10), np.int16)
    samples[:, RATE * 20 // 1000 : RATE * 80 // 1000] = np.array(NUMBERS[speaker])[:, np.newaxis]
    return samples.ravel()


def write_call(folder: Path) -> str:
    stereo = np.stack([channel(speaker) for speaker in SPEAKERS.speakers], axis=1)
    return write_recording(folder / "call.wav", stereo, RATE)


@dataclass(frozen=True)
class SplitRun:
    """A run of one call that was split."""

    folder: Path
    observed: ObservedSupervisor
    connections: list[ReceivedSession]

    @property
    def pair(self) -> PairState:
        """The pair, as its sessions reported it."""
        (pair,) = combine_pairs(self.observed.job_states.values())
        assert isinstance(pair, PairState)
        return pair

    @property
    def replayed(self) -> PairState:
        """The pair as read back from its traces."""
        (pair,) = reader.read_job_states(self.folder)
        assert isinstance(pair, PairState)
        return pair

    def began(self, job: JobId) -> list[Began]:
        return [each for each in self.observed.events_of(Began, job) if isinstance(each, Began)]


SCRIPTS: Mapping[str, tuple[ConnectionScript, ...]] = {
    "whole": (transcribe(),),
    "broken": (transcribe(fault=server_faults.drop_connection, at=7), transcribe()),
    "refused": (
        transcribe(fault=server_faults.error_then_close(3009, server_faults.BUSY), at=0),
        transcribe(),
    ),
    "late": (transcribe(fault=server_faults.pause(0.5)), transcribe()),
}
"""What the first and all further connections do, by the name of a run."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SplitRun]:
    folder = tmp_path_factory.mktemp("calls")
    call = Source(write_call(folder), SPEAKERS)
    found = {}
    with ExitStack() as stack:
        for name, scripts in SCRIPTS.items():
            server = stack.enter_context(ScriptedServer(*scripts))
            observed = stack.enter_context(
                run_supervisor(server.url, folder / name, retry_policy=FAST_RETRIES)
            )
            assert observed.supervisor.add([call]) == [PAIR]
            found[name] = SplitRun(folder / name, observed, server.received_sessions)
        for run in found.values():
            run.observed.wait_until_idle()
    return found


def words_of(pair: JobState) -> dict[str, list[str]]:
    """The words of each speaker in the one transcript, in its order."""
    words: dict[str, list[str]] = {speaker: [] for speaker in SPEAKERS.speakers}
    for line in pair.transcript.lines:
        words[line.speaker] += line.text.split()
    return words


def all_words() -> dict[str, list[str]]:
    return {speaker: [word_text(n) for n in numbers] for speaker, numbers in NUMBERS.items()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_word_of_both_speakers_is_there_once(runs: dict[str, SplitRun], name: str) -> None:
    """Whatever happens to one session, live and in traces, in order and at its time."""
    run = runs[name]
    for pair in run.pair, run.replayed:
        assert pair.status is JobStatus.DONE
        assert words_of(pair) == all_words()
        for line in pair.transcript.lines:
            starts = [word_start_ms(int(word.text[1:])) for word in line.words]
            assert [word.start for word in line.words] == starts
        turn_starts = [line.start_ms or 0 for line in pair.transcript.lines]
        assert turn_starts == sorted(turn_starts)


def test_each_session_receives_its_channel(runs: dict[str, SplitRun]) -> None:
    """Bit for bit."""
    sent = {b"".join(pcm for _, pcm in one.audio) for one in runs["whole"].connections}

    assert sent == {channel(speaker).tobytes() for speaker in SPEAKERS.speakers}


@pytest.mark.parametrize("name", ["whole", "late"])
def test_both_start_on_one_clock(runs: dict[str, SplitRun], name: str) -> None:
    """Even if one server takes half a second to begin: the other session waits."""
    run = runs[name]
    (left,), (right,) = run.began(LEFT), run.began(RIGHT)

    assert left.clock_s == right.clock_s
    assert (left.clock_chunk, right.clock_chunk) == (0, 0)
    assert len(run.observed.events_of(Readied, LEFT)) == 1
    skew = run.replayed.skew
    assert skew is not None
    assert skew.chunks == TENTHS


def test_a_broken_half_goes_on_on_the_same_clock(runs: dict[str, SplitRun]) -> None:
    """Its chunks are due on later beats, and never leave before. The other half is undisturbed."""
    run = runs["broken"]
    attempts = {job: run.began(job) for job in (LEFT, RIGHT)}
    (broken,) = [job for job, begun in attempts.items() if len(begun) == 2]
    (other,) = [job for job, begun in attempts.items() if len(begun) == 1]

    first, second = attempts[broken]
    assert first.clock_s == second.clock_s == attempts[other][0].clock_s
    assert second.clock_s is not None
    assert second.clock_chunk
    assert second.clock_chunk >= 7
    due = [second.clock_s + (second.clock_chunk + chunk) * 0.1 for chunk in range(TENTHS)]
    arrivals = [arrival for arrival, _ in run.connections[2].audio]
    assert all(arrival >= at for arrival, at in zip(arrivals, due, strict=False))
    _, trace = trace_files(run.folder, broken)[-1]
    trace_reader = TraceReader(trace)
    assert list(trace_reader)
    steps = [b.due_s - a.due_s for a, b in pairwise(trace_reader.chunk_times)]
    assert steps == pytest.approx([0.1] * len(steps), abs=1e-5)
    skew = run.replayed.skew
    assert skew is not None
    # A spawned session takes longer to come back, so fewer chunks have a counterpart.
    fewest = 7 if START_METHOD == "forkserver" else 1
    assert fewest <= skew.chunks <= TENTHS


def test_a_half_does_not_wait_for_one_that_was_refused(runs: dict[str, SplitRun]) -> None:
    """The other one joins later; a refusal does not count as an attempt."""
    run = runs["refused"]
    beats = [run.began(job)[0].clock_chunk for job in (LEFT, RIGHT)]

    assert min(beat for beat in beats if beat is not None) == 0
    assert run.pair.attempt == 1


def test_exports_name_the_speakers(runs: dict[str, SplitRun], tmp_path: Path) -> None:
    """In every format; JSON also has both sessions, and how far apart they were."""
    pair = runs["whole"].replayed
    formats = ("txt", "srt", "vtt", "csv", "json")
    texts = {path.suffix: path.read_text() for path in write_exports(pair, formats, tmp_path)}

    first = f"{word_text(1)} {word_text(2)} {word_text(3)} {word_text(4)}"
    assert texts[".txt"].startswith(f"agent: {first}\ncaller: {word_text(1001)}")
    assert f"agent: {first}" in texts[".srt"]
    assert f"<v agent>{first}" in texts[".vtt"]
    assert texts[".csv"].splitlines()[1].split(",")[4:7] == ["agent", "", first]
    document = json.loads(texts[".json"])
    assert document["turns"][0]["speaker_label"] == "agent"
    assert [half["speaker"] for half in document["halves"]] == ["agent", "caller"]
    assert document["skew_ms"]["chunks"] == TENTHS


def test_a_pair_is_cancelled_and_resumed_together(tmp_path: Path) -> None:
    """Its number stands for both halves, and what was interrupted continues on one new clock."""
    call = Source(write_call(tmp_path), SPEAKERS)
    cancelled, interrupted = tmp_path / "cancelled", tmp_path / "interrupted"
    with (
        ScriptedServer(transcribe()) as server,
        run_supervisor(server.url, cancelled) as first,
        run_supervisor(server.url, interrupted) as second,
    ):
        for observed in (first, second):
            observed.supervisor.add([call])
        for observed in (first, second):
            for job in (LEFT, RIGHT):
                observed.wait_for_event(Progressed, job)
        first.supervisor.cancel(PAIR)
        second.supervisor.stop()
        for observed in (first, second):
            observed.wait_until_idle()
    with (
        ScriptedServer(transcribe()) as server,
        resume_supervisor(server.url, interrupted) as resumed,
    ):
        resumed.wait_until_idle()

    for job in (LEFT, RIGHT):
        (ended,) = first.events_of(Ended, job)
        assert isinstance(ended, Ended)
        assert ended.outcome is Outcome.CANCELLED
    (pair,) = combine_pairs(first.job_states.values())
    assert pair.status is JobStatus.CANCELLED
    run = SplitRun(interrupted, resumed, server.received_sessions)
    assert run.pair.status is JobStatus.DONE
    assert words_of(run.replayed) == all_words()
    (left,), (right,) = run.began(LEFT), run.began(RIGHT)
    assert left.clock_s == right.clock_s
    assert (left.clock_chunk, right.clock_chunk) == (0, 0)


def test_a_mono_recording_is_one_failed_job(tmp_path: Path) -> None:
    """It says in one sentence what is wrong and what to do."""
    mono = write_recording(tmp_path / "mono.wav", channel("agent"), RATE)
    with (
        ScriptedServer() as server,
        run_supervisor(server.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([Source(mono, SPEAKERS)])
        observed.wait_until_idle()
        (pair,) = combine_pairs(observed.job_states.values())

    assert pair.status is JobStatus.FAILED
    assert pair.ended is not None
    assert pair.ended.reason == "it has only one channel, so there are no two speakers to split"
    assert pair.ended.hint == "--channels mix streams it as it is."
    assert server.received_sessions == []
