"""The README says what the code does."""

from itertools import groupby
from pathlib import Path

from tui.cli.exit_codes import ExitCode
from tui.cli.registry import COMMANDS
from tui.keys.key_table import KEY_BINDINGS, Scope
from workers.localserver.features import FEATURES, Feature
from workers.localserver.parameters import MODE_DEFAULTS

README = (Path(__file__).parents[3] / "README.md").read_text()


def between(mark: str) -> str:
    return README.split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0].strip()


def test_every_key_is_there() -> None:
    """As the desk's own table has it."""
    scopes = (Scope.SESSIONS, Scope.JOBS, Scope.VIEW, Scope.DESK)
    rows = [
        f"| `{key.key_display}` | {key.description} |"
        for key in KEY_BINDINGS
        if key.scope in scopes
    ]

    assert between("keys").splitlines() == ["| key | does |", "|---|---|", *rows]


def test_every_command_is_there() -> None:
    """The desk is the one without a name."""
    for name in set(COMMANDS) - {"desk"}:
        assert f"`paceline {name}" in README


def test_every_exit_code_is_there() -> None:
    """With a word for each."""
    line = next(line for line in README.splitlines() if line.startswith("Exit codes:"))

    assert [int(part.split()[0]) for part in line[12:].split(" · ")] == [
        code.value for code in ExitCode
    ]


def test_every_parameter_of_the_engine_is_there() -> None:
    """With what becomes of it; those of which the same is said stand together."""

    def same(feature: Feature) -> tuple[str, str]:
        return feature.support.value, feature.note

    rows = [
        f"| {' '.join(f'`{each.name}`' for each in features)} | {run_status} | {note} |"
        for (run_status, note), features in groupby(FEATURES, same)
    ]
    assert between("parameters").splitlines() == ["| parameter | here | |", "|---|---|---|", *rows]


def test_the_silences_of_each_mode_are_there() -> None:
    """They are our own, so nobody can look them up elsewhere."""
    for mode, rules in MODE_DEFAULTS.items():
        assert f"`{mode.value}` {rules.min_turn_silence} and {rules.max_turn_silence} ms" in README
