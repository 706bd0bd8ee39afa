"""Where the program starts.

Session processes load this module too, because it is the parent's main module; so it imports
nothing until it is called.
"""

_EXIT_INTERRUPTED = 130
"""The exit code, as `tui.cli.summary.ExitCode` has it."""


def main() -> None:
    """The ``paceline`` command."""
    try:
        _exit_on_ctrl_c()
    except KeyboardInterrupt:
        raise SystemExit(_EXIT_INTERRUPTED) from None
    from tui.terminal import stdio

    stdio.ensure_stdio()
    from tui.cli.commands import paceline

    paceline()


def _exit_on_ctrl_c() -> None:
    """Until there is something to end politely: whoever streams then says what Ctrl-C means.

    Not by `KeyboardInterrupt`, of which Click would make a fault. And whatever Python makes of an
    import that is broken off is told to nobody. Where Ctrl-C is ignored, as for what a script has
    put in the background, it stays so.
    """
    import os
    import signal
    import sys

    def gone(*_: object) -> None:
        os._exit(_EXIT_INTERRUPTED)

    def end(number: int, frame: object) -> None:
        sys.excepthook = sys.unraisablehook = gone
        sys.exit(_EXIT_INTERRUPTED)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)


if __name__ == "__main__":
    main()
