from dataclasses import replace
from pathlib import Path

from tests.support.report_builders import (
    began,
    certificate,
    ended_done,
    ended_failed,
    queued,
    report,
    turn_heard,
)
from tui.cli.exit_codes import ExitCode
from tui.cli.summary import exit_code, pacing_text, run_summary_lines
from workers.jobs.events import Ended, Event, Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState

CANCELLED = Ended(Outcome.CANCELLED, "stopped by the user")


def after(*endings: Event, heard: bool = True) -> list[JobState]:
    """Jobs that ended like this, one each; ``heard``: with a word each."""
    job_states = []
    for number, ending in enumerate(endings, start=1):
        job_state = JobState(JobId(number), f"{number}.wav")
        job_state.apply(report(number, queued()))
        if heard:
            job_state.apply(report(number, began()))
            job_state.apply(report(number, turn_heard(0, "Hello.", final=True)))
        job_state.apply(report(number, ending))
        job_states.append(job_state)
    return job_states


def code(*endings: Event, interrupted: bool = False) -> ExitCode:
    return exit_code(after(*endings), interrupted=interrupted)


def test_the_exit_code_is_the_most_severe() -> None:
    """An interruption wins over a refused key, that over a failure, and that over success."""
    refused = ended_failed("Invalid API key", outcome=Outcome.UNAUTHORISED)

    assert code() is ExitCode.DONE
    assert code(ended_done(), CANCELLED) is ExitCode.DONE
    assert code(ended_done(), ended_failed("gone")) is ExitCode.SOME_FAILED
    assert code(ended_done(), queued()) is ExitCode.SOME_FAILED
    assert exit_code(after(ended_done()), interrupted=False, saved=False) is ExitCode.SOME_FAILED
    assert (
        code(ended_done(), ended_failed("by a signal", outcome=Outcome.INTERRUPTED))
        is ExitCode.SOME_FAILED
    )
    assert code(ended_done(), CANCELLED, interrupted=True) is ExitCode.INTERRUPTED
    assert code(refused, CANCELLED, interrupted=True) is ExitCode.INTERRUPTED
    assert code(refused, ended_failed("gone")) is ExitCode.NOT_AUTHORISED


def test_the_summary_says_what_failed_and_where_it_all_is() -> None:
    """With what to do, and a command that a shell understands."""
    lines = run_summary_lines(
        after(ended_done(60.0), ended_failed("it broke", "Mend it.")), Path("/tmp/my run")
    )

    assert lines == [
        "1 done, 1 failed · 1:00 of audio, sockets open 1:00",
        "  2.wav: it broke. Mend it.",
        "Transcripts and traces: /tmp/my run",
        "Continue with the rest: paceline resume '/tmp/my run'",
        "Export them: paceline export '/tmp/my run' --to txt,srt",
    ]


def test_the_summary_says_where_transcripts_were_exported() -> None:
    """They may be some of them, or older than the last words: all can be exported again."""
    lines = run_summary_lines(after(ended_done(60.0)), Path("run"), exported_to=Path("run/exports"))

    assert lines[-2:] == [
        "Exported to: run/exports",
        "Export all again: paceline export run --to txt,srt",
    ]


def test_recordings_with_the_same_content_stand_under_a_heading_of_their_own() -> None:
    """They are no warnings. A recording that was added twice is not compared with itself."""
    twice = after(
        *(replace(queued(), same_as=other) for other in ("", "1.wav", "3.wav")), heard=False
    )
    one = after(queued(), replace(queued(), same_as="1.wav"), heard=False)

    assert run_summary_lines(twice, Path("run"))[1:4] == [
        "2 recordings with the content of another:",
        "  2.wav: the same content as 1.wav",
        "  3.wav: added before",
    ]
    assert "1 recording with the content of another:" in run_summary_lines(one, Path("run"))


def test_a_folder_whose_name_begins_with_a_dash_is_no_option() -> None:
    """The commands that the summary suggests work for it too."""
    lines = run_summary_lines(after(ended_done(60.0)), Path("-run"))

    assert lines[-1] == "Export them: paceline export ./-run --to txt,srt"


def test_the_summary_says_at_which_speed_audio_was_sent() -> None:
    """Also the line of a job; nothing is said of the speed of speech."""
    fast = replace(ended_done(60.0), certificate=replace(certificate(), speed=4.0))
    lines = run_summary_lines(after(replace(queued(), speed=4.0), fast), Path("/tmp/run"))

    assert "1 done, 1 not started" in lines[0]
    assert "of audio at 4× speed" in lines[0]
    assert "pacing held at 4× speed: lag p50 0.2 p99 0.9 ms" == pacing_text(fast.certificate)
    assert "pacing held: lag p50 0.2 p99 0.9 ms" == pacing_text(certificate())


def test_a_summary_counts_whole_seconds_as_the_desk_does() -> None:
    """A second that has not passed yet does not count."""
    lines = run_summary_lines(after(ended_done(59.7)), Path("run"))

    assert lines[0] == "1 done · 0:59 of audio, sockets open 0:59"


def test_jobs_that_failed_for_the_same_reason_share_a_line() -> None:
    """A few names, and how many more; others keep a line each."""
    many = [ended_failed("no place", "Retry later.")] * 5
    lines = run_summary_lines(after(*many, ended_failed("it broke")), Path("run"))

    assert lines[1:4] == [
        "  5 recordings: no place. Retry later.",
        "    1.wav, 2.wav, 3.wav and 2 more",
        "  6.wav: it broke.",
    ]


def test_foreign_text_is_harmless_in_the_summary() -> None:
    """It stands on the normal screen, where escapes would be obeyed."""
    (line,) = [
        x for x in run_summary_lines(after(ended_failed("\x1b[2Jboo")), Path("run")) if "boo" in x
    ]

    assert "\x1b" not in line


EXPORT = "Export them: paceline export run --to txt,srt"
RESUME = "Continue with the rest: paceline resume run"


def offered(*endings: Event, heard: bool = True) -> list[str]:
    """The commands that the summary offers."""
    lines = run_summary_lines(after(*endings, heard=heard), Path("run"))
    return [line for line in lines if "paceline" in line]


def failed_as(outcome: Outcome) -> Ended:
    return ended_failed("no", "", outcome)


def test_only_what_helps_is_offered() -> None:
    """No export without words, and no attempt that would end like the last one."""
    queue_left = Ended(Outcome.INTERRUPTED, "the program was left before the recording started")

    assert [EXPORT] == offered(ended_done())
    assert [] == offered(ended_done(), heard=False)
    for outcome in (Outcome.REFUSED, Outcome.UNAUTHORISED):
        assert [] == offered(failed_as(outcome), queue_left, heard=False)
        assert [RESUME, EXPORT] == offered(failed_as(outcome), queue_left)
    assert [EXPORT] == offered(failed_as(Outcome.UNREADABLE), ended_done())
    assert [RESUME] == offered(failed_as(Outcome.UNREACHABLE), heard=False)
    assert [RESUME] == offered(queue_left, heard=False)


def test_a_reason_that_was_printed_is_not_repeated() -> None:
    """Only of many recordings, because their lines may have scrolled away."""
    one, many = ended_failed("it broke", "Mend it."), [ended_failed("no place")] * 4
    lines = run_summary_lines(
        after(one, *many), Path("run"), printed={"it broke. Mend it.", "no place."}
    )

    assert lines[1:4] == [
        "  failed: 1.wav",
        "  4 recordings: no place.",
        "    2.wav, 3.wav, 4.wav and 1 more",
    ]
