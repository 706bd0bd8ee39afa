"""Every export of whatever was heard, as somebody else's program reads it."""

import csv
import html
import io
import json
import re
import tempfile
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.exports.files import FORMATS, write_exports
from workers.exports.names import export_name, export_names
from workers.exports.sanitise import single_line, words_of
from workers.exports.spoken import MAX_TIME_MS, timed_words
from workers.exports.subtitles import srt_of, vtt_of
from workers.exports.table import CSV_COLUMNS, csv_of
from workers.exports.text import txt_of
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn, Word

some = settings(max_examples=15)

PIECES = st.sampled_from(
    [
        *("-->", "1", "00:00:01,000 --> 00:00:02,000", "WEBVTT", "NOTE", "STYLE", "<i>", "{\\an8}"),
        *(
            "\\N",
            "\\h",
            "&lt;",
            "&#0;",
            "\r\n\r\n",
            "\n\n2\n",
            "[unfinished]",
            ",",
            '","',
            ";",
            "'",
        ),
        *("=1+1", "+1", "-1", "@A1", "＝1", "\t=1", '"=1', "\u200b=1", "\x00", "\x1b[2J", "\x9b"),
        *("\u202e", "\u2066", "\u2028", "\x85", "\ud800", "\udfff", "\ufeff", "\uffff", "e\u0301"),
        *("👩‍🚀", "مرحبا", "世界", "word", "a.", "x" * 200),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=6).map(" ".join)
MS = st.integers(-10, 20_000) | st.integers(-(2**63), 2**63)
WORDS = st.builds(
    Word, TEXTS, MS, MS, st.none() | st.floats(0, 1), st.booleans(), st.none() | TEXTS
)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Said in words that are those of the text, or in any."""
    text = draw(TEXTS)
    words = draw(st.lists(WORDS, max_size=4))
    if draw(st.booleans()):
        places = draw(st.lists(MS, min_size=len(text.split()), max_size=len(text.split())))
        words = [Word(word, at, at + 90) for word, at in zip(text.split(), places, strict=True)]
    speaker = draw(st.none() | TEXTS)
    return Turn(
        draw(st.integers()), draw(st.booleans()), text, words=tuple(words), speaker_label=speaker
    )


SECONDS = st.floats(0, 100) | st.just(9e18)
HISTORIES = st.builds(
    lambda file, heard, seconds: JobState(
        JobId(1), file, transcript=Transcript(heard), total_seconds=seconds
    ),
    TEXTS,
    st.lists(turns(), max_size=4),
    SECONDS,
)

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−"
"""What begins a formula, and its look-alikes."""

CUE = re.compile(r"(\d+)\n(.+) --> (.+)\n((?:.+\n)+)\n")


def blocks(text: str) -> list[tuple[int, int, int, str]]:
    """The cues of a file that consists of nothing else: number, start, end in ms, and text."""
    cues, at = [], 0
    while at < len(text):
        found = CUE.match(text, at)
        assert found, text[at : at + 200]
        number, start, end, lines = found.groups()
        cues.append((int(number), milliseconds(start), milliseconds(end), lines))
        at = found.end()
    return cues


def milliseconds(clock: str) -> int:
    parts = re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d)[.,](\d{3})", clock)
    assert parts, clock
    hours, minutes, seconds, rest = map(int, parts.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def heard(job_state: JobState) -> list[str]:
    """Every word that can stand in a file."""
    return [word for line in job_state.transcript.lines for word in words_of(line.text)]


def check(text: str) -> None:
    """Fails if there is anything in it that a terminal or an editor would obey."""
    text.encode()
    unseen = {char for char in set(text) if unicodedata.category(char) in ("Cc", "Zl", "Zp")}

    assert unseen <= {"\r", "\n"}
    assert not set("\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(text)


# --- subtitles


@some
@given(HISTORIES)
def test_subtitles_are_cues_in_order_that_hold_every_word_once(history: JobState) -> None:
    """Both files, as their grammars have it; a cue takes time, and is over when the next begins."""
    as_srt, as_vtt = srt_of(history), vtt_of(history)
    assert as_vtt.startswith("WEBVTT\n\n")
    read = blocks(as_srt), blocks(as_vtt.removeprefix("WEBVTT\n\n"))

    check(as_srt + as_vtt)
    for cues in read:
        assert [number for number, *_ in cues] == [*range(1, len(cues) + 1)]
        assert all(0 <= start < end for _, start, end, _ in cues)
        assert all(first[2] <= second[1] for first, second in pairwise(cues))
        assert not any("-->" in text for *_, text in cues)
    assert heard(history) == html.unescape("".join(text for *_, text in read[1])).split()
    assert not any(set("<>") & set(text) or "\\" in text for *_, text in read[1])
    assert twins(" ".join(heard(history))) == twins(
        " ".join("".join(t for *_, t in read[0]).split())
    )
    assert not any(set("<>{}\\") & set(text) for *_, text in read[0])


def twins(text: str) -> str:
    """SRT shows look-alikes of what players would obey."""
    return text.translate(str.maketrans("<>{}\\", "＜＞｛｝＼"))


LAST = Word("far", MAX_TIME_MS, MAX_TIME_MS)
MANY = f"{'x' * 50} " * 7300
"""Words for more than an hour of cues, however short."""


@pytest.mark.parametrize(
    "said",
    [
        [Turn(0, True, MANY, words=(LAST,))],
        [Turn(0, True, "far", words=(LAST,)), Turn(1, True, MANY)],
        [Turn(0, True, "x" * 6_000_000), Turn(1, True, "the end")],
    ],
    ids=["words at the last moment", "words behind it", "a word of a hundred hours"],
)
def test_the_clock_of_subtitles_does_not_run_out(said: list[Turn]) -> None:
    """It has two digits for the hours; behind them, all cues would be one."""
    cues = blocks(srt_of(JobState(JobId(1), "x", transcript=Transcript(said))))

    assert all(start < end for _, start, end, _ in cues)
    assert all(first[2] <= second[1] for first, second in pairwise(cues))


def test_a_turn_of_a_megabyte_takes_no_longer_than_a_hundred_of_ten_kilobytes() -> None:
    """Where to find the times of words that do not match: an hour's work, done word by word."""
    transcript = Transcript([Turn(0, True, "abcd " * 200_000, words=(Word("a", 0, 9),))])
    (words,) = timed_words(transcript.lines, 0)

    assert 200_000 == len(words)


# --- table, text, document


@some
@given(HISTORIES)
def test_the_table_holds_every_turn_and_runs_nothing(history: JobState) -> None:
    """Whatever stands before a formula's sign, its cell is a text."""
    table = csv_of(history)
    head, *rows = csv.reader(io.StringIO(table, newline=""), strict=True)
    turns = history.transcript.turns
    lines = history.transcript.lines

    check(table)
    assert list(CSV_COLUMNS) == head
    assert [str(line.turn_order) for line in lines] == [row[0] for row in rows]
    assert [tamed(line.text) for line in lines] == [row[6] for row in rows]
    assert [tamed(turn.speaker_label or "") for turn in turns] == [row[4] for row in rows]


def tamed(text: str) -> str:
    """The text with an apostrophe if some spreadsheet might treat it as a formula."""
    shown = single_line(text)
    before = shown[: next((at for at, char in enumerate(shown) if char.isalnum()), len(shown))]
    return f"'{shown}" if set(SIGNS) & set(before) else shown


@pytest.mark.parametrize(
    "before",
    ["", "\t", "\r\n", "\xa0", "\u3000", '"', "''", "«", "(", "\u200b", "\xad", "\u0301", "‹“ "],
)
def test_nothing_hides_a_formula(before: str) -> None:
    """This holds in every column of text."""
    turns = [
        Turn(order, True, f"{before}{sign}1", speaker_label=f"{before}{sign}1")
        for order, sign in enumerate(SIGNS)
    ]
    job_state = JobState(JobId(1), "x", transcript=Transcript(turns))
    rows = list(csv.reader(io.StringIO(csv_of(job_state), newline="")))[1:]
    defused = [f"'{single_line(turn.transcript)}" for turn in turns]

    assert defused == [row[4] for row in rows] == [row[6] for row in rows]


@some
@given(HISTORIES)
def test_plain_text_is_a_line_a_turn(history: JobState) -> None:
    """The words of the turn, and no line for a turn without any."""
    text = txt_of(history)
    lines = [line for line in history.transcript.lines if words_of(line.text)]

    check(text)
    assert len(lines) == text.count("\n")
    for line, shown in zip(lines, text.splitlines(), strict=True):
        assert shown.removesuffix("" if line.is_final else " [unfinished]") == single_line(
            line.text
        )


@some
@given(HISTORIES)
def test_the_document_holds_every_turn_as_it_came(history: JobState) -> None:
    """A strict reader accepts it."""
    text = FORMATS["json"](history)
    document = json.loads(text, parse_constant=pytest.fail)

    check(text)
    assert [turn.turn_order for turn in history.transcript.turns] == [
        turn["turn_order"] for turn in document["turns"]
    ]
    assert [whole(turn.transcript) for turn in history.transcript.turns] == [
        turn["transcript"] for turn in document["turns"]
    ]
    assert [
        [(word.start, word.end) for word in turn.words] for turn in history.transcript.turns
    ] == [
        [(word["start"], word["end"]) for word in turn.get("words", [])]
        for turn in document["turns"]
    ]


def whole(text: str) -> str:
    """Two halves of a character that happen to stand together are that character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# --- files

FILES = [
    "../../x",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/../..",
    "~",
    "-rf",
    "=1.wav",
    "CON",
    "\udcff",
    "x" * 9000,
    "\u0301" * 300,
]


@settings(max_examples=30)
@given(st.lists(st.one_of(TEXTS, st.text(), st.sampled_from(FILES)), min_size=1, max_size=4))
def test_no_export_leaves_its_folder_or_meets_another(files: list[str]) -> None:
    """Whatever the recordings are called."""
    job_states = [
        JobState(JobId(number), file, transcript=Transcript([Turn(0, True, "a")]))
        for number, file in enumerate(files, start=1)
    ]
    called = export_names({one.job: one.file for one in job_states})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "exports")
        for job_state in job_states:
            write_exports(job_state, ["txt", "csv"], folder, name=called[job_state.job])

        assert ["exports"] == [path.name for path in Path(name).iterdir()]
        assert 2 * len(files) == len(list(folder.iterdir()))
        for path in folder.iterdir():
            assert path.is_file()
            check(path.name)


def test_a_name_of_a_megabyte_is_made_safe_at_once() -> None:
    """Bringing accents into order takes time by the square of their number."""
    assert "recording" == export_name(" ." * 500_000)
    assert export_name("a" + "\u0301\u0323" * 500_000).startswith("\u1ea1")
