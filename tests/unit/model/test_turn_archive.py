"""A transcript whose old turns are on disk looks like one that is in memory."""

import random
from pathlib import Path

import pytest

from tui.model.transcript_search import TranscriptSearch
from tui.model.turn_archive import PAGE_TURNS, TurnArchive, turn_text
from tui.render.transcript_layout import TranscriptLayout
from workers import files
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.job import JobId
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn, Word

KEPT_TURNS = 10
VOCABULARY = ("one", "two", "boat", "three", "sea", "sailing")


def spoken(order: int, chance: random.Random, *, final: bool = True) -> Turn:
    """A turn of some words, which may need two rows."""
    texts = chance.choices(VOCABULARY, k=chance.randint(1, 6))
    start = order * 1000
    words = tuple(
        Word(text, start + 100 * at, start + 100 * at + 80) for at, text in enumerate(texts)
    )
    return Turn(order, final, " ".join(texts), words=words)


class Pair:
    """The same transcript twice: in memory, and with old turns on disk."""

    def __init__(self, folder: Path) -> None:
        self.whole, self.tail = Transcript(), Transcript()
        self.archive = TurnArchive(JobId(1), folder)
        self.spans: list[AttemptSpan] = []
        self.expected, self.layout = TranscriptLayout(16), TranscriptLayout(16)

    def hear(self, turn: Turn) -> None:
        self.whole.apply(turn)
        self.tail.apply(turn)
        self.archive.add(self.tail.evict(KEPT_TURNS))

    def continue_from(self, point: ResumePoint) -> None:
        for transcript in (self.whole, self.tail):
            transcript.rewind_to(point)
        self.archive.rewind_to(point)
        self.spans = [span for span in self.spans if span.start.turn < point.turn]
        self.spans.append(AttemptSpan(len(self.spans) + 2, point))

    def compare(self) -> None:
        """Every row, and whatever is found in them."""
        self.expected = TranscriptLayout(16)
        self.expected.update(self.whole.turns, self.spans)
        before = list(self.layout)
        first = self.layout.update(self.tail.turns, self.spans, self.archive)
        assert list(self.layout) == list(self.expected)
        assert before[:first] == list(self.layout)[:first]
        matches = list(self.expected.find("boat sea"))
        assert list(self.layout.find("boat sea")) == matches
        assert list(self.layout.find("two", 70)) == list(self.expected.find("two", 70))
        for match in matches:
            assert self.layout.row_spans(match) == self.expected.row_spans(match)
        for row in range(0, len(self.expected), 7):
            assert self.layout.word_start_ms(row, 3) == self.expected.word_start_ms(row, 3)
            assert self.layout.char_at(row, 5) == self.expected.char_at(row, 5)
        for at_ms in range(0, 300_000, 7_300):
            assert self.layout.word_spans(at_ms) == self.expected.word_spans(at_ms)
            for offset in (-1, 1):
                neighbour = self.expected.neighbour_word_ms(at_ms, offset)
                assert self.layout.neighbour_word_ms(at_ms, offset) == neighbour


@pytest.mark.parametrize("seed", range(3))
def test_pages_on_disk_show_the_same_rows_matches_and_words(tmp_path: Path, seed: int) -> None:
    """Whatever happens to the turns: updates of old ones, turns that stay open, new attempts."""
    chance, both, order = random.Random(seed), Pair(tmp_path), 0
    for _ in range(260):
        both.hear(spoken(order, chance, final=chance.random() > 0.02))
        if chance.random() < 0.05:
            both.hear(spoken(chance.randint(0, order), chance))  # formatted later
        if chance.random() < 0.01:
            order = chance.randint(0, order)
            kept = chance.choice([None, 1])
            both.continue_from(ResumePoint(order * 1000, order, kept))
        else:
            order += 1
        if chance.random() < 0.05:
            both.compare()
    both.compare()
    assert both.archive.pages or order < 2 * PAGE_TURNS


def test_a_search_counts_matches_in_pages_and_shows_the_current_one(tmp_path: Path) -> None:
    """It starts at the first match in view, and goes on while the transcript grows."""
    both = Pair(tmp_path)
    for order in range(200):
        both.hear(Turn(order, True, "a boat" if order % 10 == 0 else "the sea"))
    both.compare()
    search = TranscriptSearch()
    search.start("boat", both.layout, 95)
    assert ("11/20", 100) == (search.count_text, search.current_row)
    search.step(-10)
    assert ("1/20", 0) == (search.count_text, search.current_row)
    assert [True] == [mark.is_current for mark in search.highlights(0)]
    both.hear(Turn(200, True, "boats"))
    search.refresh(both.layout, both.layout.update(both.tail.turns, both.spans, both.archive))
    assert "1/21" == search.count_text


def test_few_turns_of_a_long_transcript_are_in_memory(tmp_path: Path) -> None:
    """The rest is in a file without a name, which goes with the archive."""
    both, chance = Pair(tmp_path), random.Random(0)
    for order in range(1000):
        both.hear(spoken(order, chance))
    assert both.tail.turns_in_memory + len(both.archive.pending) < PAGE_TURNS + 2 * KEPT_TURNS
    assert len(both.archive.pages) > 10
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_costs_memory_not_turns(tmp_path: Path) -> None:
    """As a run folder on a full disk, or one that was removed."""
    both, chance = Pair(tmp_path / "gone"), random.Random(0)
    for order in range(200):
        both.hear(spoken(order, chance))
    both.compare()


def test_the_text_of_a_turn_is_that_of_its_rows() -> None:
    """A search finds it there, without wrapping."""
    turn = Turn(0, True, " two  words\n and\x1b[1m more ")
    layout = TranscriptLayout(8)
    layout.update([turn])

    assert turn_text(turn) == " ".join(row.settled for row in layout)


def test_a_scratch_file_gives_back_what_was_added(tmp_path: Path) -> None:
    """Also the parts that could not be written."""
    for folder in (tmp_path, tmp_path / "gone"):
        file = files.ScratchFile(folder)
        offsets = [file.append(data) for data in (b"one", b"two words")]
        assert b"one" == file.read(offsets[0], 3)
        assert b"words" == file.read(offsets[1] + 4, 5)
