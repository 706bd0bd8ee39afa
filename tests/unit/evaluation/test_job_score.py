"""A job is scored as what it was: a part, a call, resumed, damaged, or with entities to find."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.evaluation.scored_runs import BEGAN_S, sent, turn, write_index, write_job
from workers.errors import UsageProblem
from workers.evaluation.accuracy import ErrorCounts, TermCounts, align, count_terms
from workers.evaluation.job_score import Mark, MarkKind
from workers.evaluation.score import RunScore, ScoreOptions, score_run
from workers.jobs.events import Outcome, Warned
from workers.jobs.resume_point import ResumePoint

BASIC = ScoreOptions(normaliser="basic")


def change_job(run: Path, job: int, **fields: Any) -> None:
    """Changes the record of a job in the run's index."""
    index = json.loads((run / "run.json").read_text())
    index["jobs"][job - 1] |= fields
    (run / "run.json").write_text(json.dumps(index))


def score_texts(folder: Path, reference: str, recognised: str, **options: Any) -> RunScore:
    """The scores of a run of one recording."""
    (folder / "talk.txt").write_text(reference)
    run = write_index(folder / "run", [folder / "talk.wav"])
    write_job(run, [turn(3.0, 0, recognised, final=True)])
    return score_run(run, replace(BASIC, **options))


def test_entities_that_were_not_recognised_as_a_whole_are_missed(tmp_path: Path) -> None:
    """Their marks are no words; each place counts, also a repeated one."""
    score = score_texts(
        tmp_path,
        "Ask <entity>Dr Halvorsen</entity> or ask <entity>Anna</entity>, not Anna; "
        "then <entity>Dr Halvorsen</entity>.",
        "ask Dr Halvorsen or ask Hannah not Anna then Dr um Halvorsen",
    )
    (job,) = score.jobs

    assert job.words == ErrorCounts(hits=10, substitutions=1, insertions=1)
    assert job.missed_entities == ("anna", "dr halvorsen")
    assert job.entities == TermCounts(said=3, correct=1)
    assert score.groups[0].rates["missed"].pooled == pytest.approx(2 / 3)


def test_marks_of_entities_come_in_pairs(tmp_path: Path) -> None:
    """Anything else is an error that names the reference."""
    with pytest.raises(UsageProblem, match=r"talk\.txt are not in pairs"):
        score_texts(tmp_path, "ask <entity>Anna or <entity>Ben</entity>", "ask Anna")


def test_a_term_with_another_word_inside_is_not_recognised() -> None:
    """Neither for recall nor for precision, which never exceeds 1; a term given twice is one."""
    alignment = align(["in", "new", "york"], ["in", "new", "uh", "york"])
    assert count_terms(alignment, [["new", "york"], ["new", "york"], []]) == TermCounts(said=1)


def test_a_seam_and_damage_are_marked_in_the_alignment(tmp_path: Path) -> None:
    """Errors beside them may not be the recogniser's."""
    (tmp_path / "talk.txt").write_text("one two three four five")
    run = write_index(tmp_path / "run", [tmp_path / "talk.wav"])
    write_job(
        run,
        [turn(1.5, 0, "one two", [0.5, 1.0], final=True)],
        seconds=2.0,
        outcome=Outcome.LOST,
    )
    damage = Warned("a hole", None, 3.0, 0.4)
    write_job(
        run,
        [(2.4, damage), turn(3.0, 1, "free five", [2.5, 3.9], final=True)],
        attempt=2,
        resume_point=ResumePoint(1000, 1),
    )
    (job,) = score_run(run, BASIC).jobs

    assert job.marks == (
        Mark(MarkKind.SEAM, 1.0, 2),
        Mark(MarkKind.DAMAGE, 3.0, 3, 0.4),
    )
    steps = [one.text if isinstance(one, Mark) else one[1] for one in job.marked_pairs()]
    assert steps == ["one", "two", "continued at 1.0 s", *steps[3:]]
    assert "damaged at 3.0 s, 0.4 s missing" in steps
    assert [step for step in steps if len(step) < 6] == ["one", "two", "three", "four", "five"]


def test_a_part_is_compared_with_what_was_said_in_it(tmp_path: Path) -> None:
    """If the reference has times; without, the result says so."""
    parts = [{"text": f"w{n}", "start": 1000 * n, "end": 1000 * n + 900} for n in range(4)]
    (tmp_path / "talk.json").write_text(json.dumps(parts))
    run = write_index(tmp_path / "run", [tmp_path / "talk.wav"])
    source = {"file": str(tmp_path / "talk.wav"), "options": {"start_s": 1.0, "end_s": 3.0}}
    change_job(run, 1, source=source)
    heard = [turn(3.0, 0, "w1 w2", [1.9, 2.9], final=True)]
    write_job(run, heard, seconds=3.0, resume_point=ResumePoint(1000, 0))
    score = score_run(run, BASIC)
    assert score.jobs[0].words == ErrorCounts(hits=2)

    (tmp_path / "talk.json").write_text('{"text": "w0 w1 w2 w3"}')
    score = score_run(run, BASIC)
    assert score.jobs[0].words == ErrorCounts(hits=2, deletions=2)
    assert any("streamed in part" in warning for warning in score.warnings)


def test_a_handed_over_session_does_not_end_the_recording(tmp_path: Path) -> None:
    """Only the last one tells how long the last final message took."""
    run = write_index(tmp_path / "run", [tmp_path / "talk.wav"])
    first = [turn(1.5, 0, "one", [1.0], final=True), sent(2.52, "Terminate")]
    write_job(run, first, seconds=2.0, outcome=Outcome.HANDED_OVER)
    second = [sent(BEGAN_S + 3.0, "Terminate"), turn(BEGAN_S + 3.2, 1, "two", [3.0], final=True)]
    write_job(run, second, attempt=2, resume_point=ResumePoint(1000, 1))
    (job,) = score_run(run, BASIC).jobs
    assert "ttfs" not in job.latency.delays  # the turn after a seam does not count


def test_words_where_nothing_was_said_are_errors(tmp_path: Path) -> None:
    """A reference may be only a mark; what was recognised there counts in the pooled rate."""
    for name, text in (("a", "[unclear]"), ("b", "one two")):
        (tmp_path / f"{name}.txt").write_text(text)
    files = [tmp_path / f"{name}.wav" for name in "ab"]
    run = write_index(tmp_path / "run", files)
    write_job(run, [turn(3.0, 0, "um", final=True)], job=1, file=str(files[0]))
    write_job(run, [turn(3.0, 0, "one two", final=True)], job=2, file=str(files[1]))
    score = score_run(run, BASIC)
    rate = score.groups[0].rates["wer"]
    assert (rate.pooled, rate.mean, rate.files) == (0.5, 0.0, 2)
    assert score.groups[0].rates["fwer"].pooled == 0.5  # the mark is no word there either


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """A split call whose right channel speaks first; the reference names both speakers."""
    (tmp_path / "call.stm").write_text(
        "call 1 Ann 2.0 3.0 good evening\ncall 2 Bob 0.5 1.5 hello there\n"
    )
    recording = tmp_path / "call.wav"
    run = write_index(tmp_path / "run", [recording, recording])
    for channel, speaker in ((1, "left"), (2, "right")):
        half = {"pair": 0, "channel": channel, "speaker": speaker}
        change_job(run, channel, half=half)
    heard = [turn(BEGAN_S + 3.2, 0, "good morning", [2.5, 3.0], final=True)]
    write_job(run, heard, job=1, file=str(recording))
    heard = [turn(BEGAN_S + 1.7, 0, "hello there", [1.0, 1.5], final=True)]
    write_job(run, heard, job=2, file=str(recording))
    return run


def test_each_speaker_of_a_call_is_compared_with_the_one_that_fits(call: Path) -> None:
    """Channels have other names than the reference, and another order."""
    (job,) = score_run(call, BASIC).jobs
    assert job.speakers == ("left", "right")
    assert job.speaker_words == ErrorCounts(hits=3, substitutions=1)


def test_each_speaker_of_a_call_begins_to_speak_for_himself(call: Path) -> None:
    """The reference's first word is only one speaker's."""
    (job,) = score_run(call, BASIC).jobs
    onsets = job.latency.delays["onset"]
    assert [round(at, 3) for at in onsets.at_s] == [2.3, 0.8]


def test_jobs_are_grouped_by_what_they_had(tmp_path: Path) -> None:
    """Chunk size, hour and sessions at once; a column that nobody has is an error."""
    score = score_texts(tmp_path, "one two", "one two", group_by="chunk_ms,sessions,hour")
    name = score.groups[1].name
    assert name.startswith("100, 1, 20")
    assert name.endswith(":00")
    with pytest.raises(UsageProblem, match="no recording has a column “speeker”"):
        score_run(tmp_path / "run", replace(BASIC, group_by="speeker"))
