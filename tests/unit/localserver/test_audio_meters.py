"""Chunk limits, heartbeats and silence, without a socket or a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.localserver import parameters
from workers.localserver.audio_meters import HeartbeatMeter, ReceivedAudio, SilenceTracker
from workers.localserver.recogniser_protocol import Recognised, StreamId
from workers.localserver.refusal import Refusal
from workers.protocol.messages import Silence, SpeechStarted, Turn, Word

# --- audio


def chunk_of(milliseconds: float) -> bytes:
    """Silence at 16 kHz."""
    return bytes(round(16 * milliseconds) * 2)


@pytest.mark.parametrize("milliseconds", [2, 10, 20, 25, 40, 49.9])
def test_short_chunks_in_a_row_may_hold_a_second(milliseconds: float):
    """One more is accepted, in case it is the last; the next chunk of any length is refused."""
    for following in (chunk_of(milliseconds), chunk_of(100)):
        audio = ReceivedAudio(parameters.parse_query(""), 0.0, 1.25)
        count = int(1000 / milliseconds)
        for _ in range(count + 1):
            audio.add_chunk(chunk_of(milliseconds), 0.0)
        with pytest.raises(Refusal, match=rf"Violation: {milliseconds:.1f} ms"):
            audio.add_chunk(following, 0.0)


def test_a_chunk_of_fifty_milliseconds_ends_the_row():
    """A client may cut every utterance short, as long as it goes on with whole chunks."""
    audio = ReceivedAudio(parameters.parse_query(""), 0.0, 1.25)
    for _ in range(100):
        for _ in range(25):
            audio.add_chunk(chunk_of(40), 0.0)
        audio.add_chunk(chunk_of(50), 0.0)

    assert 105 == pytest.approx(audio.duration_s)


def test_empty_chunks_come_to_an_end():
    """Each counts as a millisecond of the row."""
    audio = ReceivedAudio(parameters.parse_query(""), 0.0, 1.25)
    for _ in range(1001):
        audio.add_chunk(b"", 0.0)
    with pytest.raises(Refusal, match=r"Violation: 0\.0 ms"):
        audio.add_chunk(bytes(3200), 0.0)


def test_fifty_milliseconds_may_lack_a_part_of_a_sample():
    """At 22.05 kHz they are 1102.5 samples, and clients round them down."""
    audio = ReceivedAudio(parameters.parse_query("sample_rate=22050"), 0.0, 1.25)
    for _ in range(100):
        audio.add_chunk(bytes(2 * 1102), 0.0)


def test_audio_may_run_ahead_by_five_minutes_and_the_speed_limit():
    """The limit is that of the service, or the one that the server's owner has set."""
    for limit, last_chunk_at in ((1.25, 80.0), (5.0, 20.0)):
        audio = ReceivedAudio(parameters.parse_query(""), 0.0, limit)
        for _ in range(400):
            audio.add_chunk(bytes(32_000), last_chunk_at)
        with pytest.raises(Refusal, match=r"Received 401\.00 sec\. audio"):
            audio.add_chunk(bytes(32_000), last_chunk_at)


# --- heartbeats and silences


def report_at(position: int, silence: int = 0, probability: float = 0.0) -> Recognised:
    return Recognised(StreamId(1), position, silence_ms=silence, speech_probability=probability)


def test_a_heartbeat_tells_true_numbers():
    """Received audio against the clock, and the peak probability since the last heartbeat."""
    keepalive = HeartbeatMeter(started_at=100.0)
    for probability in (0.2, 0.9, 0.1):
        keepalive.update(report_at(0, probability=probability))
    first = keepalive.take_heartbeat(received_s=10.0, now=105.0)
    second = keepalive.take_heartbeat(received_s=10.0, now=110.0)

    assert (10_000, 5_000, 2.0, 0.9) == (
        first.total_audio_received_ms,
        first.total_duration_ms,
        first.realtime_factor,
        first.max_speech_probability,
    )
    assert (1.0, 0.0) == (second.realtime_factor, second.max_speech_probability)


def word(end: int) -> Turn:
    return Turn(0, True, "word", words=(Word("word", end - 200, end),))


def test_silence_is_acknowledged_second_by_second():
    """One range ends where the next begins; what is shorter than a second waits."""
    silences = SilenceTracker()

    assert [] == silences.take_silences(report_at(900, 900))
    assert [Silence(0, 1000)] == silences.take_silences(report_at(1400, 1400))
    assert [Silence(1000, 2000), Silence(2000, 3000)] == silences.take_silences(
        report_at(3100, 3100)
    )
    assert [] == silences.take_silences(report_at(5000, 0))
    assert [] == silences.take_silences(report_at(5900, 900))
    assert [Silence(5000, 6000)] == silences.take_silences(report_at(6400, 1400))


def test_no_silence_is_acknowledged_where_words_were():
    """This holds even where the detector found no speech."""
    silences = SilenceTracker()
    silences.mark_spoken([SpeechStarted(300), word(1500)])

    assert [] == silences.take_silences(report_at(2000, 2000))
    assert [Silence(1500, 2500)] == silences.take_silences(report_at(2500, 2500))


def test_silence_before_the_option_was_on_is_not_acknowledged():
    """The client may switch it on during the session."""
    silences = SilenceTracker()
    silences.skip(report_at(60_000, 60_000))

    assert [] == silences.take_silences(report_at(60_500, 60_500))
    assert [Silence(60_000, 61_000)] == silences.take_silences(report_at(61_000, 61_000))


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 9000), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_silences_never_overlap_and_never_run_ahead(history: list[tuple[int, int, bool, bool]]):
    """This holds for any reports, words and switches."""
    silences, position, last = SilenceTracker(), 0, 0
    for step, silence, wanted, spoken in history:
        position += step
        if spoken and position >= 200:
            silences.mark_spoken([word(position)])
            last = max(last, position)
        report = report_at(position, min(silence, position))
        if not wanted:
            silences.skip(report)
            last = max(last, position)
            continue
        for message in silences.take_silences(report):
            assert last <= message.start_ms < message.end_ms <= position
            last = message.end_ms
