"""Shards: several machines divide the recordings of one list, without talking to each other.

A recording belongs to the shard that a hash of its path chooses. The path is relative to what the
user named, so machines agree even if the recordings lie in different places; and it stays the same
when the list grows.
"""

import hashlib
import posixpath
import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from workers import ranges
from workers.audio.source import Source
from workers.errors import UsageProblem

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a list of recordings."""

    number: Annotated[int, ranges.SHARDS]
    """Counts from 1."""
    count: Annotated[int, ranges.SHARDS]
    """How many shards the list has."""

    def __str__(self) -> str:
        return f"shard {self.number} of {self.count}"

    def holds(self, source: Source) -> bool:
        """Whether a recording belongs to this shard. All parts of a file, all conditions of a
        matrix and both channels of a call have the same path, so they stay together."""
        return shard_number(source.relative_path or source.file, self.count) == self.number

    def share_of(self, total: int) -> int:
        """This shard's part of a number that counts for all shards together, as even as possible.
        The shares of all shards add up to the number."""
        return total // self.count + (self.number <= total % self.count)


def parse_shard(text: str) -> Shard:
    """Reads ``I/N``; raises `UsageProblem`."""
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None:
        raise UsageProblem(f"“{text}” is not a shard", "Write --shard I/N, such as 1/4.")
    number, count = int(match[1]), int(match[2])
    if count not in ranges.SHARDS:
        raise UsageProblem(f"there cannot be {count} shards", f"N must be {ranges.SHARDS}.")
    if not 1 <= number <= count:
        raise UsageProblem(f"there is no shard {number} of {count}", f"I is from 1 to {count}.")
    return Shard(number, count)


def shard_number(relative_path: str, count: int) -> int:
    """The shard of a path, from 1: the first 8 bytes of the SHA-256 of its UTF-8 text, as a number
    whose most significant byte is the first, modulo the number of shards, plus 1."""
    text = normal_path(relative_path).encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(text).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big") % count + 1


def normal_path(path: str) -> str:
    """One spelling for all spellings of a relative path: with slashes, as Windows may write
    backslashes; composed (NFC), as a Mac may store accents apart from their letters; without
    ``.``, ``..`` and empty parts."""
    text = unicodedata.normalize("NFC", path.replace("\\", "/"))
    if "://" in text:  # a URL
        return text
    text = posixpath.normpath(text)
    return text[1:] if text.startswith("//") else text
