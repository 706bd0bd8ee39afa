"""``paceline settings``: prints the settings in force, or writes a file to begin with."""

import click

from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode


@click.command()
@click.option("--create", is_flag=True, help="Write a file with every default in a comment.")
def settings(create: bool) -> ExitCode:
    """Say where the settings of the desk are, and what is in force.

    The variable PACELINE_SETTINGS names another file.
    """
    from tui.cli.settings_toml import commented_defaults, settings_lines
    from tui.config import loader
    from tui.render.columns import optional_column_names
    from workers.errors import PacelineError, UsageProblem

    path = loader.settings_path()
    if not create:
        lines = list(settings_lines(loader.load_settings(optional_column_names)))
        print_line(f"# {path}{'' if path.exists() else ' (not there; --create writes it)'}")
        for line in lines:
            print_line(line)
        return ExitCode.DONE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(commented_defaults())
    except FileExistsError:
        raise UsageProblem(f"{path} is there already", "It stays as it is.") from None
    except OSError as error:
        raise PacelineError(f"{path} cannot be written ({error.strerror})") from error
    print_line(f"Written: {path}")
    return ExitCode.DONE
