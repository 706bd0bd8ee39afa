"""The process that recognises; the server starts it, see `workers.localserver.recognisers`.

Orders come in on stdin, reports leave on stdout. One thread only reads orders; the main thread
listens, decides and has pieces read, one after the other, by the one copy of the model. When stdin
ends, the server is gone, and so is this process.
"""

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from workers.localserver.recogniser_protocol import (
    Audio,
    Close,
    Configure,
    Flush,
    Flushed,
    Heard,
    Lost,
    Open,
    Order,
    Ready,
    Report,
    StreamId,
    frame,
    orders,
)
from workers.localserver.recognition.engines import MOONSHINE, Engine, Engines
from workers.localserver.recognition.sound import Intake
from workers.localserver.recognition.stream_recogniser import Hearing, Notice
from workers.localserver.recognition.vad import VoiceDetector

POLITE = 5
"""Added to the process's niceness: the sessions that pace audio on this machine go first."""

INTERVAL = 0.5
"""Seconds of audio between two partials of a stream, while there is time for it."""

SLOWEST = 4.0
"""The most that the interval grows to."""

SHARE = 0.6
"""Of the processor's time, for partials. The rest is for readings that decide, which come first."""

BEHIND = 1.0
"""Seconds for which audio may have waited before its stream goes without partials."""


class Listener:
    """One stream: what is heard, and what reading it costs."""

    def __init__(self, opened: Open, engine: Engine) -> None:
        intake = Intake(opened.sample_rate, opened.encoding)
        self.hearing = Hearing(intake, VoiceDetector(), opened.endpointing)
        self.cost = 0.0
        """Seconds that the last reading took."""
        self._engine = engine

    def take(self, order: Order, at: float) -> None:
        match order:
            case Audio(data=data):
                self.hearing.hear(data, at)
            case Configure(endpointing=endpointing):
                self.hearing.configure(endpointing, at)
            case Flush():
                self.hearing.flush(at)
            case Open() | Close():  # the recogniser's own
                pass

    def listen(self, interval: float) -> None:
        """Listens on; without partials while the stream is behind."""
        since = self.hearing.waiting_since
        late = since is not None and time.monotonic() - since > BEHIND
        self.hearing.advance(None if late else round(interval * 1000))

    def read(self) -> None:
        """Has the wanted piece read."""
        began = time.monotonic()
        words = self._engine.transcribe(self.hearing.samples())
        self.cost = time.monotonic() - began
        self.hearing.read(words)


class Recogniser:
    """All streams of this process, and which is read next."""

    def __init__(self, engines: Engines, sink: BinaryIO) -> None:
        self._engines = engines
        self._sink = sink
        self._streams: dict[StreamId, Listener] = {}
        self.inbox: queue.SimpleQueue[tuple[Order, float] | None] = queue.SimpleQueue()
        """Orders with the time of their arrival; None when there will be no more."""

    def run(self) -> None:
        """Until the server hangs up."""
        while self._take_in():
            interval = self.interval
            for number, stream in list(self._streams.items()):
                with self._guarded(number):
                    stream.listen(interval)
            chosen = self._next()
            if chosen is not None:
                with self._guarded(chosen):
                    self._streams[chosen].read()

    @property
    def interval(self) -> float:
        """Seconds between two partials of a stream: a round of all that speak must fit into the
        share of the processor that is for partials."""
        each_round = sum(each.cost for each in self._streams.values() if each.hearing.speaking)
        return min(max(INTERVAL, each_round / SHARE), SLOWEST)

    def send(self, report: Report) -> None:
        self._sink.write(frame(report))
        self._sink.flush()

    def _take_in(self) -> bool:
        """Takes all orders that are there; waits for one if there is nothing else to do."""
        busy = any(each.hearing.busy for each in self._streams.values())
        with suppress(queue.Empty):
            while (item := self.inbox.get(block=not busy)) is not None:
                order, at = item
                with self._guarded(order.stream):
                    self._obey(order, at)
                busy = True
            return False
        return True

    def _obey(self, order: Order, at: float) -> None:
        match order:
            case Open(stream=number, engine=engine):
                self._streams[number] = Listener(order, self._engines[engine])
            case Close(stream=number):
                self._streams.pop(number, None)
            case _ if order.stream in self._streams:  # else of the process before this one
                self._streams[order.stream].take(order, at)

    def _next(self) -> StreamId | None:
        """What decides comes first, then what has waited longest."""
        wanted = [
            (not each.wanted.decides, each.wanted.since, number)
            for number, stream in self._streams.items()
            if (each := stream.hearing).wanted is not None
        ]
        return min(wanted)[2] if wanted else None

    @contextmanager
    def _guarded(self, number: StreamId) -> Iterator[None]:
        """Tells what comes of it; whatever goes wrong must end this stream and no other."""
        try:
            yield
            if number in self._streams:
                self._tell(number, self._streams[number].hearing)
        except Exception:
            traceback.print_exc()
            self._streams.pop(number, None)
            self.send(Lost(number))

    def _tell(self, number: StreamId, hearing: Hearing) -> None:
        for notice in hearing.notices:
            self.send(_report(number, notice))
        hearing.notices.clear()


def _report(number: StreamId, notice: Notice) -> Report:
    if notice.flushed:
        return Flushed(number)
    return Heard(
        number,
        notice.position,
        notice.reading,
        notice.silence,
        notice.speech_probability,
        behind=time.monotonic() - notice.since,
    )


def read_orders(source: BinaryIO, inbox: "queue.SimpleQueue[tuple[Order, float] | None]") -> None:
    """In a thread of its own: notes when each order came, however long a reading takes."""
    for order in orders(source):
        inbox.put((order, time.monotonic()))
    inbox.put(None)


def main() -> None:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the reports
    if hasattr(os, "nice"):
        os.nice(POLITE)
    engines = Engines()
    engines.load(MOONSHINE)
    recogniser = Recogniser(engines, sink)
    source = (sys.stdin.buffer, recogniser.inbox)
    threading.Thread(target=read_orders, args=source, name="orders", daemon=True).start()
    with suppress(BrokenPipeError):  # the server was killed
        recogniser.send(Ready())
        recogniser.run()
    os._exit(0)  # the library is not made to be torn down while its thread may be at work


if __name__ == "__main__":
    main()
