"""``paceline check``: describes each file and what would be sent of it."""

from typing import TYPE_CHECKING, Any

import click

from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import new_run_options, paths_argument

if TYPE_CHECKING:  # loaded when the command runs
    from workers.audio.recording import Recording
    from workers.jobs.job import StreamSettings


@click.command()
@paths_argument
@new_run_options
def check(paths: tuple[str, ...], **given: Any) -> ExitCode:
    """Say what each file is and what would be sent. Nothing is sent."""
    import multiprocessing

    from tui.cli.console import print_line
    from tui.cli.run_options import find_files, parse_options
    from tui.text.formats import format_duration
    from workers.audio.prober import Prober
    from workers.errors import ProbeFailed, Unreadable

    options = parse_options(**given)
    files = find_files(paths)
    seconds, streamable = 0.0, 0
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for file in files:
            try:
                recording = prober.probe(file)
            except (ProbeFailed, Unreadable) as error:
                print_line(f"✗ {file}: {error}")
                continue
            streamable += 1
            seconds += recording.seconds
            print_line(f"✓ {file}: {_recording_summary(recording, options.settings)}")
    audio = f"{format_duration(seconds)} of audio"
    print_line(f"{streamable} to stream, {audio}, to: {options.destination}")
    if refused := len(files) - streamable:
        print_line(f"{refused} cannot be streamed")
    return ExitCode.SOME_FAILED if refused else ExitCode.DONE


def _recording_summary(recording: "Recording", settings: "StreamSettings") -> str:
    """What a recording is, and how it is converted before it is sent."""
    from tui.text.formats import format_duration

    rate = settings.sample_rate_for(recording)
    channels = {1: "mono", 2: "stereo"}.get(recording.channels, f"{recording.channels} channels")
    chunks = -(-round(recording.seconds * 1000) // settings.chunk_ms)
    steps = ["mixed down to mono"] if recording.channels > 1 else []
    if rate != recording.rate:
        steps.append(f"resampled to {rate} Hz")
    return (
        f"{recording.format}, {recording.rate} Hz, {channels}, {format_duration(recording.seconds)}"
        f" → {rate} Hz mono PCM16 in {chunks} chunks of {settings.chunk_ms} ms"
        + (f" ({', '.join(steps)})" if steps else "")
    )
