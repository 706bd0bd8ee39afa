"""JSON to dataclasses and back. Each test declares its own class, so no plan is cached."""

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any

import pytest

from workers.errors import Malformed
from workers.protocol.codec import (
    MAX_ABS_NUMBER,
    MAX_JSON_DEPTH,
    Extra,
    dump,
    json_safe,
    load,
    parse_object,
    precompile,
)
from workers.ranges import Range, Text


class Colour(Enum):
    RED = "red"


def shapes() -> tuple[type[Any], type[Any]]:
    """A class with a field of every kind, and the class of its inner records."""

    @dataclass(frozen=True)
    class Inner:
        name: str

    @dataclass(frozen=True)
    class Outer:
        whole: int
        ratio: float
        flag: bool
        inner: Inner
        colour: Colour
        names: tuple[str, ...] = ()
        records: tuple[Inner, ...] = ()
        note: str | None = None
        options: Mapping[str, object] = field(default_factory=dict)
        table: dict[str, object] | None = None
        extra: Extra = field(default_factory=dict)

    return Outer, Inner


FULL: dict[str, Any] = {
    "whole": 7,
    "ratio": 0.5,
    "flag": True,
    "inner": {"name": "a"},
    "colour": "red",
    "names": ["x", "y"],
    "records": [{"name": "b"}, {"name": "c"}],
    "note": "n",
    "options": {"deep": [1, {"k": None}]},
    "table": {"k": 1},
}
NEEDED = {name: FULL[name] for name in ("whole", "ratio", "flag", "inner", "colour")}


def test_every_kind_of_field_is_read_and_written_back() -> None:
    """Undeclared fields come last; the type is dropped."""
    outer, inner = shapes()
    precompile(outer)
    record = {**FULL, "later": {"a": [1]}}

    read = load(outer, {"type": "Outer", **record}, "it")
    assert read == outer(
        7,
        0.5,
        True,
        inner("a"),
        Colour.RED,
        ("x", "y"),
        (inner("b"), inner("c")),
        "n",
        {"deep": [1, {"k": None}]},
        {"k": 1},
        {"later": {"a": [1]}},
    )
    assert dump(read) == record
    assert list(dump(read))[-1] == "later"


def test_what_has_a_default_may_be_absent_or_null() -> None:
    """A field that is None is not written."""
    outer, inner = shapes()
    read = load(outer, {**NEEDED, "note": None}, "it")

    assert read == outer(7, 0.5, True, inner("a"), Colour.RED)
    assert dump(read) == {**NEEDED, "names": [], "records": [], "options": {}}


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_field_is_named(name: str) -> None:
    outer, _ = shapes()
    with pytest.raises(Malformed, match=f"^it lacks the field “{name}”$"):
        load(outer, {k: v for k, v in NEEDED.items() if k != name}, "it")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"whole": "7"}, "it.whole is '7'; it must be a number"),
        ({"whole": True}, "it.whole is true; it must be a number"),
        ({"ratio": float("nan")}, "it.ratio is nan; it must be a number"),
        ({"ratio": MAX_ABS_NUMBER}, "it.ratio is 9.22337e+18; it must be a number below 2^63"),
        ({"whole": -(2**63)}, "it.whole is -9223372036854775808; it must be a number below 2^63"),
        ({"flag": 1}, "it.flag is 1; it must be true or false"),
        ({"note": 1}, "it.note is 1; it must be a string"),
        ({"inner": ["name"]}, "it.inner is a list; it must be an object"),
        ({"inner": {"name": 1}}, "it.inner.name is 1; it must be a string"),
        ({"inner": {}}, "it.inner lacks the field “name”"),
        ({"colour": "blue"}, "it.colour is 'blue'; it must be one of red"),
        ({"names": "xy"}, "it.names is 'xy'; it must be a list"),
        ({"names": ["x", 1]}, "it.names[1] is 1; it must be a string"),
        ({"records": [{"name": "b"}, 1]}, "it.records[1] is 1; it must be an object"),
        ({"options": [1]}, "it.options is a list; it must be an object"),
        ({"table": [1]}, "it.table is a list; it must be an object"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(change: dict[str, Any], words: str) -> None:
    outer, _ = shapes()
    with pytest.raises(Malformed) as error:
        load(outer, {**NEEDED, **change}, "it")

    assert words == error.value.reason


def test_a_number_out_of_its_range_is_refused_with_its_value() -> None:
    """So is a text; the range stands in the annotation, also of the items of a list."""

    @dataclass(frozen=True)
    class Ranged:
        chunk_ms: Annotated[int, Range(50, 1000, "ms")] = 100
        rates: tuple[Annotated[float, Range(0.5, 20)], ...] = ()
        name: Annotated[str, Text("a name", 3)] | None = None

    assert Ranged(50, (20.0,), "abc") == load(
        Ranged, {"chunk_ms": 50, "rates": [20.0], "name": "abc"}
    )
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"chunk_ms": 0}, "chunk_ms is 0; it must be from 50 to 1,000 ms"),
        ({"chunk_ms": 1e300}, "chunk_ms is 1e+300; it must be a number from 50 to 1,000 ms"),
        ({"rates": [1, -1.5]}, "rates[1] is -1.5; it must be from 0.5 to 20"),
        ({"name": "abcd"}, "name is 'abcd'; it must be a name of at most 3 characters"),
        ({"name": "a\0"}, "name is 'a\\x00'; it must be a name of at most 3 characters"),
    ]
    for record, words in wrong:
        with pytest.raises(Malformed) as error:
            load(Ranged, record)
        assert words == error.value.reason


def test_what_a_server_sent_is_not_repeated() -> None:
    """It may contain the key."""
    outer, _ = shapes()
    with pytest.raises(Malformed) as error:
        load(outer, {**NEEDED, "note": 1}, "it", quoting=False)

    assert error.value.reason == "it.note must be a string"


def test_the_values_of_a_table_are_named_by_their_names() -> None:
    _, inner = shapes()
    table = make_dataclass("Table", [("rows", GenericAlias(dict, (str, inner)))])

    assert load(table, {"rows": {"1": {"name": "a"}}}).rows == {"1": inner("a")}
    with pytest.raises(Malformed, match=r"^rows\['2'\] lacks the field “name”$"):
        load(table, {"rows": {"2": {}}})


def test_a_whole_number_may_come_as_a_float() -> None:
    """JavaScript has only floats; a float may come as a whole number, too."""
    outer, _ = shapes()
    read = load(outer, {**NEEDED, "whole": 7.0, "ratio": 2}, "it")

    assert (read.whole, type(read.whole), read.ratio) == (7, int, 2)


def test_the_largest_numbers_are_read() -> None:
    outer, _ = shapes()
    assert 2**63 - 1024 == load(outer, {**NEEDED, "whole": 2**63 - 1024}, "it").whole


def test_a_class_without_extra_forgets_what_it_does_not_know() -> None:
    _, inner = shapes()
    assert {"name": "a"} == dump(load(inner, {"name": "a", "more": 1}, "it"))


def test_numbers_that_json_lacks_become_null() -> None:
    """This holds at any depth, and nothing else changes."""
    record: dict[str, Any] = {"a": float("inf"), "b": [float("nan"), {"c": -1.5}], "d": "NaN"}

    assert {"a": None, "b": [None, {"c": -1.5}], "d": "NaN"} == json_safe(record)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        (b"\xff\xfe\xfd", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
    ],
)
def test_only_an_object_is_read(text: str | bytes, words: str) -> None:
    """The error says why the text was refused."""
    with pytest.raises(Malformed) as error:
        parse_object(text, "it")

    assert error.value.reason.startswith(words)


@pytest.mark.parametrize("depth", [1, 3, MAX_JSON_DEPTH])
@pytest.mark.parametrize(("opens", "closes"), [('{"a":', "}"), ("[", "]")])
def test_depth_is_bounded_exactly(depth: int, opens: str, closes: str) -> None:
    """Objects and lists count alike; the object itself is the first level."""

    def nested(levels: int) -> str:
        return '{"a":' + opens * (levels - 1) + "1" + closes * (levels - 1) + ', "b": 2}'

    assert 2 == parse_object(nested(depth), "it", depth)["b"]
    with pytest.raises(Malformed, match="it is nested too deeply"):
        parse_object(nested(depth + 1), "it", depth)
