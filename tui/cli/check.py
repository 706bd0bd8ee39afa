"""``paceline check``: what each file is, and what would be sent of it."""

import multiprocessing
from collections.abc import Callable, Iterable

from tui.cli.run_options import Options
from tui.cli.summary import Exit
from tui.text.formats import clock
from tui.text.width import clean
from workers.audio.prober import Prober
from workers.audio.recording import Recording
from workers.errors import Unprobed, Unreadable
from workers.jobs.job import Settings


def checked(files: Iterable[str], options: Options, say: Callable[[str], None]) -> Exit:
    """Says a line a file; some failed if any cannot be streamed."""
    seconds, streamable, refused = 0.0, 0, 0
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for file in files:
            try:
                recording = prober.probe(file)
            except (Unprobed, Unreadable) as error:
                refused += 1
                say(clean(f"✗ {file}: {error}"))
                continue
            streamable += 1
            seconds += recording.seconds
            say(clean(f"✓ {file}: {told(recording, options.settings)}"))
    say(clean(f"{streamable} to stream, {clock(seconds)} of audio, to: {options.where}"))
    if refused:
        say(f"{refused} cannot be streamed")
    return Exit.SOME_FAILED if refused else Exit.DONE


def told(recording: Recording, settings: Settings) -> str:
    """What a recording is, and what becomes of it on the way."""
    rate = settings.rate_for(recording)
    channels = {1: "mono", 2: "stereo"}.get(recording.channels, f"{recording.channels} channels")
    chunks = -(-round(recording.seconds * 1000) // settings.chunk_ms)
    steps = ["mixed down to mono"] if recording.channels > 1 else []
    if rate != recording.rate:
        steps.append(f"resampled to {rate} Hz")
    return (
        f"{recording.format}, {recording.rate} Hz, {channels}, {clock(recording.seconds)}"
        f" → {rate} Hz mono PCM16 in {chunks} chunks of {settings.chunk_ms} ms"
        + (f" ({', '.join(steps)})" if steps else "")
    )
