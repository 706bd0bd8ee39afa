"""The process that recognises, `python -m workers.localserver.recogniser`; see `recognisers`.

Orders come in on stdin, reports leave on stdout. The main thread reads orders, each stream has a
thread and a model. When stdin ends, the server is gone, and so is this process.
"""

import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

from workers.localserver.hearing import Hearing
from workers.localserver.lines import (
    Audio,
    Close,
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

MODEL = "tiny-en"
POLITE = 5
"""Added to the process's niceness: the sessions that pace audio on this machine go first."""


class Reports:
    """The way back to the server, shared by all threads."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def send(self, report: Report) -> None:
        with self._lock:
            self._sink.write(frame(report))
            self._sink.flush()


class Models:
    """Loaded models, one for each stream at work, kept for the next one afterwards.

    A model's voice detector remembers what it heard last. Two streams on one model would be heard
    by one detector, which then joins and cuts lines where nobody paused; so none is shared. Another
    model costs 0.3 s once and about 55 MB.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._loading = threading.Lock()  # building two at once fails in the library

    def load(self) -> None:
        self._idle.append(self._loaded())

    @contextmanager
    def one(self) -> Iterator[Any]:
        """A model for the caller alone."""
        try:
            model = self._idle.pop()
        except IndexError:
            model = self._loaded()
        try:
            yield model
        finally:
            self._idle.append(model)

    def _loaded(self) -> Any:
        from moonshine_voice import ModelArch, Transcriber, get_model_path

        options = {
            "return_audio_data": "false",  # else a reading copies all samples since the beginning
            "identify_speakers": "false",
            "transcription_interval": "0.5",  # the library's own gate: below, it repeats itself
        }
        with self._loading:
            return Transcriber(str(get_model_path(MODEL)), ModelArch.TINY, options=options)


class Listener(threading.Thread):
    """One stream: takes its orders one after the other."""

    def __init__(self, models: Models, opened: Open, reports: Reports) -> None:
        super().__init__(name=f"stream-{opened.stream}", daemon=True)
        self.orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self.closed = threading.Event()
        self._models = models
        self._opened = opened
        self._reports = reports

    def run(self) -> None:
        stream = self._opened.stream
        try:
            with (
                self._models.one() as model,
                closing(Hearing(model, self._opened.sample_rate, self._opened.encoding)) as hearing,
            ):
                self._listen(stream, hearing)
        except Exception:  # whatever it is, it must end this stream and no other
            traceback.print_exc()
            self._reports.send(Lost(stream))

    def _listen(self, stream: StreamId, hearing: Hearing) -> None:
        while not self.closed.is_set():
            match self.orders.get():
                case Audio(data=data):
                    hearing.hear(data)
                    if hearing.due(behind=not self.orders.empty()):
                        lines = hearing.read()
                        self._reports.send(Heard(stream, hearing.position, lines))
                case Flush():
                    lines = hearing.finish()
                    self._reports.send(Heard(stream, hearing.position, lines))
                    self._reports.send(Flushed(stream))
                case Open() | Close():  # the dispatcher's; a close only wakes this thread
                    pass


def dispatch(models: Models, source: BinaryIO, reports: Reports) -> None:
    """Hands each order to its stream's thread, until the server hangs up."""
    listeners: dict[StreamId, Listener] = {}
    for order in orders(source):
        if isinstance(order, Open):
            listeners[order.stream] = Listener(models, order, reports)
            listeners[order.stream].start()
        elif order.stream in listeners:  # else it belonged to the process that this one replaces
            listener = listeners[order.stream]
            if isinstance(order, Close):
                listener.closed.set()
                del listeners[order.stream]
            listener.orders.put(order)


def main() -> None:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the reports
    if hasattr(os, "nice"):
        os.nice(POLITE)
    reports = Reports(sink)
    # Else the runtime starts a pool of its own, which doubles the CPU time and gains nothing.
    os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
    models = Models()
    models.load()
    reports.send(Ready())
    dispatch(models, sys.stdin.buffer, reports)
    os._exit(0)  # threads may be inside the library, which is not made to be torn down then


if __name__ == "__main__":
    main()
