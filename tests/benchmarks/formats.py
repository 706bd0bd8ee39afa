"""What each format costs: memory and CPU of a session, and the time to probe a file.

``python -m tests.benchmarks.formats [--sessions 8] [--seconds 20] [--files 2000] [--hours 2]``

For each format, so many sessions stream to a sink (see `sink`) with the real command. Memory is
private (USS) in MB, the median of the session processes; CPU is that of one session in % of a core,
both while all of them stream. ``probe`` is the time in ms for one of so many small files, one after
the other in one prober, as for a folder. The last line probes an MP3 of so many hours without a
Xing header, whose length only its frames tell.
"""

import argparse
import io
import multiprocessing
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import soundfile

from tests.benchmarks import system_metrics
from tests.benchmarks.sink import Sink
from tests.support.av_files import encode
from tests.support.tones import Samples
from tui.text.tables import table
from workers.audio.prober import Prober

SETTLING_S = 8.0
RATE_HZ = 44_100

_COMMAND = Path(sysconfig.get_path("scripts")) / "paceline"


def main() -> None:
    """Measures all formats and prints a table."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    seconds = round(args.seconds + SETTLING_S + 15)
    rows = []
    for name, (suffix, make) in FORMATS.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            memory_mb, cpu_percent = _session_cost(folder, suffix, make(seconds), args)
            probe_ms = _probe_ms(folder, suffix, make(2), args.files)
        rows.append((name, f"{memory_mb:.1f}", f"{cpu_percent:.2f}", f"{probe_ms:.2f}"))
    print(table(("format", "MB a session", "CPU % a session", "probe ms"), rows))
    with tempfile.TemporaryDirectory() as scratch:
        hour = _without_xing(_encoded("mp3", "libmp3lame")(3600))
        path = Path(scratch) / "long.mp3"
        path.write_bytes(hour * args.hours)
        with Prober(multiprocessing.get_context("spawn")) as prober:
            prober.probe(str(path))
            start = time.perf_counter()
            recording = prober.probe(str(path))
            took = time.perf_counter() - start
    size = recording.size / 1e6
    print(f"MP3 of {recording.seconds:.1f} s ({size:.0f} MB) probed in {took:.2f} s")


def _noise(seconds: int, channels: int = 1) -> Samples:
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.1, (seconds * RATE_HZ, channels)).clip(-1, 1)


def _written(kind: str, subtype: str, channels: int = 1) -> Callable[[int], bytes]:
    def make(seconds: int) -> bytes:
        output = io.BytesIO()
        samples = _noise(seconds, channels)
        soundfile.write(output, samples, RATE_HZ, format=kind, subtype=subtype)
        return output.getvalue()

    return make


def _encoded(container: str, codec: str) -> Callable[[int], bytes]:
    rate = 48_000 if "opus" in codec else RATE_HZ
    return lambda seconds: encode(container, codec, _noise(seconds)[:, 0], rate=rate)


def _without_xing(content: bytes) -> bytes:
    at = next(content.find(word) for word in (b"Xing", b"Info") if word in content)
    return content[content.find(b"\xff\xfb", at) :]


def _size_0(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    def changed(seconds: int) -> bytes:
        content = make(seconds)
        at = content.index(b"data") + 4
        return content[:at] + bytes(4) + content[at + 4 :]

    return changed


def _joined(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    return lambda seconds: make(seconds - 1) + make(1)


FORMATS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "WAV": ("wav", _written("WAV", "PCM_16")),
    "WAV, stereo": ("wav", _written("WAV", "PCM_16", 2)),
    "WAV, size 0": ("wav", _size_0(_written("WAV", "PCM_16"))),
    "FLAC": ("flac", _written("FLAC", "PCM_16")),
    "MP3": ("mp3", _encoded("mp3", "libmp3lame")),
    "MP3, joined": ("mp3", _joined(_encoded("mp3", "libmp3lame"))),
    "M4A": ("m4a", _encoded("ipod", "aac")),
    "WebM": ("webm", _encoded("webm", "libopus")),
}


def _session_cost(
    folder: Path, suffix: str, content: bytes, args: argparse.Namespace
) -> tuple[float, float]:
    """Median memory in MB and CPU in % of a core of a session."""
    files = [folder / f"{number}.{suffix}" for number in range(args.sessions)]
    for path in files:
        path.write_bytes(content)
    with Sink() as sink:
        options = ["--endpoint", sink.url, "--out", str(folder / "run")]
        options += ["--sessions", str(args.sessions)]
        run = subprocess.Popen(
            [str(_COMMAND), "run", *options, *map(str, files)], stderr=subprocess.DEVNULL
        )
        try:
            time.sleep(SETTLING_S)
            processes = _sessions(run.pid)
            before = system_metrics.cpu_seconds(processes)
            start = time.monotonic()
            time.sleep(args.seconds)
            after = system_metrics.cpu_seconds(processes)
            elapsed_s = time.monotonic() - start
            memory_mb = median(system_metrics.private_mb(processes))
        finally:
            run.terminate()
            run.wait()
    used = [after[process] - before[process] for process in after if process in before]
    return memory_mb, 100 * sum(used) / len(used) / elapsed_s


def _sessions(pid: int) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(pid).children(recursive=True)
        if any(".trace" in file.path for file in process.open_files())
    ]


def _probe_ms(folder: Path, suffix: str, content: bytes, count: int) -> float:
    """Milliseconds to probe one of many files."""
    paths = [folder / f"small-{number}.{suffix}" for number in range(count)]
    for path in paths:
        path.write_bytes(content)
    with Prober(multiprocessing.get_context("spawn")) as prober:
        prober.probe(str(paths[0]))
        start = time.perf_counter()
        for path in paths:
            prober.probe(str(path))
        return (time.perf_counter() - start) * 1000 / count


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cost of each format.")
    parser.add_argument("--sessions", type=int, default=8, help="sessions at once")
    parser.add_argument("--seconds", type=int, default=20, help="how long CPU is measured")
    parser.add_argument("--files", type=int, default=2000, help="small files that are probed")
    parser.add_argument("--hours", type=int, default=2, help="length of the MP3")
    return parser.parse_args()


if __name__ == "__main__":
    main()
