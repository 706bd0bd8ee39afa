"""The pages about installation, platforms and licences say what the project's files say."""

import ast
import re
from pathlib import Path

from tests.packaging.licences import direct_packages

ROOT = Path(__file__).parents[3]
POSIX_ONLY = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}


def test_every_package_that_is_always_installed_has_its_licence_on_the_page() -> None:
    """`make package` compares the licences with those that the packages state."""
    page = (ROOT / "docs" / "licences.md").read_text()
    listed = page.split("<!-- packages -->")[1]

    needed = {name for name, extra in direct_packages().items() if not extra}
    assert {name for name in needed if f"\n| {name} | " not in listed} == set()


def test_the_modules_that_windows_lacks_are_on_the_page() -> None:
    """Those that a module of the program imports whenever it is loaded."""
    page = (ROOT / "docs" / "platforms.md").read_text()
    needed = set()
    for path in [*(ROOT / "tui").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                needed |= {alias.name for alias in node.names} & POSIX_ONLY

    assert needed
    assert {name for name in needed if f"`{name}`" not in page} == set()


def test_the_container_runs_as_the_user_that_the_page_names() -> None:
    user = re.search(r"^USER (\d+)", (ROOT / "Containerfile").read_text(), re.MULTILINE)

    assert user is not None
    assert f"user {user[1]}" in (ROOT / "docs" / "installation.md").read_text()
