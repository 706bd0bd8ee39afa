"""The signs that the desk draws with, in Unicode and in plain ASCII.

Every sign but the arrows takes one cell.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from workers.history import Status


@dataclass(frozen=True, slots=True)
class Symbols:
    """One complete set of signs."""

    status: Mapping[Status, str]
    stopping: str
    """A live job that was asked to end."""
    cursor: str
    marked: str
    to: str
    """Between the product's name and where it streams to."""
    speaking: str
    """Beside a turn that is still being revised."""
    filled: str
    half: str
    track: str
    tolerance: str
    """On a gauge: where a lag begins to count as late."""
    late: str
    very_late: str
    slip: str
    held: str
    warning: str
    hint: str
    rule: str
    dot: str
    """Between facts on one line."""
    cut: str
    """In place of text that had no room."""
    on: str
    off: str
    none: str
    """In place of a number that there is not."""
    arrows: Mapping[int, str]
    """What the arrow keys are called, for `str.translate`; empty where arrows can be drawn."""


UNICODE = Symbols(
    status={
        Status.QUEUED: "○",
        Status.RETRYING: "↻",
        Status.CONNECTING: "◌",
        Status.STREAMING: "●",
        Status.FINISHING: "◕",
        Status.DONE: "✓",
        Status.CANCELLED: "⊘",
        Status.FAILED: "✗",
    },
    stopping="◔",
    cursor="▌",
    marked="◆",
    to="→",
    speaking="▸",
    filled="━",
    half="╾",
    track="─",
    tolerance="┼",
    late="▲",
    very_late="‼",
    slip="↷",
    held="‖",
    warning="▲",
    hint="→",
    rule="─",
    dot="·",
    cut="…",
    on="■",
    off="□",
    none="–",
    arrows={},
)

ASCII = Symbols(
    status={
        Status.QUEUED: ".",
        Status.RETRYING: "@",
        Status.CONNECTING: "o",
        Status.STREAMING: ">",
        Status.FINISHING: "}",
        Status.DONE: "+",
        Status.CANCELLED: "-",
        Status.FAILED: "X",
    },
    stopping=")",
    cursor="|",
    marked="*",
    to="->",
    speaking=">",
    filled="=",
    half="-",
    track=".",
    tolerance=":",
    late="!",
    very_late="#",
    slip="~",
    held="=",
    warning="!",
    hint="->",
    rule="-",
    dot="|",
    cut="~",
    on="x",
    off=".",
    none="-",
    arrows=str.maketrans({"↓": "Down", "↑": "Up", "←": "Left", "→": "Right"}),
)


def symbols_for(encoding: str | None) -> Symbols:
    """The set that a terminal of this encoding can show."""
    try:
        name = codecs.lookup(encoding or "ascii").name
    except LookupError:
        return ASCII
    return UNICODE if name.startswith("utf") else ASCII
