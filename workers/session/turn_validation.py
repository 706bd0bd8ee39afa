"""Makes of each Turn that a server sends a turn that can be true, before it is published.

What a Turn says is kept wherever possible. What it claims about itself (its number, its word times,
that it is not over after all) is only believed if it can be true. ``docs/untrue-messages.md`` has
the rules with their reasons.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from workers.jobs.resume_point import ResumePoint
from workers.jobs.word_times import TIME_TOLERANCE_MS, time_fault
from workers.protocol.messages import Turn
from workers.protocol.turn_text import TextAgreement, characters, text_agreement

MAX_REMEMBERED_TURNS = 64
"""How many turns are remembered: no server returns to an older one."""

MAX_SKIPPED_NUMBERS = 100
"""A server may skip the numbers of turns that turned out to be empty, but not many."""


class TurnFault(Enum):
    """What cannot be true in a Turn, as a warning. Each is reported once a session."""

    TIMES = (
        "the server sent word times that cannot be true ({}). Such turns are kept, without times; "
        "if the session breaks, their audio is sent again"
    )
    NUMBER = (
        "the server numbered a turn {}, which cannot be true. Such turns are kept in the order in "
        "which they arrived"
    )
    WORDS = (
        "the words of a turn were not those of its transcript ({}). The transcript of such turns "
        "is kept; if the session breaks, their audio is sent again"
    )
    SHORT_TRANSCRIPT = "the transcript of a turn stopped before its words did ({}), so all are kept"
    SHRUNK = "the server sent a final turn again without some of its words ({}), which are kept"


FaultReport = Callable[[TurnFault, str], None]
"""Called with a fault and what the server said."""


@dataclass(slots=True)
class _KnownTurn:
    number: int
    latest: Turn


class TurnValidator:
    """Validates the turns of one attempt, and continues the numbers of earlier attempts."""

    def __init__(self, resume_point: ResumePoint, report: FaultReport) -> None:
        self._start = resume_point
        self._report = report
        self._recent: deque[_KnownTurn] = deque(maxlen=MAX_REMEMBERED_TURNS)
        """The latest turns, in the order of their first message."""
        self._turn_by_order: dict[int, _KnownTurn] = {}
        """The same by the server's own numbers."""
        self._offset = resume_point.turn
        """What is added to a number of the server."""
        self._next_number = resume_point.turn
        self._end_ms: int | None = None
        """Where the latest final turn ends, by times that can be true; None without such a turn."""

    def validate(self, received: Turn, sent_seconds: float) -> Turn | None:
        """The turn to publish, on the recording's clock; None if it says nothing new.

        ``sent_seconds``: the position in the recording up to which audio was sent.
        """
        turn = self._with_believable_words(self._on_recording_clock(received), 1000 * sent_seconds)
        known = self._find(turn)
        if known is None and not (turn.words or turn.transcript.strip()):
            return replace(turn, turn_order=self._next_number)  # it is not counted
        if known is None:
            known = self._add(turn)
        elif known.latest.end_of_turn and not self._is_news(turn, known.latest):
            return None
        known.latest = turn = self._without_reversal(turn, known)
        if turn.end_of_turn and turn.words:
            self._end_ms = turn.words[-1].end
        return replace(turn, turn_order=known.number)

    # --- words -----------------------------------------------------------------------------------

    def _on_recording_clock(self, turn: Turn) -> Turn:
        shift_ms = self._start.at_ms
        words = tuple(
            replace(word, start=word.start + shift_ms, end=word.end + shift_ms)
            for word in turn.words
        )
        return replace(turn, words=words)

    def _with_believable_words(self, turn: Turn, sent_ms: float) -> Turn:
        """Drops words that have impossible times, or that are not those of a final's transcript."""
        if turn.words and turn.end_of_turn:
            texts = [word.text for word in turn.words]
            match text_agreement(turn.transcript, texts):
                case TextAgreement.WORDS_GO_ON:
                    self._report(TurnFault.SHORT_TRANSCRIPT, f"“{turn.transcript[-40:]}”")
                    turn = replace(turn, transcript=" ".join(texts))
                case TextAgreement.DIFFERENT:
                    self._report(TurnFault.WORDS, f"“{turn.transcript[:40]}”")
                    return replace(turn, words=())
        if fault := time_fault(turn.words, self._start.at_ms, sent_ms):
            self._report(TurnFault.TIMES, fault)
            return replace(turn, words=())
        return turn

    def _without_reversal(self, turn: Turn, known: _KnownTurn) -> Turn:
        """Drops words that lie before the end of the previous final turn."""
        is_last = known is self._recent[-1]
        if not (is_last and turn.words and self._end_ms is not None):
            return turn
        if known.latest.end_of_turn and known.latest is not turn:  # it ended there itself
            return turn
        if turn.words[0].start >= self._end_ms - TIME_TOLERANCE_MS:
            return turn
        self._report(TurnFault.TIMES, "a word is before the end of the previous turn")
        return replace(turn, words=())

    # --- numbers ---------------------------------------------------------------------------------

    def _find(self, turn: Turn) -> _KnownTurn | None:
        """The turn of which this is an update; None if it is a new one."""
        for recent in reversed(self._recent):  # whatever its number is
            if _is_repetition(recent.latest, turn):
                return recent
        known = self._turn_by_order.get(turn.turn_order)
        if known is not None:
            is_newest = known is self._recent[-1]
            if not known.latest.end_of_turn or _is_update(known.latest, turn, is_newest=is_newest):
                return known
        if not self._recent:
            return None
        newest = self._recent[-1]
        if self._is_possible(turn):  # but it may have the words of an open turn
            same = not newest.latest.end_of_turn and _overlap(newest.latest, turn)
        else:
            same = _is_update(newest.latest, turn, is_newest=True)
        return newest if same else None

    def _is_possible(self, turn: Turn) -> bool:
        """Whether a new turn may have its number: it follows the others, or its times say too that
        it belongs between them."""
        order, number = turn.turn_order, turn.turn_order + self._offset
        if order in self._turn_by_order or number > self._next_number + MAX_SKIPPED_NUMBERS:
            return False
        if number >= self._next_number:
            return True
        taken = [known.number for known in self._recent]
        if not (taken and min(taken) < number and number not in taken):
            return False
        newest = self._recent[-1].latest
        return bool(turn.words and newest.words and turn.words[-1].end <= newest.words[0].start)

    def _add(self, turn: Turn) -> _KnownTurn:
        order, number = turn.turn_order, turn.turn_order + self._offset
        if not self._is_possible(turn):
            self._report(TurnFault.NUMBER, f"{order}"[:40])
            number = self._next_number
            self._offset = number - order
        if len(self._recent) == MAX_REMEMBERED_TURNS:
            oldest = self._recent[0]
            for key in [key for key, each in self._turn_by_order.items() if each is oldest]:
                del self._turn_by_order[key]
        known = _KnownTurn(number, turn)
        self._recent.append(known)
        self._turn_by_order[order] = known
        self._next_number = max(self._next_number, number + 1)
        return known

    def _is_news(self, turn: Turn, final: Turn) -> bool:
        """Whether an update of a final turn counts: a late partial does not, nor does a part."""
        if not turn.end_of_turn:
            return False
        if _is_part(turn.transcript, final.transcript):
            self._report(TurnFault.SHRUNK, f"“{turn.transcript[:40]}”")
            return False
        return True


def _is_update(known: Turn, turn: Turn, *, is_newest: bool) -> bool:
    """Whether a message is an update of a turn, by what it says and not by its number."""
    if not (known.words and turn.words):
        if not (known.end_of_turn and turn.end_of_turn):
            return True  # an open turn goes on, and a partial of a final turn is late
        is_formatted_twin = turn.turn_is_formatted and not known.turn_is_formatted
        return is_formatted_twin or _have_common_words(known, turn)
    if not _overlap(known, turn):
        return False
    if not (known.end_of_turn and turn.end_of_turn):
        return True
    return _have_common_words(known, turn) or (is_newest and _overlap(known, turn, mostly=True))


def _is_repetition(final: Turn, turn: Turn) -> bool:
    """Whether a message only has words of a final turn, at their times."""
    if not (final.end_of_turn and final.words and turn.words):
        return False
    if not final.words[0].start <= turn.words[0].start <= final.words[-1].start:
        return False
    known = {(word.text, word.start, word.end) for word in final.words}
    said = {(word.text, word.start, word.end) for word in turn.words}
    return said <= known


def _overlap(one: Turn, other: Turn, *, mostly: bool = False) -> bool:
    """Whether the middle of one turn lies in the other; ``mostly``: whether they share at least
    half of the longer one. Without times they do not overlap.

    Turns that follow each other may overlap a little, because servers pad their ends.
    """
    if not (one.words and other.words):
        return False
    a_start, a_end = one.words[0].start, one.words[-1].end
    b_start, b_end = other.words[0].start, other.words[-1].end
    if mostly:
        shared = min(a_end, b_end) - max(a_start, b_start)
        return 2 * shared >= max(a_end - a_start, b_end - b_start)
    a_middle, b_middle = (a_start + a_end) / 2, (b_start + b_end) / 2
    return a_start <= b_middle <= a_end or b_start <= a_middle <= b_end


def _have_common_words(one: Turn, other: Turn) -> bool:
    texts = ({*map(characters, turn.transcript.split())} - {""} for turn in (one, other))
    return not set.isdisjoint(*texts)


def _is_part(text: str, whole: str) -> bool:
    """Whether a text has only words of another one, in their order, but not all of them."""
    words, rest = [*map(characters, text.split())], iter([*map(characters, whole.split())])
    return len(words) < len(whole.split()) and all(word in rest for word in words)
