"""A script from its file, which is TOML. What does not fit is refused, with its place."""

import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from workers.errors import UsageProblem
from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.scripts.faults import (
    FAULT_KEYS,
    FAULT_RULES,
    Fault,
    FaultKind,
    FaultPoint,
    FaultRule,
)
from workers.localserver.scripts.script import (
    ReportDelays,
    Script,
    ScriptedTurn,
    SessionScript,
    words_by_length,
)
from workers.localserver.scripts.tables import ScriptTable, is_integer

MAX_REASON_BYTES = 123
"""Bytes: a close frame has room for no more."""

RecognisedWords: TypeAlias = tuple[RecognisedWord, ...]

_DELAY_KEYS = ("partial_after", "final_after")
_SESSION_KEYS = (*_DELAY_KEYS, "begin_after", "termination_after", "turn", "fault")
_TURN_KEYS = (*_DELAY_KEYS, "words", "text", "start", "end")


def load_script(path: Path) -> Script:
    """The script in a file; raises `UsageProblem` for the first thing that does not fit."""
    try:
        return parse_script(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageProblem(f"the script {path} cannot be read", "Check its path.") from error


def parse_script(data: bytes, name: str) -> Script:
    """The script that a file's content is; ``name`` begins every complaint."""
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:  # of either kind: no UTF-8, no TOML
        raise UsageProblem(f"{name} is not TOML: {error}") from error
    scenes = ScriptTable(values, name, ("session",)).tables("session", _SESSION_KEYS)
    if not scenes:
        raise UsageProblem(f"{name}: it holds no session", "Begin one with [[session]].")
    return Script(tuple(map(_parse_session, scenes)))


# --- what is said


def _parse_session(table: ScriptTable) -> SessionScript:
    pace = _parse_delays(table, ReportDelays())
    turns = [(each, _parse_turn(each, pace)) for each in table.tables("turn", _TURN_KEYS)]
    for (_, before), (here, after) in pairwise(turns):
        if after.words[0].start_ms < before.words[-1].end_ms:
            here.fail(
                f"it starts at {after.words[0].start_ms} ms, before the end of the turn before it "
                f"({before.words[-1].end_ms} ms)"
            )
    return SessionScript(
        turns=tuple(turn for _, turn in turns),
        faults=tuple(_parse_fault(each) for each in table.tables("fault", FAULT_KEYS)),
        begin_after=table.seconds("begin_after", 0.0),
        termination_after=table.seconds("termination_after", 0.0),
    )


def _parse_delays(table: ScriptTable, default: ReportDelays) -> ReportDelays:
    return ReportDelays(
        table.seconds("partial_after", default.partial_after),
        table.seconds("final_after", default.final_after),
    )


def _parse_turn(table: ScriptTable, default_delays: ReportDelays) -> ScriptedTurn:
    if ("words" in table.values) == ("text" in table.values):
        table.fail("it needs either “words” or “text”", "“text” goes with “start” and “end”.")
    words = _parse_words(table) if "words" in table.values else _parse_text(table)
    return ScriptedTurn(words, _parse_delays(table, default_delays))


def _parse_words(table: ScriptTable) -> RecognisedWords:
    for key in ("start", "end"):
        if key in table.values:
            table.fail(f"“{key}” does not go with “words”", "Each word has its own times.")
    given = table.values["words"]
    if not isinstance(given, list) or not given:
        table.fail("“words” is not a list of words", _WORD_HINT)
    words = [_parse_word(table, each, f"word {number}") for number, each in enumerate(given, 1)]
    for before, after in pairwise(words):
        if after.start_ms < before.end_ms:
            table.fail(
                f"“{after.text}” starts at {after.start_ms} ms, before the end of “{before.text}” "
                f"({before.end_ms} ms)"
            )
    return tuple(words)


_WORD_HINT = 'A word is ["text", start, end], its times in ms of the stream.'


def _parse_word(table: ScriptTable, given: object, what: str) -> RecognisedWord:
    match given:
        case [str(text), start, end] if text and text.split() == [text]:
            word = RecognisedWord(
                text,
                table.as_milliseconds(start, f"the start of {what}"),
                table.as_milliseconds(end, f"the end of {what}"),
                confidence=1.0,
            )
        case _:
            table.fail(f"{what} is not one word with its times", _WORD_HINT)
    if word.start_ms >= word.end_ms:
        table.fail(f"“{word.text}” does not end after its start ({word.start_ms} ms)")
    return word


def _parse_text(table: ScriptTable) -> RecognisedWords:
    text = table.text("text")
    start, end = table.milliseconds("start"), table.milliseconds("end")
    if start >= end:
        table.fail(f"it does not end after its start ({start} ms)")
    words = words_by_length(text, start, end)
    if any(word.start_ms == word.end_ms for word in words):
        table.fail(f"{end - start} ms are too short for {len(words)} words")
    return words


# --- what goes wrong


def _parse_fault(table: ScriptTable) -> Fault:
    what = FaultKind(table.one_of("what", [each.value for each in FaultKind]))
    terms = FAULT_RULES[what]
    table = ScriptTable(table.values, f"{table.location} ({what.value})", terms.allowed_keys)
    return Fault(
        what,
        after=terms.point or _parse_point(table),
        code=_parse_code(table, terms),
        text=_parse_fault_text(table, terms),
        seconds=table.seconds("seconds", 0.0) if "seconds" in table.values else None,
    )


def _parse_point(table: ScriptTable) -> FaultPoint | float:
    given = table.values.get("after")
    if isinstance(given, str):
        return FaultPoint(table.one_of("after", [each.value for each in FaultPoint]))
    if given is None or table.seconds("after", 0.0) == 0:
        table.fail("“after” must say when", "In seconds of received audio, or the moment.")
    return table.seconds("after", 0.0)


def _parse_code(table: ScriptTable, rule: FaultRule) -> int:
    value = table.values.get("code", rule.code or 0)
    if not is_integer(value):
        table.fail("“code” is not a whole number")
    if rule.code is not None and not any(value in each for each in rule.codes):
        table.fail(f"{value} cannot be its code", f"It may be {_code_list(rule.codes)}.")
    return value


def _parse_fault_text(table: ScriptTable, rule: FaultRule) -> str:
    text = table.text("text") if "text" in table.values else rule.text or ""
    if rule.is_close_reason and len(text.encode()) > MAX_REASON_BYTES:
        table.fail(f"a close's reason has room for {MAX_REASON_BYTES} bytes", "Shorten “text”.")
    return text


def _code_list(codes: Sequence[range]) -> str:
    return ", ".join(f"{each[0]} to {each[-1]}" if each[1:] else f"{each[0]}" for each in codes)
