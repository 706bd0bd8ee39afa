"""Reads a script from TOML; error messages mention the table that is wrong.

The format is documented in ``docs/scripts.md``.
"""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, TypeGuard

from workers.errors import UsageProblem
from workers.localserver.recogniser_protocol import RecognisedWord, RecognisedWords
from workers.localserver.scripts.script import (
    FAULT_KEYS,
    FAULT_RULES,
    Fault,
    FaultKind,
    FaultPoint,
    PartialWord,
    ReportDelays,
    Script,
    ScriptedTurn,
    SessionScript,
    words_by_length,
)
from workers.protocol.messages import MAX_SESSION_S

MAX_REASON_BYTES = 123
"""Maximum size of the reason in a close frame."""

_DELAY_KEYS = ("partial_after", "final_after")
_SESSION_KEYS = (*_DELAY_KEYS, "begin_after", "termination_after", "turn", "fault")
_TURN_KEYS = (*_DELAY_KEYS, "words", "text", "start", "end")


class ScriptTable:
    """A table of the file with its location; raises an error for unknown keys."""

    def __init__(
        self, values: Mapping[str, object], location: str, known_keys: Sequence[str]
    ) -> None:
        self.values = values
        self.location = location
        for key in values:
            if key not in known_keys:
                self.fail(f"unknown key “{key}”", _suggestion(key, known_keys))

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        raise UsageProblem(f"{self.location}: {problem}", hint)

    def tables(self, key: str, known_keys: Sequence[str]) -> list["ScriptTable"]:
        tables = self.values.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.fail(f"“{key}” is not a list of tables", "Write it in double brackets.")
        return [
            ScriptTable(table, f"{self.location}, {key} {number}", known_keys)
            for number, table in enumerate(tables, 1)
        ]

    def seconds(self, key: str, default: float) -> float:
        value = self.values.get(key, default)
        if not _is_number(value) or not 0 <= value <= MAX_SESSION_S:
            self.fail(f"“{key}” is not a number of seconds from 0 to {MAX_SESSION_S}")
        return value

    def milliseconds(self, key: str) -> int:
        if key not in self.values:
            self.fail(f"“{key}” is missing", "Set it in ms of the stream.")
        return self.as_milliseconds(self.values[key], f"“{key}”")

    def as_milliseconds(self, value: object, label: str) -> int:
        if not _is_integer(value) or not 0 <= value <= MAX_SESSION_S * 1000:
            self.fail(f"{label} is not a whole number of ms from 0 to {MAX_SESSION_S * 1000}")
        return value

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(f"“{key}” is not text")
        return value

    def one_of(self, key: str, names: Sequence[str]) -> str:
        name = self.text(key)
        if name not in names:
            self.fail(f"“{name}” is not a valid “{key}”", _suggestion(name, names))
        return name


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _suggestion(name: str, known: Sequence[str]) -> str:
    if matches := get_close_matches(name, known, 1):
        return f"Did you mean “{matches[0]}”?"
    return "Valid: " + ", ".join(f"“{key}”" for key in known) + "."


def load_script(path: Path) -> Script:
    """Reads a script file; raises `UsageProblem` for the first error in it."""
    try:
        return parse_script(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageProblem(f"the script {path} cannot be read", "Check its path.") from error


def parse_script(data: bytes, name: str) -> Script:
    """Parses the content of a script file; error messages start with ``name``."""
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:  # invalid UTF-8 or invalid TOML
        raise UsageProblem(f"{name} is not TOML: {error}") from error
    sessions = ScriptTable(values, name, ("session",)).tables("session", _SESSION_KEYS)
    if not sessions:
        raise UsageProblem(f"{name}: it has no session", "Start one with [[session]].")
    return Script(tuple(map(_parse_session, sessions)))


def _parse_session(table: ScriptTable) -> SessionScript:
    delays = _parse_delays(table, ReportDelays())
    tables = table.tables("turn", _TURN_KEYS)
    turns = [_parse_turn(turn, delays) for turn in tables]
    for (before, after), turn_table in zip(pairwise(turns), tables[1:], strict=True):
        if after.words[0].start_ms < before.words[-1].end_ms:
            turn_table.fail(
                f"it starts at {after.words[0].start_ms} ms, before the end of the previous turn "
                f"({before.words[-1].end_ms} ms)"
            )
    return SessionScript(
        turns=tuple(turns),
        faults=tuple(map(_parse_fault, table.tables("fault", FAULT_KEYS))),
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
        table.fail("it needs either “words” or “text”", "“text” needs “start” and “end”.")
    delays = _parse_delays(table, default_delays)
    if "words" in table.values:
        words, partial_words = _parse_words(table)
        return ScriptedTurn(words, delays, partial_words if any(partial_words) else ())
    text = table.text("text")
    start, end = table.milliseconds("start"), table.milliseconds("end")
    if start >= end:
        table.fail(f"it does not end after its start ({start} ms)")
    words = words_by_length(text, start, end)
    if any(word.start_ms == word.end_ms for word in words):
        table.fail(f"{end - start} ms is too short for {len(words)} words")
    return ScriptedTurn(words, delays)


def _parse_words(
    table: ScriptTable,
) -> tuple[RecognisedWords, tuple[PartialWord | None, ...]]:
    for key in ("start", "end"):
        if key in table.values:
            table.fail(f"“{key}” cannot be used with “words”", "Each word has its own times.")
    items = table.values["words"]
    if not isinstance(items, list) or not items:
        table.fail("“words” is not a list of words", _WORD_HINT)
    labelled = [(item, f"word {number}") for number, item in enumerate(items, 1)]
    partial_words = tuple(_parse_partial_word(table, *pair) for pair in labelled)
    words = [_parse_word(table, *pair) for pair in labelled]
    for before, after in pairwise(words):
        if after.start_ms < before.end_ms:
            table.fail(
                f"“{after.text}” starts at {after.start_ms} ms, before the end of “{before.text}” "
                f"({before.end_ms} ms)"
            )
    return tuple(words), partial_words


_WORD_HINT = 'A word is ["text", start, end], with times in ms of the stream.'
_PARTIAL_KEYS = ("first_text", "corrected_after", "shown_before")


def _parse_partial_word(table: ScriptTable, item: object, label: str) -> PartialWord | None:
    """The table after the times of a word; None without one."""
    if not isinstance(item, list) or len(item) != 4 or not isinstance(item[3], dict):
        return None
    values = ScriptTable(item[3], f"{table.location}, {label}", _PARTIAL_KEYS)
    first_text = values.text("first_text") if "first_text" in values.values else ""
    if first_text and first_text.split() != [first_text]:
        values.fail("“first_text” is not one word")
    if bool(first_text) != ("corrected_after" in values.values):
        values.fail("“first_text” and “corrected_after” need each other")
    return PartialWord(
        first_text, values.seconds("corrected_after", 0.0), values.seconds("shown_before", 0.0)
    )


def _parse_word(table: ScriptTable, item: object, label: str) -> RecognisedWord:
    match item:
        case [str(text), start, end] | [str(text), start, end, dict()] if text.split() == [text]:
            word = RecognisedWord(
                text,
                table.as_milliseconds(start, f"the start of {label}"),
                table.as_milliseconds(end, f"the end of {label}"),
                confidence=1.0,
            )
        case _:
            table.fail(f"{label} is not one word with its times", _WORD_HINT)
    if word.start_ms >= word.end_ms:
        table.fail(f"“{word.text}” does not end after its start ({word.start_ms} ms)")
    return word


def _parse_fault(table: ScriptTable) -> Fault:
    kind = FaultKind(table.one_of("what", [kind.value for kind in FaultKind]))
    rule = FAULT_RULES[kind]
    values = table.values
    table = ScriptTable(values, f"{table.location} ({kind.value})", rule.allowed_keys)
    code = values.get("code", rule.code or 0)
    if not _is_integer(code):
        table.fail("“code” is not a whole number")
    if rule.code is not None and not any(code in codes for codes in rule.codes):
        valid = ", ".join(f"{r[0]} to {r[-1]}" if r[1:] else f"{r[0]}" for r in rule.codes)
        table.fail(f"{code} is not a valid code here", f"Valid: {valid}.")
    text = table.text("text") if "text" in values else rule.text or ""
    if rule.is_close_reason and len(text.encode()) > MAX_REASON_BYTES:
        table.fail(f"a close reason has at most {MAX_REASON_BYTES} bytes", "Shorten “text”.")
    seconds = table.seconds("seconds", 0.0) if "seconds" in values else None
    after: FaultPoint | float
    if rule.point is not None:
        after = rule.point
    elif isinstance(values.get("after"), str):
        after = FaultPoint(table.one_of("after", [point.value for point in FaultPoint]))
    elif (after := table.seconds("after", 0.0)) == 0:
        table.fail("“after” is missing or 0", "Set seconds of received audio, or a moment.")
    return Fault(kind, after, code, text, seconds)
