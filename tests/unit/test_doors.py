"""The doors through which text and processes leave Paceline: nothing goes past them."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}

PRINTERS = {
    "workers/session/main.py": "its standard error is its log, and a `CleanOutput`",
    "workers/localserver/__main__.py": "a pipe to the program; its standard error is a log",
    "workers/localserver/recognisers.py": "the log of the engine",
    "workers/localserver/recognition/recogniser.py": "the log of the engine",
}
"""Modules that may call `print` or `traceback.print_exc`, and why."""

STREAM_USERS = {
    "tui/cli/console.py": "the door itself",
    "tui/cli/run_progress.py": "the screen's stream, for lines that are clean",
    "tui/terminal/stdio.py": "makes the streams",
    "tui/terminal/sighup.py": "the screen's stream, which it passes on",
    "tui/terminal/guard.py": "only asks for its encoding",
    "tui/app/desk.py": "asks for its encoding, and writes a notice of its own",
    "tui/cli/desk.py": "only asks whether it is a terminal",
    "workers/output.py": "makes the streams of child processes",
    "workers/log.py": "only takes its descriptor",
    "workers/threads.py": "a traceback for the log of a child process",
    "workers/processes.py": "hides the screen's stream from children",
}
"""Modules that may name the standard streams, and why."""

DESCRIPTOR_WRITERS = {
    "tui/terminal/guard.py": "sequences of its own, and a notice that is clean",
    "tui/terminal/sighup.py": "nothing, to see whether the terminal is there",
    "tui/app/desk.py": "a notice of its own, before Ctrl-Z stops it",
    "tui/web/browser_driver.py": "packets that Textual drew, to the pipe of the server",
    "tui/terminal/queries.py": "sequences of its own, to which the terminal answers",
    "workers/log.py": "lines that it has cleaned",
}
"""Modules that may write to a descriptor which may be a terminal. Others have names in
`FILE_WRITERS`."""

FILE_WRITERS = {
    "workers/files.py",
    "workers/session/session_queue.py",
    "workers/sources/spool.py",
    "workers/traces/writer.py",
    "workers/runs/run_folder.py",
}
"""Modules that write to files and pipes of their own."""

FORBIDDEN = {"from_markup", "secho", "prompt", "confirm"}
"""What shows foreign text as markup, or writes to the terminal past us."""

STARTERS = {"Popen", "run", "call", "check_call", "check_output", "posix_spawn", "posix_spawnp"} | {
    "create_subprocess_exec",
    "create_subprocess_shell",
    "system",
    "popen",
}


MARKUP_USERS = {
    "tui/cli/console.py": "asks a question, which it cleans",
    "tui/cli/run_progress.py": "a console without markup, for texts that are clean",
}
"""Modules that may use Rich's console, and why."""


OWNERS = {"subprocess", "os", "asyncio"}


@cache
def trees() -> list[tuple[str, ast.AST]]:
    """Each module of ours, by its path."""
    paths = [path for package in ("tui", "workers") for path in (ROOT / package).rglob("*.py")]
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())) for path in paths]


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """Each call as the name before the last dot, the name behind it, and the node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                owner = node.func.value
                yield getattr(owner, "id", getattr(owner, "attr", "?")), node.func.attr, node


def unexpected(found: Iterator[tuple[str, int]], allowed: set[str]) -> list[str]:
    return [f"{path}:{line}" for path, line in found if path not in allowed]


def test_commands_print_through_one_door() -> None:
    """`tui.cli.console`, which cleans what it prints. Nothing else calls print or click's echo."""
    found = (
        (path, node.lineno)
        for path, tree in trees()
        for owner, name, node in calls(tree)
        if (owner, name) in {("", "print"), ("click", "echo"), ("traceback", "print_exc")}
    )

    assert [] == unexpected(found, {"tui/cli/console.py", *PRINTERS})


def test_nothing_else_names_the_standard_streams() -> None:
    """So nothing writes to them."""
    found = (
        (path, node.lineno)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in STREAMS
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )

    assert [] == unexpected(found, {*STREAM_USERS, *PRINTERS})


def test_nothing_else_writes_to_descriptors() -> None:
    """A descriptor may be the terminal."""
    found = (
        (path, node.lineno)
        for path, tree in trees()
        for owner, name, node in calls(tree)
        if (owner, name) in {("os", "write"), ("os", "writev"), ("os", "pwrite")}
    )

    assert [] == unexpected(found, {*DESCRIPTOR_WRITERS, *FILE_WRITERS})


def test_the_hint_of_an_error_is_said_once() -> None:
    """A `PacelineError` as text ends with its hint, so nobody adds it once more."""
    found = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (part for part in node.values if isinstance(part, ast.FormattedValue))
                said = {ast.unparse(part.value) for part in parts}
                if any(f"{name}.hint" in said for name in said):
                    found.append(f"{path}:{node.lineno}")

    assert [] == found


def test_nothing_shows_text_as_markup() -> None:
    """Neither Textual's notifications, nor widgets that parse what they show."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for owner, name, node in calls(tree)
        if path not in MARKUP_USERS
        if name in FORBIDDEN
        or (name == "notify" and owner in {"self", "app"})
        or (name in ("Static", "Label") and not shows_constant(node))
        or (owner, name) in {("rich", "print"), ("", "Console"), ("", "RichLog"), ("", "Markdown")}
    ]
    found += [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if path not in MARKUP_USERS
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("rich.markup", "rich.console")
    ]

    assert [] == found


def shows_constant(call: ast.Call) -> bool:
    """Whether a widget shows a text of ours, or parses no markup."""
    no_markup = any(
        keyword.arg == "markup" and getattr(keyword.value, "value", None) is False
        for keyword in call.keywords
    )
    return no_markup or all(isinstance(argument, ast.Constant) for argument in call.args)


TITLES = {"border_title", "border_subtitle", "title", "sub_title", "tooltip"}
TITLE_USERS = {
    "tui/screens/dialogs.py": "headings and key hints of ours",
    "tui/screens/add_recordings.py": "key hints",
    "tui/screens/export.py": "key hints",
    "tui/screens/live_config.py": "key hints",
    "tui/screens/references.py": "key hints",
}


def test_titles_are_texts_of_ours() -> None:
    """Textual parses them as markup."""
    found = []
    for path, tree in trees():
        for node in ast.walk(tree) if path.startswith("tui/") else ():
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    is_title = isinstance(each, ast.Attribute) and each.attr in TITLES
                    if is_title and not isinstance(node.value, ast.Constant):
                        found.append((path, node.lineno))

    assert [] == unexpected(iter(found), set(TITLE_USERS))


def test_child_processes_get_no_secrets() -> None:
    """Each is started with an environment that was made for it, or by `workers.processes`."""
    found = []
    for path, tree in trees():
        for owner, name, node in calls(tree):
            if name in STARTERS and (owner, name) != ("asyncio", "run") and owner in OWNERS:
                source = ast.unparse(node)
                if "public_environment" not in source and path != "tui/terminal/guard.py":
                    found.append(f"{path}:{node.lineno}")
            if name in {"Process", "ProcessPoolExecutor"} and path != "workers/processes.py":
                found.append(f"{path}:{node.lineno}")

    assert [] == found


@pytest.mark.parametrize(
    "table",
    [
        PRINTERS,
        STREAM_USERS,
        DESCRIPTOR_WRITERS,
        MARKUP_USERS,
        TITLE_USERS,
        dict.fromkeys(FILE_WRITERS),
    ],
)
def test_exceptions_name_modules_that_exist(table: Mapping[str, object]) -> None:
    """An exception goes with the module that it was made for."""
    assert [] == [path for path in table if not (ROOT / path).exists()]
