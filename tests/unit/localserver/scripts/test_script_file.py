"""Script files: what is valid, the errors for the rest, and whether the documentation is right."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import UsageProblem
from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.scripts import script_file
from workers.localserver.scripts.script import (
    FAULT_RULES,
    Fault,
    FaultKind,
    FaultPoint,
    PartialWord,
    ReportDelays,
    Script,
    ScriptedTurn,
    SessionScript,
    words_by_length,
)

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "scripts.md").read_text()
EXAMPLES = sorted((ROOT / "samples" / "scripts").glob("*.toml"))


def parse(text: str) -> Script:
    return script_file.parse_script(text.encode(), "day.toml")


def complaint(text: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        parse(text)
    return str(caught.value)


def session(rest: str) -> str:
    return f"[[session]]\n{rest}"


def turn(rest: str) -> str:
    return session(f"[[session.turn]]\n{rest}")


def fault(rest: str) -> str:
    return session(f"[[session.fault]]\n{rest}")


# --- what a script says


def test_a_script_says_what_is_spoken_and_what_goes_wrong() -> None:
    """Delays are inherited from the session; missing keys have their defaults."""
    script = parse("""
        [[session]]
        partial_after = 1
        begin_after = 0.5
        [[session.turn]]
        words = [["Good", 400, 620], ["morning.", 620, 1100]]
        [[session.turn]]
        text = "To all"
        start = 2000
        end = 2500
        final_after = 3.0
        [[session.fault]]
        what = "error"
        after = 2.5
        [[session.fault]]
        what = "cut"
        after = "terminate"
    """)

    words = (RecognisedWord("Good", 400, 620, 1.0), RecognisedWord("morning.", 620, 1100, 1.0))
    others = (RecognisedWord("To", 2000, 2200, 1.0), RecognisedWord("all", 2200, 2500, 1.0))
    assert (
        Script(
            (
                SessionScript(
                    turns=(
                        ScriptedTurn(words, ReportDelays(1, 0.5)),
                        ScriptedTurn(others, ReportDelays(1, 3.0)),
                    ),
                    faults=(
                        Fault(FaultKind.ERROR, 2.5, 3005, "Session Cancelled: An error occurred"),
                        Fault(FaultKind.CUT, FaultPoint.TERMINATE),
                    ),
                    begin_after=0.5,
                ),
            )
        )
        == script
    )


def test_a_word_may_appear_early_or_wrong_at_first() -> None:
    """The table after its times says so; the others appear when they end."""
    script = parse(
        turn(
            """words = [
                ["Good", 400, 620],
                ["day.", 620, 900, {first_text = "gay", corrected_after = 0.2}],
                ["All", 900, 1200, {shown_before = 0.5}],
            ]"""
        )
    )
    (scripted,) = script.session(0).turns
    assert [word.text for word in scripted.words] == ["Good", "day.", "All"]
    assert scripted.partial_words == (
        None,
        PartialWord("gay", corrected_after=0.2),
        PartialWord(shown_before=0.5),
    )


def test_the_last_session_serves_all_further_ones() -> None:
    """Every session before it serves one client."""
    script = parse("[[session]]\n[[session]]\nbegin_after = 1\n")

    assert [0, 1, 1, 1] == [script.session(number).begin_after for number in range(4)]


@given(
    st.lists(st.text("abcdefghij", min_size=1, max_size=12), min_size=1, max_size=20),
    st.integers(0, 10_000),
    st.integers(1, 60_000),
)
def test_a_text_fills_its_time(words: list[str], start: int, length: int) -> None:
    """Words are in order, without gaps, from the first ms to the last."""
    spread = words_by_length(" ".join(words), start, start + length)
    times = [time for word in spread for time in (word.start_ms, word.end_ms)]

    assert words == [word.text for word in spread]
    assert (start, start + length) == (times[0], times[-1])
    assert times[1:-1:2] == times[2::2]
    assert sorted(times) == times


def test_longer_words_take_longer() -> None:
    """Every letter takes the same time."""
    assert [(0, 100), (100, 400), (400, 600)] == [
        (word.start_ms, word.end_ms) for word in words_by_length("a bcd ef", 0, 600)
    ]


# --- errors


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[[session]\n",
            "day.toml is not TOML",
        ),
        ("[[session]]\nbegin_after 1\n", "(at line 2, column 13)"),
        ("", "day.toml: it has no session. Start one with [[session]]."),
        ("[session]\n", "“session” is not a list of tables"),
        ("[[sessions]]\n", "day.toml: unknown key “sessions”. Did you mean “session”?"),
        (session("final_afer = 1"), "session 1: unknown key “final_afer”. Did you mean “final_aft"),
        (session("final_after = -1"), "session 1: “final_after” is not a number of seconds from 0"),
        (session("final_after = nan"), "“final_after” is not a number of seconds"),
        (session("final_after = true"), "“final_after” is not a number of seconds"),
        (session("") + session("begin_after = '1'"), "session 2: “begin_after” is not a number"),
        (turn(""), "session 1, turn 1: it needs either “words” or “text”"),
        (turn("words = []\ntext = 'x'"), "either “words” or “text”"),
        (turn("words = []"), "“words” is not a list of words. A word is"),
        (turn("words = [['a', 1]]"), "turn 1: word 1 is not one word with its times"),
        (turn("words = [['a b', 1, 2]]"), "word 1 is not one word"),
        (turn("words = [['a', 1, 2.5]]"), "the end of word 1 is not a whole number of ms"),
        (turn("words = [['a', 1, 2, 3]]"), "word 1 is not one word with its times"),
        (turn("words = [['a', 1, 2, {early = 1}]]"), "word 1: unknown key “early”"),
        (
            turn("words = [['a', 1, 2, {first_text = 'b'}]]"),
            "word 1: “first_text” and “corrected_after” need each other",
        ),
        (
            turn("words = [['a', 1, 2, {first_text = 'b c', corrected_after = 1}]]"),
            "“first_text” is not one word",
        ),
        (turn("words = [['a', -1, 2]]"), "the start of word 1 is not a whole number of ms from 0"),
        (turn("words = [['a', 9, 9]]"), "“a” does not end after its start (9 ms)"),
        (
            turn("words = [['a', 0, 9], ['b', 8, 10]]"),
            "“b” starts at 8 ms, before the end of “a” (9 ms)",
        ),
        (turn("words = [['a', 0, 9]]\nstart = 1"), "“start” cannot be used with “words”"),
        (turn("text = ' '\nstart = 0\nend = 1"), "“text” is not text"),
        (turn("text = 'a'\nend = 1"), "“start” is missing. Set it in ms"),
        (turn("text = 'a'\nstart = 5\nend = 4"), "it does not end after its start (5 ms)"),
        (turn("text = 'a b c'\nstart = 0\nend = 2"), "2 ms is too short for 3 words"),
        (
            turn("words = [['a', 0, 20]]\n[[session.turn]]\nwords = [['b', 10, 30]]"),
            "session 1, turn 2: it starts at 10 ms, before the end of the previous turn (20 ms)",
        ),
        (fault("after = 1"), "session 1, fault 1: “what” is not text"),
        (fault("what = 'cutt'\nafter = 1"), "“cutt” is not a valid “what”. Did you mean “cut”?"),
        (fault("what = 'zzz'\nafter = 1"), "Valid: “refuse”, “busy”"),
        (fault("what = 'cut'"), "fault 1 (cut): “after” is missing or 0"),
        (fault("what = 'cut'\nafter = 0"), "“after” is missing or 0"),
        (fault("what = 'cut'\nafter = 'begn'"), "“begn” is not a valid “after”. Did you mean"),
        (fault("what = 'cut'\nafter = 1\ncode = 1"), "fault 1 (cut): unknown key “code”"),
        (fault("what = 'refuse'\nafter = 1"), "fault 1 (refuse): unknown key “after”"),
        (fault("what = 'busy'\ncode = 1000"), "1000 is not a valid code here. Valid: 1008, 3009."),
        (
            fault("what = 'error'\nafter = 1\ncode = 1006"),
            "1006 is not a valid code here. Valid: 1000",
        ),
        (fault("what = 'error'\nafter = 1\ncode = '1'"), "“code” is not a whole number"),
        (
            fault(f"what = 'close_without_error'\nafter = 1\ntext = '{'x' * 124}'"),
            "a close reason has at most 123 bytes",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_place(text: str, words: str) -> None:
    """The error names the session, turn or fault, and the problem."""
    assert words in complaint(text)


def test_every_mistake_names_the_file() -> None:
    """Its name comes first."""
    assert complaint(turn("")).startswith("day.toml, session 1, turn 1: ")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    """So is a file that is not UTF-8."""
    with pytest.raises(UsageProblem, match="cannot be read"):
        script_file.load_script(tmp_path / "nowhere.toml")
    with pytest.raises(UsageProblem, match="is not TOML"):
        script_file.parse_script(b"\xff\xfe", "day.toml")


# --- the page about it is true


def rows() -> dict[str, tuple[str, str]]:
    """The columns about the keys of each fault in the documentation."""
    table = PAGE.split("<!-- faults -->")[1].split("<!-- /faults -->")[0]
    cells = [line.split("|")[1:-1] for line in table.strip().splitlines()[2:]]
    return {name.strip(" `"): (after.strip(), keys) for name, _, after, keys in cells}


def test_every_fault_is_on_the_page() -> None:
    """The page contains no other fault."""
    assert [what.value for what in FaultKind] == list(rows())
    assert set(FaultKind) == set(FAULT_RULES)


@pytest.mark.parametrize("what", FaultKind)
def test_the_page_lists_the_keys_of_a_fault(what: FaultKind) -> None:
    """It lists the keys and the default code."""
    after, keys = rows()[what.value]
    terms = FAULT_RULES[what]
    documented = ["what", *(["after"] if after else []), *re.findall(r"`(\w+)`", keys)]

    assert terms.allowed_keys == documented
    assert terms.code is None or f"({terms.code})" in keys


def test_the_page_has_the_usual_delays() -> None:
    """It lists the defaults of the code."""
    documented = dict(re.findall(r"^\| `(\w+_after)` \|.*\| ([\d.]+) \|$", PAGE, re.MULTILINE))
    usual = {
        "begin_after": SessionScript().begin_after,
        "termination_after": SessionScript().termination_after,
    }
    usual |= {
        "partial_after": ReportDelays().partial_after,
        "final_after": ReportDelays().final_after,
    }

    assert usual == {name: float(number) for name, number in documented.items()}


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_what_the_page_shows_is_a_script(block: str) -> None:
    """Every example in the documentation is valid."""
    assert parse(block).sessions


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_a_script(path: Path) -> None:
    """Every file in `samples/scripts` is valid."""
    assert script_file.load_script(path).sessions


def test_there_are_examples() -> None:
    """The documentation mentions their folder."""
    assert EXAMPLES
    assert "`samples/scripts`" in PAGE
