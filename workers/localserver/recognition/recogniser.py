"""The recogniser process, which `workers.localserver.recognisers` starts.

Commands arrive on stdin, reports go to stdout. A second thread only reads commands; the main
thread does everything else and runs one transcription at a time on the one copy of each model. When
stdin ends, the server has exited, and so does this process.
"""

import os
import queue
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeAlias

from workers import threads
from workers.localserver.engine_registry import DEFAULT_ENGINE
from workers.localserver.recogniser_protocol import (
    Audio,
    Close,
    Configure,
    Flush,
    Lost,
    Open,
    Ready,
    RecogniserCommand,
    RecogniserReport,
    StreamId,
    pack_message,
    read_commands,
)
from workers.localserver.recognition.engines import Engine, load_engine
from workers.localserver.recognition.stream_recogniser import StreamRecogniser
from workers.localserver.recognition.vad import VoiceDetector
from workers.output import clean_errors

NICENESS = 5
"""Added to the niceness of the process, so that sessions that pace audio have priority."""

MIN_PARTIAL_INTERVAL_S, MAX_PARTIAL_INTERVAL_S = 0.5, 4.0
"""Seconds of audio between two partial turns of a stream: without load, and at most."""

PARTIAL_CPU_SHARE = 0.6
"""Share of CPU time for partial turns. The rest is for blocking transcriptions, which go first."""

MAX_PARTIAL_LAG_S = 1.0
"""While the audio of a stream waits longer than this, the stream gets no partial turns."""

Inbox: TypeAlias = "queue.SimpleQueue[tuple[RecogniserCommand, float] | None]"
"""Commands with their arrival times on the monotonic clock; None after the last one."""


@dataclass(slots=True)
class OpenStream:
    """A stream, its engine, and the duration of its last transcription in seconds."""

    recogniser: StreamRecogniser
    engine: Engine
    transcribe_s: float = 0.0


class RecogniserWorker:
    """Runs all streams of this process and picks the next transcription."""

    def __init__(self, load_engine: Callable[[str], Engine], sink: BinaryIO) -> None:
        self._load_engine = load_engine
        self._sink = sink
        self._streams: dict[StreamId, OpenStream] = {}
        self.inbox: Inbox = queue.SimpleQueue()

    def run(self) -> None:
        """Processes commands and transcriptions until the inbox ends."""
        while self._drain_inbox():
            interval_s = self.partial_interval_s
            for stream_id, stream in list(self._streams.items()):
                with self._isolate_failures(stream_id):
                    since = stream.recogniser.waiting_since
                    late = since is not None and time.monotonic() - since > MAX_PARTIAL_LAG_S
                    stream.recogniser.advance(None if late else round(interval_s * 1000))
            requests = [  # blocking ones first, then the oldest
                (not request.is_blocking, request.arrived_at, stream_id)
                for stream_id, stream in self._streams.items()
                if (request := stream.recogniser.request) is not None
            ]
            if requests:
                _, _, stream_id = min(requests)
                with self._isolate_failures(stream_id):
                    stream = self._streams[stream_id]
                    started_at = time.monotonic()
                    words = stream.engine.transcribe(stream.recogniser.request_samples())
                    stream.transcribe_s = time.monotonic() - started_at
                    stream.recogniser.apply_words(words)

    @property
    def partial_interval_s(self) -> float:
        """Seconds of audio between two partial turns of a stream.

        One partial turn of each speaking stream must fit into `PARTIAL_CPU_SHARE` of the interval.
        """
        streams = self._streams.values()
        round_s = sum(
            stream.transcribe_s for stream in streams if stream.recogniser.accepts_partials
        )
        return min(max(MIN_PARTIAL_INTERVAL_S, round_s / PARTIAL_CPU_SHARE), MAX_PARTIAL_INTERVAL_S)

    def send(self, report: RecogniserReport) -> None:
        self._sink.write(pack_message(report))
        self._sink.flush()

    def _drain_inbox(self) -> bool:
        """Applies all queued commands, waiting for one if there is nothing else to do.

        Returns False at the end of the inbox.
        """
        busy = any(stream.recogniser.is_busy for stream in self._streams.values())
        with suppress(queue.Empty):
            while (item := self.inbox.get(block=not busy)) is not None:
                command, arrived_at = item
                with self._isolate_failures(command.stream):
                    self._apply(command, arrived_at)
                busy = True
            return False
        return True

    def _apply(self, command: RecogniserCommand, arrived_at: float) -> None:
        if isinstance(command, Open):
            recogniser = StreamRecogniser(command, VoiceDetector())
            engine = self._load_engine(command.engine)
            self._streams[command.stream] = OpenStream(recogniser, engine)
            return
        stream = self._streams.get(command.stream)
        if stream is None:  # it failed, or was opened in a process that died
            return
        match command:
            case Audio(data=data):
                stream.recogniser.feed(data, arrived_at)
            case Configure(endpointing=endpointing):
                stream.recogniser.configure(endpointing, arrived_at)
            case Flush():
                stream.recogniser.flush(arrived_at)
            case Close():
                del self._streams[command.stream]

    @contextmanager
    def _isolate_failures(self, stream_id: StreamId) -> Iterator[None]:
        """Sends the stream's new reports; an exception ends only this stream."""
        try:
            yield
            if stream_id in self._streams:
                recogniser = self._streams[stream_id].recogniser
                for report in recogniser.pending_reports:
                    self.send(report)
                recogniser.pending_reports.clear()
        except Exception:
            traceback.print_exc()
            self._streams.pop(stream_id, None)
            self.send(Lost(stream_id))


def enqueue_commands(source: BinaryIO, inbox: Inbox) -> None:
    """Fills the inbox in its own thread, so that arrival times are right during transcriptions."""
    for command in read_commands(source):
        inbox.put((command, time.monotonic()))
    inbox.put(None)


def main() -> None:
    threads.exit_on_fault()
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to the log, not between the reports
    clean_errors()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    load_engine(DEFAULT_ENGINE)
    worker = RecogniserWorker(load_engine, sink)
    threads.start_thread(partial(enqueue_commands, sys.stdin.buffer, worker.inbox), "commands")
    with suppress(BrokenPipeError):  # the server was killed
        worker.send(Ready())
        worker.run()
    os._exit(0)  # do not unload the library while its thread may be running


if __name__ == "__main__":
    main()
