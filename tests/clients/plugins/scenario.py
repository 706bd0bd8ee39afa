"""What a test has a plugin do, and what came of it: JSON lines between two processes.

The plugins need packages that do not fit beside ours, so each runs as a program in an environment
of its own, which has this file but not the project. The program reads a scenario a line from its
standard input and answers each with a line on its standard output.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

TIMEOUT_S = 60.0
"""For a scenario as a whole; none waits for it to pass."""

Step = tuple[str, Any]
"""A verb and its argument:

``send``
    Sends audio from this second to that one, in frames of `Scenario.frame_ms`.
``update``
    Changes these options of the running session.
``force``
    Ends the open turn now.
``finals``
    Waits until there are at least this many final transcripts.
``word``
    Waits until a final transcript contains this word.
``lost``
    Waits until the plugin has noticed that its connection is gone.

Some plugins have more.
"""

OFFERED_REQUEST = "offered"
"""The line that requests the names of all options."""


@dataclass(slots=True)
class Scenario:
    """One session of a plugin with the server."""

    address: str  # of the server, with scheme, host and port
    key: str
    audio: str  # a file of 16-bit samples, mono
    rate: int
    steps: list[Step]
    options: dict[str, Any] = field(default_factory=dict)  # of the plugin, named as it names them
    frame_ms: int = 20


@dataclass(slots=True)
class Result:
    """What the plugin made of a session."""

    finals: list[str] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Error events and frames, and messages that were logged as errors."""

    def has_finals(self, count: int) -> bool:
        """Whether there are at least so many final transcripts."""
        return len(self.finals) >= count

    def has_final_word(self, word: str) -> bool:
        """Whether a final transcript contains it, in any case."""
        return word in " ".join(self.finals).lower()


async def wait_until(there: Callable[[], object]) -> None:
    """Waits until a condition is met; raises `TimeoutError` if it never is."""
    async with asyncio.timeout(TIMEOUT_S):
        while not there():  # noqa: ASYNC110  (a plugin has no event for it)
            await asyncio.sleep(0.02)


def frames_of(scenario: Scenario, start_s: float, end_s: float) -> Iterator[bytes]:
    """The frames of a part of the audio; the last one is as short as it comes."""
    with open(scenario.audio, "rb") as file:
        file.seek(2 * round(start_s * scenario.rate))
        part = file.read(2 * round((end_s - start_s) * scenario.rate))
    size = 2 * (scenario.rate * scenario.frame_ms // 1000)
    for at in range(0, len(part), size):
        yield part[at : at + size]


def serve_scenarios(
    run: Callable[[Scenario], Awaitable[Result]], offered: Mapping[str, Iterable[str]]
) -> None:
    """Answers every line of the standard input, until it ends.

    ``offered``: the names of the plugin's options, at the start and during a session.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # what a plugin prints is no answer
    for line in sys.stdin:
        if line.strip() == OFFERED_REQUEST:
            names = {when: sorted(each) for when, each in offered.items()}
            print(json.dumps(names), file=answers, flush=True)
            continue
        scenario = Scenario(**json.loads(line))

        async def run_in_time(scenario: Scenario = scenario) -> Result:
            async with asyncio.timeout(TIMEOUT_S):
                return await run(scenario)

        try:
            answer: dict[str, Any] = asdict(asyncio.run(run_in_time()))
        except Exception as error:
            answer = asdict(Result(errors=[f"{type(error).__name__}: {error}"]))
        print(json.dumps(answer), file=answers, flush=True)
