"""Files that no decoder was made for, in the processes that read them."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.fuzz import corrupt_audio
from tests.fuzz.decoder_process import IsolatedDecoder
from tests.support import audio_files
from workers.audio.prober import Prober
from workers.errors import ProbeFailed, Unreadable

CASES, SEED = 250, 3


@pytest.mark.slow
def test_a_damaged_recording_is_decoded_or_refused(tmp_path: Path) -> None:
    """Never a crash, an endless wait, unbounded memory, an unreadable message or a silent loss."""
    files = corrupt_audio.make_intact_files()
    cases = [("", SEED, number) for number in range(CASES)] + list(corrupt_audio.KEPT)
    wrong, right = [], set()
    with IsolatedDecoder() as decoder:
        for name, seed, number in cases:
            case = corrupt_audio.corrupt_file(files, seed, number, name)
            path = tmp_path / f"a{case.suffix}"
            path.write_bytes(case.content)
            result = decoder.decode(str(path))
            right.add(result.kind)
            if not result.is_acceptable:
                wrong.append((case.description, result))

    assert not wrong
    assert right == {"decoded", "refused"}


def crash(process: int) -> None:
    """As a decoder does; it also gets through to one that is suspended."""
    os.kill(process, signal.SIGSEGV)
    os.kill(process, signal.SIGCONT)


def test_a_file_that_ends_its_decoder_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    """A decoder may crash at any file; later files are not affected."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))
    with Prober(multiprocessing.get_context("spawn")) as prober:
        assert prober.probe(path).seconds == 1.0
        (process,) = (
            child for child in multiprocessing.active_children() if child.name == "paceline-prober"
        )
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)  # it has a request, and has not answered
        threading.Timer(1.0, crash, [process.pid]).start()
        with pytest.raises(Unreadable, match="crash"):
            prober.probe(path)

        assert prober.probe(path).seconds == 1.0


def test_what_is_no_file_is_refused_by_the_prober_in_words(tmp_path: Path) -> None:
    """An error in its process is raised in this one."""
    with (
        Prober(multiprocessing.get_context("spawn")) as prober,
        pytest.raises(Unreadable, match="a device") as refused,
    ):
        prober.probe("/dev/zero")

    assert refused.value.hint


def test_a_prober_that_was_killed_while_idle_costs_no_file(tmp_path: Path) -> None:
    """For example by the system, when memory is short; the file is not damaged."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    before = set(psutil.Process().children(recursive=True))
    with Prober(multiprocessing.get_context("spawn")) as prober:
        prober.probe(path)
        for child in set(psutil.Process().children(recursive=True)) - before:
            if "resource_tracker" not in " ".join(child.cmdline()):
                child.kill()
                child.wait()

        assert prober.probe(path).seconds == 0.2


def probers() -> set[psutil.Process]:
    """The prober processes of this test; one that has just been killed is not among them."""
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # a zombie is one, too
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child)
    return found


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.slow
def test_a_prober_that_is_killed_or_stopped_says_nothing_about_the_file(
    tmp_path: Path, ended: bool
) -> None:
    """The file is probed again."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    before = probers()
    with Prober(multiprocessing.get_context("spawn")) as prober:
        prober.probe(path)
        (process,) = probers() - before
        process.suspend()  # so that it has a request, and has not answered
        if ended:
            threading.Timer(0.5, process.kill).start()

        assert prober.probe(path).seconds == 0.2


def test_probers_that_are_killed_again_and_again_are_told_as_such(tmp_path: Path) -> None:
    """The file is not called damaged, because nothing is known about it."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    before, over = probers(), threading.Event()

    def kill_all() -> None:
        while not over.wait(0.01):
            for process in probers() - before:
                process.kill()

    killer = threading.Thread(target=kill_all)
    with Prober(multiprocessing.get_context("spawn")) as prober:
        killer.start()
        try:
            with pytest.raises(ProbeFailed, match="killed"):
                prober.probe(path)
        finally:
            over.set()
            killer.join()

        assert prober.probe(path).seconds == 0.2
