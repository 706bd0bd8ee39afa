"""``paceline check``: describes each file and how it would be sent."""

from typing import TYPE_CHECKING, Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import new_run_options, paths_argument

if TYPE_CHECKING:
    from workers.audio.recording import Recording
    from workers.jobs.job import StreamSettings
    from workers.protocol.codec import JsonObject


@command(
    ("paceline check calls", "Describe each recording in the folder “calls”."),
    ("paceline check calls --region us", "With what the service would charge; needs no key."),
)
@paths_argument
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
@new_run_options
def check(paths: tuple[str, ...], as_json: bool, **arguments: Any) -> ExitCode:
    """Describe each file and how it would be sent. Nothing is sent."""
    import multiprocessing
    import os
    from contextlib import ExitStack
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from tui.cli.check_document import failed_to_json, recording_to_json, summary_to_json
    from tui.cli.console import print_json, print_line
    from tui.cli.run_options import parse_options
    from tui.cli.run_setup import new_forecaster
    from tui.cli.run_sources import find_sources, print_skipped
    from tui.render.forecast import forecast_lines
    from tui.terminal.stdio import lost_output
    from tui.text.formats import format_duration
    from workers import processes
    from workers.audio.discovery import SkippedPaths
    from workers.audio.prober import Prober
    from workers.errors import ProbeFailed, Unreadable
    from workers.protocol.endpoint import EndpointKind
    from workers.sources.receiver import receive
    from workers.sources.spool import remove_spool, spool_name

    options = parse_options(**arguments, needs_key=False)
    skipped = SkippedPaths()
    sources = find_sources(paths, options, skipped, allow_stdin=True)
    print_skipped(skipped)
    total_seconds, streamable, mixed_stereo, all_exact = 0.0, 0, 0, True
    listed: list[JsonObject] = []
    print_text = (lambda text: None) if as_json else print_line
    forecaster, planned = new_forecaster(options), []
    folder = ""
    with ExitStack() as stack:
        prober = stack.enter_context(Prober(multiprocessing.get_context("spawn")))
        for number, source in enumerate(sources):
            if lost_output():  # reading the rest would take long, and nobody would see it
                break
            file, path, read_options = source.file, source.file, source.options
            try:
                if not source.is_local:
                    if not folder:
                        processes.ensure_temporary_folder()
                        folder = stack.enter_context(TemporaryDirectory())
                    path = os.path.join(folder, spool_name(number, file))
                    receive(source, path, lambda received, total: None)
                    read_options = replace(read_options, follow=False)  # all of it is there
                recording = prober.probe(path, read_options)
            except (ProbeFailed, Unreadable) as error:
                print_text(f"✗ {file}: {error}")
                listed.append(failed_to_json(file, error))
                continue
            finally:
                if not source.is_local:
                    remove_spool(path)
            streamable += 1
            mixed_stereo += recording.channels == 2 and _is_mixed(recording)
            seconds = None if recording.is_growing else recording.part_seconds
            planned += forecaster.planned(source, seconds)
            total_seconds += recording.part_seconds
            all_exact &= recording.is_exact
            listed.append(recording_to_json(file, recording, options.settings))
            print_text(f"✓ {file}: {_description(recording, options.settings)}")
            for warning in recording.warnings:
                print_text(f"  ▲ {warning}")
    forecast = forecaster.forecast(planned) if planned else None
    refused = len(sources) - streamable
    if as_json:
        print_json(summary_to_json(options, listed, forecast))
    audio = f"{format_duration(total_seconds, is_exact=all_exact)} of audio"
    proxy = options.proxy
    through = f", through the proxy {proxy.address} ({proxy.variable})" if proxy else ""
    print_text(f"{streamable} to stream, {audio}, to: {options.destination}{through}")
    for line in forecast_lines(forecast, options.limits.budget) if forecast else ():
        print_text(line)
    if forecast and options.endpoint_kind is EndpointKind.EMBEDDED:
        print_text("For the price at the service, add --region us. It needs no key.")
    if mixed_stereo:
        print_text("Where each channel is a speaker of a call, add --channels split.")
    if refused:
        print_text(f"{refused} cannot be streamed")
    return ExitCode.SOME_FAILED if refused else ExitCode.DONE


def _description(recording: "Recording", settings: "StreamSettings") -> str:
    """A recording, and how it would be sent."""
    from tui.text.formats import format_duration

    is_exact, count, options = recording.is_exact, recording.channels, recording.options
    sent_rate, chunk_ms = settings.sample_rate_for(recording), settings.chunk_ms
    channels = {1: "mono", 2: "stereo"}.get(count, f"{count} channels")
    chunks = -(-round(recording.part_seconds * 1000) // chunk_ms)
    sent = "mixed down to mono" if _is_mixed(recording) else f"channel {options.channel} only"
    if options.speakers:
        sent = f"split into two sessions: {' and '.join(options.speakers)}"
    steps = [sent] if count > 1 else []
    if sent_rate != recording.rate:
        steps.append(f"resampled to {sent_rate} Hz")
    return (
        f"{recording.format}, {recording.rate} Hz, {channels}, "
        f"{format_duration(recording.seconds, is_exact=is_exact)}{_part_text(recording)}"
        f" → {sent_rate} Hz mono PCM16 in {'' if is_exact else '~'}{chunks} chunks of "
        f"{chunk_ms} ms" + (f" ({', '.join(steps)})" if steps else "")
    )


def _is_mixed(recording: "Recording") -> bool:
    """Whether all channels are sent as one."""
    return recording.options.channel is None and not recording.options.speakers


def _part_text(recording: "Recording") -> str:
    from tui.text.formats import format_duration

    options = recording.options
    if not options.start_s and options.end_s is None:
        return ""
    start, end = format_duration(recording.start_seconds), format_duration(recording.end_seconds)
    return f", of which {start} to {end}"
