"""Hostile text from every side, and each command in a terminal: nothing of it is obeyed there."""

import base64
import json
import os
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.terminal.test_guard import ANSWERS
from tests.hostile.test_canaries import after
from tests.support import audio_files
from tui.config.loader import SETTINGS_VARIABLE
from tui.text.width import MAX_COMBINING_MARKS
from workers.visible_text import MAX_TEXT_CHARS

MARKED = (
    "\x1b[777;888H\x1b[2J\x1b]0;t\x07\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\\x1bP1$r\x1b\\\x1b_G\x1b\\"
    "\x07\x08\x0e\x7f\x85\x9b31m\x9d0;t\x9c\x90q\x9c"
    "\u202e\u202a\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u2060\ufeff\u00ad\u061c"
    "\ue000\U000f0000\U000e0041\U000e007f\ufe0f\U000e0100\ufff9\u2028\u2029"
    "[bold]b[/bold][/]"
)
"""Sequences and characters that a terminal obeys, or that hide or reorder others. The first one has
numbers of its own, by which it is found among those of the screen."""

REAL = "مرحبا שלום नमस्ते ශ්‍රී ภาษาไทย 👩‍👩‍👧 会議"
"""What must stay readable."""

SHOWN_REAL = ("مرحبا", "שלום", "नमस्ते", "ශ්රී", "ภาษาไทย", "👩👩👧", "会議")

FLOODS = ("e" + "\u0301" * 10_000, "\u200b" * 10_000, "\ufe0f" * 10_000, "\u200c" * 10_000)
NAME = f"{MARKED[:100]}{REAL[:20]}.wav".replace("/", "-").replace("\0", "")
HOSTILE = f"{MARKED} {REAL} {''.join(FLOODS)} \ud800 {'x' * 2**20}"

ALLOWED_INVISIBLE = {"\n", "\r", "\u200c"}

SEQUENCES = re.compile(
    r"\x1b\[[\d;?<>=:]*[ $]?[A-Za-z]"  # of the screen: colours, positions, modes
    r"|\x1b\]22;\w*\x07|\x1b\]2;[^\x07\x1b]*\x07|\x1b\\|\x1b[()=>78]\w?"
    r"|\x1b_Gi=\d+,[^\x1b]*\x1b\\|\x1bP\+q[0-9a-f;]*\x1b\\|\x1b\[c"
)


def assert_harmless(output: bytes, *, is_screen: bool = False, is_document: bool = False) -> None:
    """Fails if a terminal would do anything with foreign text but show it. Lines of a document may
    be long."""
    text = output.decode()
    assert "\x1b[777" not in text
    if is_screen:
        text = SEQUENCES.sub("", text).replace("\a", "", 1)  # the end of a run rings the bell
    obeyed = {char for char in set(text) if not char.isprintable()} - ALLOWED_INVISIBLE
    assert {f"{ord(char):x}": text.partition(char)[2][:20] for char in obeyed} == {}
    assert {char for char in set(text) if unicodedata.category(char) == "Co"} == set()
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") or char == "\u200c" else 0
        assert marks <= 2 * MAX_COMBINING_MARKS
    if not is_screen and not is_document:
        assert max(map(len, text.splitlines()), default=0) <= 2 * MAX_TEXT_CHARS


async def hostile(line: ServerConnectionScript) -> None:
    """Says everything in hostile words, then ends with an error or as it should."""
    await line.send({**BEGIN, "id": HOSTILE[:3000], "configuration": {"model": HOSTILE[:3000]}})
    await line.receive(chunks=1)
    turn = {**turn_message(0, HOSTILE, final=True), "speaker_label": HOSTILE[:2000], MARKED: MARKED}
    await line.send(
        {"type": "Warning", "warning": HOSTILE}, turn, {"type": HOSTILE[:2000], "x": MARKED}, "[]"
    )
    if len(line.received.audio) % 2:
        await line.send({"type": "Error", "error": HOSTILE, "error_code": 3006})
        await line.socket.close(3006, MARKED[:50])
        return
    await line.receive()
    await line.send({**TERMINATION, MARKED: MARKED})
    await line.socket.close(1000, MARKED[:50])


async def refusing(line: ServerConnectionScript) -> None:
    """Refuses in hostile words."""
    await line.send({"type": "Error", "error": HOSTILE, "error_code": 3006})
    await line.socket.close(3006, MARKED[:50])


@dataclass(frozen=True)
class Place:
    """A folder with hostile recordings, and a finished run of them."""

    folder: Path
    url: str

    @property
    def run(self) -> Path:
        return self.folder / "run"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Recordings with hostile names and tags, a manifest and references with hostile text."""
    folder = tmp_path_factory.mktemp("terminal")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    plain = audio_files.write_recording(folder / "plain.wav", audio_files.distinct_samples(0.2))
    os.rename(plain, folder / NAME)
    os.link(folder / NAME, os.path.join(os.fsencode(folder), b"\xff\xfe\x1b[777;888H.wav"))
    with soundfile.SoundFile(folder / "tags.flac", "w", 16_000, 1) as file:
        file.title, file.artist, file.comment = MARKED, REAL, HOSTILE[:5000]
        file.write(np.zeros(3200, dtype=np.int16))
    (folder / "broken.wav").write_bytes(b"RIFF" + MARKED.encode() * 10)
    (folder / f"{NAME[:40]}.mp3").write_bytes(MARKED.encode() * 10)
    lines = [
        {"audio_filepath": NAME, "text": f"hello {MARKED} {REAL}", MARKED: HOSTILE[:5000]},
        {"audio_filepath": "tags.flac", "text": MARKED, "kind": MARKED},
    ]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "bad.jsonl").write_text(
        "\n".join(json.dumps({"audio_filepath": f"{MARKED}{n}.wav"}) for n in range(30))
    )
    with ScriptedServer(hostile) as endpoint:
        yield Place(folder, endpoint.url)


def shown(place: Place, *arguments: str | Path) -> str:
    """What a command writes to its terminal, checked."""
    with PseudoTerminal(*arguments) as terminal:
        terminal.wait_until(lambda: terminal.program.poll() is not None)
        with suppress(AssertionError, OSError):
            terminal.wait_until(after(0.1))
        output = terminal.output
    assert_harmless(output, is_screen=arguments[0] in ("run", "resume"))
    return output.decode()


def printed(*arguments: str | Path) -> tuple[bytes, bytes]:
    """What a command writes where there is no terminal."""
    ended = subprocess.run(
        cli_command(*arguments), capture_output=True, cwd=ROOT, timeout=LONG_ENOUGH
    )
    return ended.stdout, ended.stderr


def streamed(place: Place) -> Path:
    """The folder of a run of the manifest; made once."""
    if not place.run.exists():
        text = shown(
            place, "run", "--endpoint", place.url, "--out", place.run, place.folder / "list.jsonl"
        )
        assert all(word in text for word in SHOWN_REAL)
    return place.run


def test_live_words_and_endings_are_shown_as_text(place: Place) -> None:
    """As text and as JSON, with debug messages in a log, and after a refusal."""
    streamed(place)
    options = ("--log-level", "debug", "--attempts", "1")
    out, errors = printed("run", "--json", *options, "--endpoint", place.url, place.folder)
    assert_harmless(out, is_document=True)
    assert_harmless(errors)
    with ScriptedServer(refusing) as endpoint:
        refused = ("--endpoint", endpoint.url, "--out", place.folder / "refused")
        shown(place, "run", *options, *refused, place.folder / NAME)
        for output in printed("resume", "--endpoint", endpoint.url, place.folder / "refused"):
            assert_harmless(output)
    for log in place.folder.rglob("*.log"):
        assert_harmless(log.read_bytes())


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "{folder}"),
        ("check", "{folder}/bad.jsonl"),
        ("check", "{folder}/list.jsonl"),
        ("run", "{folder}/bad.jsonl"),
        ("export", "{run}", "--to", "txt,srt,json,csv", "--overwrite"),
        ("export", "{run}", "--to", MARKED),
        ("score", "{run}"),
        ("score", "{run}", "--json"),
        ("score", "{run}", "--by", "kind", "--term", MARKED),
        ("score", "{run}", "--by", MARKED),
        ("compare", "{run}", "{run}"),
        ("compare", "{run}", "--by", MARKED),
        ("report", "{run}", "--out", "{folder}/" + MARKED[:40].replace("/", "-") + ".html"),
        ("runs",),
        ("settings",),
        ("view", MARKED),
        ("resume", MARKED),
        ("run", MARKED),
        ("check", "--endpoint", MARKED, "{folder}"),
        ("run", "--endpoint", f"ws://{MARKED}", "{folder}"),
        ("run", "--param", MARKED, "{folder}"),
        ("run", "--speakers", MARKED, "--channels", "split", "{folder}"),
        ("run", "--api-key-file", MARKED, "{folder}"),
        ("run", f"--{MARKED}", "{folder}"),
        ("run", "--region", MARKED, "{folder}"),
        ("run", "--chunk-ms", MARKED, "{folder}"),
        ("score", "{run}", "--fail-if", MARKED),
        ("serve", "--script", "{folder}/bad.jsonl"),
        ("calibrate", "--levels", MARKED),
        (MARKED,),
    ],
    ids=lambda arguments: arguments[0] if arguments[0] != MARKED else "desk",
)
def test_a_command_shows_foreign_text_as_text(place: Place, arguments: tuple[str, ...]) -> None:
    """From file names, tags, transcripts, manifests, references and its own arguments."""
    streamed(place)
    filled = [
        argument.replace("{folder}", str(place.folder)).replace("{run}", str(place.run))
        for argument in arguments
    ]
    shown(place, *filled)


@pytest.mark.parametrize("text", [f'theme = "{json.dumps(MARKED)[1:-1]}"', MARKED, f'["{REAL}"]'])
def test_settings_of_others_are_quoted_as_text(
    place: Place, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A file that is not valid is reported with what is wrong in it."""
    path = place.folder / "settings.toml"
    path.write_text(text, errors="surrogatepass")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(path))

    assert "settings.toml" in shown(place, "desk", place.folder / "tags.flac", "--local")
    shown(place, "settings")


@pytest.mark.parametrize("command", ["desk", "view"])
def test_the_desk_draws_foreign_text_as_text(place: Place, command: str) -> None:
    """In its table, dialogs, tabs, inputs and completions, and on the clipboard."""
    streamed(place)
    arguments: list[str | Path] = ["view", place.run]
    if command == "desk":
        out = place.folder / "desk"
        arguments = ["desk", "--attempts", "1", "--endpoint", place.url, "--out", out, place.folder]
    with PseudoTerminal(*arguments) as terminal:
        terminal.wait_for_output(b"\x1b[?2048$p")
        terminal.send_keys(ANSWERS)
        while command == "view" and b"\x1b]52;" not in terminal.output:
            terminal.send_keys(b"y")
            with suppress(AssertionError):
                terminal.wait_until(after(0.3))
        for keys in (
            *(b"j", b"\r", b"1", b"2", b"3", b"4", b"5", b"\x1b", b"w", b"\x1b", b"e", b"\t\t"),
            *(b"\x1b", b"a", str(place.folder).encode() + b"/", b"\t", b"\t", b"\x1b\x1b", b"!"),
            *(b"\x1b", b"/", b"\x1b[200~" + MARKED[:30].encode() + b"\x1b[201~"),
            *(b"\x1b", b"?", b"\x1b", b"s", b"\x1b"),
        ):
            terminal.send_keys(keys)
            with suppress(AssertionError):
                terminal.wait_until(after(0.15))
        terminal.send_keys(b"\x03\x03")
        terminal.wait_until(lambda: terminal.program.poll() is not None)
        output = terminal.output
    copied = re.findall(rb"\x1b\]52;c;([^\x07]*)\x07", output)
    output = re.sub(rb"\x1b\]52;c;[^\x07]*\x07", b"", output)

    assert_harmless(output, is_screen=True)
    assert command == "desk" or copied
    for text in copied:
        assert_harmless(base64.b64decode(text))
