"""What goes wrong, drawn by chance: on the server's side for each connection, and from outside."""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from tests.engine.support import server_faults
from tests.engine.support.scripted_server import Script
from tests.engine.support.transcribing_server import Fault, Hearing, Manner, Moment, telling

LONGEST = 30
"""Tenths of a second into a session at which something still goes wrong."""

Draw: TypeAlias = Callable[[Random], Fault]

# Not among them: a Termination that nobody asked for. Once Terminate is on its way, nobody can tell
# it from the one that confirms it.
BREAKING: Mapping[str, Draw] = {
    "cut": lambda _: server_faults.cut,
    "reset": lambda _: server_faults.reset,
    "error and close": lambda chance: server_faults.error(chance.choice([1011, 1013, 3005, 3008])),
    "error alone": lambda _: server_faults.error_alone(3005),
    "close alone": lambda chance: server_faults.close(
        chance.choice([1000, 1001, 1011, 1012, 1013])
    ),
    "busy": lambda chance: server_faults.error(
        chance.choice([1008, 3009, 3005]), server_faults.BUSY
    ),
    "text that is none": lambda _: server_faults.BAD_UTF8,
    "bytes that are no frame": lambda _: server_faults.NO_FRAME,
    "mute": lambda _: server_faults.mute,
    "deaf": lambda chance: server_faults.deaf(chance.uniform(0.2, 5.0)),
    "slow": lambda chance: server_faults.slow(chance.uniform(0.1, 1.5)),
}
"""At any moment."""

STRANGE: Mapping[str, Draw] = {
    "strange messages": lambda _: server_faults.STRANGE,
    "finals twice": lambda _: server_faults.repeats,
    "empty final": lambda _: server_faults.empty_final,
}
"""In a session that has begun."""

KILLS: Mapping[str, int] = {
    "session killed": 12,
    "session ended by a signal": 4,
    "session stopped": 3,
    "session stopped and continued": 6,
    "all stopped and continued": 4,
    "fork server killed": 3,
    "fork server stopped": 2,
    "resource tracker killed": 2,
    "call refused by HTTP": 3,
    "program killed": 2,
    "all killed": 1,
}
"""What is done from outside, and how often beside the others."""


class Plan:
    """Draws by a seed, and counts what has struck."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.struck: Counter[str] = Counter()
        self.calm = False
        """Nothing goes wrong any more."""

    def script(self) -> Script:
        """Of the next connection."""
        if self.calm or self.chance.random() < 0.3:
            return telling(self._manner())
        begun = self.chance.random() < 0.25
        name, draw = self.chance.choice(list((STRANGE if begun else BREAKING).items()))
        return telling(self._manner(), self._counted(name, draw(self.chance)), self._moment(begun))

    def kill(self) -> str:
        """What is to be done from outside next."""
        return self.chance.choices(list(KILLS), list(KILLS.values()))[0]

    def _manner(self) -> Manner:
        chance = self.chance
        wordless = chance.random() < 0.05
        return Manner(
            word_by_word=chance.random() < 0.5,
            words=chance.randint(1, 6),
            partial_every=chance.randint(1, 3),
            padding_ms=chance.choice([0, 0, 40]),
            wordless=wordless,
            # Who tells no times of words cannot hand over between two of them.
            lifetime=None if wordless else chance.choice([None, None, None, 2, 3, 5]),
        )

    def _moment(self, begun: bool) -> Moment | int:
        moments: list[Moment | int] = [Moment.BEGIN, Moment.FINAL, Moment.TERMINATE]
        if not begun:
            moments += [Moment.CONNECT]
        if self.chance.random() < 0.6:
            return self.chance.randint(1, LONGEST)
        return self.chance.choice(moments)

    def _counted(self, name: str, fault: Fault) -> Fault:
        async def counted(hearing: Hearing) -> None:
            self.struck[name] += 1
            await fault(hearing)

        return counted
