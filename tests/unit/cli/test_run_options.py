from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.run_builders import index_entry, write_run_folder
from tui.cli.resume_options import prepare_resume
from tui.cli.run_options import RunOptions, parse_options
from tui.cli.run_setup import new_start_limiter
from tui.cli.run_sources import find_sources
from workers.audio.discovery import SkippedPaths
from workers.audio.recording import Recording
from workers.errors import UsageProblem
from workers.localserver.capacity import process_count
from workers.pacing.schedule import Release
from workers.protocol.endpoint import EndpointKind
from workers.runs.merge import merge_runs

DEFAULTS: dict[str, Any] = {
    "url": None,
    "local": False,
    "region": None,
    "key_file": None,
    "keyring": False,
    "ca_file": None,
    "unencrypted": False,
    "speech_model": "u3-rt-pro",
    "params": (),
    "chunk_ms": 100,
    "release": "start",
    "speed": 1.0,
    "sample_rate": None,
    "sessions": None,
    "start_rate": None,
    "attempts": 4,
    "dead_after": 20.0,
    "out": None,
}


def parse_command_line(**changed: Any) -> RunOptions:
    return parse_options(**{**DEFAULTS, **changed})


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "s3cret")
    return "s3cret"


def test_without_a_key_it_is_the_embedded_engine() -> None:
    """Nobody needs a key to try it."""
    assert parse_command_line().endpoint is None
    assert "embedded" in parse_command_line().destination


def test_with_a_key_it_is_the_service(key: str) -> None:
    """At the start rate that any account has."""
    chosen = parse_command_line()

    assert chosen.endpoint is not None
    assert chosen.endpoint.url == "wss://streaming.assemblyai.com/v3/ws"
    assert chosen.key is not None
    assert chosen.key.reveal() == key
    starts = new_start_limiter(chosen)
    for _ in range(5):
        starts.record_start(0.0)
    assert starts.next_start_at(1.0) == 60.0


@pytest.mark.usefixtures("key")
def test_a_region_is_its_host() -> None:
    """Data stays where the user says."""
    chosen = parse_command_line(region="eu")

    assert chosen.endpoint is not None
    assert chosen.endpoint.url == "wss://streaming.eu.assemblyai.com/v3/ws"
    assert "EU" in chosen.destination


def test_where_nothing_is_sent_the_service_may_be_named_without_a_key() -> None:
    """As by “check”, so that one can know the price before one has a key."""
    chosen = parse_command_line(region="eu", needs_key=False)

    assert chosen.endpoint_kind is EndpointKind.SERVICE
    assert chosen.key is None
    with pytest.raises(UsageProblem, match="needs a key"):
        parse_command_line(region="eu")


@pytest.mark.usefixtures("key")
def test_local_wins_over_the_key_and_an_endpoint_over_the_service() -> None:
    """What the user says beats what lies around."""
    custom = parse_command_line(url="ws://127.0.0.1:8080")

    assert parse_command_line(local=True).endpoint is None
    assert custom.endpoint is not None
    assert custom.endpoint.kind is EndpointKind.CUSTOM
    assert custom.endpoint.url == "ws://127.0.0.1:8080/v3/ws"


@pytest.mark.parametrize("speed", [0.5, 1.1])
@pytest.mark.parametrize("where", [{}, {"region": "eu"}, {"url": "wss://streaming.assemblyai.com"}])
@pytest.mark.usefixtures("key")
def test_the_service_gets_audio_at_the_speed_of_speech_only(
    where: dict[str, Any], speed: float
) -> None:
    """Under any address. The hint says where another speed is possible."""
    with pytest.raises(UsageProblem, match="only takes audio at the speed of speech") as refused:
        parse_command_line(speed=speed, **where)

    assert refused.value.hint == "Use --speed with --local, or with an --endpoint of your own."


def test_an_endpoint_of_the_users_own_gets_any_speed() -> None:
    """What it can hold is its owner's to know."""
    own = parse_command_line(speed=20.0, url="ws://127.0.0.1:8080")

    assert (20.0, "") == (own.settings.speed, own.speed_notice)
    assert own.destination == "127.0.0.1:8080 at 20× speed"


def test_at_a_higher_speed_the_embedded_engine_says_how_few_sessions_it_serves() -> None:
    """Not at or below the speed of speech."""
    fast = parse_command_line(local=True, speed=20.0)

    assert "At 20× speed the embedded engine serves 1 session at once, not " in fast.speed_notice
    assert fast.destination.endswith(" at 20× speed")
    for speed in (0.5, 1.0):
        assert "" == parse_command_line(local=True, speed=speed).speed_notice


@pytest.mark.usefixtures("key")
def test_an_authority_is_a_file_of_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path is absolute, as sessions may run elsewhere; for the service, too."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.chdir(tmp_path)
    for url in (None, "wss://example.org"):
        monkeypatch.setenv("ASSEMBLYAI_API_KEY", "s3cret")
        chosen = parse_command_line(url=url, ca_file=Path("ca.pem"))

        assert chosen.endpoint is not None
        assert chosen.endpoint.ca == str(tmp_path / "ca.pem")
    assert parse_command_line(local=True, ca_file=Path("ca.pem")).endpoint is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"local": True, "url": "ws://127.0.0.1"}, "--local"),
        ({"local": True, "region": "us"}, "--local"),
        ({"url": "wss://example.org", "region": "us"}, "--region"),
        ({"url": "http://example.org"}, "WebSocket"),
        ({"url": "ws://example.org:port"}, "not an address"),
        ({"url": "wss://user:pw@example.org"}, "secret"),
        ({"url": "wss://example.org/?token=abc"}, "secret"),
        ({"region": "us"}, "key"),
        ({"params": ("nonsense",)}, "not a parameter"),
        ({"params": ("sample_rate=8000",)}, "sample_rate"),
        ({"params": ("encoding=opus",)}, "encoding"),
        ({"params": ("token=abc",)}, "token"),
        ({"sample_rate": 4000}, "4000 Hz"),
        ({"key_file": Path("/nonexistent/key")}, "key file"),
        ({"key_file": Path("/")}, "Is a directory"),
        ({"ca_file": Path("/nonexistent.pem")}, "No such file"),
        ({"ca_file": Path("/dev/null")}, "no certificate"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(
    changed: dict[str, Any], words: str
) -> None:
    """The sentence names what is wrong."""
    with pytest.raises(UsageProblem) as error:
        parse_command_line(**changed)

    assert words in str(error.value)


def test_nothing_travels_unencrypted_unless_insisted_on() -> None:
    """Loopback is this machine; anything else needs TLS, or the user's word."""
    with pytest.raises(UsageProblem, match="unencrypted"):
        parse_command_line(url="ws://example.org")

    assert parse_command_line(url="ws://localhost:9000").endpoint is not None
    assert parse_command_line(url="ws://example.org", unencrypted=True).endpoint is not None


def test_parameters_win_over_those_of_the_address() -> None:
    """And the declared rate is never the address's."""
    chosen = parse_command_line(url="wss://example.org/x?sample_rate=1&mode=balanced")
    assert chosen.endpoint is not None
    url = chosen.endpoint.with_parameters({"sample_rate": "16000"})

    assert url == "wss://example.org/x?sample_rate=16000&mode=balanced"
    assert chosen.endpoint.address == "wss://example.org/x"


@pytest.mark.parametrize(
    ("rate", "option", "sent"),
    [
        (8000, None, 8000),
        (44100, None, 44100),
        (48000, None, 48000),
        (96000, None, 16000),
        (6000, None, 16000),
        (44100, 16000, 16000),
    ],
)
def test_a_recording_keeps_its_rate_where_it_may(rate: int, option: int | None, sent: int) -> None:
    """Resampled only outside 8 to 48 kHz, or with --sample-rate."""
    recording = Recording("a.wav", 1.0, rate, 1, rate, "WAV PCM_16", 1000)

    assert parse_command_line(sample_rate=option).settings.sample_rate_for(recording) == sent


def test_the_release_is_a_switch() -> None:
    """It moves every latency by a chunk, so it is the user's choice."""
    assert parse_command_line(release="end").settings.release is Release.END


@pytest.mark.parametrize(
    ("text", "channel"), [("mix", None), ("left", 1), ("right", 2), ("1", 1), ("12", 12)]
)
def test_a_channel_has_a_name_or_a_number(text: str, channel: int | None) -> None:
    assert channel == parse_command_line(channels=text).read_options.channel


@pytest.mark.parametrize("text", ["0", "-1", "²", "centre", "", "1.0"])
def test_what_is_no_channel_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="chooses no channel"):
        parse_command_line(channels=text)


@pytest.mark.parametrize(
    ("names", "speakers"),
    [
        (None, ("left", "right")),
        ("agent,caller", ("agent", "caller")),
        (" Anna , Ben ", ("Anna", "Ben")),
    ],
)
def test_a_split_call_has_two_speakers(names: str | None, speakers: tuple[str, str]) -> None:
    """Without names, they are called as their channels."""
    options = parse_command_line(channels="split", speakers=names).read_options

    assert options.speakers == speakers
    assert options.channel is None


@pytest.mark.parametrize("names", ["", "agent", "a,b,c", "same,same", ",caller", "a, "])
def test_other_than_two_names_are_refused(names: str) -> None:
    """Exports tell the speakers apart by their names."""
    with pytest.raises(UsageProblem, match="does not name two speakers"):
        parse_command_line(channels="split", speakers=names)


def test_speakers_belong_to_a_split_call() -> None:
    """A typing error would go unnoticed otherwise."""
    with pytest.raises(UsageProblem, match="a stereo call that is split"):
        parse_command_line(speakers="agent,caller")


def test_a_split_call_needs_two_sessions() -> None:
    """With one, its halves could not be on one clock."""
    with pytest.raises(UsageProblem, match="needs two sessions"):
        parse_command_line(channels="split", sessions=1)


def test_the_standard_input_is_streamed_once() -> None:
    """Two jobs would take it from each other."""
    options = parse_command_line(repeat=2)
    with pytest.raises(UsageProblem, match="only once"):
        find_sources(["-"], options, SkippedPaths(), allow_stdin=True)


def test_a_split_call_needs_a_speed_that_leaves_room_for_two() -> None:
    """The embedded engine refuses the second half otherwise, so they would not start together."""
    highest = 2 * process_count()
    parse_command_line(channels="split", speed=float(min(highest, 20)))
    if highest < 20:
        with pytest.raises(UsageProblem, match=f"lower --speed to {highest}"):
            parse_command_line(channels="split", speed=20.0)


OPEN_ENDPOINT = "ws://127.0.0.1:8765"


def test_limits_count_for_all_shards_together() -> None:
    """Each gets its share, and their sum is the limit; the limit itself is what a run keeps."""
    shards = [
        parse_command_line(url=OPEN_ENDPOINT, sessions=10, start_rate=7, shard=f"{number}/4")
        for number in range(1, 5)
    ]

    assert [3, 3, 2, 2] == [options.session_share for options in shards]
    assert {10} == {options.limits.sessions for options in shards}
    assert "Shard 1 of 4 has 3 of 10 sessions at once and 2 of 7 starts a minute." == (
        shards[0].shard_notice
    )
    assert "Shard 4 of 4 has 2 of 10 sessions at once and 1 of 7 starts a minute." == (
        shards[3].shard_notice
    )


def test_a_shard_with_a_fraction_of_a_start_says_how_long_it_waits() -> None:
    """Five starts a minute for eight shards: one in 99 seconds."""
    options = parse_command_line(url=OPEN_ENDPOINT, sessions=8, start_rate=5, shard="2/8")

    assert ["Shard 2 of 8 has 1 of 8 sessions at once and a start every 99 s."] == options.notices


def test_the_service_begins_with_a_part_of_a_free_account(key: str) -> None:
    """Then the rate grows, as without shards."""
    options = parse_command_line(shard="1/2")

    assert options.notices == [
        "Shard 1 of 2 has 5 of 10 sessions at once and 3 of 5 starts a minute at first."
    ]


def test_no_shard_may_be_without_a_session() -> None:
    """It would wait for ever. All shards refuse, so that none of them streams in vain."""
    for number in range(1, 5):
        with pytest.raises(UsageProblem) as caught:
            parse_command_line(url=OPEN_ENDPOINT, sessions=3, shard=f"{number}/4")
        assert str(caught.value) == (
            "4 shards need at least 4 sessions, and --sessions allows 3 for all of them together. "
            "Set --sessions to 4 or more, or use fewer shards."
        )
    with pytest.raises(UsageProblem, match="11 shards need at least 11 sessions"):
        parse_command_line(url=OPEN_ENDPOINT, shard="1/11")


def test_shards_of_split_calls_have_pairs_of_sessions() -> None:
    """A call needs two at once, and starts them together."""

    def split(**changed: Any) -> RunOptions:
        return parse_command_line(url=OPEN_ENDPOINT, channels="split", **changed)

    shares = [split(sessions=9, shard=f"{number}/3").session_share for number in (1, 2, 3)]
    assert [4, 2, 2] == shares
    starts = split(sessions=8, start_rate=7, shard="1/4").notices
    assert ["Shard 1 of 4 has 2 of 8 sessions at once and a start every 83 s."] == starts
    with pytest.raises(UsageProblem, match="3 shards need at least 6 sessions"):
        split(sessions=5, shard="1/3")


def test_each_machine_has_an_embedded_engine_of_its_own() -> None:
    """Its capacity is not divided; a limit that the user sets is."""
    shard = parse_command_line(local=True, shard="1/100")
    assert shard.session_share is None
    assert "Shard 1 of 100 streams its part of the recordings." == shard.shard_notice
    assert 2 == parse_command_line(local=True, sessions=4, shard="1/2").session_share


def test_the_standard_input_has_no_shards() -> None:
    """Only this machine reads it."""
    options = parse_command_line(local=True, shard="1/2")

    with pytest.raises(UsageProblem, match="the standard input cannot be divided into shards"):
        find_sources(["-"], options, SkippedPaths(), allow_stdin=True)


def test_a_matrix_stays_whole_in_each_shard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All conditions of a recording are in one shard, so that they can be compared."""
    for number in range(12):
        (tmp_path / f"{number}.wav").write_bytes(b"audio")
    found = []
    for number in (1, 2, 3):
        options = parse_command_line(
            url=OPEN_ENDPOINT, matrix=["chunk_ms=50,100"], repeat=2, shard=f"{number}/3"
        )
        sources = find_sources([str(tmp_path)], options, SkippedPaths())
        assert all(4 == sum(source.file == other.file for other in sources) for source in sources)
        found += sources

    assert 48 == len(found)
    assert 12 == len({source.file for source in found})
    counts = capsys.readouterr().err.splitlines()
    assert counts[0].startswith("Shard 1 of 3: ")
    assert counts[0].endswith(" of 12 recordings")


def test_equal_paths_in_all_folders_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are all in one shard, which is a surprise."""
    for number in range(4):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "audio.wav").write_bytes(b"audio")
    options = parse_command_line(local=True, shard="1/2")
    find_sources([str(path) for path in tmp_path.iterdir()], options, SkippedPaths())

    assert "To divide them evenly, name the folder above them." in capsys.readouterr().err


def test_a_resumed_shard_keeps_its_share(tmp_path: Path) -> None:
    """Limits of the command line count for all shards, then too. A merged run has all of them."""
    limits = {"sessions": 8, "start_rate": 2}
    shard = {"number": 3, "count": 3}
    run = write_run_folder(tmp_path / "run", [index_entry(1)], shard=shard, limits=limits)
    rest = dict.fromkeys(["ca_file", "key_file", "start_rate", "attempts", "dead_after"])

    def resumed(folder: Path, sessions: int | None = None) -> RunOptions:
        options, _ = prepare_resume(
            folder, url=None, keyring=False, unencrypted=False, sessions=sessions, **rest
        )
        return options

    assert "Shard 3 of 3 has 2 of 8 sessions at once and a start every 93 s." == (
        resumed(run).shard_notice
    )
    assert 10 == resumed(run, sessions=30).session_share
    with pytest.raises(UsageProblem, match="3 shards need at least 3 sessions"):
        resumed(run, sessions=2)
    merge_runs([run], tmp_path / "all")
    assert (8, "") == (
        resumed(tmp_path / "all").session_share,
        resumed(tmp_path / "all").shard_notice,
    )
