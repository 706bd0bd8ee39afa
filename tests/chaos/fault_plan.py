"""Draws faults at random: one for each connection of the server, and others for processes."""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from tests.engine.support import server_faults
from tests.engine.support.scripted_server import ConnectionScript
from tests.engine.support.transcribing_server import (
    Fault,
    FaultMoment,
    ServerSession,
    TranscriptionStyle,
    transcribe,
)
from tests.engine.support.untrue_messages import MESSAGE_LIES, draw_lies

MAX_FAULT_TENTHS = 30
"""The latest fault, in tenths of a second into a session."""

UNBREAKABLE_LIE = "two finals with other words"
"""If the connection breaks between the two, words are left that nobody said, and no client can see
that."""

FaultFactory: TypeAlias = Callable[[Random], Fault]

# Not among them: a Termination that nobody asked for. Once Terminate is on its way, nobody can tell
# it from the one that confirms it.
BREAKING_FAULTS: Mapping[str, FaultFactory] = {
    "cut": lambda _: server_faults.drop_connection,
    "reset": lambda _: server_faults.reset_connection,
    "error and close": lambda chance: server_faults.error_then_close(
        chance.choice([1011, 1013, 3005, 3008])
    ),
    "error alone": lambda _: server_faults.error_without_close(3005),
    "close alone": lambda chance: server_faults.close_without_error(
        chance.choice([1000, 1001, 1011, 1012, 1013])
    ),
    "busy": lambda chance: server_faults.error_then_close(
        chance.choice([1008, 3009, 3005]), server_faults.BUSY
    ),
    "text that is none": lambda _: server_faults.INVALID_UTF8,
    "bytes that are no frame": lambda _: server_faults.INVALID_FRAME,
    "mute": lambda _: server_faults.stop_answering,
    "deaf": lambda chance: server_faults.stop_reading(chance.uniform(0.2, 5.0)),
    "slow": lambda chance: server_faults.pause(chance.uniform(0.1, 1.5)),
}
"""Faults that may happen at any moment."""

HARMLESS_FAULTS: Mapping[str, FaultFactory] = {
    "strange messages": lambda _: server_faults.UNEXPECTED_MESSAGES,
    "finals twice": lambda _: server_faults.repeat_finals,
    "empty final": lambda _: server_faults.send_empty_final,
}
"""Faults that only make sense after Begin."""

PROCESS_FAULT_WEIGHTS: Mapping[str, int] = {
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
"""Faults of processes and how often each is drawn, relative to the others."""


class FaultPlan:
    """Draws faults by a seed and counts those that happened."""

    def __init__(self, seed: int, *, liars: bool = False) -> None:
        """``liars``: whether servers send messages that cannot be true, too."""
        self.rng = Random(seed)
        self._liars = liars
        self.fault_counts: Counter[str] = Counter()
        self.is_over = False
        """Set at the end of a round: no more faults."""

    def next_connection_script(self) -> ConnectionScript:
        """The script of the next connection."""
        if self.is_over or self.rng.random() < 0.3:
            return transcribe(self._random_style(), told=self.fault_counts)
        style, begun = self._random_style(), self.rng.random() < 0.25
        faults = dict(HARMLESS_FAULTS if begun else BREAKING_FAULTS)
        if style.lies:  # what a liar repeats may look new: one of the lies is about that
            faults.pop("finals twice", None)
        name, draw = self.rng.choice(list(faults.items()))
        fault, moment = self._counted(name, draw(self.rng)), self._random_moment(begun)
        return transcribe(style, fault, moment, self.fault_counts)

    def next_process_fault(self) -> str:
        """The next fault of a process."""
        return self.rng.choices(list(PROCESS_FAULT_WEIGHTS), list(PROCESS_FAULT_WEIGHTS.values()))[
            0
        ]

    def _random_style(self) -> TranscriptionStyle:
        chance = self.rng
        wordless = chance.random() < 0.05
        lies = draw_lies(chance, timed=not wordless) if self._liars else []
        lies = [name for name in lies if name != UNBREAKABLE_LIE]
        # Who tells no times of words cannot hand over between two of them.
        vague = wordless or not MESSAGE_LIES.keys() >= set(lies)
        return TranscriptionStyle(
            word_by_word=chance.random() < 0.5,
            words_per_turn=chance.randint(1, 6),
            partial_every=chance.randint(1, 3),
            padding_ms=chance.choice([0, 0, 40]),
            wordless=wordless,
            lifetime=None if vague else chance.choice([None, None, None, 2, 3, 5]),
            delay_tenths=chance.choice([0, 0, 0, 5, 20]) if self._liars else 0,
            lies=tuple(lies),
            lie_seed=chance.randrange(1_000_000),
        )

    def _random_moment(self, begun: bool) -> FaultMoment | int:
        moments: list[FaultMoment | int] = [
            FaultMoment.BEGIN,
            FaultMoment.FINAL,
            FaultMoment.TERMINATE,
        ]
        if not begun:
            moments += [FaultMoment.CONNECT]
        if self.rng.random() < 0.6:
            return self.rng.randint(1, MAX_FAULT_TENTHS)
        return self.rng.choice(moments)

    def _counted(self, name: str, fault: Fault) -> Fault:
        async def counted(session: ServerSession) -> None:
            self.fault_counts[name] += 1
            await fault(session)

        return counted
