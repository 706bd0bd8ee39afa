"""Who may open, create, replace and remove files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CHANGING_CALLS = frozenset(
    [
        "write_text",
        "write_bytes",
        "touch",
        "mkdir",
        "makedirs",
        "rename",
        "renames",
        "unlink",
        "rmdir",
        "removedirs",
        "rmtree",
        "symlink",
        "symlink_to",
        "link",
        "hardlink_to",
        "truncate",
        "ftruncate",
        "chmod",
        "fchmod",
        "mkfifo",
        "mknod",
        "copyfile",
        "copytree",
        "copy2",
        "mkstemp",
        "mkdtemp",
        "NamedTemporaryFile",
        "TemporaryFile",
        "TemporaryDirectory",
        "SpooledTemporaryFile",
    ]
)
READING_CALLS = frozenset(["open", "read_text", "read_bytes"])

OWN_ROOMS = ("workers/runs", "workers/traces", "workers/exports", "workers/sources/spool.py")
"""Where every file is one of ours, so that reading goes through the file layer too."""

LAYER = ("files", "files.Folder", "opened", "self._files")
"""What calls of the layer are made of."""

EXCEPTIONS = {
    ("tui/config/loader.py", "open"): "reads the settings, which dotfile programs keep as a link",
    ("tui/cli/calibrate.py", "TemporaryDirectory"): "private, under a name drawn by the system",
    ("tui/cli/calibrate.py", "write_text"): "in that folder",
    ("tui/cli/calibrate.py", "wave.open"): "in that folder",
    ("tui/cli/check.py", "TemporaryDirectory"): "private, under a name drawn by the system",
    ("tui/cli/doctor.py", "TemporaryDirectory"): "private, under a name drawn by the system",
    ("tui/cli/doctor.py", "wave.open"): "in that folder",
    ("tui/doctor/recordings.py", "TemporaryDirectory"): "private, with a name of the system's",
    ("workers/audio/decoder_trial.py", "open"): "FFmpeg writes a tone, in a private folder",
    ("tui/cli/limit_setup.py", "TemporaryDirectory"): "private, under a name drawn by the system",
    ("workers/fleet/node_files.py", "rmdir"): "removes only an empty folder",
    ("workers/playback/process.py", "write_text"): "the name of the process in /proc",
    ("workers/session/main.py", "write_text"): "the name of the process in /proc",
    ("workers/session/rehearsal.py", "TemporaryDirectory"): "private, under a drawn name",
    ("workers/session/rehearsal.py", "wave.open"): "in that folder",
    ("workers/sources/needed_bytes.py", "TemporaryFile"): "it has no name",
    ("workers/sources/needed_bytes.py", "truncate"): "that file",
    ("workers/sources/spool.py", "ftruncate"): "an open spool",
    ("workers/sources/spool.py", "unlink"): "removes a link itself",
    ("workers/runs/run_folder.py", "rmdir"): "removes only an empty folder",
    ("workers/traces/writer.py", "ftruncate"): "an open trace",
    ("workers/traces/files.py", "rename"): "renames a link itself",
}


def name_and_owner(call: ast.Call) -> tuple[str, str]:
    """What is called, and of which object: ``open`` and ``os`` of ``os.open(…)``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr, ast.unparse(call.func.value)
    return getattr(call.func, "id", ""), ""


def opens_to_write(call: ast.Call) -> bool:
    """Whether a call of ``open`` writes, as far as its arguments say."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name_and_owner(call) == ("open", "os"):
        text = " ".join(map(ast.unparse, arguments))
        flags = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "flags")
        return "devnull" not in text and any(flag in text for flag in flags)
    constants = [one.value for one in arguments if isinstance(one, ast.Constant)]
    modes = [one for one in constants if isinstance(one, str) and set(one) <= set("rwxabt+")]
    return name_and_owner(call)[0] == "open" and any(set(mode) & set("wxa+") for mode in modes)


def file_calls(path: Path) -> Iterator[tuple[str, str]]:
    """The calls in a module that change files, or open them to write; in a room where every file is
    ours, also those that read. Each as module and name."""
    module = str(path.relative_to(ROOT))
    calls = CHANGING_CALLS | READING_CALLS if module.startswith(OWN_ROOMS) else CHANGING_CALLS
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name, owner = name_and_owner(node)
        if owner == "wave":
            yield module, "wave.open"
        elif owner not in LAYER and (name in calls or opens_to_write(node)):
            yield module, name


def test_only_the_file_layer_opens_files_of_the_program() -> None:
    """Any other module that writes a file, or reads one of a run, is listed with a reason."""
    paths = [path for package in ("tui", "workers") for path in (ROOT / package).rglob("*.py")]
    found = {
        call for path in paths if path != ROOT / "workers/files.py" for call in file_calls(path)
    }

    assert found - EXCEPTIONS.keys() == set()
    assert EXCEPTIONS.keys() - found == set()


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')",
        "path.open('ab')",
        "path.open(mode='x')",
        "os.open(path, os.O_RDWR)",
        "os.open(path, flags)",
    ],
)
def test_the_check_notices_what_opens_a_file_to_write(line: str) -> None:
    """Otherwise it would hold nothing."""
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)

    assert opens_to_write(call)
