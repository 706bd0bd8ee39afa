"""Makes the README's picture from the running desk: the samples, the real engine, real words."""

import asyncio
import importlib.util
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tui.app.desk import Desk
from tui.cli.run_options import Options
from tui.cli.run_setup import supervised
from workers.jobs.job import Settings
from workers.jobs.job_state import Status

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "desk.svg"
SIZE = (120, 34)
PATIENCE = 120.0


async def until(there: Callable[[], bool]) -> None:
    for _ in range(round(PATIENCE / 0.1)):
        if there():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the desk never looked as wanted")


async def photographed(desk: Desk) -> str:
    """The desk when some are done, some stream, and the selected one has said something."""
    async with desk.run_test(size=SIZE) as pilot:

        def telling() -> bool:
            histories = list(desk.state.histories.values())
            done = sum(history.status is Status.DONE for history in histories)
            return done >= 2 and len(histories[0].transcript) >= 3

        await until(telling)
        await pilot.pause(0.5)
        return desk.export_screenshot(title="Paceline")


def a_person() -> str:
    """The recording of a person that ships with the recogniser."""
    package = importlib.util.find_spec("moonshine_voice")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "assets" / "two_cities.wav")


def without_fonts(svg: str) -> str:
    """A picture fetches nothing from anywhere: the reader's own fixed-width font will do."""
    return re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = Options(Settings(), None, None, None, None, 4, 20.0, Path(folder) / "run")
        with supervised(options) as supervisor:
            files = sorted(str(path) for path in (ROOT / "samples" / "recordings").iterdir())
            supervisor.add([a_person(), *files])
            desk = Desk(supervisor, options.where, supervisor.folder.path, kind=options.kind)
            svg = asyncio.run(photographed(desk))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(without_fonts(svg), encoding="utf-8")
    print(PICTURE, file=sys.stderr)


if __name__ == "__main__":
    main()
