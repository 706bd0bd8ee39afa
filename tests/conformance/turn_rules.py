"""Rules for turns: their order, their finals, and the words of each Turn message."""

from collections.abc import Iterator, Sequence

from tests.conformance.rule_context import ModelFamily, RuleContext, TurnRole, parse_flag
from tests.conformance.session_log import Violation, ViolationKind
from workers.protocol.messages import ForceEndpoint, SpeechStarted, Termination, Turn, Word

SENTENCE_PUNCTUATION = ".,!?;:…"
"""Punctuation that only formatted text has."""


def check_turn_order(case: RuleContext) -> Iterator[Violation]:
    """Turns count from 0 without gaps; an older one is only repeated as a formatted final."""
    expected, ended = 0, -1
    for reading in case.turns:
        turn = reading.message
        if turn.turn_order > expected:
            fault = f"turn {turn.turn_order}, and turn {expected} is not over"
            yield Violation(ViolationKind.ORDER, reading.index, fault)
        elif reading.role is TurnRole.STRAY and turn.end_of_turn and turn.turn_order == ended:
            yield Violation(ViolationKind.SECOND_FINAL, reading.index, f"turn {ended} ends again")
        elif reading.role is TurnRole.STRAY:
            yield Violation(ViolationKind.ORDER, reading.index, f"turn {turn.turn_order} was over")
        expected = max(expected, turn.turn_order + turn.end_of_turn)
        ended = turn.turn_order if turn.end_of_turn else ended


def check_finals(case: RuleContext) -> Iterator[Violation]:
    """Every turn has a final when the session ends with Termination."""
    if not case.terminated:
        return
    last = next((each for each in reversed(case.turns) if each.role is not TurnRole.TWIN), None)
    if last is not None and last.role is TurnRole.PARTIAL:
        fault = f"turn {last.message.turn_order} never ended"
        yield Violation(ViolationKind.NO_FINAL, last.index, fault)


def check_formatted_finals(case: RuleContext) -> Iterator[Violation]:
    """Universal-Streaming with ``format_turns``: each final is formatted, at once or in a twin."""
    wanted = parse_flag(case.parameters.get("format_turns")) and not case.was_configured(
        "format_turns"
    )
    if not (case.family is ModelFamily.UNIVERSAL_STREAMING and wanted and case.terminated):
        return
    formatted = {each.message.turn_order for each in case.turns if each.role is TurnRole.TWIN}
    for reading in case.turns:
        turn = reading.message
        plain = reading.role is TurnRole.FINAL and not turn.turn_is_formatted and turn.words
        if plain and turn.turn_order not in formatted:
            yield Violation(
                ViolationKind.NO_FORMATTED_FINAL, reading.index, f"turn {turn.turn_order}"
            )


def check_formatting(case: RuleContext) -> Iterator[Violation]:
    """U3 formats every final; Universal-Streaming only on request."""
    for reading in case.turns:
        turn = reading.message
        if case.family is ModelFamily.U3:
            if turn.end_of_turn and not turn.turn_is_formatted:
                yield Violation(
                    ViolationKind.FORMAT, reading.index, "a final that is not formatted"
                )
        elif turn.turn_is_formatted:
            if not case.was_enabled("format_turns", reading.index):
                yield Violation(
                    ViolationKind.FORMAT, reading.index, "formatted, without format_turns"
                )
        elif dressed := [word.text for word in turn.words if _is_formatted(word.text)]:
            yield Violation(ViolationKind.FORMAT, reading.index, f"unformatted, but {dressed}")


def _is_formatted(text: str) -> bool:
    return (
        text != text.lower()
        or text[:1] in SENTENCE_PUNCTUATION
        or text[-1:] in SENTENCE_PUNCTUATION
    )


def check_word_finality(case: RuleContext) -> Iterator[Violation]:
    """A final has only final words; a partial has none (U3), or all but perhaps the last."""
    for reading in case.turns:
        words, final = reading.message.words, reading.message.end_of_turn
        if final:
            wrong = [word.text for word in words if not word.word_is_final]
        elif case.family is ModelFamily.U3:
            wrong = [word.text for word in words if word.word_is_final]
        else:
            wrong = [word.text for word in words[:-1] if not word.word_is_final]
        if wrong:
            where = "final" if final else "partial"
            yield Violation(ViolationKind.FINALITY, reading.index, f"in a {where}: {wrong}")


def check_transcripts(case: RuleContext) -> Iterator[Violation]:
    """The transcript is the words joined by spaces: all of them (U3), or the final ones."""
    for reading in case.turns:
        words: Sequence[Word] = reading.message.words
        if case.family is ModelFamily.UNIVERSAL_STREAMING:
            words = final_words(reading.message)
        joined = " ".join(word.text for word in words)
        if reading.message.transcript != joined:
            fault = f"{reading.message.transcript!r} of the words {joined!r}"
            yield Violation(ViolationKind.TRANSCRIPT, reading.index, fault)


def final_words(turn: Turn) -> list[Word]:
    """The words that Universal-Streaming will not revise."""
    return [word for word in turn.words if word.word_is_final]


def check_utterances(case: RuleContext) -> Iterator[Violation]:
    """U3: the transcript on the final. Universal-Streaming: it comes in pieces, at pauses."""
    count = 0  # words of the turn that were in an utterance already
    for reading in case.turns:
        turn, role = reading.message, reading.role
        words, piece = turn.transcript.split(), turn.utterance.split()
        if case.family is ModelFamily.U3:
            due = turn.transcript if turn.end_of_turn else ""
            if turn.utterance != due:
                yield Violation(
                    ViolationKind.UTTERANCE, reading.index, f"{turn.utterance!r}, not {due!r}"
                )
        elif role is TurnRole.TWIN and piece:
            yield Violation(
                ViolationKind.UTTERANCE, reading.index, f"a formatted twin says {turn.utterance!r}"
            )
        elif role in (TurnRole.PARTIAL, TurnRole.FINAL):
            # How many, not which: the words of a piece may be revised, and that is told elsewhere.
            if piece and words[count : count + len(piece)] != piece:
                fault = f"{turn.utterance!r} is not in {turn.transcript!r} after {count} words"
                yield Violation(ViolationKind.UTTERANCE, reading.index, fault)
            count += len(piece)
            if role is TurnRole.FINAL:
                if count != len(words):
                    fault = f"{count} of {len(words)} words were uttered when the turn ended"
                    yield Violation(ViolationKind.UTTERANCE, reading.index, fault)
                count = 0


def check_end_confidences(case: RuleContext) -> Iterator[Violation]:
    """The confidence is between 0 and 1; U3 has only 0, and 1 for a final."""
    for reading in case.turns:
        turn = reading.message
        found = turn.end_of_turn_confidence
        if not 0 <= found <= 1 or (case.family is ModelFamily.U3 and found != turn.end_of_turn):
            yield Violation(ViolationKind.END_CONFIDENCE, reading.index, f"{found:g}")


def check_revisions(case: RuleContext) -> Iterator[Violation]:
    """Universal-Streaming: a final word keeps its place, text and times until the turn ends."""
    if case.family is not ModelFamily.UNIVERSAL_STREAMING:
        return
    kept: list[Word] = []
    for reading in case.turns:
        if reading.role not in (TurnRole.PARTIAL, TurnRole.FINAL):
            continue
        words = final_words(reading.message)
        for index, was in enumerate(kept):
            now = words[index] if index < len(words) else None
            if now is None or now.text != was.text:
                became = "nothing" if now is None else repr(now.text)
                yield Violation(
                    ViolationKind.REVISED, reading.index, f"{was.text!r} became {became}"
                )
            elif (now.start, now.end) != (was.start, was.end):
                fault = f"{was.text!r}: {was.start}-{was.end} became {now.start}-{now.end} ms"
                yield Violation(ViolationKind.RETIMED, reading.index, fault)
        kept = [] if reading.role is TurnRole.FINAL else words


def check_speech_started(case: RuleContext) -> Iterator[Violation]:
    """U3 only: at most once a turn, before its first Turn message, which must follow."""
    started: int | None = None  # the place of one that no Turn has followed yet
    spoken = False  # of the open turn
    said_at = 0
    for said in case.server_messages:
        match said.message:
            case SpeechStarted(timestamp=timestamp):
                if case.family is not ModelFamily.U3:
                    yield Violation(
                        ViolationKind.SPEECH_STARTED, said.index, "in Universal-Streaming"
                    )
                elif started is not None or spoken:
                    yield Violation(
                        ViolationKind.SPEECH_STARTED, said.index, "the turn had started already"
                    )
                if not said_at <= timestamp <= said.audio_sent_ms + case.slack:
                    sent = f"{said.audio_sent_ms:g} ms sent"
                    fault = f"at {timestamp} ms, after one at {said_at} ms, {sent}"
                    yield Violation(ViolationKind.SPEECH_STARTED, said.index, fault)
                started, said_at = said.index, max(said_at, timestamp)
            case Turn(end_of_turn=over):
                started, spoken = None, not over
            case Termination() if started is not None:
                yield Violation(ViolationKind.SPEECH_STARTED, started, "no Turn followed")
            case _:
                pass


def check_forced_endpoints(case: RuleContext) -> Iterator[Violation]:
    """Words after a forced endpoint belong to the next turn."""
    for forced in case.client_messages:
        if not isinstance(forced.message, ForceEndpoint):
            continue
        for reading in case.turns:
            words = reading.message.words
            before = any(word.end <= forced.audio_sent_ms - case.slack for word in words)
            after = [word.text for word in words if word.start >= forced.audio_sent_ms + case.slack]
            if before and after:
                fault = f"{after} after the endpoint forced at {forced.audio_sent_ms:g} ms"
                yield Violation(ViolationKind.SPANS_FORCED_ENDPOINT, reading.index, fault)
