"""Makes the README's picture from the running desk: the samples, the real engine, real words."""

import asyncio
import importlib.util
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tui.app.desk import Desk
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from workers.jobs.job import Limits, StreamSettings
from workers.jobs.job_state import JobStatus

ROOT = Path(__file__).parents[1]
OUTPUT_PATH = ROOT / "docs" / "desk.svg"
TERMINAL_SIZE = (120, 34)
TIMEOUT_SECONDS = 120.0


async def wait_until(there: Callable[[], bool]) -> None:
    for _ in range(round(TIMEOUT_SECONDS / 0.1)):
        if there():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the desk never looked as wanted")


async def take_screenshot(desk: Desk) -> str:
    """The desk when some are done, some stream, and the selected one has said something."""
    async with desk.run_test(size=TERMINAL_SIZE) as pilot:

        def telling() -> bool:
            job_states = list(desk.state.job_states.values())
            done = sum(job_state.status is JobStatus.DONE for job_state in job_states)
            return done >= 2 and len(job_states[0].transcript) >= 3

        await wait_until(telling)
        await pilot.pause(0.5)
        return desk.export_screenshot(title="Paceline")


def spoken_recording_path() -> str:
    """The recording of a person that ships with the recogniser."""
    package = importlib.util.find_spec("moonshine_voice")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "assets" / "two_cities.wav")


def strip_fonts(svg: str) -> str:
    """A picture fetches nothing from anywhere: the reader's own fixed-width font will do."""
    return re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(StreamSettings(), None, None, Limits(), Path(folder) / "run")
        with open_supervisor(options) as supervisor:
            files = sorted(str(path) for path in (ROOT / "samples" / "recordings").iterdir())
            supervisor.add([spoken_recording_path(), *files])
            desk = Desk(
                supervisor, options.destination, supervisor.folder.path, kind=options.endpoint_kind
            )
            svg = asyncio.run(take_screenshot(desk))
    OUTPUT_PATH.parent.mkdir(exist_ok=True)
    OUTPUT_PATH.write_text(strip_fonts(svg), encoding="utf-8")
    print(OUTPUT_PATH, file=sys.stderr)


if __name__ == "__main__":
    main()
