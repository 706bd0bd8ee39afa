"""``paceline completion``: prints what a shell needs to complete commands, options and names."""

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode

SHELLS = ("bash", "zsh", "fish")


@command(
    ("paceline completion bash >> ~/.bashrc", "Complete in every new bash."),
    ("paceline completion zsh > ~/.zfunc/_paceline", "Complete in zsh, if fpath has ~/.zfunc."),
    ("paceline completion fish > ~/.config/fish/completions/paceline.fish", "Complete in fish."),
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> ExitCode:
    """Print the script that completes commands, options and names in a shell.

    Runs, formats and speech models complete too.
    """
    from click.shell_completion import get_completion_class

    from tui.cli.console import print_script
    from tui.cli.registry import COMPLETE_VARIABLE, paceline

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    print_script(completion_class(paceline, {}, "paceline", COMPLETE_VARIABLE).source())
    return ExitCode.DONE
