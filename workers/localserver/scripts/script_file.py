"""A script from its file, which is TOML. What does not fit is refused, with its place."""

import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from workers.errors import UsageProblem
from workers.localserver.recogniser_protocol import HeardWord
from workers.localserver.scripts.faults import FAULT_KEYS, TERMS, Fault, Moment, Terms, What
from workers.localserver.scripts.script import Pace, Scene, Script, Spoken, spread
from workers.localserver.scripts.tables import Table, is_whole

LONGEST_REASON = 123
"""Bytes: a close frame has room for no more."""

Words: TypeAlias = tuple[HeardWord, ...]

_PACE = ("partial_after", "final_after")
_SCENE = (*_PACE, "begin_after", "termination_after", "turn", "fault")
_TURN = (*_PACE, "words", "text", "start", "end")


def read(path: Path) -> Script:
    """The script in a file; raises `UsageProblem` for the first thing that does not fit."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageProblem(f"the script {path} cannot be read", "Check its path.") from error


def parse(data: bytes, name: str) -> Script:
    """The script that a file's content is; ``name`` begins every complaint."""
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:  # of either kind: no UTF-8, no TOML
        raise UsageProblem(f"{name} is not TOML: {error}") from error
    scenes = Table(values, name, ("session",)).tables("session", _SCENE)
    if not scenes:
        raise UsageProblem(f"{name}: it holds no session", "Begin one with [[session]].")
    return Script(tuple(map(_scene, scenes)))


# --- what is said


def _scene(table: Table) -> Scene:
    pace = _pace(table, Pace())
    turns = [(each, _turn(each, pace)) for each in table.tables("turn", _TURN)]
    for (_, before), (here, after) in pairwise(turns):
        if after.words[0].start < before.words[-1].end:
            here.refuse(
                f"it starts at {after.words[0].start} ms, before the end of the turn before it "
                f"({before.words[-1].end} ms)"
            )
    return Scene(
        turns=tuple(turn for _, turn in turns),
        faults=tuple(_fault(each) for each in table.tables("fault", FAULT_KEYS)),
        begin_after=table.seconds("begin_after", 0.0),
        termination_after=table.seconds("termination_after", 0.0),
    )


def _pace(table: Table, usual: Pace) -> Pace:
    return Pace(
        table.seconds("partial_after", usual.partial_after),
        table.seconds("final_after", usual.final_after),
    )


def _turn(table: Table, usual: Pace) -> Spoken:
    if ("words" in table.values) == ("text" in table.values):
        table.refuse("it needs either “words” or “text”", "“text” goes with “start” and “end”.")
    words = _given(table) if "words" in table.values else _spread(table)
    return Spoken(words, _pace(table, usual))


def _given(table: Table) -> Words:
    for key in ("start", "end"):
        if key in table.values:
            table.refuse(f"“{key}” does not go with “words”", "Each word has its own times.")
    given = table.values["words"]
    if not isinstance(given, list) or not given:
        table.refuse("“words” is not a list of words", _AS_WORD)
    words = [_word(table, each, f"word {number}") for number, each in enumerate(given, 1)]
    for before, after in pairwise(words):
        if after.start < before.end:
            table.refuse(
                f"“{after.text}” starts at {after.start} ms, before the end of “{before.text}” "
                f"({before.end} ms)"
            )
    return tuple(words)


_AS_WORD = 'A word is ["text", start, end], its times in ms of the stream.'


def _word(table: Table, given: object, what: str) -> HeardWord:
    match given:
        case [str(text), start, end] if text and text.split() == [text]:
            word = HeardWord(
                text,
                table.as_milliseconds(start, f"the start of {what}"),
                table.as_milliseconds(end, f"the end of {what}"),
                confidence=1.0,
            )
        case _:
            table.refuse(f"{what} is not one word with its times", _AS_WORD)
    if word.start >= word.end:
        table.refuse(f"“{word.text}” does not end after its start ({word.start} ms)")
    return word


def _spread(table: Table) -> Words:
    text = table.text("text")
    start, end = table.milliseconds("start"), table.milliseconds("end")
    if start >= end:
        table.refuse(f"it does not end after its start ({start} ms)")
    words = spread(text, start, end)
    if any(word.start == word.end for word in words):
        table.refuse(f"{end - start} ms are too short for {len(words)} words")
    return words


# --- what goes wrong


def _fault(table: Table) -> Fault:
    what = What(table.one_of("what", [each.value for each in What]))
    terms = TERMS[what]
    table = Table(table.values, f"{table.place} ({what.value})", terms.keys)
    return Fault(
        what,
        after=terms.moment or _moment(table),
        code=_code(table, terms),
        text=_text(table, terms),
        seconds=table.seconds("seconds", 0.0) if "seconds" in table.values else None,
    )


def _moment(table: Table) -> Moment | float:
    given = table.values.get("after")
    if isinstance(given, str):
        return Moment(table.one_of("after", [each.value for each in Moment]))
    if given is None or table.seconds("after", 0.0) == 0:
        table.refuse("“after” must say when", "In seconds of received audio, or the moment.")
    return table.seconds("after", 0.0)


def _code(table: Table, terms: Terms) -> int:
    value = table.values.get("code", terms.code or 0)
    if not is_whole(value):
        table.refuse("“code” is not a whole number")
    if terms.code is not None and not any(value in each for each in terms.codes):
        table.refuse(f"{value} cannot be its code", f"It may be {_in_words(terms.codes)}.")
    return value


def _text(table: Table, terms: Terms) -> str:
    text = table.text("text") if "text" in table.values else terms.text or ""
    if terms.reason and len(text.encode()) > LONGEST_REASON:
        table.refuse(f"a close's reason has room for {LONGEST_REASON} bytes", "Shorten “text”.")
    return text


def _in_words(codes: Sequence[range]) -> str:
    return ", ".join(f"{each[0]} to {each[-1]}" if each[1:] else f"{each[0]}" for each in codes)
