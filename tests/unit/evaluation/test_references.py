"""References are found where people keep them, in the formats that they have."""

from dataclasses import replace
from pathlib import Path

import pytest

from workers.errors import UsageProblem
from workers.evaluation.reference_formats import Reference, TimedText, read_reference
from workers.evaluation.references import ReferenceMatches, ScoredFile, match_references

TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1
            text = "good"
        intervals [3]:
            xmin = 1
            xmax = 1.5
            text = "morning"
"""
STM = ";; a comment\ntalk 1 anna 0.5 1.5 <o,f0> good morning\nother 1 b 0 1 no\n"
SEGLST = """[{"session_id": "talk", "speaker": "anna", "start_time": 0.5, "end_time": "1.5",
    "words": "good morning"}]"""
TIMED_WORDS = '[{"text":"good","start":500,"end":1000},{"text":"morning","start":1000,"end":1500}]'
WORDS = (TimedText("good", 500, 1000), TimedText("morning", 1000, 1500))
PHRASE = (TimedText("good morning", 500, 1500),)


@pytest.mark.parametrize(
    ("name", "content", "timed"),
    [
        ("talk.txt", "\ufeffgood morning\n", ()),
        ("talk.json", '{"text": "good morning"}', ()),
        ("talk.json", TIMED_WORDS, WORDS),
        ("talk.json", '{"words": [{"text":"good morning","start":500.0,"end":1500}]}', PHRASE),
        ("talk.srt", "1\n00:00:00,500 --> 00:00:01,500\ngood\nmorning\n", PHRASE),
        ("talk.vtt", "WEBVTT\n\n00:00.500 --> 00:01.500\ngood morning\n", PHRASE),
        ("talk.stm", STM, (replace(PHRASE[0], speaker="anna"),)),
        ("talk.json", SEGLST, (replace(PHRASE[0], speaker="anna"),)),
        ("talk.ctm", "talk 1 0.5 0.5 good 0.9\ntalk 1 1.0 0.5 morning\n", WORDS),
        ("talk.TextGrid", TEXTGRID, WORDS),
    ],
)  # fmt: skip
def test_every_format_gives_the_text_and_its_times(
    tmp_path: Path, name: str, content: str, timed: tuple[TimedText, ...]
) -> None:
    """A file beside the recording is found by its name; times are in ms."""
    (tmp_path / name).write_text(content)
    file = ScoredFile(tmp_path / "talk.wav")
    (reference,) = match_references([file]).references.values()

    assert reference.text.split() == ["good", "morning"]
    assert reference.timed == timed
    assert reference.has_word_times == (timed == WORDS)
    assert reference.origin == str(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("talk.txt", " \n", "is empty"),
        ("talk.json", "{", "is not a valid .json file"),
        ("talk.json", '"text"', "is not a valid .json file"),
        ("talk.json", '[{"text": "a"}]', "is not a valid .json file"),
        ("talk.json", "{}", "is empty"),
        ("talk.ctm", "talk 1 0.5\n", "line 1 has fewer than five fields"),
        ("talk.stm", "talk 1 a x y words\n", "is not a valid .stm file"),
        ("talk.TextGrid", "nonsense", "is not a valid .TextGrid file"),
        ("talk.txt", "\udcff", "cannot be read"),
    ],
)
def test_an_unusable_reference_is_an_error_that_names_it(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    """Nothing is scored without it by accident."""
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageProblem, match=message) as error:
        read_reference(path, "talk")
    assert str(path) in str(error.value)


def origins(matches: ReferenceMatches) -> dict[str, str]:
    """The text of each matched recording, by its file name."""
    return {file.path.name: one.text for file, one in matches.references.items()}


def test_references_in_the_manifest_and_in_a_folder_truth(tmp_path: Path) -> None:
    """A column counts before a file; ``truth`` lies beside ``audio``."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "a.txt").write_text("from truth")
    files = [
        ScoredFile(tmp_path / "audio" / "a.wav"),
        ScoredFile(tmp_path / "audio" / "b.wav", (("speaker", "x"), ("sentence", "from manifest"))),
        ScoredFile(tmp_path / "audio" / "c.wav"),
    ]
    matches = match_references(files)

    assert origins(matches) == {"a.wav": "from truth", "b.wav": "from manifest"}
    assert matches.unmatched == (files[2],)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("refs.csv", 'file,text\naudio/a.wav,"one, two"\nb.wav,three\nz.wav,unused\n'),
        ("refs.tsv", "path\tsentence\naudio/a.wav\tone, two\nb.wav\tthree\nz.wav\tunused\n"),
        (
            "refs.jsonl",
            '{"audio_filepath": "audio/a.wav", "text": "one, two"}\n\n'
            '{"wav": "b.wav", "transcript": "three"}\n{"audio": "z.wav", "text": "unused"}\n',
        ),
    ],
)
def test_a_table_of_references(tmp_path: Path, name: str, content: str) -> None:
    """Recordings match by path, or by a file name that occurs once."""
    (tmp_path / name).write_text(content)
    files = [ScoredFile(tmp_path / "audio" / "a.wav"), ScoredFile(Path("/elsewhere/b.wav"))]
    matches = match_references(files, tmp_path / name)

    assert origins(matches) == {"a.wav": "one, two", "b.wav": "three"}
    assert len(matches.unused) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,text\na.wav,one\na.wav,two\n", "a.wav has two references"),
        ("file,text\na.wav,one\nb.wav,\n", "line 3 is empty"),
        ("name,text\na.wav,one\n", "line 2 names no recording"),
        ("file,text\nx/a.wav,one\n", "fits two recordings"),
    ],
)
def test_a_table_that_cannot_be_matched(tmp_path: Path, content: str, message: str) -> None:
    """The error names the line or both recordings."""
    (tmp_path / "refs.csv").write_text(content)
    files = [ScoredFile(tmp_path / "p" / "a.wav"), ScoredFile(tmp_path / "q" / "a.wav")]
    with pytest.raises(UsageProblem, match=message):
        match_references(files, tmp_path / "refs.csv")


def test_a_folder_of_references(tmp_path: Path) -> None:
    """By name, in subfolders too; one that fits two recordings is an error."""
    (tmp_path / "refs" / "day1").mkdir(parents=True)
    (tmp_path / "refs" / "day1" / "a.txt").write_text("one")
    (tmp_path / "refs" / "b.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\ntwo\n")
    (tmp_path / "refs" / "c.txt").write_text("unused")
    files = [ScoredFile(tmp_path / "a.mp3"), ScoredFile(tmp_path / "b.wav")]
    matches = match_references(files, tmp_path / "refs")

    assert origins(matches) == {"a.mp3": "one", "b.wav": "two"}
    assert matches.unused == (str(tmp_path / "refs" / "c.txt"),)
    with pytest.raises(UsageProblem, match="fits 2 recordings"):
        match_references([*files, ScoredFile(tmp_path / "x" / "a.wav")], tmp_path / "refs")


def test_one_recording_streamed_twice_has_one_reference(tmp_path: Path) -> None:
    """As in a run that compares models."""
    (tmp_path / "a.txt").write_text("one")
    file = ScoredFile(tmp_path / "a.wav")
    assert match_references([file, file]).references == {
        file: Reference(str(tmp_path / "a.txt"), "one")
    }


def test_one_reference_cannot_be_about_several_recordings(tmp_path: Path) -> None:
    """Only STM and CTM name the recording in each line."""
    (tmp_path / "all.stm").write_text("a 1 s 0 1 one\nb 1 s 0 1 two\n")
    files = [ScoredFile(tmp_path / "a.wav"), ScoredFile(tmp_path / "b.wav")]
    assert origins(match_references(files, tmp_path / "all.stm")) == {
        "a.wav": "one",
        "b.wav": "two",
    }
    (tmp_path / "all.txt").write_text("one")
    with pytest.raises(UsageProblem, match="is about one recording"):
        match_references(files, tmp_path / "all.txt")
    with pytest.raises(UsageProblem, match="holds no references"):
        match_references(files, tmp_path / "none.docx")
