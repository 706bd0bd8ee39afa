"""The signs that the desk draws with, in Unicode and in plain ASCII.

Every sign but the arrows takes one cell.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from workers.jobs.job_state import JobStatus


@dataclass(frozen=True, slots=True)
class Symbols:
    """One complete set of signs."""

    status: Mapping[JobStatus, str]
    stopping: str
    """A live job that was asked to end."""
    cursor: str
    marked: str
    target_arrow: str
    """Between the product's name and where it streams to."""
    open_turn: str
    """Beside a turn that is still being revised."""
    filled: str
    half_filled: str
    track: str
    tolerance_mark: str
    """On a gauge: where a lag begins to count as late."""
    late: str
    very_late: str
    slip: str
    held: str
    playing: str
    """A run that was is played again."""
    playhead: str
    """On the scrub bar: where it stands."""
    warning: str
    hint: str
    rule: str
    sent: str
    """To the server."""
    received: str
    """From the server."""
    bar_heights: tuple[str, ...]
    """A cell filled from its bottom, from nothing to all of it in eighths."""
    tolerance_line: str
    """Across a plot: above it a lag counts as late."""
    vertical_rule: str
    """Between two tiles of the wall."""
    tee: str
    """Where an upright begins under a rule."""
    cross: str
    """Where the two meet."""
    separator: str
    """Between facts on one line."""
    ellipsis: str
    """In place of text that had no room."""
    checked: str
    unchecked: str
    no_value: str
    """In place of a number that there is not."""
    ascending: str
    """Behind the name of the column that rows are sorted by: small values first."""
    descending: str
    arrow_key_names: Mapping[int, str]
    """What the arrow keys are called, for `str.translate`; empty where arrows can be drawn."""


UNICODE = Symbols(
    status={
        JobStatus.QUEUED: "○",
        JobStatus.RETRYING: "↻",
        JobStatus.CONNECTING: "◌",
        JobStatus.STREAMING: "●",
        JobStatus.FINISHING: "◕",
        JobStatus.DONE: "✓",
        JobStatus.CANCELLED: "⊘",
        JobStatus.INTERRUPTED: "◫",
        JobStatus.FAILED: "✗",
    },
    stopping="◔",
    cursor="▌",
    marked="◆",
    target_arrow="→",
    open_turn="▸",
    filled="━",
    half_filled="╾",
    track="─",
    tolerance_mark="┼",
    late="▲",
    very_late="‼",
    slip="↷",
    held="‖",
    playing="▸",
    playhead="┃",
    warning="▲",
    hint="→",
    rule="─",
    sent="→",
    received="←",
    bar_heights=(" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"),
    tolerance_line="┄",
    vertical_rule="│",
    tee="┬",
    cross="┼",
    separator="·",
    ellipsis="…",
    checked="■",
    unchecked="□",
    no_value="–",
    ascending="↑",
    descending="↓",
    arrow_key_names={},
)

ASCII = Symbols(
    status={
        JobStatus.QUEUED: ".",
        JobStatus.RETRYING: "@",
        JobStatus.CONNECTING: "o",
        JobStatus.STREAMING: ">",
        JobStatus.FINISHING: "}",
        JobStatus.DONE: "+",
        JobStatus.CANCELLED: "-",
        JobStatus.INTERRUPTED: "/",
        JobStatus.FAILED: "X",
    },
    stopping=")",
    cursor="|",
    marked="*",
    target_arrow="->",
    open_turn=">",
    filled="=",
    half_filled="-",
    track=".",
    tolerance_mark=":",
    late="!",
    very_late="#",
    slip="~",
    held="=",
    playing=">",
    playhead="|",
    warning="!",
    hint="->",
    rule="-",
    sent=">",
    received="<",
    bar_heights=(" ", ".", ".", ".", ":", ":", "|", "|", "#"),
    tolerance_line="-",
    vertical_rule=":",
    tee="+",
    cross="+",
    separator="|",
    ellipsis="~",
    checked="x",
    unchecked=".",
    no_value="-",
    ascending="^",
    descending="v",
    arrow_key_names=str.maketrans({"↓": "Down", "↑": "Up", "←": "Left", "→": "Right"}),
)


def symbols_for(encoding: str | None) -> Symbols:
    """The set that a terminal of this encoding can show."""
    try:
        name = codecs.lookup(encoding or "ascii").name
    except LookupError:
        return ASCII
    return UNICODE if name.startswith("utf") else ASCII
