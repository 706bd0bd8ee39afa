"""Decoding, resampling, levels, and the times of words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.audio_files import distinct_samples, sine
from workers.localserver.recogniser_protocol import Encoding, RecognisedWord
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import (
    ENGINE_TARGET_RMS,
    FRAME_SAMPLES,
    MODEL_RATE_HZ,
    FrameBuffer,
    FrameDecoder,
    Samples,
    decode_mulaw,
    raise_to_engine_level,
    rms,
    window_rms,
)
from workers.localserver.recognition.word_timing import (
    time_words,
    voiced_times_ms,
    words_by_voicing,
)

# --- frames


def taken(decoder: FrameDecoder, data: bytes, sizes: list[int]) -> list[Samples]:
    """The frames of the bytes, fed in chunks of these sizes in rotation."""
    frames = []
    at = turn = 0
    while at < len(data):
        frames += decoder.decode_frames(data[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return frames


@given(st.lists(st.integers(1, 5000).map(lambda n: 2 * n), min_size=1, max_size=5))
def test_frames_are_whole_and_nothing_is_lost(sizes: list[int]):
    """This holds for any chunk sizes; less than a frame is left over."""
    samples = distinct_samples(0.7)
    decoder = FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_S16LE)
    frames = taken(decoder, samples.tobytes(), sizes)

    assert {FRAME_SAMPLES} == {len(frame) for frame in frames}
    assert len(decoder.remainder) < FRAME_SAMPLES
    assert np.array_equal(samples / np.float32(32768), np.concatenate([*frames, decoder.remainder]))


def test_no_bytes_make_no_frames():
    """This holds before and after other bytes, resampled or not."""
    for rate in (MODEL_RATE_HZ, 8_000):
        decoder = FrameDecoder(rate, Encoding.PCM_S16LE)

        assert [] == decoder.decode_frames(b"")
        decoder.decode_frames(bytes(100))
        assert [] == decoder.decode_frames(b"")


def test_a_sample_may_come_in_two_messages():
    """Also across a flush."""
    decoder = FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_S16LE)
    decoder.decode_frames(b"\x00\x40\x00")
    decoder.flush()
    decoder.decode_frames(b"\xc0\x00")
    decoder.decode_frames(b"\x20")

    assert [0.5, -0.5, 0.25] == decoder.remainder.tolist()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("size", [1_000, 7_778])
def test_resampling_keeps_the_duration(rate: int, size: int):
    """To the sample after a flush; before it, less than 100 ms are held back."""
    seconds = 1.5
    speech = (sine(seconds, rate) * 32767).astype("<i2")
    decoder = FrameDecoder(rate, Encoding.PCM_S16LE)
    frames = taken(decoder, speech.tobytes(), [size])
    assert len(frames) * FRAME_SAMPLES > (seconds - 0.1) * MODEL_RATE_HZ

    frames += decoder.flush()
    whole = np.concatenate([*frames, decoder.remainder])

    assert len(whole) == pytest.approx(seconds * MODEL_RATE_HZ, abs=1)
    assert rms(whole[1000:-1000]) == pytest.approx(0.3 / 2**0.5, rel=0.01)


def test_audio_continues_after_a_flush():
    """Each stretch keeps its duration."""
    decoder = FrameDecoder(44_100, Encoding.PCM_S16LE)
    frames = decoder.flush()
    for _ in range(10):
        frames += decoder.decode_frames(bytes(2 * 4_410))
        frames += decoder.flush()

    assert len(frames) * FRAME_SAMPLES + len(decoder.remainder) == pytest.approx(
        MODEL_RATE_HZ, abs=10
    )


def test_without_resampling_a_flush_holds_nothing_back():
    """The remainder that does not fill a frame stays."""
    decoder = FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_S16LE)
    decoder.decode_frames(bytes(2 * (FRAME_SAMPLES + 7)))

    assert [] == decoder.flush()
    assert 7 == len(decoder.remainder)


# --- encodings


def test_mulaw_has_the_extremes_of_the_standard():
    """G.711: 0xFF and 0x7F are zero, 0x80 and 0x00 the largest values."""
    assert [0, 0, 32124, -32124] == [round(v * 32768) for v in decode_mulaw(b"\xff\x7f\x80\x00")]


def test_mulaw_is_symmetric_and_falls_from_the_loudest_to_silence():
    """128 values of each sign, each softer than the one before."""
    negative, positive = np.split(decode_mulaw(bytes(range(256))), 2)

    assert np.array_equal(positive, -negative)
    assert (np.diff(positive) < 0).all()


def test_a_byte_of_mulaw_is_a_sample():
    """A chunk never ends within one."""
    assert 1 == Encoding.PCM_MULAW.bytes_per_sample
    assert 2 == Encoding.PCM_S16LE.bytes_per_sample
    assert 3 == len(
        FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_MULAW).decode_frames(bytes(3 * FRAME_SAMPLES))
    )


def test_16_bit_samples_reach_full_scale_and_no_further():
    """The range is from -1 to just below 1."""
    decoder = FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_S16LE)
    decoder.decode_frames(np.array([-32768, 0, 32767], "<i2").tobytes())

    assert [-1.0, 0.0, 32767 / 32768] == decoder.remainder.tolist()


# --- frame buffer


def test_a_buffer_keeps_what_was_not_forgotten():
    """Frames are indexed from the beginning of the stream, whatever was dropped."""
    buffer = FrameBuffer()
    for number in range(10):
        buffer.append(np.full(2, number, np.float32))
    buffer.drop_before(4)
    buffer.drop_before(2)

    assert 10 == buffer.end_frame
    assert [4, 4, 5, 5] == buffer.between(4, 6).tolist()
    assert [9, 9] == buffer.between(9, 10).tolist()
    with pytest.raises(ValueError, match="Indices"):
        buffer.between(3, 5)


def test_everything_may_be_forgotten():
    """The index continues."""
    buffer = FrameBuffer()
    buffer.append(np.zeros(1, np.float32))
    buffer.drop_before(1)
    buffer.append(np.ones(1, np.float32))

    assert 2 == buffer.end_frame
    assert [1] == buffer.between(1, 2).tolist()


# --- levels


def voice(level: float, seconds: float = 1.0) -> Samples:
    """A tone with this RMS."""
    return (sine(seconds, level=level * 2**0.5)).astype(np.float32)


def test_no_samples_are_silent():
    """There is no division by zero."""
    silence = np.zeros(MODEL_RATE_HZ, np.float32)
    for nothing in (np.empty(0, np.float32), silence[:100], silence):
        assert 0 == rms(nothing)
        assert np.array_equal(nothing, raise_to_engine_level(nothing))


@pytest.mark.parametrize("level", [ENGINE_TARGET_RMS * 1.01, 0.3, 0.7])
def test_speech_at_a_usual_level_passes_unchanged(level: float):
    """Only quiet recordings are amplified, with or without silence in them."""
    speech = np.concatenate([np.zeros(MODEL_RATE_HZ, np.float32), voice(level)])

    assert np.array_equal(speech, raise_to_engine_level(speech))


@pytest.mark.parametrize("level", [0.001, 0.01, 0.09])
def test_quiet_speech_is_raised_to_a_usual_level(level: float):
    """One gain for the whole segment, so its soft parts stay soft."""
    speech = np.concatenate([voice(level), voice(level / 10)])
    louder = raise_to_engine_level(speech)

    assert ENGINE_TARGET_RMS == pytest.approx(rms(louder[:MODEL_RATE_HZ]), rel=0.05)
    assert ENGINE_TARGET_RMS / 10 == pytest.approx(rms(louder[MODEL_RATE_HZ:]), rel=0.05)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40),
    st.floats(1e-6, 1),
    st.integers(0, 159),
)
def test_no_gain_goes_beyond_full_scale_or_inverts(heights: list[float], level: float, cut: int):
    """This holds even if loud audio follows quiet audio; and nothing gets softer."""
    samples = np.repeat(np.array(heights, np.float32) * np.float32(level), 160)[cut:]
    louder = raise_to_engine_level(samples)

    assert len(samples) == len(louder)
    assert np.abs(louder).max() <= 1
    assert (louder >= samples).all()


def test_next_to_silence_is_not_raised_without_end():
    """The gain is at most 40 dB."""
    faint = voice(1e-5)

    assert 100 == pytest.approx(rms(raise_to_engine_level(faint)) / rms(faint), rel=0.01)


def test_levels_are_of_whole_moments():
    """A window has 10 ms; an incomplete one is ignored."""
    samples = np.concatenate([np.full(160, 0.5, np.float32), np.zeros(160 + 159, np.float32)])

    assert [0.5, 0.0] == window_rms(samples).tolist()


# --- when words were spoken


def test_the_voiced_part_of_a_segment_is_found():
    """All windows not too far below the loud ones."""
    speech = np.zeros(MODEL_RATE_HZ, np.float32)
    speech[4_000:8_000] = 0.3
    speech[8_000:9_600] = 0.01
    moments = voiced_times_ms(speech)

    assert (250, 490) == (moments[0], moments[-1])
    assert [] == voiced_times_ms(speech[:159])


def test_words_are_spread_over_what_is_voiced():
    """A pause inside the segment belongs to no word."""
    moments = [*range(1000, 1200, 10), *range(1700, 1900, 10)]

    assert [
        RecognisedWord("four", 1000, 1200),
        RecognisedWord("five", 1700, 1900),
    ] == words_by_voicing(["four", "five"], moments, 900, 2000)


def test_words_are_spread_over_all_if_nothing_is_voiced():
    """Longer words take longer."""
    assert [RecognisedWord("a", 500, 600), RecognisedWord("long", 600, 1000)] == words_by_voicing(
        ["a", "long"], [], 500, 1000
    )


@given(
    st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=30),
    st.lists(st.integers(0, 499).map(lambda n: n * 10), unique=True, max_size=60).map(sorted),
)
def test_spread_words_are_in_order_and_have_a_length(words: list[str], moments: list[int]):
    """This holds for any number of voiced windows; none ends after the segment."""
    timed = words_by_voicing(words, moments, 0, 5000)

    assert words == [word.text for word in timed]
    assert all(word.start_ms < word.end_ms <= 5000 for word in timed)
    starts = [word.start_ms for word in timed]
    ends = [word.end_ms for word in timed]
    assert sorted(starts) == starts
    assert sorted(ends) == ends


def test_words_without_times_are_put_where_somebody_speaks():
    """The times are in ms of the stream."""
    speech = np.concatenate([np.zeros(4_000, np.float32), voice(0.3, 0.5)])

    assert (
        RecognisedWord("hello", 10_250, 10_500),
        RecognisedWord("there", 10_500, 10_750),
    ) == time_words([EngineWord("hello"), EngineWord("there")], speech, 10_000)


def test_an_engine_s_own_times_are_kept_within_the_segment():
    """Times are clamped to the segment; confidences are kept."""
    words = [
        EngineWord("a", 0.1, 0.2, 0.9),
        EngineWord("b", -0.5, 0.3, 0.8),
        EngineWord("c", 0.9, 7.0),
        EngineWord("d", 0.8, 0.7),
    ]

    assert (
        RecognisedWord("a", 5_100, 5_200, 0.9),
        RecognisedWord("b", 5_000, 5_300, 0.8),
        RecognisedWord("c", 5_900, 6_000),
        RecognisedWord("d", 5_800, 5_800),
    ) == time_words(words, np.zeros(MODEL_RATE_HZ, np.float32), 5_000)


def test_no_words_need_no_time():
    """No words give no times."""
    assert () == time_words([], np.zeros(MODEL_RATE_HZ, np.float32), 0)
    assert () == time_words([], np.empty(0, np.float32), 0)
