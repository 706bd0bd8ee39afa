"""The recogniser process with several streams: order of transcription and isolation of failures.

Engine and server are made up. The voice detector is the real one; its threshold makes everything
speech, or nothing. The server reacts to reports, so no test depends on time.
"""

import io
import pickle
import queue
import time
from collections.abc import Callable

import numpy as np
import pytest

from workers.localserver.recogniser_protocol import (
    MESSAGE_HEADER,
    Audio,
    Close,
    Configure,
    Encoding,
    Endpointing,
    Flush,
    Flushed,
    Lost,
    Open,
    Recognised,
    RecogniserCommand,
    RecogniserReport,
    StreamId,
    pack_message,
)
from workers.localserver.recognition.engines import Engine, EngineWord, EngineWords
from workers.localserver.recognition.recogniser import RecogniserWorker, enqueue_commands
from workers.localserver.recognition.sound import FRAME_SAMPLES, MODEL_RATE_HZ, Samples

pytestmark = pytest.mark.engine  # for the voice detector alone

ALL_SPEECH = Endpointing(320, 1280, vad_threshold=0.0)
NO_SPEECH = Endpointing(320, 1280, vad_threshold=1.0)
ENGINE = "made-up"


def opened(stream: int, engine: str = ENGINE, rules: Endpointing = ALL_SPEECH) -> Open:
    return Open(StreamId(stream), MODEL_RATE_HZ, Encoding.PCM_S16LE, rules, engine)


def audio(stream: int, frames: int) -> Audio:
    """Samples that identify their stream."""
    samples = np.full(frames * FRAME_SAMPLES, round(stream / 10 * 32767), "<i2")
    return Audio(StreamId(stream), samples.tobytes())


def flush(stream: int) -> Flush:
    return Flush(StreamId(stream))


class MadeUp:
    """Reads each stream's number, and calls back before it answers."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.meanwhile: Callable[[int], object] = lambda stream: None

    def load(self, name: str) -> Engine:
        if name != ENGINE:
            raise ImportError(f"no engine {name}")
        return self

    def transcribe(self, samples: Samples) -> EngineWords:
        stream = round(float(samples[0]) * 10)
        self.calls.append(stream)
        self.meanwhile(stream)
        return (EngineWord(f"stream{stream}."),)


class Server(io.BytesIO):
    """The other end: hangs up when every flush was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = MadeUp()
        self.recogniser = RecogniserWorker(self.engine.load, self)
        self.reports: list[RecogniserReport] = []
        self._flushed: set[StreamId] = set()

    def orders(self, *orders: RecogniserCommand, at: float | None = None) -> None:
        """By default they will come in the future: nothing is ever late then."""
        for order in orders:
            if isinstance(order, Flush):
                self._flushed.add(order.stream)
            self.recogniser.inbox.put((order, time.monotonic() + 1000 if at is None else at))

    def hangs_up(self) -> None:
        self.recogniser.inbox.put(None)

    def runs(self, *orders: RecogniserCommand) -> "Server":
        self.orders(*orders)
        self.recogniser.run()
        return self

    def write(self, data: bytes) -> int:  # type: ignore[override]  # only bytes come
        (length,) = MESSAGE_HEADER.unpack(data[: MESSAGE_HEADER.size])
        assert length == len(data) - MESSAGE_HEADER.size
        report = pickle.loads(data[MESSAGE_HEADER.size :])
        self.reports.append(report)
        if isinstance(report, Flushed | Lost):
            self._flushed.discard(report.stream)
            if not self._flushed:
                self.hangs_up()
        return len(data)

    def of(self, stream: int) -> list[RecogniserReport]:
        return [report for report in self.reports if getattr(report, "stream", None) == stream]

    def finals(self, stream: int) -> list[str]:
        return [
            " ".join(word.text for word in report.hypothesis.words)
            for report in self.of(stream)
            if isinstance(report, Recognised)
            and report.hypothesis is not None
            and report.hypothesis.end_of_turn
        ]


# --- one stream


def test_a_stream_is_reported_from_its_first_audio_to_its_flush():
    """It reports its position, its words, and then that the flush is done."""
    server = Server().runs(opened(1), audio(1, 100), flush(1))
    *reports, last = server.of(1)
    positions = [report.position_ms for report in reports if isinstance(report, Recognised)]

    assert Flushed(StreamId(1)) == last
    assert ["stream1."] == server.finals(1)
    assert sorted(positions) == positions
    assert 100 * 32 == positions[-1]
    assert {512, 1024, 1504, 2016, 2528, 3008} <= set(positions)


def test_partials_come_before_the_final():
    """Each contains all words so far."""
    server = Server()
    server.runs(opened(1), audio(1, 60), flush(1))
    readings = [r.hypothesis for r in server.of(1) if isinstance(r, Recognised) and r.hypothesis]

    assert len(readings) == len(server.engine.calls)
    assert [False] * (len(readings) - 1) + [True] == [reading.end_of_turn for reading in readings]
    assert len(readings) > 1


def test_a_late_stream_goes_without_partials():
    """Blocking transcriptions still run."""
    server = Server()
    server.orders(opened(1), audio(1, 60), flush(1), at=time.monotonic() - 10)
    server.runs()

    assert [1] == server.engine.calls
    assert ["stream1."] == server.finals(1)


def test_reports_tell_how_late_they_are():
    """The lag counts seconds from the arrival of the audio."""
    server = Server()
    server.orders(opened(1), audio(1, 60), flush(1), at=time.monotonic() - 10)
    server.runs()

    assert all(report.lag_s >= 10 for report in server.of(1) if isinstance(report, Recognised))


def test_settings_change_between_the_audio_around_them():
    """A threshold that ends speech ends its turn."""
    end = Configure(StreamId(1), NO_SPEECH)
    server = Server().runs(opened(1), audio(1, 20), end, audio(1, 60), flush(1))

    assert ["stream1."] == server.finals(1)
    final = next(
        r
        for r in server.of(1)
        if isinstance(r, Recognised) and r.hypothesis and r.hypothesis.end_of_turn
    )
    assert 20 * 32 < final.position_ms <= 20 * 32 + ALL_SPEECH.min_turn_silence


# --- several streams


def test_what_decides_is_read_before_partials():
    """However long the partials have waited."""
    server = Server()

    def flush_first(stream: int) -> None:
        if stream == 2:
            server.orders(flush(1))

    server.engine.meanwhile = flush_first
    now = time.monotonic() + 1000
    server.orders(opened(1), opened(2), audio(1, 12), at=now)
    server.orders(audio(2, 5), flush(2), at=now + 1)
    server.runs()

    assert [2, 1] == server.engine.calls[:2]


def test_of_equal_ones_the_oldest_is_read_first():
    """The arrival of the audio counts, not the order of the streams."""
    server = Server()
    now = time.monotonic() + 1000
    for late, stream in enumerate((3, 1, 2)):
        server.orders(opened(stream), audio(stream, 5), flush(stream), at=now + late)
    server.runs()

    assert [3, 1, 2] == server.engine.calls
    assert all([f"stream{stream}."] == server.finals(stream) for stream in (1, 2, 3))


def test_much_audio_at_once_keeps_nobody_waiting():
    """Other streams get their turn while a long queue is processed."""
    server = Server()
    server.orders(opened(1, rules=NO_SPEECH), audio(1, 300), flush(1), opened(2), audio(2, 5))
    server.runs(flush(2))
    answered = server.reports.index(Flushed(StreamId(2)))

    assert any(
        report.stream == 1 for report in server.reports[answered:] if isinstance(report, Recognised)
    )
    assert (
        9_600
        == [report.position_ms for report in server.of(1) if isinstance(report, Recognised)][-1]
    )


def test_an_engine_that_fails_loses_only_its_stream(capsys: pytest.CaptureFixture[str]):
    """The others go on, the log has the traceback, and later commands for it are ignored."""
    server = Server()

    def fail(stream: int) -> None:
        if server.engine.calls == [1]:
            server.orders(audio(1, 50), flush(1))
            raise RuntimeError("the model is ill")

    server.engine.meanwhile = fail
    now = time.monotonic() + 1000
    server.orders(opened(1), audio(1, 5), flush(1), at=now)
    server.orders(opened(2), audio(2, 5), flush(2), at=now + 1)
    server.runs()

    assert [1, 2] == server.engine.calls
    assert [Lost(StreamId(1))] == server.of(1)
    assert ["stream2."] == server.finals(2)
    assert "the model is ill" in capsys.readouterr().err


def test_an_engine_that_cannot_be_loaded_loses_only_its_stream():
    """It is reported at once."""
    server = Server().runs(opened(1, "another"), opened(2), audio(2, 5), flush(1), flush(2))

    assert [Lost(StreamId(1))] == server.of(1)
    assert ["stream2."] == server.finals(2)


def test_orders_for_unknown_streams_are_ignored():
    """They were meant for the process that this one replaces."""
    unknown = StreamId(9)
    server = Server().runs(
        audio(9, 50),
        Configure(unknown, NO_SPEECH),
        Close(unknown),
        opened(1),
        audio(1, 5),
        flush(1),
    )

    assert [] == server.of(9)
    assert ["stream1."] == server.finals(1)


def test_a_stream_may_be_closed_while_it_is_read():
    """It reports nothing more, whatever is queued; the others go on."""
    server = Server()
    now = time.monotonic() + 1000

    def leave(stream: int) -> None:
        if stream == 1:
            server.orders(Close(StreamId(1)), audio(1, 3), at=now)
            server.recogniser.inbox.put((flush(1), now))
            server.orders(audio(2, 5), flush(2), at=now + 1)

    server.engine.meanwhile = leave
    server.orders(opened(1), opened(2), audio(1, 12), at=now)
    server.runs()

    assert [1, 2] == server.engine.calls
    assert not any(isinstance(report, Flushed) for report in server.of(1))
    assert ["stream2."] == server.finals(2)


def test_a_closed_number_may_be_opened_again():
    """It is a new stream without any state of the first."""
    server = Server()
    server.runs(opened(1), audio(1, 5), Close(StreamId(1)), opened(1), audio(1, 7), flush(1))

    assert ["stream1."] == server.finals(1)
    assert 7 * 32 == next(r.position_ms for r in server.of(1)[::-1] if isinstance(r, Recognised))


# --- the share of partials


def test_partials_come_less_often_the_more_they_cost():
    """One partial of every stream must leave time for blocking transcriptions."""
    server = Server()
    assert 0.5 == server.recogniser.partial_interval_s

    def work(stream: int) -> None:
        time.sleep(0.2)
        if len(server.engine.calls) == 2:
            server.hangs_up()

    server.engine.meanwhile = work
    server.runs(opened(1), opened(2), audio(1, 12), audio(2, 12))

    assert [1, 2] == sorted(server.engine.calls)
    assert 2 * 0.2 / 0.6 <= server.recogniser.partial_interval_s <= 4.0


# --- the end


def test_the_end_of_orders_is_the_end():
    """Queued work is dropped, since the server is gone."""
    server = Server()
    server.orders(opened(1), audio(1, 50), flush(1))
    server.hangs_up()
    server.runs()

    assert [] == server.engine.calls


def test_orders_are_read_until_the_server_is_gone():
    """An incomplete last command is dropped."""
    sent: list[RecogniserCommand] = [opened(1), audio(1, 1), flush(1)]
    data = b"".join(pack_message(order) for order in sent)
    for torn in (b"", pack_message(flush(1))[:-1], pack_message(flush(1))[:2]):
        inbox: queue.SimpleQueue[tuple[RecogniserCommand, float] | None] = queue.SimpleQueue()
        enqueue_commands(io.BytesIO(data + torn), inbox)
        *got, end = [inbox.get_nowait() for _ in range(inbox.qsize())]

        assert end is None
        assert sent == [item[0] for item in got if item is not None]
        times = [item[1] for item in got if item is not None]
        assert sorted(times) == times
