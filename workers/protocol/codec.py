"""Converts frozen dataclasses to JSON objects and back, by their annotations.

Reading is lenient: undeclared fields are kept in ``extra`` and written back, ``null`` counts as
absent, an integer may come as a float. A missing field without a default, or a field of the wrong
type, raises `Malformed`, which names it.

Any frozen dataclass will do. Only if it has a field ``extra`` of type `Extra`, undeclared fields
are kept.
"""

import json
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from workers.errors import Malformed

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Extra: TypeAlias = Mapping[str, Json]
JsonObject: TypeAlias = dict[str, Json]

MAX_ABS_NUMBER = 2.0**63
"""Larger numbers have no meaning here, and would overflow in a later computation."""

MAX_JSON_DEPTH = 100
"""Objects and lists within each other: JSON and pickle can write only so many."""

T = TypeVar("T")
FieldReader: TypeAlias = Callable[[Any, str], Any]


def parse_object(text: str | bytes, where: str, max_depth: int = MAX_JSON_DEPTH) -> JsonObject:
    """Parses a JSON object; raises `Malformed`, in which ``where`` names the text."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{where} is not JSON ({error})") from error
    if not isinstance(record, dict):
        raise Malformed(f"{where} is not a JSON object")
    if _is_nested_deeper(record, max_depth):
        raise Malformed(f"{where} is nested too deep")
    return record


def _is_nested_deeper(record: JsonObject, max_depth: int) -> bool:
    """Whether objects and lists are nested deeper than ``max_depth`` levels."""
    within: list[Any] = [record]
    while within and max_depth:
        max_depth -= 1
        within = [
            inner
            for outer in within
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(within)


def load(cls: type[T], record: Mapping[str, Json], where: str) -> T:
    """Reads a ``cls`` from a JSON object; ``where`` names the object in errors."""
    values: dict[str, Any] = {}
    plan = _plan_for(cls)
    for name, field in plan.fields.items():
        value = record.get(name)
        if value is not None:
            values[name] = field.reader(value, f"{where}.{name}")
        elif field.required:
            raise Malformed(f"{where} lacks the field “{name}”")
    if plan.keeps_extra:
        extra = {k: v for k, v in record.items() if k not in plan.fields and k != "type"}
        values["extra"] = json_safe(extra)
    return cls(**values)


def json_safe(record: Mapping[str, Json]) -> JsonObject:
    """A copy that can be written again: NaN and infinity, which JSON lacks, become null."""
    return {name: _json_safe_value(value) for name, value in record.items()}


def _json_safe_value(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json_safe_value(each) for each in value]
    return json_safe(value) if isinstance(value, dict) else value


def dump(record: object) -> JsonObject:
    """The JSON object of a dataclass: its fields that are not None, then those in ``extra``."""
    plan = _plan_for(type(record))
    out: JsonObject = {}
    for name in plan.fields:
        value = getattr(record, name)
        if value is not None:
            out[name] = _to_json_value(value)
    if plan.keeps_extra:
        out.update(getattr(record, "extra"))  # noqa: B009  (only classes whose plan says so have it)
    return out


def precompile(cls: type) -> None:
    """Prepares reading and writing of ``cls`` and of every dataclass in its fields.

    Otherwise that happens at the first use; the fork server does it once for all sessions.
    """
    _plan_for(cls)


@dataclass(frozen=True, slots=True)
class _Field:
    reader: FieldReader
    required: bool


@dataclass(frozen=True, slots=True)
class _ClassPlan:
    fields: dict[str, _Field]
    keeps_extra: bool


_PLAN_CACHE: dict[type, _ClassPlan] = {}


def _plan_for(cls: type) -> _ClassPlan:
    if (plan := _PLAN_CACHE.get(cls)) is not None:
        return plan
    hints = get_type_hints(cls, localns={"Json": object})  # recursive, so it cannot be evaluated
    known = {
        f.name: _Field(
            _reader_for(hints[f.name]), f.default is MISSING and f.default_factory is MISSING
        )
        for f in fields(cls)
        if f.name != "extra"
    }
    plan = _PLAN_CACHE[cls] = _ClassPlan(known, "extra" in hints)
    return plan


def _reader_for(hint: Any) -> FieldReader:
    """The function that turns a JSON value into a value of type ``hint``."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in get_args(hint) if arm is not type(None))
        return _reader_for(inner)
    if origin is tuple:
        return _sequence_reader(_reader_for(get_args(hint)[0]))
    if origin in (dict, Mapping) or (origin is not None and issubclass(origin, Mapping)):
        return lambda value, where: json_safe(_read_object(value, where))
    if isinstance(hint, type) and is_dataclass(hint):
        return _record_reader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    return {int: _read_integer, float: _read_number, bool: _read_boolean, str: _read_text}[hint]


def _read_integer(value: Any, where: str) -> int:
    return round(_read_number(value, where))


def _read_number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise Malformed(f"{where} is not a number")
    if not abs(value) < MAX_ABS_NUMBER:  # JSON's integers have no bound
        raise Malformed(f"{where} is out of range")
    return value


def _read_boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{where} is neither true nor false")
    return value


def _read_text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{where} is not a string")
    return value


def _read_object(value: Any, where: str) -> JsonObject:
    if not isinstance(value, dict):
        raise Malformed(f"{where} is not an object")
    return value


def _sequence_reader(item: FieldReader) -> FieldReader:
    def sequence(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Malformed(f"{where} is not a list")
        return tuple(item(each, f"{where}[{index}]") for index, each in enumerate(value))

    return sequence


def _record_reader(cls: type) -> FieldReader:
    _plan_for(cls)
    return lambda value, where: load(cls, _read_object(value, where), where)


def _enum_reader(cls: type[Enum]) -> FieldReader:
    def member(value: Any, where: str) -> Enum:
        try:
            return cls(value)
        except ValueError:
            raise Malformed(f"{where} is none of the known values") from None

    return member


def _to_json_value(value: Any) -> Json:
    if isinstance(value, tuple):
        return [_to_json_value(each) for each in value]
    if isinstance(value, Enum):
        plain: Json = value.value
        return plain
    if is_dataclass(value):
        return dump(value)
    if isinstance(value, Mapping):
        return dict(value)
    result: Json = value
    return result
