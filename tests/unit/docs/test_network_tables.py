"""The tables of answers and close codes in the documentation are those of the code."""

import re
from pathlib import Path

from workers.jobs import outcomes
from workers.jobs.events import Ended, Outcome
from workers.protocol.connection import CloseFrame
from workers.protocol.http_answers import HttpAnswer
from workers.protocol.messages import Error
from workers.protocol.unreachable import Unreachable, refused_upgrade

PAGE = Path(__file__).parents[3] / "docs" / "network.md"
MEANINGS = {
    "another attempt": {Outcome.LOST, Outcome.UNREACHABLE},
    "the job returns to the queue": {Outcome.BUSY},
    "at first the job fails": {Outcome.REFUSED},
    "the session opens": set(),
    "the job fails: the key": {Outcome.UNAUTHORISED},
    "the job fails": {Outcome.REFUSED},
}


def rows(heading: str) -> list[tuple[list[int], set[Outcome]]]:
    """The codes of each row of the table under a heading, and the outcomes that it promises."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("|")][2:]
    return [
        (
            [int(code) for code in re.findall(r"\b\d{3,4}\b", codes)],
            next(found for words, found in MEANINGS.items() if meaning.strip().startswith(words)),
        )
        for codes, meaning in lines
    ]


def test_the_close_codes_are_those_of_the_code() -> None:
    """All that are known, each once; by an Error message and by a close frame."""
    table = rows("Close codes")
    listed = sorted(code for codes, _ in table for code in codes)

    assert listed == sorted(outcomes.KNOWN_CODES)
    for codes, expected in table:
        for code in codes:
            assert outcomes.ended_by_error(Error("Because.", code)).outcome in expected
            assert outcomes.ended_by_close(CloseFrame(code, "")).outcome in expected


def test_the_words_that_mean_later_are_those_of_the_code() -> None:
    """For codes that nobody knows."""
    row = PAGE.read_text().split("| any other code |")[1].splitlines()[0]
    words = re.search(r"\((.*?) …\)", row)
    assert words is not None
    for word in words[1].split(", "):
        ended = outcomes.ended_by_close(CloseFrame(4777, f"the server says: {word}."))

        assert (word, ended.outcome) == (word, Outcome.LOST)
        assert ended.hint
    assert outcomes.ended_by_close(CloseFrame(4777, "no")).outcome is Outcome.REFUSED


def test_the_http_statuses_are_those_of_the_code() -> None:
    """Those that are listed, in the run's first sessions."""
    for codes, expected in rows("Answers to the upgrade"):
        for status in codes:
            if status in (101, 300):
                continue
            error = refused_upgrade("recorder.example", HttpAnswer(status, ""), "")
            assert isinstance(error, Unreachable)
            ended: Ended = outcomes.ended_by_unreachable(error)

            assert (status, ended.outcome in expected) == (status, True)
