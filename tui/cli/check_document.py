"""What ``paceline check --json`` prints, as docs/schemas/check.schema.json describes it."""

from collections.abc import Sequence

from tui.cli.console import error_to_json
from tui.cli.run_options import RunOptions
from tui.model.run_forecast import RunForecast
from workers.audio.recording import Recording
from workers.errors import PacelineError
from workers.jobs.job import StreamSettings
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject

CHECK_VERSION = 1


def recording_to_json(file: str, recording: Recording, settings: StreamSettings) -> JsonObject:
    """A recording, and how it would be sent."""
    part_ms = round(recording.part_seconds * 1000)
    return {
        "file": file,
        "format": recording.format,
        "rate_hz": recording.rate,
        "channels": recording.channels,
        "seconds": recording.seconds,
        "is_exact": recording.is_exact,
        "from_seconds": recording.start_seconds,
        "until_seconds": recording.end_seconds,
        "warnings": list(recording.warnings),
        "sent": {
            "rate_hz": settings.sample_rate_for(recording),
            "chunk_ms": settings.chunk_ms,
            "chunks": -(-part_ms // settings.chunk_ms),
            "sessions": max(len(recording.options.speakers), 1),
        },
    }


def failed_to_json(file: str, error: PacelineError) -> JsonObject:
    """A file that cannot be streamed, and why."""
    return {"file": file, "error": dict(error_to_json(error.code, error.reason, error.hint))}


def summary_to_json(
    options: RunOptions, recordings: Sequence[JsonObject], forecast: RunForecast | None
) -> JsonObject:
    """The whole document."""
    proxy = options.proxy
    listed: list[Json] = [*recordings]
    return {
        "version": CHECK_VERSION,
        "destination": options.destination,
        "proxy": proxy.address if proxy is not None else None,
        "notices": list(options.notices),
        "recordings": listed,
        "forecast": codec.dump(forecast) if forecast is not None else None,
    }
