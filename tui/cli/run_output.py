"""What a run without a screen prints: lines about jobs on stderr, and events on stdout."""

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from tui.cli.console import print_json, print_line
from tui.cli.summary import failure_text, pacing_text
from tui.render.latest_words import is_server_full, short_reason
from tui.text.formats import format_duration
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.jobs import events
from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus

if TYPE_CHECKING:  # it loads Rich, which is needed on a terminal only
    from tui.cli.run_progress import RunProgress


class Verbosity(Enum):
    """How much a run prints."""

    QUIET = "quiet"
    """Only failures, and at its end the summary."""
    NORMAL = "normal"
    VERBOSE = "verbose"
    """Also when a recording was read and a session dialled; and words, if a display shows some."""


def chosen_verbosity(*, quiet: bool, verbose: bool) -> Verbosity:
    """What two options ask for; raises `UsageProblem` for both of them."""
    if quiet and verbose:
        raise UsageProblem("--quiet and --verbose cannot be combined", "Choose one.")
    chosen = Verbosity.QUIET if quiet else Verbosity.NORMAL
    return Verbosity.VERBOSE if verbose else chosen


class RunOutput:
    """Prints what happens to jobs. With ``as_json``, prints events on stdout instead of lines."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        verbosity: Verbosity = Verbosity.NORMAL,
        display: "RunProgress | None" = None,
    ) -> None:
        """``display``: shows words and states of live sessions; None: they are printed."""
        self._as_json = as_json
        self._verbosity = verbosity
        self._display = display
        self._last_lines: dict[JobId, str] = {}
        """The last line that was printed for each job."""
        self._pending_ends: dict[JobId, tuple[JobReport, JobState]] = {}
        """Ends of attempts, printed once it is known whether another attempt follows."""
        self.printed_failures: dict[str, int] = {}
        """Why jobs failed, in full; and the number of the first one. Printed once each."""

    @property
    def display(self) -> "RunProgress | None":
        """The live display of the run; None without one."""
        return self._display

    def print_start(self, text: str) -> None:
        """Prints what will be done."""
        if self._verbosity is not Verbosity.QUIET:
            self.print_notice(text)

    def print_notice(self, text: str) -> None:
        """Prints a line about the whole run."""
        with suppress(OSError):  # the reader of stderr is gone, which is no reason to stop
            if self._display is not None:
                self._display.print_above(clean(text))
            else:
                print_line(text, err=True)

    def print_report(self, report: JobReport, job_state: JobState) -> None:
        """Prints what a session or the scheduler reported; ``job_state``: with that report."""
        if self._as_json:
            print_json(events.report_to_json(report))
        elif isinstance(report.event, events.Ended):
            self._pending_ends[report.job] = report, job_state
        else:
            follows_end = self._pending_ends.pop(report.job, None) is not None
            if self._verbosity is not Verbosity.QUIET:
                text = self._report_text(report, job_state, follows_end=follows_end)
                self._print_job_line(report, text)

    def print_pending_ends(self) -> None:
        """Prints the ends of attempts after which no other one was announced."""
        for report, job_state in self._pending_ends.values():
            assert isinstance(report.event, events.Ended)
            self._print_job_line(report, self._end_text(report, report.event, job_state))
        self._pending_ends = {}

    def _end_text(self, report: JobReport, ended: events.Ended, job: JobState) -> str | None:
        """How a job ended; None if that is not printed."""
        is_failure = JobStatus.from_outcome(ended.outcome) is JobStatus.FAILED
        if self._verbosity is Verbosity.QUIET and not is_failure:
            return None
        if ended.outcome is events.Outcome.DONE:
            sent = format_duration(job.sent_part_seconds)
            return f"done, {sent} sent, {pacing_text(ended.certificate)}"
        if ended.outcome is events.Outcome.INTERRUPTED and job.began is None:
            return None  # perhaps a thousand that were queued; the summary counts them
        outcome, why = ended.outcome.value.replace("_", " "), failure_text(ended)
        if not is_failure:
            return f"{outcome}: {why}"
        number = report.half.pair_id if report.half is not None else report.job
        first = self.printed_failures.setdefault(why, number)
        return f"{outcome}: {why}" if first == number else f"{outcome}, as [{first}] was"

    def _print_job_line(self, report: JobReport, text: str | None) -> None:
        # A server may send a final turn twice, but it is printed once.
        if text and self._last_lines.get(report.job) != text:
            self._last_lines[report.job] = text
            self.print_notice(f"{job_label(report)}: {text}")

    def _report_text(self, report: JobReport, job: JobState, *, follows_end: bool) -> str | None:
        """The line to print for a report; None for reports that are too frequent to print.

        ``follows_end``: whether the previous report ended an attempt and has not been printed yet.
        """
        is_verbose = self._verbosity is Verbosity.VERBOSE
        shows_words = is_verbose or self._display is None
        match report.event:
            case events.Queued(warnings=warnings) if warnings:
                return f"warning: {'; '.join(warnings)}"
            case events.Queued() as queued if is_verbose:
                length = format_duration(queued.seconds, is_exact=queued.is_exact)
                return f"queued: {queued.format}, {length}"
            case events.Connecting() as connecting if is_verbose:
                return f"connecting to {connecting.to}"
            case events.Progressed(waiting=True) if shows_words:
                return "waiting for more audio"
            case events.Began() as began if shows_words:
                return f"streaming at {began.sample_rate} Hz ({began.model})"
            case events.TurnReceived(turn) if turn.end_of_turn and shows_words:
                line = job.transcript.latest_line
                return (
                    f"{format_duration((line.start_ms or 0) / 1000)} {line.text}" if line else None
                )
            case events.Warned() as warned:
                return f"warning: {warned.warning}"
            case events.Slipped() as slipped:
                return f"stalled for {slipped.stalled_ms / 1000:.1f} s; the schedule shifted"
            case events.Retrying() as retrying:
                return _retry_text(retrying, job, follows_end=follows_end)
        return None


def job_label(report: JobReport) -> str:
    """A job's number and the name of its file, with the speaker of a half."""
    name = clean(report.file.rsplit("/", 1)[-1])
    if report.half is None:
        return f"[{report.job}] {name}"
    return f"[{report.half.pair_id}] {name} ({clean(report.half.speaker)})"


def _retry_text(retrying: events.Retrying, job: JobState, *, follows_end: bool) -> str | None:
    why = f"{short_reason(retrying.reason)}; " if follows_end else ""
    if why and is_server_full(job):  # the service calls this “Unauthorized”, but the key is good
        why = f"the server is full: {why}"
    wait = f" in {retrying.in_seconds:.0f} s" if retrying.in_seconds >= 1 else ""
    attempt = f"{why}attempt {job.attempt}"
    if job.refusal is not None:
        return f"{why}retry{wait or ' soon'}"
    if retrying.from_seconds > job.start_seconds:
        return f"{attempt} continues{wait}, from {format_duration(retrying.from_seconds)}"
    return f"{attempt} starts over{wait}" if job.attempt > 1 else None
