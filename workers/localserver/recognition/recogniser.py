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
    Lost,
    Open,
    Ready,
    Recognised,
    RecogniserCommand,
    RecogniserReport,
    StreamId,
    pack_message,
    read_commands,
)
from workers.localserver.recognition.engines import MOONSHINE, Engine, EngineCache
from workers.localserver.recognition.sound import FrameDecoder
from workers.localserver.recognition.stream_recogniser import PendingReport, StreamRecogniser
from workers.localserver.recognition.vad import VoiceDetector

NICENESS = 5
"""Added to the process's niceness: the sessions that pace audio on this machine go first."""

MIN_PARTIAL_INTERVAL_S = 0.5
"""Seconds of audio between two partials of a stream, while there is time for it."""

MAX_PARTIAL_INTERVAL_S = 4.0
"""The most that the interval grows to."""

PARTIAL_CPU_SHARE = 0.6
"""Of the processor's time, for partials. The rest is for readings that decide, which come first."""

MAX_PARTIAL_LAG_S = 1.0
"""Seconds for which audio may have waited before its stream goes without partials."""


class StreamRunner:
    """One stream: what is heard, and what reading it costs."""

    def __init__(self, command: Open, engine: Engine) -> None:
        intake = FrameDecoder(command.sample_rate, command.encoding)
        self.recogniser = StreamRecogniser(intake, VoiceDetector(), command.endpointing)
        self.transcribe_s = 0.0
        """Seconds that the last reading took."""
        self._engine = engine

    def apply(self, command: RecogniserCommand, arrived_at: float) -> None:
        match command:
            case Audio(data=data):
                self.recogniser.feed(data, arrived_at)
            case Configure(endpointing=endpointing):
                self.recogniser.configure(endpointing, arrived_at)
            case Flush():
                self.recogniser.flush(arrived_at)
            case Open() | Close():  # the recogniser's own
                pass

    def advance(self, partial_interval_s: float) -> None:
        """Listens on; without partials while the stream is behind."""
        since = self.recogniser.waiting_since
        late = since is not None and time.monotonic() - since > MAX_PARTIAL_LAG_S
        self.recogniser.advance(None if late else round(partial_interval_s * 1000))

    def transcribe(self) -> None:
        """Has the wanted piece read."""
        began = time.monotonic()
        words = self._engine.transcribe(self.recogniser.request_samples())
        self.transcribe_s = time.monotonic() - began
        self.recogniser.apply_words(words)


class RecogniserWorker:
    """All streams of this process, and which is read next."""

    def __init__(self, engines: EngineCache, sink: BinaryIO) -> None:
        self._engines = engines
        self._sink = sink
        self._streams: dict[StreamId, StreamRunner] = {}
        self.inbox: queue.SimpleQueue[tuple[RecogniserCommand, float] | None] = queue.SimpleQueue()
        """Orders with the time of their arrival; None when there will be no more."""

    def run(self) -> None:
        """Until the server hangs up."""
        while self._drain_inbox():
            interval = self.partial_interval_s
            for number, stream in list(self._streams.items()):
                with self._isolate_failures(number):
                    stream.advance(interval)
            chosen = self._next_stream()
            if chosen is not None:
                with self._isolate_failures(chosen):
                    self._streams[chosen].transcribe()

    @property
    def partial_interval_s(self) -> float:
        """Seconds between two partials of a stream: a round of all that speak must fit into the
        share of the processor that is for partials."""
        each_round = sum(
            each.transcribe_s for each in self._streams.values() if each.recogniser.accepts_partials
        )
        return min(
            max(MIN_PARTIAL_INTERVAL_S, each_round / PARTIAL_CPU_SHARE), MAX_PARTIAL_INTERVAL_S
        )

    def send(self, report: RecogniserReport) -> None:
        self._sink.write(pack_message(report))
        self._sink.flush()

    def _drain_inbox(self) -> bool:
        """Takes all orders that are there; waits for one if there is nothing else to do."""
        busy = any(each.recogniser.is_busy for each in self._streams.values())
        with suppress(queue.Empty):
            while (item := self.inbox.get(block=not busy)) is not None:
                order, at = item
                with self._isolate_failures(order.stream):
                    self._apply(order, at)
                busy = True
            return False
        return True

    def _apply(self, command: RecogniserCommand, arrived_at: float) -> None:
        match command:
            case Open(stream=number, engine=engine):
                self._streams[number] = StreamRunner(command, self._engines[engine])
            case Close(stream=number):
                self._streams.pop(number, None)
            case _ if command.stream in self._streams:  # else of the process before this one
                self._streams[command.stream].apply(command, arrived_at)

    def _next_stream(self) -> StreamId | None:
        """What decides comes first, then what has waited longest."""
        wanted = [
            (not each.request.is_blocking, each.request.arrived_at, number)
            for number, stream in self._streams.items()
            if (each := stream.recogniser).request is not None
        ]
        return min(wanted)[2] if wanted else None

    @contextmanager
    def _isolate_failures(self, stream_id: StreamId) -> Iterator[None]:
        """Tells what comes of it; whatever goes wrong must end this stream and no other."""
        try:
            yield
            if stream_id in self._streams:
                self._send_pending(stream_id, self._streams[stream_id].recogniser)
        except Exception:
            traceback.print_exc()
            self._streams.pop(stream_id, None)
            self.send(Lost(stream_id))

    def _send_pending(self, stream_id: StreamId, recogniser: StreamRecogniser) -> None:
        for notice in recogniser.pending_reports:
            self.send(_to_report(stream_id, notice))
        recogniser.pending_reports.clear()


def _to_report(stream_id: StreamId, pending: PendingReport) -> RecogniserReport:
    if pending.flushed:
        return Flushed(stream_id)
    return Recognised(
        stream_id,
        pending.position_ms,
        pending.hypothesis,
        pending.silence_ms,
        pending.speech_probability,
        lag_s=time.monotonic() - pending.arrived_at,
    )


def enqueue_commands(
    source: BinaryIO, inbox: "queue.SimpleQueue[tuple[RecogniserCommand, float] | None]"
) -> None:
    """In a thread of its own: notes when each order came, however long a reading takes."""
    for order in read_commands(source):
        inbox.put((order, time.monotonic()))
    inbox.put(None)


def main() -> None:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the reports
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    engines = EngineCache()
    engines.load(MOONSHINE)
    recogniser = RecogniserWorker(engines, sink)
    source = (sys.stdin.buffer, recogniser.inbox)
    threading.Thread(target=enqueue_commands, args=source, name="orders", daemon=True).start()
    with suppress(BrokenPipeError):  # the server was killed
        recogniser.send(Ready())
        recogniser.run()
    os._exit(0)  # the library is not made to be torn down while its thread may be at work


if __name__ == "__main__":
    main()
