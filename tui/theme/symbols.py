"""The signs that the desk draws with, in Unicode and in plain ASCII.

Every sign but the arrows takes one cell.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from workers.jobs.job_state import Status


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
    playing: str
    """A run that was is played again."""
    moment: str
    """On the scrub bar: where it stands."""
    warning: str
    hint: str
    rule: str
    sent: str
    """To the server."""
    received: str
    """From the server."""
    heights: tuple[str, ...]
    """A cell filled from its bottom, from nothing to all of it in eighths."""
    bound: str
    """Across a plot: above it a lag counts as late."""
    upright: str
    """Between two tiles of the wall."""
    tee: str
    """Where an upright begins under a rule."""
    cross: str
    """Where the two meet."""
    dot: str
    """Between facts on one line."""
    cut: str
    """In place of text that had no room."""
    on: str
    off: str
    none: str
    """In place of a number that there is not."""
    ascending: str
    """Behind the name of the column that rows are sorted by: small values first."""
    descending: str
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
        Status.INTERRUPTED: "◫",
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
    playing="▸",
    moment="┃",
    warning="▲",
    hint="→",
    rule="─",
    sent="→",
    received="←",
    heights=(" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"),
    bound="┄",
    upright="│",
    tee="┬",
    cross="┼",
    dot="·",
    cut="…",
    on="■",
    off="□",
    none="–",
    ascending="↑",
    descending="↓",
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
        Status.INTERRUPTED: "/",
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
    playing=">",
    moment="|",
    warning="!",
    hint="->",
    rule="-",
    sent=">",
    received="<",
    heights=(" ", ".", ".", ".", ":", ":", "|", "|", "#"),
    bound="-",
    upright=":",
    tee="+",
    cross="+",
    dot="|",
    cut="~",
    on="x",
    off=".",
    none="-",
    ascending="^",
    descending="v",
    arrows=str.maketrans({"↓": "Down", "↑": "Up", "←": "Left", "→": "Right"}),
)


def symbols_for(encoding: str | None) -> Symbols:
    """The set that a terminal of this encoding can show."""
    try:
        name = codecs.lookup(encoding or "ascii").name
    except LookupError:
        return ASCII
    return UNICODE if name.startswith("utf") else ASCII
