"""The player's process, with miniaudio's device that plays to nobody."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.audio_files import distinct_samples
from tests.support.playback_builders import passage, wait_for_report, write_played_run
from workers.playback.messages import Heard, PlaybackEnded
from workers.playback.player import Player
from workers.playback.process import PLAYER_NICENESS
from workers.playback.sound_device import NoSound, SoundDevice


@pytest.fixture
def player() -> Iterator[Player]:
    player = Player("null")
    yield player
    process = player_process()
    player.stop()
    if process is not None:  # the next test must not take it for its own
        psutil.wait_procs([process], 10)


def player_process() -> psutil.Process | None:
    """The process of the player, if there is one: it gives itself a name."""
    below = psutil.Process().children(recursive=True)
    return next((each for each in below if each.name() == "paceline player"), None)


def test_a_recording_is_heard_to_its_end(player: Player, tmp_path: Path) -> None:
    """At a lower priority than any session, and at its own speed."""
    write_played_run(tmp_path, distinct_samples(2.0))
    player.play(passage(tmp_path, 1.0))
    first = wait_for_report(player, Heard)
    while not first.is_sounding:
        first = wait_for_report(player, Heard)
    process = player_process()
    assert process is not None
    assert process.nice() == min(psutil.Process().nice() + PLAYER_NICENESS, 19)
    later = wait_for_report(player, Heard)
    while later.at - first.at < 0.5:
        later = wait_for_report(player, Heard)

    assert later.seconds - first.seconds == pytest.approx(later.at - first.at, abs=0.05)
    assert not wait_for_report(player, PlaybackEnded).reason


def test_another_passage_is_played_by_the_same_process(player: Player, tmp_path: Path) -> None:
    """Also if the user stopped just before it; the reports of the first passage are dropped."""
    write_played_run(tmp_path, distinct_samples(60.0))
    player.play(passage(tmp_path, 1.0))
    wait_for_report(player, Heard)
    before = player_process()
    player.stop()
    player.play(passage(tmp_path, 50.0))

    assert wait_for_report(player, Heard).seconds > 49.0
    assert before == player_process()


def test_stopping_ends_the_process(player: Player, tmp_path: Path) -> None:
    """Nothing is left of it."""
    write_played_run(tmp_path, distinct_samples(60.0))
    player.play(passage(tmp_path))
    wait_for_report(player, Heard)
    process = player_process()
    assert process is not None
    player.stop()

    assert psutil.wait_procs([process], 10)[1] == []


def test_a_player_that_is_killed_says_so_and_can_play_again(player: Player, tmp_path: Path) -> None:
    """A sound library that crashes ends only the sound."""
    write_played_run(tmp_path, distinct_samples(60.0))
    player.play(passage(tmp_path))
    wait_for_report(player, Heard)
    process = player_process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert "was killed, or it crashed" in wait_for_report(player, PlaybackEnded).reason

    player.play(passage(tmp_path))
    wait_for_report(player, Heard)


def test_a_recording_that_is_gone_is_a_sentence(player: Player, tmp_path: Path) -> None:
    """As is everything that the process finds wrong."""
    write_played_run(tmp_path, distinct_samples(1.0)).unlink()
    player.play(passage(tmp_path))

    ended = wait_for_report(player, PlaybackEnded)
    assert (ended.reason, ended.hint) == (
        "the file is no longer there",
        "Was it moved or deleted?",
    )


def test_without_a_sound_device_there_is_a_sentence(tmp_path: Path) -> None:
    """No machine that runs tests has a device for OSS."""
    write_played_run(tmp_path, distinct_samples(1.0))
    player = Player("oss")
    player.play(passage(tmp_path))

    assert wait_for_report(player, PlaybackEnded).reason == "no sound device was found through oss"
    player.stop()


def test_without_the_extra_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "miniaudio", None)

    with pytest.raises(NoSound, match=r"pip install 'paceline\[listen\]'"):
        SoundDevice(16000, "null", lambda count: bytes(2 * count))
