"""The old turns of the transcript that is shown, in pages on disk.

A transcript of days has a hundred thousand turns. `Transcript` keeps the last ones in memory; those
that it evicts are kept here while their job is current, so that the user can scroll, search and
listen as if all were in memory. The file has no name and vanishes with the program.
"""

import pickle
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.text.width import clean
from workers import files
from workers.jobs.job import JobId
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import first_words, transcript_line
from workers.protocol.messages import Turn

PAGE_TURNS = 64
MAX_LOADED_PAGES = 8
"""Pages whose turns stay in memory: more than a screen shows."""

MAX_TURN_CHARS = 100_000
"""Maximum characters shown of a turn; a faulty server may send longer turns."""


def turn_text(turn: Turn) -> str:
    """The words of a turn as they are shown, without the speaker. Never contains a line break."""
    line = transcript_line(turn)
    settled = clean(line.stable_text, MAX_TURN_CHARS).split()
    return " ".join((*settled, *clean(line.unstable_text, MAX_TURN_CHARS).split()))


@dataclass(frozen=True, slots=True, eq=False)
class TurnPage:
    """Where some turns in a row are, and what finds them."""

    first_order: int
    last_order: int
    count: int
    start_ms: int | None
    """The start of the first word; None without one."""
    offset: int
    turns_size: int  # bytes of the pickled turns
    text_size: int  # bytes of their texts, one a line, behind the turns


class TurnArchive:
    """The evicted turns of one job, in order. Only the thread that owns it may use it."""

    def __init__(self, job: JobId, folder: Path) -> None:
        """``folder``: where the file is."""
        self.job = job
        self.pages: list[TurnPage] = []
        self.pending: list[Turn] = []
        """The last turns, fewer than a page; not in the file yet."""
        self.version = 0
        """Increased when a page has changed; new pages do not count."""
        self._file = files.ScratchFile(folder)
        self._loaded: OrderedDict[TurnPage, tuple[Turn, ...]] = OrderedDict()

    def add(self, turns: Iterable[Turn]) -> None:
        """Adds turns that were evicted. Most follow all others; a turn of a known number replaces
        that one."""
        for turn in turns:
            last = self.pending[-1].turn_order if self.pending else self._last_paged_order
            if turn.turn_order > last:
                self.pending.append(turn)
            elif self.pages and turn.turn_order <= self._last_paged_order:
                self._insert(turn)
            else:
                self.pending = _with_turn(self.pending, turn)
        while len(self.pending) >= PAGE_TURNS:
            turns, self.pending = self.pending[:PAGE_TURNS], self.pending[PAGE_TURNS:]
            self.pages.append(self._write(turns))

    def rewind_to(self, resume_point: ResumePoint) -> None:
        """Drops the turns that a further attempt will receive again, like `Transcript`."""
        first = resume_point.turn
        while self.pages and self.pages[-1].last_order >= first:
            self.pending = [*self.turns_of(self.pages[-1]), *self.pending]
            del self.pages[-1]
            self.version += 1
        self.pending = [turn for turn in self.pending if turn.turn_order < first]
        kept = resume_point.kept_words
        if kept is None:
            return
        if self.pending and self.pending[-1].turn_order == first - 1:
            self.pending[-1] = first_words(self.pending[-1], kept)
        elif not self.pending and self.pages and self._last_paged_order == first - 1:
            self._insert(first_words(self.turns_of(self.pages[-1])[-1], kept))

    @property
    def _last_paged_order(self) -> int:
        return self.pages[-1].last_order if self.pages else -1

    def page_of(self, order: int) -> int:
        """The number of the page that has a turn, or would have it; -1 if that is before all."""
        return bisect_right(self.pages, order, key=lambda page: page.first_order) - 1

    def turns_of(self, page: TurnPage) -> tuple[Turn, ...]:
        """The turns of a page, which may have been replaced meanwhile."""
        turns = self._loaded.pop(page, None)
        if turns is None:
            turns = pickle.loads(self._file.read(page.offset, page.turns_size))
        self._keep_loaded(page, turns)
        return turns

    def texts_of(self, page: TurnPage) -> str:
        """The texts of a page's turns, one a line."""
        return self._file.read(page.offset + page.turns_size, page.text_size).decode()

    def _insert(self, turn: Turn) -> None:
        number = max(self.page_of(turn.turn_order), 0)
        self.pages[number] = self._write(_with_turn(self.turns_of(self.pages[number]), turn))
        self.version += 1

    def _write(self, turns: Sequence[Turn]) -> TurnPage:
        data = pickle.dumps(tuple(turns), protocol=pickle.HIGHEST_PROTOCOL)
        text = "\n".join(map(turn_text, turns)).encode(errors="replace")
        starts = (turn.words[0].start for turn in turns if turn.words)
        page = TurnPage(
            turns[0].turn_order,
            turns[-1].turn_order,
            len(turns),
            next(starts, None),
            self._file.append(data + text),
            len(data),
            len(text),
        )
        self._keep_loaded(page, tuple(turns))
        return page

    def _keep_loaded(self, page: TurnPage, turns: tuple[Turn, ...]) -> None:
        self._loaded[page] = turns
        while len(self._loaded) > MAX_LOADED_PAGES:
            self._loaded.popitem(last=False)


def _with_turn(turns: Sequence[Turn], turn: Turn) -> list[Turn]:
    """Turns in order, with one more or another version of one."""
    others = [other for other in turns if other.turn_order != turn.turn_order]
    return sorted([*others, turn], key=lambda one: one.turn_order)
