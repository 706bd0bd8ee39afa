"""What the desk costs, how soon it answers, how soon it is there, and whether its memory grows.

``python -m tests.benchmarks.desk [--quick] [--rows 200,1000] [--seconds 5] [--repeat 1]``

The real desk runs in a terminal of its own (see `desk_load`) and is told of so many sessions, five
times a second of each. Repeats are interleaved; tables show medians over them.

The defaults take three minutes.

CPU
    User and system time of the process, in % of one core, minus what the same process needs to be
    told as much without a screen.
key to paint
    From writing ``j`` or ``k`` into the terminal to reading what draws the cursor in its new row,
    at random moments, while all rows change. Nearest ranks over all repeats; also without those
    keys during which, or just before which, the machine itself stood still (see `host_stalls`).
many finished rows
    The same in a table of 10,000 rows that are over, with 50 live ones below them: ``j`` and ``k``,
    a page down or up, a letter of a filter until other rows are drawn, ``S`` until they are sorted
    the other way.
start
    From starting ``paceline`` in a terminal to reading the last line of its first screen; beside
    what Python alone takes, and Python with Textual.
memory
    Resident, of a desk that is told an hour of 50 sessions as fast as it can take it in, when each
    quarter has been; each on its own row of one run.
"""

import argparse
import random
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks import system_metrics
from tests.benchmarks.host_stalls import Stalls, watch_stalls
from tests.benchmarks.latency import format_value, percentile
from tests.benchmarks.terminal_recorder import TerminalRecorder
from tui.text.tables import table

SIZES = ((120, 34), (200, 60))

SETTLED = 2.0
"""Seconds after which a desk has begun."""

FINISHED_ROWS, LIVE_ROWS = 10_000, 50

HOUR_OF = 50
"""Sessions of which an hour is told."""

LAST_DRAWN = rb"quit"
"""A word at the end of the foot, the last line of the first screen."""

_LOAD_MODULE = "tests.benchmarks.desk_load"
COMMAND = Path(sysconfig.get_path("scripts")) / "paceline"


STALL_MARGIN_S = 0.05
"""For so long after a stall, what it delayed is made up for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A key: when it was typed and when its effect was read, in seconds of the monotonic clock."""

    typed_s: float
    read_s: float

    @property
    def ms(self) -> float:
        """How long the effect took."""
        return (self.read_s - self.typed_s) * 1000


@dataclass(frozen=True, slots=True)
class Load:
    """One look at a desk."""

    cpu_percent: float
    """Of a core."""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """What a desk shows, and how large."""

    size: tuple[int, int]
    keys: bytes = b""
    """Pressed to get there."""

    @property
    def name(self) -> str:
        """For a column of the table."""
        return f"{'wall' if self.keys else 'table'} {self.size[0]}x{self.size[1]}"


VIEWS = (*(View(size) for size in SIZES), View((200, 60), b"w"))


def main() -> None:
    """Measures as asked and prints tables."""
    args = _parse_arguments()
    print(f"{system_metrics.describe_machine()}; medians of {args.repeat}", flush=True)
    print(f"\n{_loads(args.rows, args.seconds, args.keys, args.repeat)}", flush=True)
    print(f"\n{_many_rows(args.keys, args.repeat)}", flush=True)
    print(f"\n{_startup_times(args.starts)}", flush=True)
    if not args.quick:
        print(f"\n{_memory_over_an_hour()}", flush=True)


# --- processor time, and keys


def _loads(rows: Sequence[int], seconds: float, keys: int, repeat: int) -> str:
    feeding: dict[int, list[float]] = {}
    looks: dict[tuple[int, View], list[Load]] = {}
    with watch_stalls() as stalls:
        for _ in range(repeat):
            for count in rows:
                feeding.setdefault(count, []).append(_measure_without_desk(count, seconds))
                for view in VIEWS:
                    looks.setdefault((count, view), []).append(
                        _measure_load(count, view, seconds, keys)
                    )
    cpu, answers = [], []
    for count in rows:
        fed = median(feeding[count])
        needed = [median(each.cpu_percent for each in looks[count, view]) - fed for view in VIEWS]
        cpu.append((str(count), *(f"{percent:.1f}" for percent in needed), f"{fed:.1f}"))
        for view in VIEWS:
            if found := [answer for each in looks[count, view] for answer in each.answers]:
                answers.append((f"{count}, {view.name}", *_ranks(found, stalls)))
    head = ("rows", *(f"CPU % {view.name}" for view in VIEWS), "feeding")
    return f"{table(head, cpu)}\n\n{table(('rows', *KEY_HEAD), answers)}\n{_note(stalls)}"


def _note(stalls: Stalls) -> str:
    return "" if stalls.is_real_time else "Stalls are a guess, without real-time priority."


def _load_command(rows: int, *options: str) -> list[str]:
    return [sys.executable, "-m", _LOAD_MODULE, str(rows), *options]


def _measure_without_desk(rows: int, seconds: float) -> float:
    with TerminalRecorder(_load_command(rows, "--blind"), SIZES[0]) as terminal:
        time.sleep(SETTLED)
        return _cpu(terminal, seconds)


def _measure_load(rows: int, view: View, seconds: float, keys: int) -> Load:
    with TerminalRecorder(_load_command(rows), view.size) as terminal:
        terminal.seen(LAST_DRAWN)
        terminal.type(view.keys)
        time.sleep(SETTLED)
        cpu = _cpu(terminal, seconds)
        return Load(cpu, () if view.keys else tuple(key_answers(terminal, keys)))


def _cpu(terminal: TerminalRecorder, seconds: float) -> float:
    """In % of a core, over the next this many seconds."""
    begin, before = time.monotonic(), terminal.program.cpu_times()
    time.sleep(seconds)
    after, end = terminal.program.cpu_times(), time.monotonic()
    used = after.user + after.system - before.user - before.system
    return float(100 * used / (end - begin))


def key_answers(terminal: TerminalRecorder, keys: int) -> list[Answer]:
    """Moves the cursor up and down with so many keys."""
    chance = random.Random(0)
    terminal.type(b"j")
    time.sleep(1)
    terminal.type(b"?")
    time.sleep(1)
    first = terminal.row_of_cursor(partial(terminal.type, b"\x1b"))  # all is drawn again
    time.sleep(1)
    answers = []
    for number in range(keys):
        time.sleep(chance.uniform(0.02, 0.2))  # whatever the tick is at
        key, row = (b"k", first - 1) if number % 2 == 0 else (b"j", first)
        begin = time.monotonic()
        answers.append(Answer(begin, terminal.cursor_in(row, partial(terminal.type, key))))
    return answers


# --- many finished rows


def _many_rows(keys: int, repeat: int) -> str:
    answers: dict[str, list[Answer]] = {}
    with watch_stalls() as stalls:
        for _ in range(repeat):
            command = _load_command(LIVE_ROWS, "--finished", str(FINISHED_ROWS))
            with TerminalRecorder(command, SIZES[1]) as terminal:
                terminal.seen(rb"%d" % FINISHED_ROWS)  # done, in the banner
                time.sleep(SETTLED)
                answers.setdefault("j, k", []).extend(key_answers(terminal, keys))
                for name, pressed in KEY_PAIRS.items():
                    terminal.type(OPENING.get(name, b""))
                    time.sleep(0.5)
                    answers.setdefault(name, []).extend(_pair_answers(terminal, pressed, keys))
                    terminal.type(b"\x1b")
                    time.sleep(0.5)
    rows = [(name, *_ranks(found, stalls)) for name, found in answers.items()]
    return f"{table((f'{FINISHED_ROWS} finished rows', *KEY_HEAD), rows)}\n{_note(stalls)}"


KEY_PAIRS: Mapping[str, Sequence[tuple[bytes, bytes]]] = {
    "page down, up": (
        (b"\x1b[6~", rb"\x1b\[\d+;1H[^H]*\xe2\x96\x8c"),
        (b"\x1b[5~", rb"\xe2\x96\x8c"),
    ),
    "filter, a letter": ((b"7", rb"meeting 0077"), (b"\x7f", rb"meeting 0002")),
    "sort": ((b"S", "↓|↑".encode()), (b"S", "↓|↑|FILE".encode())),
}
"""Keys that are pressed in turn, and what they make the desk draw."""

OPENING = {"filter, a letter": b"/name:"}
"""What is typed before."""

KEY_HEAD = ("key p50 ms", "p99", "outside stalls p50", "p99", "keys")


def _pair_answers(
    terminal: TerminalRecorder, pressed: Sequence[tuple[bytes, bytes]], keys: int
) -> list[Answer]:
    chance, answers = random.Random(0), []
    for number in range(keys):
        time.sleep(chance.uniform(0.02, 0.2))
        key, drawn = pressed[number % len(pressed)]
        begin = time.monotonic()
        answers.append(Answer(begin, terminal.seen(drawn, partial(terminal.type, key))))
    return answers


def _ranks(answers: Sequence[Answer], stalls: Stalls) -> list[str]:
    quiet = [
        answer
        for answer in answers
        if not stalls.touch(answer.typed_s, answer.read_s, STALL_MARGIN_S)
    ]
    ranks = [
        format_value(percentile([answer.ms for answer in some], rank), 0)
        for some in (answers, quiet)
        for rank in (50, 99)
    ]
    return [*ranks, f"{len(quiet)} of {len(answers)}"]


# --- start


def _startup_times(repeat: int) -> str:
    taken: dict[str, list[float]] = {}
    for _ in range(repeat):
        for name, command in (
            ("python -c pass", [sys.executable, "-c", "pass"]),
            ("import textual.app", [sys.executable, "-c", "import textual.app"]),
        ):
            with TerminalRecorder(command, SIZES[0]) as terminal:
                terminal.program.wait()
                taken.setdefault(name, []).append(time.monotonic() - terminal.began)
        with tempfile.TemporaryDirectory() as folder:
            environment = {f"XDG_{kind}_HOME": folder for kind in ("STATE", "CONFIG")}
            command = [str(COMMAND), "--endpoint", "ws://127.0.0.1:9/v3/ws"]
            with TerminalRecorder(command, SIZES[0], environment) as terminal:
                seconds = terminal.seen(LAST_DRAWN) - terminal.began
                taken.setdefault("paceline, first screen", []).append(seconds)
    rows = [
        (name, f"{median(times):.2f}", f"{min(times):.2f}", f"{max(times):.2f}")
        for name, times in taken.items()
    ]
    return table(("start", "median s", "least", "most"), rows)


# --- memory


def _memory_over_an_hour() -> str:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        progress_file = Path(folder) / "progress"
        progress_file.touch()
        with TerminalRecorder(
            _load_command(HOUR_OF, "--hour", str(progress_file)), SIZES[0]
        ) as terminal:
            terminal.seen(LAST_DRAWN)
            rows.append(("begun", f"{system_metrics.resident_mb(terminal.program):.1f}"))
            for quarter in range(1, 5):
                while len(progress_file.read_text().splitlines()) < quarter:
                    time.sleep(0.2)
                time.sleep(1)
                rows.append(
                    (
                        f"{quarter * 15} minutes",
                        f"{system_metrics.resident_mb(terminal.program):.1f}",
                    )
                )
    return table((f"of {HOUR_OF} sessions", "resident MB"), rows)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the desk costs, and how soon it answers.")
    parser.add_argument("--quick", action="store_true", help="one short look, and no hour")
    parser.add_argument("--rows", type=_numbers, metavar="N,…", help="sessions that are told of")
    parser.add_argument("--seconds", type=float, help="that the processor is watched for")
    parser.add_argument("--keys", type=int, help="that are pressed on each desk")
    parser.add_argument("--repeat", type=int, help="runs that medians are taken of")
    args = parser.parse_args()
    args.rows = args.rows or ([50] if args.quick else [200, 1000])
    args.seconds = args.seconds or (3 if args.quick else 5)
    args.keys = args.keys or (30 if args.quick else 60)
    args.repeat = args.repeat or 1
    args.starts = 3 if args.quick else 5
    return args


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
