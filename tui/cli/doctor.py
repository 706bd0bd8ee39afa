"""``paceline doctor``: what works on this machine, what is missing, and what mends it."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import destination_options

if TYPE_CHECKING:  # loaded when the command runs
    from tui.doctor.finding import Finding
    from tui.terminal.queries import TerminalAnswers
    from workers.protocol.endpoint import Endpoint
    from workers.secrecy import Secret

TRIAL_SESSION_TIMEOUT_S = 60.0
"""How long the session of --connect may take, with the start of the embedded engine."""


@command(
    ("paceline doctor", "Check everything that a run needs."),
    ("paceline doctor --connect", "Also open a session, to see whether the key is accepted."),
)
@click.option(
    "--connect",
    is_flag=True,
    help="Also stream a second of silence, to see whether the key is accepted; the service bills "
    "it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@destination_options
def doctor(connect: bool, as_json: bool, **destination: Any) -> ExitCode:
    """Check what works on this machine and what is missing.

    Each line that is not fine says what mends it. The exit code is 1 if recordings cannot be
    streamed.
    """
    from tui.cli.console import print_json, print_line
    from tui.doctor.finding import State, findings_to_json, is_fit

    found = []
    topic = None
    for finding in _findings(connect=connect, destination=destination):
        found.append(finding)
        if as_json:
            continue
        if finding.topic is not topic:
            topic = finding.topic
            print_line(topic.value.capitalize())
        for line in _lines(finding):
            print_line(line)
    fit = is_fit(found)
    if as_json:
        print_json(findings_to_json(found))
    else:
        failed = [finding.name for finding in found if finding.state is State.FAILED]
        what = (
            f"Recordings cannot be streamed: {', '.join(failed)}" if failed else "Ready to stream"
        )
        print_line(f"{what}.")
    return ExitCode.DONE if fit else ExitCode.FATAL


def _lines(finding: "Finding") -> Iterator[str]:
    from tui.doctor.finding import State

    sign = {State.OK: "✓", State.MISSING: "–", State.WARNING: "▲", State.FAILED: "✗"}[finding.state]
    yield f"  {sign} {finding.name}: {finding.summary}"
    if finding.remedy:
        yield f"      → {finding.remedy}"


def _findings(*, connect: bool, destination: dict[str, Any]) -> "Iterator[Finding]":
    from tui.cli.desk import load_desk_settings
    from tui.cli.run_options import parse_destination
    from tui.doctor.endpoint import check_endpoint
    from tui.doctor.finding import Finding, State, Topic
    from tui.doctor.machine import check_machine
    from tui.doctor.privacy import check_stored_words
    from tui.doctor.recordings import check_decoders
    from tui.doctor.settings import check_settings
    from tui.doctor.software import check_software
    from tui.doctor.terminal import check_terminal
    from workers.errors import UsageProblem

    problem, endpoint, key = None, None, None
    try:
        endpoint, key = parse_destination(**destination)
    except UsageProblem as error:
        problem = error
    is_local = endpoint is None and problem is None
    yield from check_software(needs_recogniser=is_local)
    yield from check_decoders()
    yield from check_machine()
    yield from check_terminal(*_terminal_facts())
    if problem is not None:
        yield Finding(Topic.ENDPOINT, "destination", State.FAILED, problem.reason, problem.hint)
    else:
        reachable = True
        for finding in check_endpoint(endpoint, has_key=key is not None):
            reachable &= finding.state is not State.FAILED
            yield finding
        if connect and reachable:
            yield _try_session(endpoint, key)
    yield from check_settings(load_desk_settings)
    yield from check_stored_words()


def _terminal_facts() -> "tuple[TerminalAnswers | None, str | None, os.terminal_size | None]":
    """What the terminal answers, its encoding and its size; None for what cannot be asked."""
    from tui.cli.console import screen_encoding, terminal_descriptor
    from tui.terminal.queries import query_terminal

    descriptor = terminal_descriptor()
    if descriptor is None:
        return None, screen_encoding(), None
    return query_terminal(descriptor), screen_encoding(), os.get_terminal_size(descriptor)


def _try_session(endpoint: "Endpoint | None", key: "Secret | None") -> "Finding":
    """Streams a second of silence, as a run would."""
    import tempfile
    import time
    import wave
    from pathlib import Path

    from tui.cli.run_options import RunOptions
    from tui.cli.run_setup import open_supervisor
    from tui.doctor.finding import Finding, State, Topic
    from workers.errors import PacelineError
    from workers.jobs.events import Outcome
    from workers.jobs.job import Limits, StreamSettings
    from workers.jobs.job_state import JobState

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        silence = Path(folder) / "silence.wav"
        with wave.open(str(silence), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(2 * 16_000))
        limits = Limits(sessions=1, attempts=1)
        options = RunOptions(StreamSettings(), endpoint, key, limits, Path(folder) / "run")
        try:
            with open_supervisor(options) as supervisor:
                (job,) = supervisor.add([str(silence)])
                supervisor.wait(TRIAL_SESSION_TIMEOUT_S)
                state = JobState(job, str(silence))
                while not supervisor.reports.empty():
                    state.apply(supervisor.reports.get())
        except PacelineError as error:
            return Finding(Topic.ENDPOINT, "session", State.FAILED, error.reason, error.hint)
    ended, seconds = state.ended, time.monotonic() - began
    if ended is None:
        text = f"a session did not end within {TRIAL_SESSION_TIMEOUT_S:.0f} s"
        return Finding(Topic.ENDPOINT, "session", State.FAILED, text, "Try again later")
    if ended.outcome is not Outcome.DONE:
        return Finding(Topic.ENDPOINT, "session", State.FAILED, ended.reason, ended.hint)
    text = f"a session was accepted and ended as it should, in {seconds:.1f} s"
    return Finding(Topic.ENDPOINT, "session", State.OK, text, "", {"seconds": round(seconds, 1)})
