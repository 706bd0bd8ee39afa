"""Downloads, from servers that answer as servers do."""

import base64
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from tests.engine.support.recording_server import LOGIN, RecordingServer
from tests.support import audio_files
from tests.support.raw_server import RawServer, answer, http
from workers.audio.source import HIDDEN_URL, ReadOptions, Source
from workers.errors import Unreadable
from workers.sources.addresses import remote_source
from workers.sources.download import MAX_FAILURES, download
from workers.sources.needed_bytes import HEAD_BYTES
from workers.sources.spool import ReceptionCancelled, SpoolWriter, is_complete, marker_of

DATA = bytes(range(256)) * 2000


@pytest.fixture
def server():
    with RecordingServer(DATA) as server:
        yield server


def fetched(source: Source, path: Path) -> bytes:
    with SpoolWriter(path) as spool:
        download(source, spool, lambda received, total: None, first_pause_s=0.001)
        spool.finish()
    return path.read_bytes()


def problem_of(source: Source, path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        fetched(source, path)
    return str(caught.value)


@pytest.mark.parametrize(
    "path", ["a.wav", "ranges/a.wav", "unknown/a.wav", "busy/a.wav", "moved/a.wav"]
)
def test_a_recording_arrives_whole(server: RecordingServer, tmp_path: Path, path: str):
    """With and without a length, after a redirect, and from a server that is busy at first."""
    spool = tmp_path / "spool"

    assert fetched(remote_source(server.url(path)), spool) == DATA
    assert is_complete(spool)


def test_a_path_may_have_any_letters(server: RecordingServer, tmp_path: Path):
    """They are sent as browsers send them; what is encoded already is left as it is."""
    assert fetched(remote_source(server.url("ä/a%20b.wav?q=ö")), tmp_path / "spool") == DATA
    assert server.requests[0][0] == "/%C3%A4/a%20b.wav?q=%C3%B6"


def test_a_download_that_only_lacked_its_end_is_complete(server: RecordingServer, tmp_path: Path):
    """The program may be killed between the last byte and the note that nothing else comes."""
    spool = tmp_path / "spool"
    spool.write_bytes(DATA)

    assert fetched(remote_source(server.url("ranges/a.wav")), spool) == DATA


@pytest.mark.parametrize("path", ["ranges/cut/a.wav", "cut/a.wav"])
def test_a_download_that_breaks_is_continued(server: RecordingServer, tmp_path: Path, path: str):
    """Where it broke if the server can, else from the start; no byte comes twice into the file."""
    assert fetched(remote_source(server.url(path)), tmp_path / "spool") == DATA

    half, three_quarters = len(DATA) // 2, len(DATA) * 3 // 4
    assert server.requests[1] == (f"/{path}", f"bytes={half}-")
    if "ranges" in path:
        assert server.requests[2] == (f"/{path}", f"bytes={three_quarters}-")


def test_a_new_attempt_continues_what_an_earlier_one_kept(server: RecordingServer, tmp_path: Path):
    """Only what is missing is downloaded."""
    spool = tmp_path / "spool"
    spool.write_bytes(DATA[:1000])

    assert fetched(remote_source(server.url("ranges/a.wav")), spool) == DATA
    assert server.requests == [("/ranges/a.wav", "bytes=1000-")]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing/a.wav", "404 (Not Found)"),
        ("login/a.wav", "401 (Unauthorized)"),
        ("loop/a.wav", "redirects too often"),
        ("to-file/a.wav", "not to the web"),
        ("to-here/a.wav", "redirects to an address of this machine"),
        ("ranges/cut/changed/a.wav", "has changed"),
        ("dead/a.wav", f"broke {MAX_FAILURES} times (after 0 of {len(DATA):,} bytes)"),
    ],
)
def test_what_is_wrong_is_said(server: RecordingServer, tmp_path: Path, path: str, words: str):
    """A recording that does not arrive whole is not streamed; what arrived is kept."""
    spool = tmp_path / "spool"

    assert words in problem_of(remote_source(server.url(path)), spool)
    assert not is_complete(spool)
    assert marker_of(spool).exists()


@pytest.mark.parametrize("host", ["a..b", "127.0.0.1:abc"])
def test_an_impossible_host_is_refused(tmp_path: Path, host: str):
    """At once, and not as a server that is away."""
    assert "URL is not valid" in problem_of(Source(f"http://{host}/a.wav"), tmp_path / "spool")


def test_a_server_that_is_gone_is_tried_a_few_times(tmp_path: Path):
    """Then the reason is that of the system."""
    with RecordingServer(DATA) as server:
        source = remote_source(server.url("a.wav"))

    assert "Connection refused" in problem_of(source, tmp_path / "spool")


def test_a_password_goes_only_to_the_server_of_its_url(server: RecordingServer, tmp_path: Path):
    """It is not shown, and a redirect does not take it along."""
    source = remote_source(server.url("login/a.wav?x=1", "user:pa55word@"))
    assert fetched(source, tmp_path / "one") == DATA
    assert server.logins == [LOGIN]
    assert "pa55word" not in repr(source)

    assert fetched(remote_source(server.url("moved/a.wav", "user:pa55word@")), tmp_path / "two")
    assert server.logins[1:] == [LOGIN, None]


def test_errors_do_not_show_secrets(server: RecordingServer, tmp_path: Path):
    """What a library says of a URL is not passed on."""
    for path in ("missing/a.wav", "loop/a.wav", "dead/a.wav", "to-file/a.wav"):
        source = remote_source(server.url(f"{path}?signature=s3cret", "user:s3cret@"))
        assert "s3cret" not in problem_of(source, tmp_path / path.replace("/", "-"))


def test_a_url_that_was_not_stored_is_asked_for(tmp_path: Path):
    """A resumed run knows only that there was one."""
    source = Source("https://127.0.0.1/a.wav", secret_url=HIDDEN_URL)

    assert "never stored" in problem_of(source, tmp_path / "spool")


def test_a_download_ends_when_it_is_no_longer_needed(server: RecordingServer, tmp_path: Path):
    """What has arrived by then is kept."""

    def cancel_in_the_middle(received: int, total: int | None) -> None:
        if received:
            assert total == len(DATA)
            raise ReceptionCancelled

    spool_path = tmp_path / "spool"
    with SpoolWriter(spool_path) as spool, pytest.raises(ReceptionCancelled):
        download(remote_source(server.url("hold/a.wav")), spool, cancel_in_the_middle)

    kept = spool_path.read_bytes()
    assert kept
    assert DATA.startswith(kept)


def test_other_file_systems_are_read_with_fsspec(tmp_path: Path):
    """What was kept is not read again; a missing file is said."""
    with fsspec.open("memory://calls/a.wav", "wb") as file:
        file.write(DATA)
    spool = tmp_path / "spool"
    spool.write_bytes(DATA[:1000])

    assert fetched(remote_source("memory://calls/a.wav"), spool) == DATA
    part = replace(remote_source("memory://calls/a.wav"), options=ReadOptions(start_s=1.0))
    assert fetched(part, tmp_path / "part") == DATA  # it is no WAV file
    missing = problem_of(remote_source("memory://calls/b.wav"), tmp_path / "other")
    assert "there is no such file" in missing


def test_only_the_needed_part_of_a_wav_file_is_read(tmp_path: Path):
    """The rest of the spool is a hole; its size is that of the file."""
    samples = audio_files.distinct_samples(10.0)
    data = Path(audio_files.write_recording(tmp_path / "a.wav", samples)).read_bytes()
    with fsspec.open("memory://calls/c.wav", "wb") as file:
        file.write(data)
    options = ReadOptions(start_s=6.0, end_s=7.0)
    kept = fetched(replace(remote_source("memory://calls/c.wav"), options=options), tmp_path / "s")
    start, end = 44 + 5 * 32_000, 44 + 8 * 32_000

    assert len(kept) == len(data)
    assert kept[:HEAD_BYTES] == data[:HEAD_BYTES]
    assert kept[start:end] == data[start:end]
    assert not any(kept[HEAD_BYTES:start] + kept[end:])


REMOTE = "http://files.example/a.wav"


def test_a_recording_arrives_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The one that sessions would use; its login is decoded."""
    body = DATA.decode("latin-1")
    with RawServer(answer(f"HTTP/1.0 200 OK\r\n\r\n{body}".encode("latin-1"))) as proxy:
        monkeypatch.setenv("all_proxy", f"me:a%2Fb@{proxy.address}")

        assert fetched(remote_source(REMOTE), tmp_path / "spool") == DATA
    assert proxy.requests[0].startswith(f"GET {REMOTE} HTTP/1.1\r\n".encode())
    assert b"Basic " + base64.b64encode(b"me:a/b") in proxy.requests[0]


@pytest.mark.parametrize(
    ("url", "value", "problem"),
    [
        (REMOTE, "{}", "the proxy refuses (407: user or password)"),
        (REMOTE.replace("http:", "https:"), "{}", "the proxy refuses (407 Proxy"),
        (REMOTE, "socks5://{}", "names a SOCKS proxy, which downloads cannot use"),
        (REMOTE, "http://me:hunter/2@{}", "ALL_PROXY is not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_at_once(
    url: str, value: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A wrong password is not tried again, since that may lock the account."""
    with RawServer(http("407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("ALL_PROXY", value.format(proxy.address))
        told = problem_of(remote_source(url), tmp_path / "spool")

    assert problem in told
    assert "hunter" not in told
    assert len(proxy.requests) <= 1
