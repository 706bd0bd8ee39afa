"""Exports as files: their names, and that they are whole, wanted and in their folder."""

import codecs
import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import PacelineError, UsageProblem
from workers.exports.files import (
    COMBINED_FORMATS,
    FORMATS,
    FilesExist,
    OverwritePolicy,
    write_combined_exports,
    write_exports,
)
from workers.exports.names import MAX_NAME_BYTES, export_name, export_names, safe_file_name
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn


def job(file: str = "talks/x.wav", number: int = 1, said: str = "Hello there.") -> JobState:
    return JobState(JobId(number), file, transcript=Transcript([Turn(0, True, said)]))


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_formats_stand_in_their_order():
    """Help texts and menus list the formats in this order."""
    assert ["txt", "srt", "vtt", "json", "csv", "stm", "ctm", "seglst"] == list(FORMATS)


def test_every_format_becomes_a_file_named_after_the_recording(tmp_path: Path):
    """A missing folder is made; the files hold what the writers say, byte for byte."""
    job_state = job()
    folder = tmp_path / "new" / "exports"

    paths = write_exports(job_state, FORMATS, folder)

    names = [f"x.{each}" for each in FORMATS if each != "seglst"]
    assert [folder / name for name in (*names, "x.seglst.json")] == paths
    assert [write(job_state).encode() for write in FORMATS.values()] == [
        path.read_bytes() for path in paths
    ]
    assert sorted(path.name for path in paths) == files_in(folder)


@pytest.mark.parametrize("in_run", [False, True])
def test_exports_of_many_jobs_are_divided_among_folders(tmp_path: Path, in_run: bool):
    """A job's files are always in the same one, however many jobs are exported."""
    folder = tmp_path / "exports"
    paths = [
        path
        for number in (200, 201, 1000)
        for path in write_exports(job(number=number), ["txt"], folder, in_run=in_run)
    ]

    inner = [folder, folder / "jobs-0201-0400", folder / "jobs-0801-1000"]
    assert [place / "x.txt" for place in inner] == paths
    assert all(path.is_file() for path in paths)
    with pytest.raises(FilesExist):
        write_exports(job(number=201), ["txt"], folder, in_run=in_run)


def test_a_format_asked_for_twice_is_written_once(tmp_path: Path):
    """Repetition is no error."""
    assert [tmp_path / "x.srt"] == write_exports(job(), ["srt", "srt"], tmp_path)


def test_nothing_is_overwritten_unasked(tmp_path: Path):
    """A file that exists is kept, and the other formats are written beside it."""
    (tmp_path / "x.vtt").write_text("mine")

    with pytest.raises(FilesExist) as caught:
        write_exports(job(), ["srt", "vtt"], tmp_path)

    assert [tmp_path / "x.vtt"] == caught.value.paths
    assert {"srt": tmp_path / "x.srt"} == caught.value.written
    assert "x.vtt already exists" == caught.value.reason
    assert ["x.srt", "x.vtt"] == files_in(tmp_path)
    assert "mine" == (tmp_path / "x.vtt").read_text()


def test_a_link_that_leads_nowhere_is_in_the_way_too(tmp_path: Path):
    """Something of that name is there, even though it cannot be opened."""
    (tmp_path / "x.txt").symlink_to(tmp_path / "gone")

    with pytest.raises(FilesExist):
        write_exports(job(), ["txt"], tmp_path)


def test_overwriting_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path):
    """An export never writes through a link into another place."""
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "x.txt").symlink_to(tmp_path / "elsewhere")

    write_exports(job(), ["txt"], tmp_path, existing=OverwritePolicy.REPLACE)

    assert "mine" == (tmp_path / "elsewhere").read_text()
    assert "Hello there.\n" == (tmp_path / "x.txt").read_text()


def test_an_unknown_format_is_a_usage_problem_that_names_the_known_ones(tmp_path: Path):
    """It is found before anything is written."""
    with pytest.raises(UsageProblem) as caught:
        write_exports(job(), ["txt", "docx"], tmp_path)

    assert "unknown export format “docx”" == caught.value.reason
    assert "Formats: txt, srt, vtt, json, csv, stm, ctm, seglst" == caught.value.hint
    assert [] == files_in(tmp_path)


def test_what_is_there_stays_beside_a_numbered_export(tmp_path: Path):
    """All formats of one export have the same number, the first that is free for all."""
    for name in ("x.txt", "x-2.srt"):
        (tmp_path / name).write_text("mine")

    written = write_exports(job(), ["txt", "srt"], tmp_path, existing=OverwritePolicy.NUMBER)

    assert ["x-3.txt", "x-3.srt"] == [path.name for path in written]
    assert "mine" == (tmp_path / "x.txt").read_text()


@pytest.mark.parametrize("csv_bom", [False, True])
def test_a_byte_order_mark_is_only_in_csv_and_only_if_asked_for(tmp_path: Path, csv_bom: bool):
    """Excel needs it; other programs take it as part of the first column's name."""
    state = job(said="Grüße, 你好.")
    written = write_exports(state, FORMATS, tmp_path, csv_bom=csv_bom)
    written += write_combined_exports([state], FORMATS, tmp_path, csv_bom=csv_bom)
    marked = [path for path in written if path.read_bytes().startswith(codecs.BOM_UTF8)]

    assert marked == ([tmp_path / "x.csv", tmp_path / "transcripts.csv"] if csv_bom else [])
    assert "Grüße, 你好." in (tmp_path / "x.csv").read_text("utf-8-sig")


def test_all_recordings_go_into_one_file_a_format(tmp_path: Path):
    """Each says which recording is which; subtitles of several films cannot be one."""
    job_states = [job("a/x.wav", 1, "Hello."), job("=b.wav", 2, "Good bye.")]

    written = write_combined_exports(job_states, FORMATS, tmp_path)

    names = [f"transcripts.{each}" for each in COMBINED_FORMATS if each != "seglst"]
    assert [*names, "transcripts.seglst.json"] == [path.name for path in written]
    assert {"txt", "json", "csv", "stm", "ctm", "seglst"} == set(COMBINED_FORMATS)
    text, document, table = (path.read_bytes().decode() for path in written[:3])
    assert "=== a/x.wav ===\nHello.\n\n=== =b.wav ===\nGood bye.\n" == text
    assert ["a/x.wav", "=b.wav"] == [each["file"] for each in json.loads(document)["jobs"]]
    header, first, second = table.splitlines()
    assert header.startswith("job,file,turn_order,")
    assert first.startswith("1,a/x.wav,0,")
    assert second.startswith("2,'=b.wav,0,")


def test_one_file_for_all_is_kept_or_numbered_likewise(tmp_path: Path):
    """The same rules as for one recording."""
    (tmp_path / "transcripts.csv").write_text("mine")

    with pytest.raises(FilesExist):
        write_combined_exports([job()], ["csv"], tmp_path)
    written = write_combined_exports([job()], ["csv"], tmp_path, existing=OverwritePolicy.NUMBER)

    assert [tmp_path / "transcripts-2.csv"] == written


@pytest.mark.parametrize("breaking", ["fsync", "replace"])
def test_a_write_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaking: str
):
    """The old file stays and no new one appears; the error says why."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, breaking, full)

    with pytest.raises(PacelineError, match="No space left on device") as caught:
        write_exports(job(), ["txt", "srt"], tmp_path)

    assert str(tmp_path) in caught.value.reason
    assert [] == files_in(tmp_path)


def test_a_failed_overwrite_leaves_the_old_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The old export is only replaced when the new one is on the disk."""
    (tmp_path / "x.txt").write_text("old")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)

    with pytest.raises(PacelineError):
        write_exports(job(), ["txt"], tmp_path, existing=OverwritePolicy.REPLACE)

    assert "old" == (tmp_path / "x.txt").read_text()


def test_a_folder_that_is_a_file_is_told_in_words(tmp_path: Path):
    """No traceback for a mistaken path."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(PacelineError, match="could not be written"):
        write_exports(job(), ["txt"], tmp_path / "taken")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("talks/Monday stand-up.wav", "Monday stand-up"),
        ("../../etc/x", "x"),
        ("a/b", "b"),
        ("..", "recording"),
        ("", "recording"),
        ("CON", "_CON"),
        ("nul.backup.wav", "_nul.backup"),
        ("COM¹.wav", "_COM¹"),
        ("console.wav", "console"),
        (".hidden.wav", "hidden"),
        ("ends... .wav", "ends"),
        ("a..b.wav", "a.b"),
        ("c:\\temp\\x?.wav", "c__temp_x_"),
        ("two\nlines\x1b[2J.wav", "two lines [2J"),
        ("evil\u202efdp.wav", "evilfdp"),
        ("not utf-8 \udcff.wav", "not utf-8 _"),
        ("👩‍🚀 début.wav", "👩‍🚀 début"),
        ("e\u0301te\u0301.wav", "été"),
        ("x" * 300 + ".wav", "x" * MAX_NAME_BYTES),
        ("é" * 300, "é" * (MAX_NAME_BYTES // 2)),
    ],
)
def test_a_name_is_safe_on_every_system(file: str, name: str):
    """Whatever a recording is called, its exports stay in their folder and can be opened."""
    assert name == export_name(file)


@given(st.text(st.characters()))
def test_no_name_leaves_its_folder(text: str):
    """Any text makes one visible, bounded name, and the same name again from that."""
    name = safe_file_name(text)

    assert name == Path(name).name
    assert name == safe_file_name(name)
    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert not set('<>:"/\\|?*\0\n') & set(name)
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert ".." not in name


def test_a_given_name_is_made_safe_as_well(tmp_path: Path):
    """No name leads out of the export's folder."""
    assert [tmp_path / "_up.txt"] == write_exports(job(), ["txt"], tmp_path, name="../up")


def test_recordings_of_one_name_are_numbered_in_the_order_of_their_jobs():
    """The first keeps the name, also when the jobs come in another order."""
    files = {7: "c/X.ogg", 4: "b/x.flac", 2: "a/x.wav", 3: "a/y.wav"}

    names = export_names({JobId(job): file for job, file in files.items()})
    assert {2: "x", 3: "y", 4: "x-2", 7: "X-3"} == names


def test_a_number_does_not_take_the_name_of_another_recording():
    """A recording that is called x-2 keeps its name, wherever it stands in the queue."""
    files = {1: "a/x.wav", 2: "b/x.wav", 3: "x-2.wav", 4: "c/x.wav"}

    names = export_names({JobId(job): file for job, file in files.items()})
    assert {1: "x", 2: "x-3", 3: "x-2", 4: "x-4"} == names


@given(st.lists(st.sampled_from(["x", "X", "x-2", "x-2-2", "é" * 90, "é" * 80, "ß", "SS", ""])))
def test_names_are_distinct_on_every_file_system(stems: list[str]):
    """No two exports meet in one file, even where case does not count and names are cut."""
    given_names = export_names(
        {JobId(number): f"{stem}.wav" for number, stem in enumerate(stems, start=1)}
    )

    assert len(stems) == len({name.casefold() for name in given_names.values()})
    assert list(given_names.values()) == [safe_file_name(name) for name in given_names.values()]
