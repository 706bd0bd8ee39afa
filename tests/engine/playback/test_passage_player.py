"""What a sound device is given, sample for sample, by the threads that give it."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.audio_files import Samples, distinct_samples, sine
from tests.support.playback_builders import passage, write_played_run
from workers.audio.source import RawEncoding, RawFormat, ReadOptions
from workers.jobs.job import JobId
from workers.jobs.sent_position import SentPosition
from workers.playback.messages import Heard, Passage, Play, PlaybackEnded
from workers.playback.passage_player import FADE_S, PassagePlayer
from workers.playback.sound_device import LATENCY_S, PERIOD_S

RATE = 16000
BLOCK = 320
"""Samples of a block: 20 ms."""
FADED = round(FADE_S * RATE)


def sounding(player: PassagePlayer) -> PassagePlayer:
    """The player, as soon as its decoder is ready."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        report = player.steer(time.monotonic())
        if isinstance(report, Heard) and report.is_sounding:
            return player
        time.sleep(0.005)
    raise AssertionError("it never sounds")


def played(player: PassagePlayer, blocks: int) -> Samples:
    """The samples of so many blocks; the decoder is given the time that it needs."""
    taken = []
    for _ in range(blocks):
        time.sleep(0.001)
        taken.append(np.frombuffer(player.next_block(BLOCK), dtype="<i2"))
    return np.concatenate(taken)


def test_a_recording_is_played_bit_for_bit_from_where_it_is_asked_for(tmp_path: Path) -> None:
    """Silence until the decoder is ready; then the sound rises for 5 ms, and then it is exact."""
    samples = distinct_samples(2.0)
    write_played_run(tmp_path, samples)
    player = PassagePlayer(Play(1, passage(tmp_path, 1.5)))
    assert not np.any(np.frombuffer(player.next_block(BLOCK), dtype="<i2"))

    heard = played(sounding(player), 20)
    first = round(1.5 * RATE)
    assert heard[FADED:].tolist() == samples[first + FADED : first + len(heard)].tolist()
    assert np.all(np.abs(heard[:FADED]) <= np.abs(samples[first : first + FADED].astype(int)))


def test_it_ends_with_the_recording_or_with_its_part(tmp_path: Path) -> None:
    """Only what was streamed is heard."""
    samples = distinct_samples(1.0)
    write_played_run(tmp_path, samples, options=ReadOptions(start_s=0.2, end_s=0.3))
    player = PassagePlayer(Play(7, passage(tmp_path)))

    heard = played(sounding(player), 8)
    assert heard[FADED : round(0.1 * RATE)].tolist() == (
        samples[round(0.2 * RATE) + FADED : round(0.3 * RATE)].tolist()
    )
    assert not np.any(heard[round(0.1 * RATE) :])
    assert player.steer(time.monotonic() + 1.0) == PlaybackEnded(7)


def test_both_channels_of_a_call_can_be_heard(tmp_path: Path) -> None:
    """Although the job of a half streams one of them."""
    left, right = distinct_samples(1.0) // 2, np.zeros(RATE, dtype=np.int16)
    write_played_run(tmp_path, np.stack([left, right], axis=1), options=ReadOptions(channel=2))
    one, both = passage(tmp_path), replace(passage(tmp_path), all_channels=True)

    assert not np.any(played(sounding(PassagePlayer(Play(1, one))), 5))
    assert np.any(played(sounding(PassagePlayer(Play(1, both))), 5))


def test_it_meets_what_the_session_has_sent(tmp_path: Path) -> None:
    """The device gets a block before it sounds, so that it is heard when it is sent."""
    samples = distinct_samples(5.0)
    write_played_run(tmp_path, samples)
    sent = SentPosition(2.0, now := time.monotonic())
    player = sounding(PassagePlayer(Play(1, Passage(str(tmp_path), JobId(1), sent=sent))))

    passed_s = time.monotonic() - now
    heard = played(player, 2)[FADED:]
    place = int(np.argmax(samples == heard[0]))
    assert np.array_equal(heard, samples[place : place + len(heard)])
    # The chunk from 1.9 s on was sent at the start; what the device takes sounds after the others.
    expected_s = 1.9 + passed_s + LATENCY_S - PERIOD_S
    assert place / RATE == pytest.approx(expected_s, abs=0.1)


@pytest.mark.parametrize("late_s", [0.1, -0.1])
def test_a_small_difference_is_corrected_without_a_gap(tmp_path: Path, late_s: float) -> None:
    """A sine stays a sine: no step between two samples is larger than at the exact speed."""
    write_played_run(tmp_path, sine(9.0))
    sent = SentPosition(2.0, now := time.monotonic())
    player = sounding(PassagePlayer(Play(1, Passage(str(tmp_path), JobId(1), sent=sent))))
    played(player, 1)

    player.follow(SentPosition(3.0, now + 1.0 - late_s))
    report = player.steer(time.monotonic())
    assert isinstance(report, Heard)
    heard = played(player, 60).astype(int)
    largest = np.max(np.abs(np.diff(sine(0.1) * 32767)))
    assert report.is_sounding
    assert np.max(np.abs(np.diff(heard))) <= 1.05 * largest


def test_a_session_that_stalls_is_not_heard(tmp_path: Path) -> None:
    """The sound stops where the session does, and goes on when it does."""
    write_played_run(tmp_path, distinct_samples(9.0))
    now = time.monotonic()
    sent = SentPosition(2.0, now)
    player = sounding(PassagePlayer(Play(1, Passage(str(tmp_path), JobId(1), sent=sent))))
    played(player, 90)  # 1.8 s: more than a report covers
    stalled = player.steer(time.monotonic())
    assert isinstance(stalled, Heard)
    assert not stalled.is_sounding
    assert not np.any(played(player, 2))

    player.follow(SentPosition(4.5, time.monotonic()))
    sounding(player)


def test_a_recording_that_is_just_being_written_is_heard_a_little_later(tmp_path: Path) -> None:
    """What is sent as soon as it is written cannot be decoded ahead; it still has no gaps."""
    options = ReadOptions(raw=RawFormat(RawEncoding.S16LE, RATE), follow=True)
    samples = distinct_samples(60.0)
    path = write_played_run(tmp_path, samples[:RATE], options=options, suffix=".pcm")
    began = time.monotonic() - 1.0
    sent = SentPosition(1.0, time.monotonic())
    player = PassagePlayer(Play(1, replace(passage(tmp_path), sent=sent)))
    taken: list[Samples] = []
    written = RATE
    while time.monotonic() < began + 3.0:
        until = round((time.monotonic() - began) * RATE)
        with path.open("ab") as file:
            file.write(samples[written:until].tobytes())
        written = until
        player.follow(SentPosition(until / RATE, time.monotonic()))
        report = player.steer(time.monotonic())
        while len(taken) * BLOCK / RATE < time.monotonic() - began:
            taken.append(np.frombuffer(player.next_block(BLOCK), dtype="<i2"))
        time.sleep(0.01)
    player.close()

    assert isinstance(report, Heard)
    assert report.is_sounding
    assert report.unheard_s is not None
    assert report.unheard_s < 1.2
    assert all(np.count_nonzero(block) >= BLOCK - 1 for block in taken[-20:])


def test_a_decoder_that_fails_says_why(tmp_path: Path) -> None:
    """After what it could decode was heard."""
    path = write_played_run(tmp_path, distinct_samples(1.0))
    path.write_bytes(b"\0" * path.stat().st_size)
    player = PassagePlayer(Play(1, passage(tmp_path)))
    end = time.monotonic() + 20
    while isinstance(report := player.steer(time.monotonic()), Heard) and time.monotonic() < end:
        time.sleep(0.005)

    assert isinstance(report, PlaybackEnded)
    assert "cannot be read" in report.reason
