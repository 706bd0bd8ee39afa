"""``paceline settings``: prints the settings, or writes a settings file to start from."""

import os

import click

from tui.cli.command_help import command
from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode


@command(
    ("paceline settings --create", "Write a settings file to begin with."),
)
@click.option("--create", is_flag=True, help="Write a settings file with all defaults in comments.")
def settings(create: bool) -> ExitCode:
    """Print the path and the values of the desk's settings.

    Set the environment variable PACELINE_SETTINGS to use another file.
    """
    from tui.cli.desk import load_desk_settings
    from tui.cli.settings_toml import commented_defaults, settings_lines
    from tui.config.loader import settings_path
    from workers import files
    from workers.errors import PacelineError, UsageProblem

    path = settings_path()
    if not create:
        lines = [*settings_lines(load_desk_settings())]
        hint = "" if path.exists() else " (missing; --create writes it)"
        for line in (f"# {path}{hint}", *lines):
            print_line(line)
        return ExitCode.DONE
    try:
        files.make_folders(path.parent)
        if os.path.lexists(path):
            raise UsageProblem(f"{path} already exists", "It was not changed.")
        files.replace_file(path, commented_defaults().encode())
    except OSError as error:
        raise PacelineError(f"{path} cannot be written ({error.strerror})") from error
    print_line(f"Written: {path}")
    return ExitCode.DONE
