"""The symbols that the desk draws, in Unicode and in plain ASCII.

Every symbol takes one cell, except the arrows.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from workers.jobs.job_state import JobStatus


@dataclass(frozen=True, slots=True)
class Symbols:
    """One complete set of symbols."""

    status: Mapping[JobStatus, str]
    stopping: str  # a live job that was cancelled and has not ended yet
    cursor: str
    marked: str
    folded: str  # a pair as one row
    unfolded: str  # a pair with a row for each half below it
    branch: str  # before the row of a half
    target_arrow: str  # between the product's name and the destination
    open_turn: str  # beside a turn that may still change
    filled: str
    half_filled: str
    track: str
    tolerance_mark: str  # on a gauge: lags beyond this mark are late
    late: str
    very_late: str
    slip: str
    held: str
    playing: str  # a replay that is running
    heard: str  # beside the session that is listened to
    playhead: str  # on the replay bar: the position
    warning: str
    hint: str
    rule: str
    sent: str  # to the server
    received: str  # from the server
    bar_heights: tuple[str, ...]  # cells filled from the bottom, by eighths: empty to full
    tolerance_line: str  # across a plot: lags above this line are late
    vertical_rule: str  # between two tiles of the wall
    tee: str  # where a vertical rule begins below a horizontal one
    cross: str  # where two rules cross
    separator: str  # between parts of a line
    ellipsis: str
    checked: str
    unchecked: str
    no_value: str  # in place of a missing number
    ascending: str  # after the sorted column's heading: small values first
    descending: str
    arrow_key_names: Mapping[int, str]
    """Names of the arrow keys, for `str.translate`; empty where arrows can be drawn."""


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
    folded="▸",
    unfolded="▾",
    branch="└",
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
    heard="♪",
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
    folded="+",
    unfolded="-",
    branch="`",
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
    heard="%",
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
    """Returns the symbols that a terminal with this encoding can show."""
    try:
        name = codecs.lookup(encoding or "ascii").name
    except LookupError:
        return ASCII
    return UNICODE if name.startswith("utf") else ASCII
