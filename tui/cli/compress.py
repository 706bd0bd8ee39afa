"""``paceline compress``: compresses the traces of a run that is over."""

import os
from pathlib import Path

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import run_argument

LOWEST_PRIORITY = 19
_PROGRESS_LINES = 10
"""How often a long compression says how far it has come."""


@command(
    ("paceline compress latest", "Compress the traces of the latest run."),
)
@run_argument()
def compress(folder: Path) -> ExitCode:
    """Compress the traces of a run to about a twentieth.

    Without RUN, compress those of the latest run.
    Every command reads compressed traces; programs of others can with zstdcat. No program may be
    working on the run. Earlier versions of Paceline refuse it from then on.
    """
    from tui.cli.console import print_line
    from tui.text.formats import format_bytes, format_count
    from workers.runs.compression import compress_run

    os.nice(LOWEST_PRIORITY)  # sessions of other runs may be streaming

    def report_progress(done: int, of: int) -> None:
        if of >= 100 * _PROGRESS_LINES and not done % (of // _PROGRESS_LINES):
            print_line(f"Compressed {done:,} of {of:,} traces", err=True)

    result = compress_run(folder, report_progress)
    sizes = f"{format_bytes(result.bytes_before)} became {format_bytes(result.bytes_after)}"
    what = format_count(result.traces, "trace")
    print_line(f"Compressed {what}: {sizes}" if result.traces else "No trace is left to compress.")
    return ExitCode.DONE
