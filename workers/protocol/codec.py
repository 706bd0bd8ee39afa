"""Converts frozen dataclasses to JSON objects and back, by their annotations.

Reading is lenient: ``null`` counts as absent, and an integer may come as a float. Undeclared fields
are dropped, unless the dataclass has a field ``extra`` of type `Extra`, which keeps them for
writing. A field of the wrong type, one out of its range (see `workers.ranges`), or a missing one
without a default raises `Malformed`.

msgspec would do most of this. But it refuses ``null`` and rounded floats, which servers send, drops
undeclared fields, does not tell the wrong value, and adds 11 ms to the start of each command. So it
only reads what is long and plainly right, see `plain_decoder`.
"""

import json
import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import partial
from typing import (
    Annotated,
    Any,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from workers.errors import Malformed
from workers.ranges import MAX_SHOWN_CHARS, Range, Text, shown

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Extra: TypeAlias = Mapping[str, Json]
JsonObject: TypeAlias = dict[str, Json]

MAX_ABS_NUMBER = 2.0**63
"""Larger numbers have no meaning here, and would overflow in a later computation."""

MAX_JSON_DEPTH = 100
"""Maximum nesting of objects and lists; JSON and pickle cannot write much more."""

T = TypeVar("T")
FieldReader: TypeAlias = Callable[[Any], Any]


class _Unreadable(Exception):
    """Why a value cannot be read. Its place is put together only then: traces have millions."""

    def __init__(self, value: Any, expected: object) -> None:
        """``expected``: what it must be, in words."""
        self.value, self.expected = value, expected
        self.missing = ""
        self.place = ""

    @classmethod
    def lacking(cls, field: str) -> "_Unreadable":
        """An object lacks a field."""
        error = cls(None, "")
        error.missing = field
        return error

    def reason(self, *, quoting: bool) -> str:
        """What is wrong, with or without the value."""
        if self.missing:
            return f" lacks the field “{self.missing}”"
        return f" {f'is {shown(self.value)}; it ' if quoting else ''}must be {self.expected}"

    def inside(self, outer: str) -> "_Unreadable":
        """The same, one level further out."""
        self.place = f"{outer}{self.place}"
        return self


def parse_object(
    text: str | bytes, where: str, max_depth: int = MAX_JSON_DEPTH, *, quoting: bool = False
) -> JsonObject:
    """Parses a JSON object. Raises `Malformed`, whose message calls the text ``where``. With
    ``quoting``, it also names what is nested too deeply; a server's names may contain the key."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{where} is not JSON ({error})") from error
    if not isinstance(record, dict):
        raise Malformed(f"{where} is not a JSON object")
    openings = ("{", "[") if isinstance(text, str) else (b"{", b"[")
    if sum(map(text.count, openings)) <= max_depth:  # type: ignore[arg-type]
        return record
    level: list[Any] = [record]
    for _ in range(max_depth):
        if not level:
            return record
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    if level:
        place = _deepest_path(record) if quoting else ""
        raise Malformed(f"{where}{place} is nested too deeply")
    return record


def _deepest_path(record: JsonObject) -> str:
    """The beginning of the path to where an object is nested most deeply."""
    level: list[tuple[str, Any]] = [("", record)]
    path = ""
    while level:
        path = level[0][0]
        level = [
            (f"{outer_path}{step}"[: 2 * MAX_SHOWN_CHARS], inner)
            for outer_path, outer in level
            for step, inner in _steps(outer)
            if isinstance(inner, (dict, list))
        ]
    return f": {shown(path.lstrip('.'))[1:-1]}…"


def _steps(outer: Any) -> Iterator[tuple[str, Any]]:
    """The items of an object or a list, each with how a path goes on to it."""
    if isinstance(outer, dict):
        yield from ((f".{name}", inner) for name, inner in outer.items())
    else:
        yield from ((f"[{index}]", inner) for index, inner in enumerate(outer))


def load(cls: type[T], record: Mapping[str, Json], where: str = "", *, quoting: bool = True) -> T:
    """Reads a ``cls`` from a JSON object. Raises `Malformed` with the path of the field that cannot
    be read, below ``where``, and its value. Without ``quoting`` it leaves out the value, as that of
    a server may contain the key."""
    try:
        found: T = _plan_for(cls).load(record)
    except _Unreadable as error:
        place = f"{where}{error.place}".lstrip(".") or "it"
        raise Malformed(place + error.reason(quoting=quoting)) from None
    return found


def plain_decoder(cls: type[T]) -> Callable[[str], T | None]:
    """Returns a function that reads a ``cls`` from the text of a JSON object, several times as fast
    as `load`. It returns None where only `load` can tell: for a value that is wrong, and for one
    that must be converted. ``cls`` may not keep undeclared fields.

    Loads msgspec, which makes dataclasses without running their code, and checks all but ranges.
    """
    import msgspec  # adds 11 ms to the start of a command

    decode, is_in_range = msgspec.json.Decoder(cls).decode, _range_check(cls)

    def decode_plain(text: str) -> T | None:
        try:
            record = decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        return record if is_in_range is None or is_in_range(record) else None

    return decode_plain


def _range_check(cls: type) -> Callable[[Any], bool] | None:
    """Returns a function that tells whether all numbers and texts of a ``cls`` that was decoded by
    its types are in their ranges; None if there is none to check. Compiled, as loaders are."""
    hints = get_type_hints(cls, localns={"Json": object}, include_extras=True)
    names: dict[str, Any] = {}
    lines = ["def is_in_range(record):"]
    for field in fields(cls):
        if test := _range_test(hints[field.name], "value", names):
            lines += [f" value = record.{field.name}", f" if not ({test}): return False"]
    if len(lines) == 1:
        return None
    exec("\n".join([*lines, " return True"]), names)
    check: Callable[[Any], bool] = names["is_in_range"]
    return check


def _range_test(hint: Any, value: str, names: dict[str, Any]) -> str:
    """An expression that is true if the variable ``value`` is in the range of its type; empty if it
    always is. Adds what the expression uses to ``names``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in arguments if arm is not type(None))
        test = _range_test(inner, value, names)
        return test and f"({value} is None or {test})"
    if origin is Annotated:
        for allowed in arguments[1:]:
            if isinstance(allowed, Range | Text):
                names[name := f"allowed{len(names)}"] = allowed
                return f"({_plain_test(hint, value)} or {value} in {name})"
        return _range_test(arguments[0], value, names)
    if hint in (int, float):
        return f"({_plain_test(hint, value)})"
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Mapping)):
        item, items = (
            (arguments[0], value) if origin is tuple else (arguments[1], f"{value}.values()")
        )
        test = _range_test(item, f"{value}_", names)
        return test and f"(not {value} or all({test} for {value}_ in {items}))"
    if is_dataclass(hint) and isinstance(hint, type) and (check := _range_check(hint)) is not None:
        names[name := f"check{len(names)}"] = check
        return f"{name}({value})"
    return ""


def readable_fields(cls: type, record: Mapping[str, Json]) -> JsonObject:
    """The object without the fields of ``cls`` that are absent or cannot be read."""
    readers = _plan_for(cls).readers

    def is_readable(name: str, value: Json) -> bool:
        if name not in readers:
            return True
        try:
            readers[name](value)
        except _Unreadable:
            return False
        return value is not None

    return {name: value for name, value in record.items() if is_readable(name, value)}


def json_safe(record: Mapping[str, Json]) -> JsonObject:
    """A copy in which NaN and infinity, which JSON cannot express, are null."""

    def safe(value: Json) -> Json:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, list):
            return [safe(item) for item in value]
        return json_safe(value) if isinstance(value, dict) else value

    return {name: safe(value) for name, value in record.items()}


def dump(record: object) -> JsonObject:
    """The JSON object of a dataclass: its fields that are not None, then those in ``extra``."""
    return _plan_for(type(record)).dump(record)


def precompile(cls: type) -> None:
    """Prepares reading and writing ``cls`` now instead of at its first use."""
    _plan_for(cls)


@dataclass(frozen=True, slots=True)
class _ClassPlan:
    readers: dict[str, FieldReader]
    load: Callable[[Mapping[str, Json]], Any]
    dump: Callable[[Any], JsonObject]


_PLAN_CACHE: dict[type, _ClassPlan] = {}


def _plan_for(cls: type) -> _ClassPlan:
    if (plan := _PLAN_CACHE.get(cls)) is not None:
        return plan
    # `Json` is recursive, so it cannot be evaluated.
    hints = get_type_hints(cls, localns={"Json": object}, include_extras=True)
    readers = {f.name: _reader_for(hints[f.name]) for f in fields(cls) if f.name != "extra"}
    load = _compile_loader(cls, hints, readers)
    plan = _PLAN_CACHE[cls] = _ClassPlan(readers, load, _compile_dumper(cls, hints))
    return plan


def _compile_dumper(cls: type, hints: Mapping[str, Any]) -> Callable[[Any], JsonObject]:
    """Returns the function that makes the object of a ``cls``, compiled as the one that reads it:
    each event of a session is written with it."""
    names: dict[str, Any] = {"json_value": _to_json_value}
    lines = ["def dump(record):", " out = {}"]
    for field in fields(cls):
        if field.name == "extra":
            continue
        is_plain = _bare_type(hints[field.name]) in _PLAIN_TYPES
        value = "value" if is_plain else "json_value(value)"
        lines += [
            f" value = record.{field.name}",
            f" if value is not None: out[{field.name!r}] = {value}",
        ]
    if "extra" in hints:
        lines.append(" if record.extra: out.update(record.extra)")
    exec("\n".join([*lines, " return out"]), names)
    dump: Callable[[Any], JsonObject] = names["dump"]
    return dump


def _bare_type(hint: Any) -> Any:
    """The type of a field, without its range, and without None."""
    while get_origin(hint) in (Annotated, Union, types.UnionType):
        hint = next(arm for arm in get_args(hint) if arm is not type(None))
    return hint


def _compile_loader(
    cls: type, hints: Mapping[str, Any], readers: Mapping[str, FieldReader]
) -> Callable[[Mapping[str, Json]], Any]:
    """Returns the function that reads a ``cls`` from an object.

    It is compiled, as `dataclasses` compiles ``__init__``: an index has a million fields, and a
    loop over readers takes four times as long. A value that is plainly right is taken as it is; any
    other goes to its reader, which converts or refuses it.
    """
    names: dict[str, Any] = {"cls": cls, "Unreadable": _Unreadable, "extra_of": None}
    lines = ["def load(record):", " get, known = record.get, 0"]
    arguments = []
    for number, field in enumerate(fields(cls)):
        value, name = f"v{number}", field.name
        arguments.append(f"{name}={value}" if field.kw_only else value)
        default = f"default{number}"
        if field.default_factory is not MISSING:
            names[default], otherwise = field.default_factory, f"{value} = {default}()"
        elif field.default is not MISSING:
            names[default], otherwise = field.default, f"{value} = {default}"
        else:
            otherwise = f"raise Unreadable.lacking({name!r})"
        if name == "extra":
            names["extra_of"] = partial(_extra_of, readers)
            lines.append(f" if len(record) > known: {value} = extra_of(record)")
            lines.append(f" else: {otherwise}")
            continue
        names[f"read{number}"] = readers[name]
        lines += [
            f" {value} = get({name!r})",
            f" if {value} is None: {otherwise}",
            " else:",
            "  known += 1",
            f"  if not ({_plain_test(hints[name], value)}):",
            f"   try: {value} = read{number}({value})",
            f"   except Unreadable as error: raise error.inside({f'.{name}'!r}) from None",
        ]
    arguments.sort(key=lambda argument: "=" in argument)  # those by keyword come last
    lines.append(f" return cls({', '.join(arguments)})")
    exec("\n".join(lines), names)
    load: Callable[[Mapping[str, Json]], Any] = names["load"]
    return load


def _extra_of(readers: Mapping[str, FieldReader], record: Mapping[str, Json]) -> JsonObject:
    """The undeclared fields of an object."""
    extra = {k: v for k, v in record.items() if k not in readers and k != "type"}
    return json_safe(extra)


def _plain_test(hint: Any, value: str) -> str:
    """An expression that is true if the variable ``value`` can be taken as it is."""
    allowed: Range | Text | None = None
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (arm for arm in get_args(hint) if arm is not type(None))
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        allowed = next((extra for extra in extras if isinstance(extra, Range | Text)), None)
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (arm for arm in get_args(hint) if arm is not type(None))
    if hint is bool:
        return f"{value} is True or {value} is False"
    if hint in (int, float):
        low, high = (allowed.low, allowed.high) if isinstance(allowed, Range) else (None, None)
        is_number = f"{value}.__class__ is int"
        if hint is float:
            is_number = f"({value}.__class__ is float or {is_number})"
        if low is None or high is None:  # as in `_read_number`
            return f"{is_number} and {-MAX_ABS_NUMBER!r} < {value} < {MAX_ABS_NUMBER!r}"
        return f"{is_number} and {low!r} <= {value} <= {high!r} < {MAX_ABS_NUMBER!r}"
    if hint is str and allowed is None:
        return f"{value}.__class__ is str"
    if hint is str and isinstance(allowed, Text) and allowed.pattern is None:
        is_short = f"{value}.isascii() and len({value}) <= {allowed.max_chars}"
        return f'{value}.__class__ is str and {is_short} and "\\0" not in {value}'
    return "False"


def _reader_for(hint: Any) -> FieldReader:
    """Returns the function that turns a JSON value into a value of type ``hint``."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *extras = get_args(hint)
        allowed = [extra for extra in extras if isinstance(extra, Range | Text)]
        return _checked_reader(_reader_for(inner), allowed[0]) if allowed else _reader_for(inner)
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in get_args(hint) if arm is not type(None))
        return _reader_for(inner)
    if origin is tuple:
        item, following = get_args(hint)  # all items have one type
        read_item, length = _reader_for(item), None if following is Ellipsis else 2

        def read_list(value: Any) -> tuple[Any, ...]:
            items: list[Any] = []
            _read_list(value)
            try:
                for item in value:
                    items.append(read_item(item))  # its length tells which one failed
            except _Unreadable as error:
                raise error.inside(f"[{len(items)}]") from None
            if length is not None and len(items) != length:
                raise _Unreadable(value, f"a list of {length}")
            return tuple(items)

        return read_list
    if origin in (dict, Mapping) or (origin is not None and issubclass(origin, Mapping)):
        if is_dataclass(get_args(hint)[1]):
            return _table_reader(_reader_for(get_args(hint)[1]))
        return lambda value: json_safe(_read_object(value))
    if isinstance(hint, type) and is_dataclass(hint):
        load_inner = _plan_for(hint).load
        return lambda value: load_inner(value if type(value) is dict else _read_object(value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        names = ", ".join(map(str, members))

        def read_member(value: Any) -> Enum:
            try:
                return members[value]
            except (KeyError, TypeError):  # a list or an object has no hash
                raise _Unreadable(value, f"one of {names}") from None

        return read_member
    return _SCALAR_READERS[hint]


def _checked_reader(read: FieldReader, allowed: Range | Text) -> FieldReader:
    def read_checked(value: Any) -> Any:
        try:
            found = read(value)
        except _Unreadable as error:
            if isinstance(allowed, Range):
                error.expected = f"a number {allowed}"
            raise
        if found not in allowed:
            raise _Unreadable(value, allowed)
        return found

    return read_checked


def _table_reader(read: FieldReader) -> FieldReader:
    """Reads an object whose values are all of one class."""

    def read_table(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in _read_object(value).items():
            try:
                found[name] = read(item)
            except _Unreadable as error:
                raise error.inside(f"[{shown(name)}]") from None
        return found

    return read_table


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise _Unreadable(value, "a number")
    if not abs(value) < MAX_ABS_NUMBER:  # JSON's integers have no bound
        raise _Unreadable(value, "a number below 2^63")
    return value


def _instance_reader(cls: type, description: str) -> FieldReader:
    def read(value: Any) -> Any:
        if not isinstance(value, cls):
            raise _Unreadable(value, description)
        return value

    return read


_read_object = _instance_reader(dict, "an object")
_read_list = _instance_reader(list, "a list")
_SCALAR_READERS: Mapping[type, FieldReader] = {
    int: lambda value: round(_read_number(value)),
    float: _read_number,
    bool: _instance_reader(bool, "true or false"),
    str: _instance_reader(str, "a string"),
}


_PLAIN_TYPES = frozenset({int, float, bool, str})
"""Types whose values JSON has as they are. Checked for first, as sessions write many of them."""


def _to_json_value(value: Any) -> Any:
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, tuple):
        if _PLAIN_TYPES.issuperset(map(type, value)):
            return list(value)
        return [_to_json_value(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return dump(value)
    return dict(value) if isinstance(value, Mapping) else value
