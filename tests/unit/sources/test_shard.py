"""Which shard each recording belongs to."""

import hashlib
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.audio.source import ReadOptions, Source
from workers.errors import UsageProblem
from workers.sources.shard import Shard, normal_path, parse_shard, shard_number

COUNTS = st.integers(1, 300)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def all_shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


@given(PATHS, COUNTS)
def test_every_path_is_in_exactly_one_shard(path: str, count: int) -> None:
    """However many shards there are."""
    source = Source(f"/data/{path}", relative_path=path)

    assert [shard.holds(source) for shard in all_shards(count)].count(True) == 1


@given(st.lists(PATHS, unique=True), PATHS, COUNTS)
def test_a_path_stays_in_its_shard_when_the_list_grows(
    paths: list[str], added: str, count: int
) -> None:
    """The shard depends on nothing but the path."""
    before = {path: shard_number(path, count) for path in paths}
    after = {path: shard_number(path, count) for path in [added, *paths]}

    assert before == {path: after[path] for path in paths}


@pytest.mark.parametrize("count", [2, 3, 7, 16, 100])
@pytest.mark.parametrize(
    "name",
    ["{:06d}.wav", "day-{}/call.wav", "{0}/{0}.flac", "speaker {}/utt_0001.opus", "é{}.wav"],
)
def test_paths_are_spread_evenly(count: int, name: str) -> None:
    """By the chi-squared test, as if each were thrown by a fair die."""
    total = 20_000
    sizes = Counter(shard_number(name.format(index), count) for index in range(total))
    expected = total / count
    chi_squared = sum((sizes[one] - expected) ** 2 / expected for one in range(1, count + 1))
    degrees = count - 1

    assert chi_squared < degrees + 5 * (2 * degrees) ** 0.5 + 5  # five standard deviations


def test_the_shard_of_a_path_never_changes() -> None:
    """A later version must put each path into the same shard, and other programs can compute it."""
    text = "day 1/café.wav"
    digest = hashlib.sha256(text.encode()).digest()

    assert shard_number(text, 8) == int.from_bytes(digest[:8], "big") % 8 + 1
    assert [shard_number(name, 8) for name in ("a.wav", "b.wav", text)] == [5, 8, 3]


@given(PATHS)
def test_accents_may_be_composed_or_not(path: str) -> None:
    """A Mac stores names with accents apart from their letters, Linux usually does not."""
    spellings = {unicodedata.normalize(form, path) for form in ("NFC", "NFD")}

    assert len({normal_path(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    "spelling", ["deep/c d.wav", "deep\\c d.wav", "./deep//c d.wav", "deep/x/../c d.wav"]
)
def test_a_path_has_one_spelling(spelling: str) -> None:
    """Whoever wrote it."""
    assert normal_path(spelling) == "deep/c d.wav"


def test_urls_and_absolute_paths_keep_their_form() -> None:
    """Only relative paths have a place that machines need not share."""
    assert normal_path("https://a.example/x//y.wav") == "https://a.example/x//y.wav"
    assert normal_path("/data//x/./y.wav") == normal_path("//data/x/y.wav") == "/data/x/y.wav"


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name), COUNTS)
def test_names_may_have_any_bytes(name: bytes, count: int) -> None:
    """Linux does not require UTF-8."""
    path = name.decode("utf-8", "surrogateescape")

    assert 1 <= shard_number(path, count) <= count


@given(st.text(min_size=1), COUNTS)
def test_parts_conditions_and_channels_of_a_file_stay_together(path: str, count: int) -> None:
    """What belongs to one file is compared, or streamed on one clock."""
    file = Source("rec.wav", relative_path=path)
    part = Source("rec.wav", ReadOptions(start_s=5.0), relative_path=path)
    condition = Source("rec.wav", conditions=(("chunk_ms", "50"),), relative_path=path)
    call = Source("rec.wav", ReadOptions(speakers=("a", "b")), relative_path=path)

    for shard in all_shards(min(count, 20)):
        assert len({shard.holds(source) for source in (file, part, condition, call)}) == 1


@given(st.integers(0, 10_000), COUNTS)
def test_shares_add_up_and_differ_by_one_at_most(total: int, count: int) -> None:
    """So all shards together never have more than the whole."""
    shares = [shard.share_of(total) for shard in all_shards(count)]

    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


def test_a_shard_is_written_as_a_fraction() -> None:
    """From 1/N to N/N."""
    assert parse_shard("3/4") == Shard(3, 4)
    assert str(Shard(3, 4)) == "shard 3 of 4"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0/4", "there is no shard 0 of 4. I is from 1 to 4."),
        ("5/4", "there is no shard 5 of 4. I is from 1 to 4."),
        ("1/0", "there cannot be 0 shards. N must be from 1 to 10,000."),
        ("1/10001", "there cannot be 10001 shards. N must be from 1 to 10,000."),
        ("1", "“1” is not a shard. Write --shard I/N, such as 1/4."),
        ("-1/2", "“-1/2” is not a shard. Write --shard I/N, such as 1/4."),
        ("1/2/3", "“1/2/3” is not a shard. Write --shard I/N, such as 1/4."),
        ("one/2", "“one/2” is not a shard. Write --shard I/N, such as 1/4."),
        ("", "“” is not a shard. Write --shard I/N, such as 1/4."),
    ],
)
def test_what_is_no_shard_is_refused(text: str, problem: str) -> None:
    """In words."""
    with pytest.raises(UsageProblem) as caught:
        parse_shard(text)

    assert str(caught.value) == problem
