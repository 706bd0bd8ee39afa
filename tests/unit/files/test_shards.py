"""Lists of recordings that several machines divide, each as it sees them."""

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.files.sources import iter_sources
from workers.audio.discovery import SkippedPaths
from workers.sources.manifest import SourceRules
from workers.sources.shard import Shard

NAMES = ("a.wav", "b.wav", "café.flac", "Q 1.mp3", "z.opus", "utt_0001.wav")
FOLDERS = ("", "day 1", "day 2", "day 1/deep", "ünder")


def make_recordings(root: Path, paths: Sequence[str]) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"audio")
    return root


def relative_paths(names: Sequence[str], shard: Shard | None = None) -> list[str]:
    sources = iter_sources(names, SourceRules(allow_remote=True), SkippedPaths())
    return [source.relative_path for source in sources if shard is None or shard.holds(source)]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_each_recording_of_a_folder_is_in_one_shard(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Wherever each machine has the folder, and however it names it."""
    tree = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map("/".join)
    paths = data.draw(st.lists(tree.map(lambda path: path.lstrip("/")), min_size=1, unique=True))
    count = data.draw(st.integers(1, 5))
    found: list[str] = []
    for number in range(1, count + 1):
        root = make_recordings(tmp_path_factory.mktemp("machine") / "rec", paths)
        relative = os.path.relpath(root)
        name = data.draw(
            st.sampled_from([str(root), f"{root}/", f"{root}//", relative, f"{root}/../rec"])
        )
        found += relative_paths([name], Shard(number, count))

    assert sorted(found) == sorted(paths)


def test_a_pattern_is_relative_to_its_folder(tmp_path: Path) -> None:
    """The parts before the first that has a wildcard are where the list is."""
    root = make_recordings(tmp_path / "rec", ["x/a.wav", "y/a.wav", "y/deep/b.wav"])

    assert relative_paths([f"{root}/*/a.wav"]) == ["x/a.wav", "y/a.wav"]
    assert relative_paths([f"{root}/*"]) == ["x/a.wav", "y/a.wav", "y/deep/b.wav"]
    assert relative_paths([f"{root}/**/b.wav"]) == ["y/deep/b.wav"]


def test_a_file_that_is_named_itself_has_its_name(tmp_path: Path) -> None:
    """Machines may have it in different folders."""
    root = make_recordings(tmp_path, ["x/a.wav"])

    assert relative_paths([f"{root}/x/a.wav", f"file://{root}/x/a.wav"]) == ["a.wav"]


def test_recordings_with_one_name_are_divided_by_their_folders(tmp_path: Path) -> None:
    """If the folder above them is named. Otherwise their paths are the same, and so is the
    shard; but each is still in one."""
    paths = [f"call-{number}/audio.wav" for number in range(40)]
    root = make_recordings(tmp_path / "calls", paths)
    shards = [Shard(number, 2) for number in (1, 2)]

    sizes = [len(relative_paths([str(root)], shard)) for shard in shards]
    assert min(sizes) >= 10
    each = [str(path) for path in root.iterdir()]
    assert sorted(len(relative_paths(each, shard)) for shard in shards) == [0, 40]


def test_a_folder_that_is_named_twice_is_divided_once(tmp_path: Path) -> None:
    """What the first name has found, the second does not find again, in any shard."""
    root = make_recordings(tmp_path / "rec", [f"deep/{number}.wav" for number in range(20)])
    names = [str(root), f"{root}/deep"]
    found = [path for number in (1, 2, 3) for path in relative_paths(names, Shard(number, 3))]

    assert sorted(found) == sorted(f"deep/{number}.wav" for number in range(20))


MANIFESTS = {
    "relative": "{}",
    "with a dot": "./{}",
    "absolute": "{root}/{}",
    "a file URL": "file://{root}/{}",
}


@pytest.mark.parametrize("written", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_may_write_paths_in_any_way(tmp_path: Path, written: str) -> None:
    """A path below the manifest is relative to it, however it is written."""
    paths = ["a.wav", "deep/b.wav"]
    root = make_recordings(tmp_path / "rec", paths)
    lines = [json.dumps({"file": written.format(path, root=root)}) for path in paths]
    (root / "list.jsonl").write_text("\n".join(lines))

    assert relative_paths([f"{root}/list.jsonl"]) == paths
    os.symlink(root, tmp_path / "linked")
    assert relative_paths([f"{tmp_path}/linked/list.jsonl"]) == paths


def test_a_manifest_from_windows_names_the_same_recordings(tmp_path: Path) -> None:
    """Backslashes are slashes, unless a file has one in its name."""
    root = make_recordings(tmp_path / "rec", ["deep/b.wav", "odd\\name.wav"])
    (root / "list.csv").write_text("file\ndeep\\b.wav\nodd\\name.wav\n")
    rules, skipped = SourceRules(), SkippedPaths()
    sources = list(iter_sources([f"{root}/list.csv"], rules, skipped))

    assert [source.file for source in sources] == [f"{root}/deep/b.wav", f"{root}/odd\\name.wav"]
    assert [source.relative_path for source in sources] == ["deep/b.wav", "odd/name.wav"]


def test_backslashes_do_not_lead_out_of_a_manifest(tmp_path: Path) -> None:
    """As slashes do not."""
    root = make_recordings(tmp_path, ["secret.wav", "rec/a.wav"])
    (root / "rec" / "list.csv").write_text("file\n..\\secret.wav\n")

    with pytest.raises(Exception, match="outside of the manifest's folder"):
        relative_paths([f"{root}/rec/list.csv"])


def test_recordings_outside_of_a_manifest_keep_their_absolute_paths(tmp_path: Path) -> None:
    """So a copy of the manifest elsewhere is divided alike."""
    root = make_recordings(tmp_path / "rec", ["a.wav", "b.wav"])
    text = f"file\n{root}/a.wav\n{root}/./b.wav\n"
    for folder in ("one", "two/three"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "list.csv").write_text(text)

    expected = [f"{root}/a.wav", f"{root}/b.wav"]
    assert relative_paths([f"{tmp_path}/one/list.csv"]) == expected
    assert relative_paths([f"{tmp_path}/two/three/list.csv"]) == expected


def test_lines_with_one_path_are_in_one_shard(tmp_path: Path) -> None:
    """The parts of a recording, and names that differ only in how accents are stored."""
    composed, apart = (unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD"))
    root = make_recordings(tmp_path, ["long.wav", composed, apart])
    rows = [f"long.wav,{at},5" for at in range(0, 100, 5)] + [f"{composed},,", f"{apart},,"]
    (root / "list.csv").write_text("\n".join(["file,offset,duration", *rows]))
    sizes = [len(relative_paths([f"{root}/list.csv"], Shard(number, 7))) for number in range(1, 8)]

    assert sum(sizes) == 22
    assert sorted(size for size in sizes if size) in ([2, 20], [22])


def test_urls_are_divided_by_what_has_no_secrets(tmp_path: Path) -> None:
    """A signature in the query differs from day to day, but the shard must not."""
    urls = [f"https://rec.example/{name}.wav" for name in "abcdefgh"]
    plain = [relative_or_url([url], number) for number in (1, 2) for url in urls]
    signed = [relative_or_url([f"{url}?sig=1"], number) for number in (1, 2) for url in urls]

    assert plain == signed
    assert sum(map(len, plain)) == len(urls)


def relative_or_url(names: Sequence[str], number: int) -> list[str]:
    sources = iter_sources(names, SourceRules(allow_remote=True), SkippedPaths())
    return [source.file for source in sources if Shard(number, 2).holds(source)]
