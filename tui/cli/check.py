"""``paceline check``: what each file is, and what would be sent of it."""

import multiprocessing
from collections.abc import Callable, Iterable

from tui.cli.run_options import RunOptions
from tui.cli.summary import ExitCode
from tui.text.formats import format_duration
from tui.text.width import clean
from workers.audio.prober import Prober
from workers.audio.recording import Recording
from workers.errors import ProbeFailed, Unreadable
from workers.jobs.job import StreamSettings


def check_files(files: Iterable[str], options: RunOptions, echo: Callable[[str], None]) -> ExitCode:
    """Says a line a file; some failed if any cannot be streamed."""
    seconds, streamable, refused = 0.0, 0, 0
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for file in files:
            try:
                recording = prober.probe(file)
            except (ProbeFailed, Unreadable) as error:
                refused += 1
                echo(clean(f"✗ {file}: {error}"))
                continue
            streamable += 1
            seconds += recording.seconds
            echo(clean(f"✓ {file}: {recording_summary(recording, options.settings)}"))
    audio = f"{format_duration(seconds)} of audio"
    echo(clean(f"{streamable} to stream, {audio}, to: {options.destination}"))
    if refused:
        echo(f"{refused} cannot be streamed")
    return ExitCode.SOME_FAILED if refused else ExitCode.DONE


def recording_summary(recording: Recording, settings: StreamSettings) -> str:
    """What a recording is, and what becomes of it on the way."""
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
