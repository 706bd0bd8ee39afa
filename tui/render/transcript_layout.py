"""Lays out a whole transcript in rows. Its old turns may be on disk, in pages: of those, only the
number of rows stays in memory, and the rows of the pages that were drawn last.
"""

import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, is_
from typing import Protocol, overload

from tui.model.transcript_search import MatchSpans, TextMatch
from tui.model.turn_archive import MAX_LOADED_PAGES, TurnPage
from tui.render.turn_rows import TextRow, TranscriptRow, TurnRows
from workers.jobs.attempt_spans import AttemptSpan
from workers.protocol.messages import Turn


class OldTurns(Protocol):
    """The old turns of a transcript, such as `TurnArchive`."""

    @property
    def pages(self) -> Sequence[TurnPage]: ...

    @property
    def pending(self) -> Sequence[Turn]: ...

    @property
    def version(self) -> int: ...

    def page_of(self, order: int) -> int: ...

    def turns_of(self, page: TurnPage) -> Sequence[Turn]: ...

    def texts_of(self, page: TurnPage) -> str: ...


@dataclass(slots=True)
class _Block:
    """A page of old turns with what belongs between them."""

    page: TurnPage
    extras: tuple[Turn | AttemptSpan, ...]
    """Dividers of attempts, and turns that are in memory although they are old."""
    items: int
    rows: int


class TranscriptLayout(Sequence[TranscriptRow]):
    """The rows of one transcript at one width.

    Only changed turns are wrapped again: an update costs one comparison for each turn in memory.
    """

    def __init__(self, cells: int, *, with_speakers: bool = False) -> None:
        """``with_speakers``: begin each turn with the name of its speaker."""
        self.cells = cells
        self._with_speakers = with_speakers
        self._old: OldTurns | None = None
        self._old_version = 0
        self._blocks: list[_Block] = []
        self._first_rows = [0]
        """The first row of each block, and of the turns in memory; and so on for items."""
        self._first_items = [0]
        self._extra_blocks: frozenset[int] = frozenset()  # those with extras
        self._loaded: OrderedDict[int, TurnRows] = OrderedDict()
        self._tail = TurnRows(cells, with_speakers=with_speakers)

    def __len__(self) -> int:
        return self._first_rows[-1] + len(self._tail.rows)

    @overload
    def __getitem__(self, row: int) -> TranscriptRow: ...

    @overload
    def __getitem__(self, row: slice) -> list[TranscriptRow]: ...

    def __getitem__(self, row: int | slice) -> TranscriptRow | list[TranscriptRow]:
        if isinstance(row, slice):
            return [self[index] for index in range(*row.indices(len(self)))]
        if not 0 <= row < len(self):
            raise IndexError(row)
        part = bisect_right(self._first_rows, row) - 1
        return self._part(part).rows[row - self._first_rows[part]]

    # --- updating

    def update(
        self,
        turns: Sequence[Turn],
        attempt_spans: Sequence[AttemptSpan] = (),
        old: OldTurns | None = None,
    ) -> int:
        """Updates the rows. ``turns``: those in memory, in order; ``attempt_spans``: the attempts
        after the first one; ``old``: the turns on disk.

        Returns the first row that may differ from before.
        """
        extras: dict[int, list[Turn | AttemptSpan]] = {}
        pages: Sequence[TurnPage] = ()
        if old is not None and old.pages:
            pages, last = old.pages, old.pages[-1].last_order
            older = bisect_right(turns, last, key=attrgetter("turn_order"))
            further = bisect_right(attempt_spans, last, key=attrgetter("start.turn"))
            for turn in turns[:older]:
                extras.setdefault(max(old.page_of(turn.turn_order), 0), []).append(turn)
            for span in attempt_spans[:further]:
                extras.setdefault(max(old.page_of(span.start.turn), 0), []).append(span)
            turns, attempt_spans = turns[older:], attempt_spans[further:]
        if old is not None and old.pending:
            known = {turn.turn_order: turn for turn in (*old.pending, *turns)}
            turns = [known[order] for order in sorted(known)]
        first = self._keep_blocks(old, pages, extras)
        for number in range(len(self._blocks), len(pages)):
            if not self._add_block(number, tuple(extras.get(number, ()))):
                first = min(first, self._first_rows[number])
        tail_row = self._first_rows[-1]
        return min(first, tail_row + self._tail.update(turns, attempt_spans))

    def _keep_blocks(
        self,
        old: OldTurns | None,
        pages: Sequence[TurnPage],
        extras: Mapping[int, Sequence[Turn | AttemptSpan]],
    ) -> int:
        """Drops the blocks from the first that has changed; returns its first row."""
        changed = {
            number
            for number in self._extra_blocks | extras.keys()
            if number < len(self._blocks)
            and self._blocks[number].extras != tuple(extras.get(number, ()))
        }
        version = -1 if old is None else old.version
        if old is not self._old or version != self._old_version:
            self._old, self._old_version = old, version
            known = zip(self._blocks, pages, strict=False)
            same = next(
                (n for n, (block, page) in enumerate(known) if block.page is not page), None
            )
            kept = min(len(pages), len(self._blocks)) if same is None else same
            if kept < len(self._blocks):
                changed.add(kept)
        self._extra_blocks = frozenset(extras)
        if not changed:
            return len(self)
        kept = min(changed)
        before = self._first_rows[kept]
        del self._blocks[kept:], self._first_rows[kept + 1 :], self._first_items[kept + 1 :]
        for number in [number for number in self._loaded if number >= kept]:
            del self._loaded[number]
        return before

    def _add_block(self, number: int, extras: tuple[Turn | AttemptSpan, ...]) -> bool:
        """Adds the block of the next page; returns whether its rows stay as they were."""
        assert self._old is not None
        page, rows = self._old.pages[number], None
        if not extras:  # its turns were wrapped while they were in memory
            first = self._tail.items[: page.count]
            turns = self._old.turns_of(page)
            if all(map(is_, first, turns)) and len(first) == len(turns):
                rows = self._tail.take_first(page.count)
        self._blocks.append(_Block(page, extras, 0, 0))
        is_same = rows is not None
        rows = rows or self._wrap(number)
        self._keep_loaded(number, rows)
        block = self._blocks[number]
        block.items, block.rows = len(rows.items), len(rows.rows)
        self._first_rows.append(self._first_rows[-1] + block.rows)
        self._first_items.append(self._first_items[-1] + block.items)
        return is_same

    def _wrap(self, number: int) -> TurnRows:
        """Wraps the turns of a block."""
        assert self._old is not None
        extras = self._blocks[number].extras
        turns = {turn.turn_order: turn for turn in self._old.turns_of(self._blocks[number].page)}
        turns |= {item.turn_order: item for item in extras if isinstance(item, Turn)}
        spans = [item for item in extras if isinstance(item, AttemptSpan)]
        rows = TurnRows(self.cells, with_speakers=self._with_speakers)
        rows.update([turns[order] for order in sorted(turns)], spans)
        return rows

    def _part(self, number: int) -> TurnRows:
        """The rows of a block, or after the last one those of the turns in memory."""
        if number >= len(self._blocks):
            return self._tail
        rows = self._loaded.pop(number, None) or self._wrap(number)
        self._keep_loaded(number, rows)
        return rows

    def _keep_loaded(self, number: int, rows: TurnRows) -> None:
        self._loaded[number] = rows
        while len(self._loaded) > MAX_LOADED_PAGES:
            self._loaded.popitem(last=False)

    def _shifted(self, part: int, spans: MatchSpans) -> MatchSpans:
        """Rows of a part as rows of the transcript."""
        first = self._first_rows[part]
        return tuple(replace(span, row=span.row + first) for span in spans)

    def continues_turn(self, row: int) -> bool:
        """Whether a row has more words of the turn in the row above it."""
        shown = self[row]
        return isinstance(shown, TextRow) and shown.text_offset > 0

    # --- searching

    def find(self, text: str, first_item: int = 0) -> Iterator[TextMatch]:
        """Finds a text, ignoring case; a match may be wrapped. Items are turns and dividers."""
        text = " ".join(text.split())
        if not text:
            return
        pattern = re.compile(re.escape(text), re.IGNORECASE)
        for part in range(bisect_right(self._first_items, first_item) - 1, len(self._first_items)):
            start = self._first_items[part]
            for match in self._find_in(part, pattern, max(first_item - start, 0)):
                yield replace(match, item=match.item + start)

    def _find_in(self, part: int, pattern: re.Pattern[str], first: int) -> Iterator[TextMatch]:
        if part == len(self._blocks) or self._blocks[part].extras or self._with_speakers:
            yield from self._part(part).find(pattern, first)
            return
        assert self._old is not None
        # without the words and their times, which are slow to read
        texts = self._old.texts_of(self._blocks[part].page)
        item = begin = 0
        for match in pattern.finditer(texts):
            while (end := texts.find("\n", begin)) != -1 and end < match.start():
                item, begin = item + 1, end + 1
            if item >= first:
                yield TextMatch(item, match.start() - begin, match.end() - begin)

    def text_range(self, row: int) -> TextMatch:
        """The part of an item's text that a row shows; an empty one for a divider."""
        part = bisect_right(self._first_rows, max(row, 0)) - 1
        shown = self._part(part).text_range(row - self._first_rows[part])
        return replace(shown, item=shown.item + self._first_items[part])

    def row_spans(self, match: TextMatch) -> MatchSpans:
        """The parts of rows that show a match."""
        part = bisect_right(self._first_items, match.item) - 1
        local = replace(match, item=match.item - self._first_items[part])
        return self._shifted(part, self._part(part).row_spans(local))

    # --- words

    def word_spans(self, at_ms: int) -> MatchSpans:
        """The place of the last word that starts at or before ``at_ms``, on the recording's clock;
        empty if there is none."""
        part = self._part_at(at_ms)
        return self._shifted(part, self._part(part).word_spans(at_ms))

    def _part_at(self, at_ms: int) -> int:
        """The last part with a word that starts at or before a time; 0 without one."""
        if self._tail.word_spans(at_ms):
            return len(self._blocks)
        for number in range(len(self._blocks) - 1, -1, -1):
            start_ms = self._blocks[number].page.start_ms
            if start_ms is not None and start_ms <= at_ms:
                return number
        return 0

    def word_start_ms(self, row: int, char: int = 0) -> int | None:
        """The start of the word at a character of a row, or of the next word; None without one."""
        part = bisect_right(self._first_rows, row) - 1
        found = self._part(part).word_start_ms(row - self._first_rows[part], char)
        while found is None and part < len(self._blocks):
            part += 1
            rows = self._part(part)
            found = rows.word_start_ms(0) if rows.rows else None
        return found

    def char_at(self, row: int, column: int) -> int:
        """The number of the character in cell ``column`` of a row's text, without the margin."""
        part = bisect_right(self._first_rows, row) - 1
        return self._part(part).char_at(row - self._first_rows[part], column)

    def neighbour_word_ms(self, at_ms: int, offset: int) -> int | None:
        """The start of the word after (1) or before (-1) the one at ``at_ms``; None without one."""
        part = self._part_at(at_ms)
        near = range(max(part - 1, 0), min(part + 2, len(self._blocks) + 1))
        starts = [start for number in near for start in self._part(number).word_starts_ms]
        here = bisect_right(starts, at_ms) - 1
        if offset < 0:  # words of one start count as one, or the cursor would not get past them
            here = bisect_left(starts, starts[max(here, 0)]) if starts else 0
        return starts[here + offset] if 0 <= here + offset < len(starts) else None
