"""Streams each recording under several conditions: a matrix of settings, and repeats.

The order is interleaved: every recording is streamed under each condition before any is repeated,
and the order of conditions changes from recording to recording, with a fixed seed. So a slow hour
of the machine or the network does not fall on one condition alone.
"""

import itertools
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.jobs.job import StreamSettings
from workers.pacing.schedule import Release
from workers.ranges import CHUNK_MS, SENT_RATE_HZ, Range

MAX_CONDITIONS = 200
ORDER_SEED = 1
REPEAT = "repeat"
"""The name under which a condition numbers repeats, from 1."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The conditions under which each recording is streamed."""

    conditions: tuple[tuple[tuple[str, str], ...], ...]
    """Each a list of settings by name."""
    repeats: int = 1

    def expand(self, sources: Iterable[Source]) -> list[Source]:
        """The sources to stream, in order. Each has its conditions as metadata too, to group by."""
        generator = random.Random(ORDER_SEED)
        recordings = list(sources)
        expanded = []
        for repeat in range(1, self.repeats + 1):
            for source in recordings:
                for condition in generator.sample(self.conditions, len(self.conditions)):
                    named = (*condition, (REPEAT, str(repeat))) if self.repeats > 1 else condition
                    metadata = tuple(dict((*source.metadata, *named)).items())
                    expanded.append(replace(source, conditions=named, metadata=metadata))
        return expanded


def parse_matrix(
    texts: Iterable[str], repeats: int, check: Callable[[Sequence[tuple[str, str]]], None]
) -> Matrix:
    """Parses axes such as ``speech_model=a,b``. An axis that is given again adds values; a value
    that begins with a bracket is not split at commas.

    ``check`` is called with each condition and raises `UsageProblem` for one that cannot be sent.
    So does this function for other mistakes.
    """
    axes: dict[str, list[str]] = {}
    for text in texts:
        name, equals, written = text.partition("=")
        values = [written] if written[:1] in ("[", "{") else written.split(",")
        if not name or not equals or not all(values):
            reason = f"“{text}” is not an axis of a matrix"
            raise UsageProblem(reason, "Write --matrix NAME=VALUE,VALUE.")
        axes.setdefault(name, []).extend(values)
    for name, values in axes.items():
        if len(set(values)) < len(values):
            raise UsageProblem(f"the matrix has a value of {name} twice", "Use --repeat instead.")
    conditions = tuple(
        tuple(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
    )
    if len(conditions) > MAX_CONDITIONS:
        reason = f"the matrix has {len(conditions):,} conditions, more than {MAX_CONDITIONS}"
        raise UsageProblem(reason, "Use fewer values.")
    for condition in conditions:
        apply_condition(StreamSettings(), condition)
        check(condition)
    return Matrix(conditions, repeats)


def apply_condition(
    settings: StreamSettings, condition: Sequence[tuple[str, str]]
) -> StreamSettings:
    """The settings under a condition; unknown names are connection parameters. Raises
    `UsageProblem` for a value that is not valid."""
    params = []
    for name, value in condition:
        if name == "speech_model":
            settings = replace(settings, speech_model=value)
        elif name == "chunk_ms":
            settings = replace(settings, chunk_ms=_whole_number(name, value, CHUNK_MS))
        elif name == "sample_rate":
            settings = replace(settings, rate=_whole_number(name, value, SENT_RATE_HZ))
        elif name == "release":
            if value not in [release.value for release in Release]:
                raise UsageProblem(f"“{value}” is not a release", "Use start or end.")
            settings = replace(settings, release=Release(value))
        elif name != REPEAT:
            params.append((name, value))
    return settings.with_params(tuple(params))


def _whole_number(name: str, text: str, allowed: Range) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) not in allowed:
        raise UsageProblem(f"“{text}” is not a valid {name}", f"It must be {allowed}.")
    return int(text)
