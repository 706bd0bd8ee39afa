"""``paceline calibrate``: the error of our own delays, measured on scripts of known delays."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import WholeNumberRange, count_option

if TYPE_CHECKING:  # loaded when the command runs; some need packages of an extra
    from workers.evaluation.calibration import CalibrationScript, ErrorSummary


@command(
    ("paceline calibrate --sessions 1,20", "Measure with one session, then with twenty at once."),
)
@click.option(
    "--sessions",
    "levels",
    default="1,10,50",
    show_default=True,
    metavar="N,N…",
    help="Measure with so many sessions at once, one after the other.",
)
@count_option(
    "--seconds",
    "Stream this many seconds of audio in each session.",
    type=WholeNumberRange(15, 600),
    default=30,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="Print the errors as one JSON object.")
def calibrate(levels: str, seconds: int, as_json: bool) -> ExitCode:
    """Measure the error of our own delays against a server with known ones."""
    import tempfile

    from tui.cli.console import print_json, print_line
    from workers import processes
    from workers.errors import MissingExtra, UsageProblem

    try:
        from workers.evaluation.calibration import (
            measure_errors,
            summarise_errors,
            write_script,
        )
    except ImportError as error:
        raise MissingExtra("evaluation", "calibrating") from error
    try:
        counts = [int(count) for count in levels.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise UsageProblem(f"“{levels}” is not a list of numbers", "Write, for example, 1,10,50.")
    processes.ensure_temporary_folder()
    script = write_script(seconds)
    results = {}
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="paceline-calibrate-") as folder:
            run, times_path = stream_script(Path(folder), script, count)
            results[count] = summarise_errors(measure_errors(run, script, times_path))
        if as_json:
            continue
        print_line("")
        print_line(f"{count} session{'s' if count > 1 else ''} at once, errors in ms")
        for line in error_table(results[count]).splitlines():
            print_line(line)
    if as_json:
        from workers.protocol import codec

        levels_found = {
            str(count): {name: codec.dump(one) for name, one in errors.items()}
            for count, errors in results.items()
        }
        print_json({"version": 1, "unit": "ms", "sessions": levels_found})
    return ExitCode.DONE


def error_table(errors: "dict[str, ErrorSummary]") -> str:
    """The errors by metric as a table."""
    from tui.text.tables import table

    head = ("measured − expected", "n", "mean", "p50 of |error|", "p95", "max")
    rows = [
        (name, str(one.n), *(f"{x:.2f}" for x in (one.mean, one.p50, one.p95, one.max)))
        for name, one in errors.items()
    ]
    return table(head, rows)


def stream_script(folder: Path, script: "CalibrationScript", sessions: int) -> tuple[Path, Path]:
    """Streams the script in so many sessions at once.

    Returns the run's folder, and the file in which the server noted when it did what.
    """
    recording, run, times_path = folder / "silence.wav", folder / "run", folder / "times.jsonl"
    _write_silence(recording, script.seconds)
    with _scripted_server(folder, script, sessions, times_path) as url:
        _stream(recording, run, url, script.force_at_s, sessions)
    return run, times_path


def _write_silence(path: Path, seconds: float) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(round(seconds * 16_000) * 2))


@contextmanager
def _scripted_server(
    folder: Path, script: "CalibrationScript", sessions: int, times_path: Path
) -> Iterator[str]:
    """Runs ``paceline serve --script`` and yields its address; returns when it has ended."""
    import os
    import subprocess
    import sys

    from workers.errors import EngineUnavailable
    from workers.secrecy import public_environment

    path = folder / "script.toml"
    path.write_text(script.to_toml())
    command = [sys.executable, "-m", "tui", "serve", "--open", "--script", str(path)]
    with subprocess.Popen(
        [*command, "--times", str(times_path), "--sessions", str(sessions)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=public_environment(os.environ),
        text=True,
        start_new_session=True,  # Ctrl-C goes to this program only, which ends the server
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise EngineUnavailable("the scripted server did not start")
            yield address
        finally:
            process.terminate()


def _stream(recording: Path, run: Path, url: str, force_at_s: float, sessions: int) -> None:
    """Streams a recording so many times at once, and forces one turn of each session to end."""
    import time
    from queue import Empty

    from tui.cli.run_options import RunOptions
    from tui.cli.run_setup import open_supervisor
    from workers.jobs.events import Began
    from workers.jobs.job import JobId, Limits, StreamSettings
    from workers.protocol.endpoint import custom_endpoint

    endpoint = custom_endpoint(url, allow_unencrypted=False)
    options = RunOptions(StreamSettings(), endpoint, None, Limits(sessions=sessions), run)
    force_at: dict[JobId, float] = {}
    with open_supervisor(options) as supervisor:
        supervisor.add([str(recording)] * sessions)
        while not (supervisor.is_idle and supervisor.reports.empty()):
            try:
                report = supervisor.reports.get(timeout=0.02)
                if isinstance(report.event, Began):
                    force_at[report.job] = time.monotonic() + force_at_s
            except Empty:
                pass
            for job in [job for job, at in force_at.items() if time.monotonic() >= at]:
                del force_at[job]
                supervisor.end_turn(job)
