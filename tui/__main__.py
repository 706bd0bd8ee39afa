"""Where the program starts.

Session processes load this module too, because it is the parent's main module; so it imports
nothing until it is called.
"""


def main() -> None:
    """The ``paceline`` command."""
    from tui.commands import paceline

    paceline()


if __name__ == "__main__":
    main()
