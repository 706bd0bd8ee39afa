"""Scripted sessions on the wire: the client receives what the script says."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from tests.engine.support.localserver_harness import CHUNK, TERMINATE, ServerHarness, WireClient
from workers.localserver.admission import ServerPolicy
from workers.localserver.scripts import script_file
from workers.localserver.scripts.scripted_backend import ScriptedBackend

QUIET = 0.3
"""Seconds without a message after which a server counts as silent. If that is too short, a fault
could be missed, but a correct server cannot fail."""

TWO_TURNS = """
[[session]]
partial_after = 0.12
final_after = 0.25
[[session.turn]]
words = [["Good", 60, 240], ["morning.", 250, 500]]
[[session.turn]]
words = [["To", 800, 850], ["all", 900, 1010], ["of", 1060, 1130], ["you.", 1180, 1450]]
"""
WORDS = [
    [("Good", 60, 240), ("morning.", 250, 500)],
    [("To", 800, 850), ("all", 900, 1010), ("of", 1060, 1130), ("you.", 1180, 1450)],
]
TURN = """
[[session]]
partial_after = 0
final_after = 0.05
[[session.turn]]
words = [["All", 100, 300], ["well.", 300, 600]]
"""


def scripted_server(script: str, policy: ServerPolicy | None = None) -> ServerHarness:
    """A server with this script that accepts any key."""
    backend = ScriptedBackend(script_file.parse_script(script.encode(), "day.toml"))
    return ServerHarness(policy or ServerPolicy(), nullcontext(backend))


async def spoken(client: WireClient, chunks: int = 10, chunk: bytes = CHUNK) -> None:
    """Sends chunks as fast as it can, then Terminate; a server that disconnects is no error."""
    try:
        for _ in range(chunks):
            await client.socket.send(chunk)
        await client.socket.send(TERMINATE)
    except ConnectionClosed:
        pass


def words(turn: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(word["text"], word["start"], word["end"]) for word in turn["words"]]


def finals(client: WireClient) -> list[dict[str, Any]]:
    return [
        message
        for message in client.received
        if message["type"] == "Turn" and message["end_of_turn"]
    ]


# --- words, times, delays


async def test_a_word_is_corrected_and_another_is_early() -> None:
    """Partials have the first text until the correction, which comes even while the final is due;
    finals never have it."""
    script = """
    [[session]]
    partial_after = 0.01
    final_after = 0.6
    [[session.turn]]
    words = [
        ["All", 100, 300],
        ["well.", 300, 500, {first_text = "bell", corrected_after = 0.1}],
    ]
    [[session.turn]]
    words = [["Soon", 800, 9000, {shown_before = 8.0}], ["later", 9000, 9400]]
    """
    async with scripted_server(script) as server:
        client = await server.client()
        for _ in range(10):
            await client.socket.send(CHUNK)
        texts: list[str] = []
        while "Soon" not in texts:
            message = await client.next()
            if message["type"] == "Turn":
                texts.append(message["transcript"])
        await client.socket.send(TERMINATE)
        await client.receive_rest()

    assert texts[-4:] == ["All bell", "All well.", "All well.", "Soon"]
    assert [turn["transcript"] for turn in finals(client)] == ["All well.", "Soon"]


async def test_words_and_times_come_back_exactly() -> None:
    """Finals have the words of the script, and partials only words that were received."""
    async with scripted_server(TWO_TURNS) as server:
        client = await server.client()
        await spoken(client, 20)
        await client.receive_rest()
        record = await server.next_session_record()

    assert WORDS == [words(turn) for turn in finals(client)]
    assert [0, 1] == [turn["turn_order"] for turn in finals(client)]
    assert ["Good morning.", "To all of you."] == [turn["transcript"] for turn in finals(client)]
    for turn in (message for message in client.received if message["type"] == "Turn"):
        sent = words(turn)
        assert sent == WORDS[turn["turn_order"]][: len(sent)]
    assert (1000, "Session Ended") == client.closed
    assert (2, 2, 1000) == (record.turn_count, round(record.audio_seconds, 3), record.close_code)


async def test_models_that_tell_word_by_word_do_so() -> None:
    """The same script with the other family: plain words, finalised one after the other."""
    async with scripted_server(TWO_TURNS) as server:
        client = await server.client("speech_model=universal-streaming-english&format_turns=true")
        await spoken(client, 20)
        await client.receive_rest()
    plain = [
        turn for turn in client.received if turn["type"] == "Turn" and not turn["turn_is_formatted"]
    ]

    assert ["good morning", "Good morning.", "to all of you", "To all of you."] == [
        turn["transcript"] for turn in finals(client)
    ]
    assert all(word["word_is_final"] for turn in plain for word in turn["words"][:-1])
    assert [(start, end) for _, start, end in WORDS[1]] == [
        (start, end) for _, start, end in words(finals(client)[-1])
    ]


@pytest.mark.parametrize(
    ("query", "bytes_a_second"),
    [("", 32_000), ("sample_rate=44100", 88_200), ("sample_rate=8000&encoding=pcm_mulaw", 8_000)],
)
async def test_positions_are_those_of_the_declared_audio(query: str, bytes_a_second: int) -> None:
    """A word is reported with the chunk that ends it, not before."""
    script = "[[session]]\n[[session.turn]]\nwords = [['Here', 0, 300], ['there', 300, 700]]"
    async with scripted_server(script) as server:
        short, long = await server.client(query), await server.client(query)
        await spoken(short, 6, bytes(bytes_a_second // 10))
        await spoken(long, 7, bytes(bytes_a_second // 10))
        await short.receive_rest()
        await long.receive_rest()

    assert ["Here"] == [turn["transcript"] for turn in finals(short)]
    assert ["Here there"] == [turn["transcript"] for turn in finals(long)]


async def test_nothing_is_sent_before_its_time() -> None:
    """Delays count from sending the chunk that ends a word: to its partial and to the final."""
    sent: list[float] = []
    first_sent_at: dict[str, float] = {}
    finals_at: list[float] = []

    async def stream(client: WireClient) -> None:
        start = time.monotonic()
        for number in range(20):
            await asyncio.sleep(start + number / 10 - time.monotonic())
            sent.append(time.monotonic())
            await client.socket.send(CHUNK)
        await client.socket.send(TERMINATE)

    async with scripted_server(TWO_TURNS) as server:
        client = await server.client()
        await client.receive_until("Begin")
        sending = asyncio.create_task(stream(client))
        while (message := await client.next())["type"] != "Termination":
            now = time.monotonic()
            if message["type"] == "Turn":
                finals_at += [now] if message["end_of_turn"] else []
                for word in message["words"]:
                    first_sent_at.setdefault(word["text"], now)
        await sending

    def received(end: int) -> float:
        return sent[-(-end // 100) - 1]

    for turn, now in zip(WORDS, finals_at, strict=True):
        assert now - received(turn[-1][2]) >= 0.25
        for text, _, end in turn:
            assert first_sent_at[text] - received(end) >= 0.12
    assert first_sent_at["Good"] < finals_at[0] < finals_at[1]


async def test_begin_and_termination_wait_too() -> None:
    """They have the delays of the script."""
    script = "[[session]]\nbegin_after = 0.2\ntermination_after = 0.3"
    async with scripted_server(script) as server:
        start = time.monotonic()
        client = await server.client()
        await client.receive_until("Begin")
        begin_at = time.monotonic()
        await spoken(client)
        await client.receive_rest()

    assert begin_at - start >= 0.2
    assert time.monotonic() - begin_at >= 0.3


async def test_a_forced_end_divides_a_turn() -> None:
    """The words received so far are one turn, later ones the next."""
    async with scripted_server(TWO_TURNS) as server:
        client = await server.client()
        for _ in range(3):
            await client.socket.send(CHUNK)
        await client.socket.send('{"type":"ForceEndpoint"}')
        await spoken(client, 9)
        await client.receive_rest()

    assert [WORDS[0][:1], WORDS[0][1:], WORDS[1][:3]] == [words(turn) for turn in finals(client)]
    assert [0, 1, 2] == [turn["turn_order"] for turn in finals(client)]


async def test_a_turn_waits_for_the_end_of_the_one_before() -> None:
    """However late that final is."""
    script = """
    [[session]]
    partial_after = 0
    [[session.turn]]
    words = [["Late.", 0, 100]]
    final_after = 0.3
    [[session.turn]]
    words = [["Later", 200, 300], ["still.", 300, 400]]
    final_after = 0
    """
    async with scripted_server(script) as server:
        client = await server.client()
        await spoken(client)
        await client.receive_rest()
    turns = [message for message in client.received if message["type"] == "Turn"]

    assert ["Late.", "Later still."] == [turn["transcript"] for turn in finals(client)]
    assert all(one["turn_order"] <= two["turn_order"] for one, two in pairwise(turns))
    assert turns.index(finals(client)[0]) < min(
        number for number, turn in enumerate(turns) if turn["turn_order"] == 1
    )


async def test_silence_and_speech_are_sent_on_request() -> None:
    """Silence is where the script has no word."""
    script = "[[session]]\n[[session.turn]]\nwords = [['Now', 1000, 1500]]\nfinal_after = 0"
    async with scripted_server(script) as server:
        client = await server.client("acknowledge_silence=true")
        await spoken(client, 40)
        await client.receive_rest()
    silences = [
        (message["start_ms"], message["end_ms"])
        for message in client.received
        if "start_ms" in message
    ]

    assert (0, 1000) == silences[0]
    assert all(start >= 1500 for start, _ in silences[1:])


async def test_sessions_follow_the_script_in_their_order() -> None:
    """The last one serves all further clients; a refused client uses up none."""
    script = "".join(
        f"[[session]]\n[[session.turn]]\nwords = [['{word}', 0, 100]]\nfinal_after = 0\n"
        for word in ("one", "two")
    )
    outcomes = []
    async with scripted_server(script, ServerPolicy(api_key="sesame")) as server:
        for key, query in (
            ("wrong", ""),
            ("sesame", "encoding=flac"),
            ("sesame", ""),
            ("sesame", ""),
            ("sesame", ""),
        ):
            client = await server.client(query, key)
            await spoken(client)
            await client.receive_rest()
            outcomes.append([turn["transcript"] for turn in finals(client)] or client.closed[0])

    assert [1008, 3006, ["one"], ["two"], ["two"]] == outcomes


# --- faults


async def struck(fault: str, turn: str = TURN) -> tuple[list[Any], int | None, str | None]:
    """The messages of a session with this fault, and its close code: None if it was not closed."""
    async with scripted_server(f"{turn}[[session.fault]]\n{fault}") as server:
        client = await server.client()
        await spoken(client)
        got: list[Any] = []
        try:
            while True:
                async with asyncio.timeout(QUIET):
                    text = await client.socket.recv()
                try:
                    got.append(json.loads(text))
                except ValueError:
                    got.append(text)
        except TimeoutError:
            return got, None, None
        except ConnectionClosed:
            return got, *client.closed


def kinds(got: list[Any]) -> list[str]:
    return [message["type"] for message in got]


LITERAL = "See Error message for details"


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        ('what = "refuse"', 1008, "Unauthorized Connection: Invalid API key"),
        ('what = "refuse"\ncode = 1008\ntext = "No funds"', 1008, "No funds"),
        ('what = "busy"', 1008, "Unauthorized Connection: Too many concurrent sessions"),
        ('what = "busy"\ncode = 3009', 3009, "Unauthorized Connection: Too many concurrent sess"),
        ('what = "error"\nafter = "connect"\ncode = 1011', 1011, "Session Cancelled: An error"),
    ],
)
async def test_a_session_that_is_refused(fault: str, code: int, text: str) -> None:
    """It gets an Error instead of Begin, and a close with the same code."""
    got, *closed = await struck(fault)

    assert ["Error"] == kinds(got)
    assert code == got[0]["error_code"]
    assert got[0]["error"].startswith(text)
    assert [code, LITERAL] == closed


@pytest.mark.parametrize("after", ['"begin"', "0.7", '"terminate"'])
async def test_an_error_ends_a_session_at_any_moment(after: str) -> None:
    """Only the close follows it."""
    got, *closed = await struck(f'what = "error"\nafter = {after}\ncode = 4321\ntext = "Oh"')

    assert "Begin" == got[0]["type"]
    assert {"type": "Error", "error_code": 4321, "error": "Oh"} == got[-1]
    assert [4321, LITERAL] == closed


async def test_an_error_without_a_close() -> None:
    """Nothing follows it."""
    got, code, _ = await struck('what = "error_without_close"\nafter = 0.7')

    assert "Error" == kinds(got)[-1]
    assert code is None


async def test_a_close_without_an_error() -> None:
    """The reason is the text of the script."""
    got, *closed = await struck('what = "close_without_error"\nafter = 0.7\ntext = "Later"')

    assert not {"Error", "Termination"} & set(kinds(got))
    assert [1011, "Later"] == closed


@pytest.mark.parametrize("after", ['"connect"', '"begin"', "0.7", '"terminate"'])
async def test_a_connection_that_is_cut(after: str) -> None:
    """There is no close, no Error and no Termination."""
    got, code, _ = await struck(f'what = "cut"\nafter = {after}')

    assert not {"Error", "Termination"} & set(kinds(got))
    assert ("Begin" in kinds(got)) is (after != '"connect"')
    assert 1006 == code


async def test_a_connection_that_is_reset() -> None:
    """The client's system gets a TCP reset."""
    async with scripted_server(f'{TURN}[[session.fault]]\nwhat = "reset"\nafter = 0.1') as server:
        client = await server.client()
        await client.receive_until("Begin")
        await client.socket.send(CHUNK)
        with pytest.raises(ConnectionClosedError) as caught:
            await client.socket.recv()

    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert 1006 == client.closed[0]


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        ('what = "no_begin"', None),
        ('what = "silence"\nafter = "begin"', "Begin"),
        ('what = "no_termination"', "Turn"),
        ('what = "termination_without_close"', "Termination"),
    ],
)
async def test_a_server_that_falls_silent(fault: str, last: str | None) -> None:
    """The socket stays open, even after Terminate."""
    got, code, _ = await struck(fault)

    assert last == (kinds(got)[-1] if got else None)
    assert code is None


async def test_a_silent_server_still_lets_go() -> None:
    """When the client closes, the session ends."""
    async with scripted_server('[[session]]\n[[session.fault]]\nwhat = "no_termination"') as server:
        client = await server.client()
        await spoken(client)
        await client.receive_until("Begin")
        await client.socket.close()
        record = await server.next_session_record()

    assert 1000 == client.closed[0]
    assert 1 == round(record.audio_seconds, 3)


def is_extra(message: Any) -> bool:
    return message["type"] == "Turn" and message["end_of_turn"] and not message["words"]


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        ('what = "unknown_type"\nafter = "begin"', lambda got: kinds(got)[1] == "Novelty"),
        ('what = "unknown_type"\nafter = 0.2\ntext = "X"', lambda got: "X" in kinds(got)),
        (
            'what = "warning"\nafter = "connect"\ncode = 7\ntext = "Beware"',
            lambda got: got[0] == {"type": "Warning", "warning": "Beware", "warning_code": 7},
        ),
        (
            'what = "duplicate_final"\nafter = "begin"',
            lambda got: got[-3] == got[-2] and kinds(got)[-3:-1] == ["Turn", "Turn"],
        ),
        ('what = "extra_empty_final"\nafter = "begin"', lambda got: is_extra(got[-2])),
        (
            'what = "stall_reading"\nafter = 0.3\nseconds = 0.2',
            lambda got: got[-2]["transcript"] == "All well.",
        ),
    ],
)
async def test_a_fault_that_a_session_survives(
    fault: str, there: Callable[[list[Any]], bool]
) -> None:
    """It ends as usual."""
    got, *closed = await struck(fault)

    assert there(got), got
    assert "Termination" == kinds(got)[-1]
    assert [1000, "Session Ended"] == closed


async def test_garbage() -> None:
    """A text frame that is not JSON does not end the session."""
    got, code, _ = await struck('what = "garbage"\nafter = 0.5\ntext = "{["')

    assert "{[" in got
    assert 1000 == code


@pytest.mark.parametrize("after", ['"begin"', '"terminate"'])
async def test_an_extra_turn_has_a_number_of_its_own(after: str) -> None:
    """Later turns count on from it; it comes before Termination if no turn follows."""
    second = "[[session.turn]]\nwords = [['Good.', 700, 800]]\n"
    got, *_ = await struck(f'what = "extra_empty_final"\nafter = {after}', TURN + second)
    ends = [message for message in got if message["type"] == "Turn" and message["end_of_turn"]]

    assert [0, 1, 2] == [turn["turn_order"] for turn in ends]
    assert 1 == sum(map(is_extra, ends))
    assert "Termination" == kinds(got)[-1]


async def flood(client: WireClient) -> None:
    """Audio of 96 kHz, nearly as much as the send limit allows."""
    for _ in range(290):
        await asyncio.wait_for(client.socket.send(bytes(192_000)), 1)


async def test_a_server_that_reads_nothing_more() -> None:
    """Once all buffers are full the client cannot write, and the server still stops."""
    script = '[[session]]\n[[session.fault]]\nwhat = "stall_reading"\nafter = "begin"'
    async with scripted_server(script) as server:
        client = await server.client("sample_rate=96000")
        await client.receive_until("Begin")
        with pytest.raises(TimeoutError):
            await flood(client)
        client.socket.transport.abort()
