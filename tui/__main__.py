"""The entry point.

Session processes load this module too, because it is their parent's main module. Therefore it
imports nothing until `main` is called.
"""

_EXIT_INTERRUPTED = 130  # `tui.cli.exit_codes.ExitCode.INTERRUPTED`, which is not loaded yet


def main() -> None:
    """Runs the ``paceline`` command."""
    try:
        _exit_on_ctrl_c()
    except KeyboardInterrupt:
        raise SystemExit(_EXIT_INTERRUPTED) from None
    from tui.terminal.stdio import ensure_stdio

    ensure_stdio()
    from tui.cli.registry import paceline

    paceline()


def _exit_on_ctrl_c() -> None:
    """Makes Ctrl-C end the program silently, until a run installs its own handler.

    A `KeyboardInterrupt` would not work: click turns it into exit code 1. Tracebacks are not
    printed, because an interrupted import may raise any exception. A program that a script started
    in the background ignores Ctrl-C and continues to do so.
    """
    import os
    import signal
    import sys

    def exit_silently(*_: object) -> None:
        os._exit(_EXIT_INTERRUPTED)

    def on_sigint(number: int, frame: object) -> None:
        sys.excepthook = sys.unraisablehook = exit_silently
        sys.exit(_EXIT_INTERRUPTED)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, on_sigint)


if __name__ == "__main__":
    main()
