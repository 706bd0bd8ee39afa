"""The recording that a job streamed, found again."""

import os
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.audio_files import distinct_samples
from tests.support.playback_builders import passage, write_played_run
from workers.audio.source import RawEncoding, RawFormat, ReadOptions
from workers.errors import Unreadable
from workers.jobs.sent_position import SentPosition
from workers.playback.run_recording import find_recording

CHANGED = "has changed since it was streamed"


def touch(path: Path, seconds: float) -> None:
    """Makes a file look as if it was written this many seconds from now."""
    os.utime(path, (time.time() + seconds,) * 2)


def test_a_recording_is_found_through_the_newest_trace(tmp_path: Path) -> None:
    """With how it was streamed; a trace that is damaged does not count."""
    path = write_played_run(tmp_path, distinct_samples(1.0))
    (tmp_path / "0001-a.2.trace.jsonl").write_text("nothing of a trace")

    recording, settings = find_recording(passage(tmp_path))
    assert (recording.path, settings.sample_rate_for(recording)) == (str(path), 16000)
    for trace in tmp_path.glob("*.trace.jsonl"):
        trace.unlink()
    with pytest.raises(Unreadable, match="traces do not say which recording"):
        find_recording(passage(tmp_path))


def test_a_file_that_was_written_later_is_judged_by_its_hash(tmp_path: Path) -> None:
    """An older one of the same size is taken to be the same."""
    path = write_played_run(tmp_path, distinct_samples(1.0))
    streamed = sha256(path.read_bytes()).hexdigest()
    touch(path, -60)
    find_recording(passage(tmp_path, sha256="00" * 32))

    touch(path, 60)
    find_recording(passage(tmp_path, sha256=streamed))
    with pytest.raises(Unreadable, match=CHANGED):
        find_recording(passage(tmp_path, sha256="00" * 32))


def test_a_file_of_another_size_is_judged_by_its_hash_too(tmp_path: Path) -> None:
    """What was streamed may be its beginning, or more than there was when it was probed."""
    path = write_played_run(tmp_path, distinct_samples(1.0))
    short = path.read_bytes()
    path.write_bytes(short + b"\0\0")
    for content in (short, short + b"\0\0"):
        find_recording(passage(tmp_path, sha256=sha256(content).hexdigest()))

    for unknown in ("", "00" * 32):
        with pytest.raises(Unreadable, match=CHANGED):
            find_recording(passage(tmp_path, sha256=unknown))


def test_a_file_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    """As is one that may not be read."""
    path = write_played_run(tmp_path, distinct_samples(1.0))
    path.unlink()
    with pytest.raises(Unreadable, match="no longer there"):
        find_recording(passage(tmp_path))

    path.mkdir()
    with pytest.raises(Unreadable, match="cannot be read"):
        find_recording(passage(tmp_path, sha256="00" * 32))


def test_a_file_that_is_being_streamed_or_was_followed_is_not_judged(tmp_path: Path) -> None:
    """Its session watches it; and of one that was followed, only a part was hashed."""
    samples = distinct_samples(1.0)
    path = write_played_run(tmp_path, samples)
    path.write_bytes(path.read_bytes() * 2)
    find_recording(replace(passage(tmp_path), sent=SentPosition(0.5, 1.0)))

    options = ReadOptions(raw=RawFormat(RawEncoding.S16LE, 16000), follow=True)
    grown = write_played_run(
        tmp_path / "run", distinct_samples(1.0), options=options, suffix=".pcm"
    )
    grown.write_bytes(grown.read_bytes() * 2)
    find_recording(passage(tmp_path / "run"))


def test_all_channels_are_read_if_both_speakers_are_to_be_heard(tmp_path: Path) -> None:
    """Although the job streams one of them."""
    stereo = distinct_samples(1.0).reshape(-1, 2)
    write_played_run(tmp_path, stereo, options=ReadOptions(channel=2))

    assert find_recording(passage(tmp_path))[0].options.channel == 2
    both = replace(passage(tmp_path), all_channels=True)
    assert find_recording(both)[0].options.channel is None
