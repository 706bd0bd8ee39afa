"""Manifests: lists of recordings in the formats of other tools."""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.audio.source import ReadOptions, Source
from workers.errors import UsageProblem
from workers.sources.manifest import (
    MANIFEST_SUFFIXES,
    MAX_MANIFEST_LINE_CHARS,
    MAX_PROBLEMS,
    PATH_COLUMNS,
    SourceRules,
    read_manifest,
)

MakeManifest = Callable[[str, "str | bytes"], str]


@pytest.fixture
def make(tmp_path: Path) -> MakeManifest:
    """Writes a manifest beside the recordings a.wav, b.wav and deep/c d.wav; returns its path."""
    (tmp_path / "deep").mkdir()
    for name in ("a.wav", "b.wav", "deep/c d.wav"):
        (tmp_path / name).touch()

    def make(name: str, text: "str | bytes") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return make


def files(sources: list[Source], folder: Path) -> list[str]:
    return [os.path.relpath(source.file, folder) for source in sources]


def problem_of(path: str, rules: SourceRules | None = None) -> str:
    with pytest.raises(UsageProblem) as caught:
        read_manifest(path, rules or SourceRules())
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonl", '{"audio_filepath": "a.wav"}\n\n{"audio_filepath": "deep/c d.wav"}\n'),
        ("x.json", '{"file": "a.wav"}\n{"path": "deep/c d.wav"}'),
        ("x.json", '[{"wav": "a.wav"},\n {"audio": "deep/c d.wav"}]'),
        ("x.csv", "id,file\n1,a.wav\n2,deep/c d.wav\n"),
        ("x.csv", 'path;"what; for"\r\na.wav;x\r\n\r\n"deep/c d.wav";y\r\n'),
        ("x.CSV", b"\xef\xbb\xbffile\na.wav\ndeep/c d.wav"),
        ("x.csv", "file\tnote\na.wav\tx\ndeep/c d.wav\ty\n".encode("utf-16")),
        ("x.tsv", "wav\tspeaker\na.wav\tAnna\ndeep/c d.wav\n"),
        ("wav.scp", "utt-1 a.wav\nutt-2\tdeep/c d.wav \n"),
        ("x.m3u", "a.wav\r\n\r\n# a comment\r\ndeep/c d.wav\r\n"),
        ("x.m3u8", "#EXTM3U\n#EXTINF:12,First, the best\na.wav\ndeep/c d.wav"),
    ],
)
def test_every_format_names_recordings(
    make: MakeManifest, tmp_path: Path, name: str, text: "str | bytes"
):
    """Paths are relative to the manifest, and its order is kept."""
    assert files(read_manifest(make(name, text)), tmp_path) == ["a.wav", "deep/c d.wav"]


def test_columns_become_part_parameters_and_metadata(make: MakeManifest):
    """What a line says about its recording goes along with it; empty cells say nothing."""
    table = (
        "file,offset,duration,param.language,caller,note\n"
        'a.wav,1:30,30,de,"Doe, Jane",\n'
        "b.wav,,,,,\n"
    )
    rules = SourceRules(ReadOptions(track="2", start_s=5.0))
    first, second = read_manifest(make("calls.csv", table), rules)

    assert first.options == ReadOptions(track="2", start_s=90.0, end_s=120.0)
    assert first.params == (("language", "de"),)
    assert first.metadata == (("caller", "Doe, Jane"),)
    assert second == Source(second.file, rules.options)


def test_json_values_keep_their_form(make: MakeManifest):
    """Numbers, lists and null may be values; a list is sent as JSON, as the protocol wants it."""
    entry = {
        "file": "a.wav",
        "offset": 0.5,
        "duration": 2,
        "param.keyterms_prompt": ["one", "two"],
        "speakers": 2,
        "text": None,
    }
    (source,) = read_manifest(make("x.jsonl", json.dumps(entry)))

    assert (source.options.start_s, source.options.end_s) == (0.5, 2.5)
    assert source.params == (("keyterms_prompt", '["one", "two"]'),)
    assert source.metadata == (("speakers", "2"),)


def test_the_titles_of_a_playlist_and_kaldis_utterances_are_metadata(make: MakeManifest):
    """Nothing that a manifest says is lost."""
    (song,) = read_manifest(make("x.m3u", "#EXTM3U\n#EXTINF:12,The call\na.wav\n"))
    (utterance,) = read_manifest(make("wav.scp", "u-1 a.wav\n"))

    assert song.metadata == (("title", "The call"),)
    assert utterance.metadata == (("utterance", "u-1"),)


def test_all_problems_are_told_with_their_lines(make: MakeManifest):
    """One correction after the other would take hours with 20,000 lines."""
    told = problem_of(make("calls.csv", "file,offset\nnone.wav,\na.wav,x\n\ndeep,\n,1\nb.wav,\n"))

    for line, words in (
        (2, "there is no file “none.wav”"),
        (3, "“x” is not a position"),
        (5, "“deep” is a folder"),
        (6, "it names no recording"),
    ):
        assert f"calls.csv, line {line}: {words}" in told


def test_problems_are_bounded(make: MakeManifest):
    """A wrong folder makes every line a problem, but not every line is told."""
    told = problem_of(make("x.m3u", "\n".join(f"{number}.wav" for number in range(1000))))

    assert told.count(", line ") == MAX_PROBLEMS
    assert f"and {1000 - MAX_PROBLEMS} more problems" in told


def test_relative_paths_stay_below_the_manifest(make: MakeManifest, tmp_path: Path):
    """Neither dots nor links lead out of its folder; an absolute path is meant as it is."""
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "link.wav").symlink_to("../a.wav")
    (tmp_path / "list" / "inside.wav").touch()
    (tmp_path / "list" / "good.wav").symlink_to("inside.wav")
    told = problem_of(make("list/x.m3u", "../a.wav\nlink.wav\n../list/inside.wav\n"))
    sources = read_manifest(
        make("list/y.m3u", f"good.wav\n{tmp_path}/a.wav\n{(tmp_path / 'b.wav').as_uri()}\n")
    )

    assert "line 1: “../a.wav” is outside" in told
    assert "line 2: “link.wav” is outside" in told
    assert "line 3" not in told
    assert files(sources, tmp_path) == ["list/good.wav", "a.wav", "b.wav"]


def test_commands_are_refused(make: MakeManifest):
    """Kaldi would run them; a list from somebody else must not."""
    told = problem_of(make("wav.scp", "u-1 a.wav\nu-2 sox a.wav -t wav - |\nu-3\n"))

    assert "wav.scp, line 2: this is a command" in told
    assert "wav.scp, line 3: this is not an utterance and a path" in told


def test_urls_need_permission(make: MakeManifest):
    """A list must not make this machine connect to others unless its user says so."""
    path = make("x.csv", "file\nhttps://u:secret@host/a.wav?token=t\n")
    told = problem_of(path)
    (source,) = read_manifest(path, SourceRules(allow_remote=True))

    assert "line 2: it names a URL" in told
    assert "--remote" in told
    assert "secret" not in told
    assert source.file == "https://host/a.wav"
    assert "secret" not in repr(source)
    assert source.secret_url == "https://u:secret@host/a.wav?token=t"


def test_parameters_are_checked(make: MakeManifest):
    """A wrong parameter is a problem of its line."""

    def check(params: tuple[tuple[str, str], ...]) -> None:
        if ("language", "xx") in params:
            raise UsageProblem("there is no language “xx”")

    path = make("x.csv", "file,param.language\na.wav,de\na.wav,xx\nb.wav,xx\n")

    assert problem_of(path, SourceRules(check_params=check)) == (
        "x.csv, line 3: there is no language “xx”\nx.csv, line 4: there is no language “xx”"
    )


def test_a_hint_follows_the_line_that_needs_it(make: MakeManifest):
    """It is given once, however many lines have the same problem."""
    path = make("x.csv", "file\nno.wav\nhttps://example.org/a.wav\nnor.wav\n")

    assert problem_of(path) == (
        "x.csv, line 2: there is no file “no.wav”. "
        "A relative path starts at the manifest's folder.\n"
        "x.csv, line 3: it names a URL. Allow URLs in manifests with --remote.\n"
        "x.csv, line 4: there is no file “nor.wav”"
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.csv", b"RIFF\x00\x00\x00\x00WAVE", "not a text file"),
        ("x.jsonl", "", "names no recordings"),
        ("x.csv", "name,size\na.wav,1\n", "line 1: no column names the recordings"),
        ("x.csv", "file,x,x\na.wav,1,2\n", "two columns “x”"),
        ("x.csv", "file\na.wav,b.wav\n", "line 2: it has 2 cells, but there are 1 columns"),
        ("x.csv", 'file\n"a.wav\n', "it is not a table"),
        ("x.jsonl", '{"file": "a.wav"}\nnot JSON\n', "line 2: this is not a JSON object"),
        ("x.jsonl", '"a.wav"\n', "line 1: this is not a JSON object"),
        ("x.json", '[{"file": "a.wav"}', "it is not JSON"),
        ("x.json", "[" * 100_000, "it is not JSON"),
        ("x.jsonl", "[1]\n", "entry 1: this is not a JSON object"),
        ("x.m3u8", "#EXTM3U\n#EXT-X-VERSION:3\nseg0.ts\n", "a stream (HLS)"),
        ("x.m3u", "a" * (MAX_MANIFEST_LINE_CHARS + 1), "line 1: it has more than"),
        ("x.csv", "file,offset,duration\na.wav,3,0\n", "line 2: the part from 3 s until 3 s"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(
    make: MakeManifest, name: str, text: "str | bytes", words: str
):
    """Also of files that are no manifest at all."""
    assert words in problem_of(make(name, text))


def test_names_may_be_any_bytes(make: MakeManifest, tmp_path: Path):
    """A name that is not UTF-8 is the same in the manifest as on the disk."""
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    (source,) = read_manifest(make("x.m3u", b"caf\xe9.wav\n"))

    assert os.path.exists(source.file)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(MANIFEST_SUFFIXES)),
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")),
        st.text('file,"\n\t;{}[]:a.wv |#\\', max_size=200).map(str.encode),
    ),
)
def test_any_content_is_read_or_refused(tmp_path: Path, suffix: str, content: bytes):
    """No content of a manifest ends the program."""
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with suppress(UsageProblem):
        assert read_manifest(str(path))


@pytest.mark.parametrize("name", [r"a\u0000.wav", r"\u0000/a.wav", r"\ud800.wav"])
def test_names_that_no_file_can_have_are_refused(make: MakeManifest, name: str):
    """JSON can write them."""
    assert "there is no file" in problem_of(make("x.jsonl", f'{{"file": "{name}"}}'))


DOCUMENTATION = (Path(__file__).parents[3] / "docs" / "recordings.md").read_text()


def test_the_documented_manifest_is_read(make: MakeManifest, tmp_path: Path):
    """The example of the documentation works as it stands there."""
    (example,) = re.findall(r"```csv\n(.*?)```", DOCUMENTATION, re.DOTALL)
    (tmp_path / "calls").mkdir()
    for name in ("monday.wav", "tuesday.wav"):
        (tmp_path / "calls" / name).touch()
    monday, tuesday = read_manifest(make("calls.csv", example))

    assert (monday.options.start_s, monday.options.end_s) == (90.0, 120.0)
    assert (monday.params, monday.metadata) == ((("language", "en"),), (("caller", "Anna"),))
    assert tuesday.options == ReadOptions()


def test_every_suffix_and_column_is_documented():
    """What the documentation lists is what is read."""
    for word in (*MANIFEST_SUFFIXES, *PATH_COLUMNS):
        assert f"`{word}`" in DOCUMENTATION
