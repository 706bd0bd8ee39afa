"""The desk for a screen reader: ``--plain``. It draws nothing. Changes are announced as lines, and
the user types commands as lines.

It has the model of the desk, so its states, filters and verbs are the same.
"""

import os
import select
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from queue import Empty
from time import monotonic
from types import FrameType

from tui.app.queue_edits import QueueEditor
from tui.cli.console import input_descriptor, print_line, ring_bell
from tui.cli.exit_codes import ExitCode, most_severe
from tui.cli.faults import report_fault
from tui.cli.run_options import RunOptions
from tui.cli.run_output import RunOutput
from tui.cli.run_setup import RunRequest, open_supervisor
from tui.cli.run_sources import print_skipped
from tui.cli.summary import exit_code, run_summary_lines
from tui.config.settings import DeskSettings
from tui.files.path_input import split_paths
from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model import metrics, verbs
from tui.model.desk_state import DeskState
from tui.model.export_choice import ExportChoice
from tui.model.export_job import ExportResult
from tui.model.recording_feed import FeedPhase, RecordingFeed
from tui.model.row_filter import parse_filter
from tui.model.run_end import RunEnd, RunEndWatch
from tui.model.shutdown import Shutdown, ShutdownPhase
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.transcript_cache import restore_turns
from tui.render.columns import COLUMNS
from tui.render.job_labels import clean_recording_name, status_word
from tui.render.latest_words import short_reason, wait_reason
from tui.terminal.sighup import treat_lost_terminal_as_sighup
from tui.text.formats import format_count, format_duration
from workers.audio.discovery import SkippedPaths
from workers.errors import PacelineError
from workers.exports.files import FORMATS
from workers.exports.names import export_names
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol.endpoint import EndpointKind
from workers.runs.reader import combine_pairs_of_run
from workers.runs.run_folder import RunFolder
from workers.sources.manifest import SourceRules
from workers.threads import first_fault

LOOK_INTERVAL_S = 0.1
"""Seconds between two looks at the reports and at what was typed."""

HELP = """\
list [FILTER]        the recordings, such as: list state:failed
status               the run as a whole
read N               the transcript of recording N
cancel N… or all     end sessions, keep their transcripts
retry N… or failed   stream again from where they stopped
add PATH…            add files or folders
remove N…            remove from the list and the queue
hold                 hold new starts, or release them
sessions N           stream at most N at once
export N… or all     write transcripts, such as: export all srt,txt
undo                 undo the last change to the queue
help                 these commands
quit                 end all sessions politely; type it again to end them at once"""


class CommandNames(Keymap):
    """Names commands where the sentences of the desk name keys."""

    def short_key_display(self, scope: Scope, action: str) -> str:
        return action.partition("(")[0]


class PlainDesk:
    """Announces what happens, and does what is typed."""

    def __init__(
        self,
        supervisor: SupervisorProtocol,
        folder: RunFolder,
        settings: DeskSettings,
        rules: SourceRules,
        endpoint_kind: EndpointKind,
        feed: RecordingFeed,
    ) -> None:
        """``rules``: how names of recordings are understood. ``feed``: queues recordings that are
        found meanwhile."""
        self.state = DeskState()
        self.shutdown = Shutdown(supervisor, supervisor.stop)
        self._supervisor, self._folder, self._settings = supervisor, folder, settings
        self._rules, self._feed = rules, feed
        self._editor = QueueEditor(self.state, supervisor, CommandNames(), endpoint_kind)
        self._output = RunOutput()
        self._end_watch = RunEndWatch(self.state)
        self._typed = ""
        self._input_is_open = True
        self._quit_signals = 0
        self._commands: dict[str, Callable[[list[str]], str]] = {
            "list": self._list,
            "status": self._status,
            "read": self._on_jobs(self._read),
            "cancel": self._on_jobs(self._editor.cancel),
            "retry": self._on_jobs(partial(verbs.retry, self.state, supervisor)),
            "add": self._add,
            "remove": self._on_jobs(self._editor.remove),
            "hold": lambda _: verbs.toggle_hold(supervisor),
            "sessions": self._set_sessions,
            "export": self._export,
            "undo": lambda _: self._editor.undo(),
            "help": lambda _: HELP,
            "quit": self._quit,
        }

    def run(self) -> None:
        """Works until the user quits, or until input has ended and nothing is left to stream."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._count_signal)
        print_line("Type help for the commands.")
        handled_signals = 0
        while not self.shutdown.poll(monotonic()):
            self._take_reports()
            while handled_signals < self._quit_signals:
                handled_signals += 1
                print_line(self._quit([]))
            for line in self._typed_lines():
                self._do(line)
            if not self._input_is_open and self._is_idle:
                break
        self._take_reports()

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self._quit_signals += 1

    @property
    def _is_idle(self) -> bool:
        has_fed = self._feed.phase is FeedPhase.ENDED
        return has_fed and self._supervisor.is_idle and self._supervisor.reports.empty()

    # --- what happens

    def _take_reports(self) -> None:
        state, now = self.state, monotonic()
        state.tick(now)
        while queued := self._feed.take_queued(100):
            state.add_jobs([job for job, _ in queued], [source for _, source in queued])
        while True:
            try:
                report = self._supervisor.reports.get_nowait()
            except Empty:
                break
            state.apply(report)
            number = report.job if report.half is None else report.half.pair_id
            job_state = state.half_states.get(report.job) or state.job_states.get(number)
            if job_state is not None:
                self._output.print_report(report, job_state)
        self._output.print_pending_ends()
        run = self._supervisor
        state.update_forecast(run.queue, run.next_start_at, run.max_sessions, held=run.holding)
        searching = self._feed.phase is not FeedPhase.ENDED
        if self._end_watch.has_ended(more_may_come=searching):
            if self._settings.bell:
                ring_bell()
            print_line(f"All have finished. {RunEnd.of(state).sentence}.")

    # --- what is typed

    def _typed_lines(self) -> Iterator[str]:
        """The lines that were typed since the last call; waits `LOOK_INTERVAL_S` for one."""
        descriptor = input_descriptor()
        inputs = [descriptor] if self._input_is_open else []
        if select.select(inputs, [], [], LOOK_INTERVAL_S)[0]:
            data = os.read(descriptor, 1 << 16)
            self._input_is_open = bool(data)
            self._typed += data.decode("utf-8", "replace")
        *lines, self._typed = self._typed.split("\n")
        yield from lines

    def _do(self, line: str) -> None:
        try:
            words = shlex.split(line)
        except ValueError:  # a quote that is not closed
            words = line.split()
        if not words:
            return
        name, *arguments = words
        command = self._commands.get(name.lower())
        if command is None:
            nearest = get_close_matches(name.lower(), self._commands, n=1)
            hint = f"Did you mean {nearest[0]}?" if nearest else "Type help for the commands."
            print_line(f"There is no command {name}. {hint}")
            return
        if command == self._add:  # paths may have spaces and apostrophes
            arguments = split_paths(line.strip()[len(name) :])
        try:
            answer = command(arguments)
        except PacelineError as problem:
            answer = str(problem)
        for each in answer.splitlines():
            print_line(each)

    def _jobs(self, words: Sequence[str]) -> list[JobId]:
        """The recordings that a command names: by their numbers, a state, or “all”."""
        jobs: list[JobId] = []
        for word in words:
            if word == "all":
                jobs += self.state.job_states
            elif word.isdecimal():
                jobs += [job for job in self.state.job_states if job == int(word)]
            else:
                jobs += [
                    job for job, each in self.state.job_states.items() if each.status.value == word
                ]
        return list(dict.fromkeys(jobs))

    def _on_jobs(self, verb: Callable[[list[JobId]], str]) -> Callable[[list[str]], str]:
        """A command that acts on the recordings that it names."""

        def act(words: list[str]) -> str:
            jobs = self._jobs(words)
            return verb(jobs) if jobs else "Which recordings? Type their numbers, or all"

        return act

    # --- commands

    def _list(self, words: Sequence[str]) -> str:
        wanted = parse_filter(" ".join(words), COLUMNS)
        if wanted.problems:
            return "; ".join(wanted.problems)
        shown = [each for each in self.state.job_states.values() if wanted.matches(each)]
        return "\n".join(map(self._row, shown)) or "No recording matches."

    def _row(self, job_state: JobState) -> str:
        """One recording as a line: number, name, state, progress, lag, and the newest words or why
        there are none."""
        context = self.state.row_context(job_state.job)
        facts = [status_word(job_state, context)]
        if (percent := metrics.progress_percent(job_state)) is not None:
            facts.append(f"{percent} % sent")
        if job_state.status.is_live and (left_s := metrics.remaining_s(job_state)) is not None:
            facts.append(f"{format_duration(left_s)} left")
        if (lag_ms := metrics.lag_ms(job_state)) is not None:
            facts.append(f"lag {lag_ms:.1f} ms")
        if job_state.warnings:
            facts.append(format_count(len(job_state.warnings), "warning"))
        if job_state.status is JobStatus.FAILED and job_state.ended is not None:
            text = short_reason(job_state.ended.reason)
        else:
            text = wait_reason(job_state, context) or metrics.latest_words(job_state)
        name = f"[{job_state.job}] {clean_recording_name(job_state)}"
        return f"{name}: {', '.join(facts)}. {text}".rstrip()

    def _status(self, _: Sequence[str]) -> str:
        counts, run = self.state.status_counts, self._supervisor
        words = [f"{counts[each]} {each.value}" for each in JobStatus if counts[each]]
        held = " New starts are held." if run.holding else ""
        most = f" At most {run.max_sessions} at once." if run.max_sessions else ""
        return f"{', '.join(words) or 'No recordings yet'}.{most}{held}"

    def _read(self, jobs: Sequence[JobId]) -> str:
        lines = []
        for job in jobs:
            job_state = self.state.job_states[job].copy()
            restore_turns(self._folder.path, job_state)
            lines.append(f"{clean_recording_name(job_state)}:")
            for line in job_state.transcript.lines:
                start = "" if line.start_ms is None else f"{format_duration(line.start_ms / 1000)} "
                speaker = f"{line.speaker}: " if line.speaker else ""
                lines.append(f"{start}{speaker}{line.text}")
        return "\n".join(lines)

    def _add(self, words: Sequence[str]) -> str:
        from tui.files.sources import iter_sources

        skipped = SkippedPaths()
        sources = list(iter_sources(words, self._rules, skipped))
        rest = f". {format_count(skipped.count, 'path')} skipped" if skipped.count else ""
        return (self._editor.add(sources) if sources else "Nothing was added") + rest

    def _set_sessions(self, words: Sequence[str]) -> str:
        if len(words) != 1 or not words[0].isdecimal() or not int(words[0]):
            return "How many at once? Type, for example: sessions 4"
        return self._editor.change_concurrency(int(words[0]) - self._supervisor.max_sessions)

    def _export(self, words: Sequence[str]) -> str:
        """Exports the recordings that are named, in the formats that are named among them."""
        choice = ExportChoice.load(self._settings.export)
        parts = [part for word in words for part in word.lower().split(",") if part]
        if formats := frozenset(FORMATS) & frozenset(parts):
            choice = replace(choice, formats=formats)
        numbers = [part for part in parts if part not in formats]
        return self._on_jobs(partial(self._write_exports, choice))(numbers)

    def _write_exports(self, choice: ExportChoice, jobs: Sequence[JobId]) -> str:
        jobs = [job for job in jobs if len(self.state.job_states[job].transcript)]
        if not jobs:
            return "There is no transcript yet"
        folder = self._folder.path / "exports"
        names = export_names({each.job: each.file for each in self.state.all_job_states})
        result = ExportResult(in_run=True)
        for job in jobs:
            job_state = self.state.job_states[job].copy()
            if not restore_turns(self._folder.path, job_state):
                return f"{job_state.file}: some turns cannot be read from its trace"
            result.write(job_state, names[job], choice, folder)
            if result.error is not None:
                return str(result.error)
        if result.files:
            self.state.exported_to = folder
        kept = len(result.existing_files)
        verb = "was" if kept == 1 else "were"
        rest = f"; {format_count(kept, 'file')} existed and {verb} kept" if kept else ""
        formats = ", ".join(name for name in FORMATS if name in choice.formats)
        return f"Exported {format_count(len(result.files), 'file')} ({formats}) to {folder}{rest}"

    def _quit(self, _: Sequence[str]) -> str:
        self._feed.stop()
        self.shutdown.request(monotonic())
        for job_state in self.state.live_job_states:
            self.state.mark_stopping(job_state.job)
        if self.shutdown.phase is ShutdownPhase.CLOSED:
            return "Quitting"
        return self.shutdown.status_text(self.state, monotonic(), "quit")


def run_plain_desk(options: RunOptions, request: RunRequest, settings: DeskSettings) -> ExitCode:
    """Runs the plain desk until the user leaves it, then prints the summary."""
    with open_supervisor(options, request.run_folder) as supervisor:
        jobs = request.enqueue(supervisor)
        folder, feed = supervisor.folder, request.feed(supervisor, options)
        desk = PlainDesk(
            supervisor, folder, settings, options.source_rules, options.endpoint_kind, feed
        )
        desk.state.restore(request.job_states)
        desk.state.add_jobs(jobs, request.sources)
        print_line(f"Paceline, streaming to: {options.destination}. Run folder: {folder.path}")
        for notice in options.notices:
            print_line(notice)
        with feed, treat_lost_terminal_as_sighup():
            desk.run()
    while not supervisor.reports.empty():
        desk.state.apply(supervisor.reports.get())
    print_skipped(request.skipped)
    job_states = combine_pairs_of_run(folder.path, desk.state.all_job_states)
    for line in run_summary_lines(
        job_states, folder.path, saved=folder.is_saved, exported_to=desk.state.exported_to
    ):
        print_line(line)
    interrupted = desk.shutdown.interrupted_jobs
    code = exit_code(job_states, interrupted=interrupted, saved=folder.is_saved)
    if (fault := first_fault()) is not None:
        return most_severe([code, report_fault(fault, folder.faults_path)])
    return code
