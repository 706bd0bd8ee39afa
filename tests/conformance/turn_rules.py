"""Rules on turns: their order, their ends, and what each Turn message says of its words."""

from collections.abc import Iterator, Sequence

from tests.conformance.rule_context import Case, Family, Role, truth
from tests.conformance.session_log import Kind, Violation
from workers.protocol.messages import ForceEndpoint, SpeechStarted, Termination, Turn, Word

SENTENCE = ".,!?;:…"
"""Punctuation that only formatting brings."""


def order(case: Case) -> Iterator[Violation]:
    """From 0, one by one, and never of an older turn but to repeat its final formatted."""
    expected, ended = 0, -1
    for reading in case.readings:
        turn = reading.message
        if turn.turn_order > expected:
            fault = f"turn {turn.turn_order}, and turn {expected} is not over"
            yield Violation(Kind.ORDER, reading.at, fault)
        elif reading.role is Role.STRAY and turn.end_of_turn and turn.turn_order == ended:
            yield Violation(Kind.SECOND_FINAL, reading.at, f"turn {ended} ends again")
        elif reading.role is Role.STRAY:
            yield Violation(Kind.ORDER, reading.at, f"turn {turn.turn_order} was over")
        expected = max(expected, turn.turn_order + turn.end_of_turn)
        ended = turn.turn_order if turn.end_of_turn else ended


def finals(case: Case) -> Iterator[Violation]:
    """Every turn that was spoken of has ended when the session ends as it should."""
    if not case.terminated:
        return
    last = next((each for each in reversed(case.readings) if each.role is not Role.TWIN), None)
    if last is not None and last.role is Role.PARTIAL:
        fault = f"turn {last.message.turn_order} never ended"
        yield Violation(Kind.NO_FINAL, last.at, fault)


def twins(case: Case) -> Iterator[Violation]:
    """Universal-Streaming with ``format_turns``: each final is formatted, at once or in a twin."""
    wanted = truth(case.parameters.get("format_turns")) and not case.changed("format_turns")
    if not (case.family is Family.UNIVERSAL_STREAMING and wanted and case.terminated):
        return
    formatted = {each.message.turn_order for each in case.readings if each.role is Role.TWIN}
    for reading in case.readings:
        turn = reading.message
        plain = reading.role is Role.FINAL and not turn.turn_is_formatted and turn.words
        if plain and turn.turn_order not in formatted:
            yield Violation(Kind.NO_TWIN, reading.at, f"turn {turn.turn_order}")


def formats(case: Case) -> Iterator[Violation]:
    """U3 formats every final; Universal-Streaming formats on request, and else says it plainly."""
    for reading in case.readings:
        turn = reading.message
        if case.family is Family.U3:
            if turn.end_of_turn and not turn.turn_is_formatted:
                yield Violation(Kind.FORMAT, reading.at, "a final that is not formatted")
        elif turn.turn_is_formatted:
            if not case.wanted("format_turns", reading.at):
                yield Violation(Kind.FORMAT, reading.at, "formatted, without format_turns")
        elif dressed := [word.text for word in turn.words if _dressed(word.text)]:
            yield Violation(Kind.FORMAT, reading.at, f"unformatted, but {dressed}")


def _dressed(text: str) -> bool:
    return text != text.lower() or text[:1] in SENTENCE or text[-1:] in SENTENCE


def finality(case: Case) -> Iterator[Violation]:
    """Finals hold final words only; partials none (U3), or all but perhaps the last."""
    for reading in case.readings:
        words, final = reading.message.words, reading.message.end_of_turn
        if final:
            wrong = [word.text for word in words if not word.word_is_final]
        elif case.family is Family.U3:
            wrong = [word.text for word in words if word.word_is_final]
        else:
            wrong = [word.text for word in words[:-1] if not word.word_is_final]
        if wrong:
            where = "final" if final else "partial"
            yield Violation(Kind.FINALITY, reading.at, f"in a {where}: {wrong}")


def transcripts(case: Case) -> Iterator[Violation]:
    """The words joined by spaces: all (U3), or the final ones."""
    for reading in case.readings:
        words: Sequence[Word] = reading.message.words
        if case.family is Family.UNIVERSAL_STREAMING:
            words = final_words(reading.message)
        joined = " ".join(word.text for word in words)
        if reading.message.transcript != joined:
            fault = f"{reading.message.transcript!r} of the words {joined!r}"
            yield Violation(Kind.TRANSCRIPT, reading.at, fault)


def final_words(turn: Turn) -> list[Word]:
    """Those that Universal-Streaming promised to keep."""
    return [word for word in turn.words if word.word_is_final]


def utterances(case: Case) -> Iterator[Violation]:
    """U3: the transcript on the final. Universal-Streaming: it comes in pieces, at pauses."""
    told = 0  # words of the turn that were in an utterance already
    for reading in case.readings:
        turn, role = reading.message, reading.role
        words, piece = turn.transcript.split(), turn.utterance.split()
        if case.family is Family.U3:
            due = turn.transcript if turn.end_of_turn else ""
            if turn.utterance != due:
                yield Violation(Kind.UTTERANCE, reading.at, f"{turn.utterance!r}, not {due!r}")
        elif role is Role.TWIN and piece:
            yield Violation(Kind.UTTERANCE, reading.at, f"a formatted twin says {turn.utterance!r}")
        elif role in (Role.PARTIAL, Role.FINAL):
            # How many, not which: the words of a piece may be revised, and that is told elsewhere.
            if piece and words[told : told + len(piece)] != piece:
                fault = f"{turn.utterance!r} is not in {turn.transcript!r} after {told} words"
                yield Violation(Kind.UTTERANCE, reading.at, fault)
            told += len(piece)
            if role is Role.FINAL:
                if told != len(words):
                    fault = f"{told} of {len(words)} words were uttered when the turn ended"
                    yield Violation(Kind.UTTERANCE, reading.at, fault)
                told = 0


def end_confidences(case: Case) -> Iterator[Violation]:
    """Between 0 and 1; U3 knows only these two, 1 for a final."""
    for reading in case.readings:
        turn = reading.message
        found = turn.end_of_turn_confidence
        if not 0 <= found <= 1 or (case.family is Family.U3 and found != turn.end_of_turn):
            yield Violation(Kind.END_CONFIDENCE, reading.at, f"{found:g}")


def revisions(case: Case) -> Iterator[Violation]:
    """Universal-Streaming: a final word stays, in its place, as it is, until the turn is over."""
    if case.family is not Family.UNIVERSAL_STREAMING:
        return
    kept: list[Word] = []
    for reading in case.readings:
        if reading.role not in (Role.PARTIAL, Role.FINAL):
            continue
        words = final_words(reading.message)
        for index, was in enumerate(kept):
            now = words[index] if index < len(words) else None
            if now is None or now.text != was.text:
                became = "nothing" if now is None else repr(now.text)
                yield Violation(Kind.REVISED, reading.at, f"{was.text!r} became {became}")
            elif (now.start, now.end) != (was.start, was.end):
                fault = f"{was.text!r}: {was.start}-{was.end} became {now.start}-{now.end} ms"
                yield Violation(Kind.RETIMED, reading.at, fault)
        kept = [] if reading.role is Role.FINAL else words


def speech_starts(case: Case) -> Iterator[Violation]:
    """U3 alone: at most once, before the first Turn of a turn, and a Turn follows."""
    started: int | None = None  # the place of one that no Turn has followed yet
    spoken = False  # of the open turn
    said_at = 0
    for said in case.said:
        match said.message:
            case SpeechStarted(timestamp=timestamp):
                if case.family is not Family.U3:
                    yield Violation(Kind.SPEECH_STARTED, said.at, "in Universal-Streaming")
                elif started is not None or spoken:
                    yield Violation(Kind.SPEECH_STARTED, said.at, "the turn had started already")
                if not said_at <= timestamp <= said.audio + case.slack:
                    fault = f"at {timestamp} ms, after one at {said_at} ms, {said.audio:g} ms sent"
                    yield Violation(Kind.SPEECH_STARTED, said.at, fault)
                started, said_at = said.at, max(said_at, timestamp)
            case Turn(end_of_turn=over):
                started, spoken = None, not over
            case Termination() if started is not None:
                yield Violation(Kind.SPEECH_STARTED, started, "no Turn followed")
            case _:
                pass


def straddles(case: Case) -> Iterator[Violation]:
    """What follows a forced endpoint belongs to the next turn."""
    for forced in case.asked:
        if not isinstance(forced.message, ForceEndpoint):
            continue
        for reading in case.readings:
            words = reading.message.words
            before = any(word.end <= forced.audio - case.slack for word in words)
            after = [word.text for word in words if word.start >= forced.audio + case.slack]
            if before and after:
                fault = f"{after} after the endpoint forced at {forced.audio:g} ms"
                yield Violation(Kind.STRADDLED, reading.at, fault)
