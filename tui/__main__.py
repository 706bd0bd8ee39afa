"""The entry point.

Session processes load this module too, because it is their parent's main module. Therefore it
imports nothing until `main` is called.
"""

_EXIT_INTERRUPTED = 130  # `tui.cli.exit_codes.ExitCode.INTERRUPTED`, which is not loaded yet


def main() -> None:
    """Runs the ``paceline`` command."""
    try:
        _ignore_modules_in_working_folder()
        _exit_on_ctrl_c()
    except KeyboardInterrupt:
        raise SystemExit(_EXIT_INTERRUPTED) from None
    from tui.terminal.stdio import check_output, ensure_stdio
    from workers.secrecy import forbid_core_dumps

    ensure_stdio()
    check_output()
    forbid_core_dumps()
    from tui.cli.registry import paceline

    paceline()


def _ignore_modules_in_working_folder() -> None:
    """Makes this process and all processes below it import nothing from the working folder.

    That folder may hold foreign files, and Python would run its ``random.py`` instead of its own
    module: ``python -c``, with which multiprocessing starts its helpers, and ``python -m`` look
    there first, and so do empty and relative entries of PYTHONPATH. Absolute entries stay.

    Nothing that needs a file may be imported before; `os` and `sys` are always loaded. Child
    processes inherit the environment, so they need no such function.
    """
    import os
    import sys

    if sys.flags.ignore_environment and not sys.flags.safe_path:  # `python -E`
        os.execv(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]])
    try:
        working_folder = os.getcwd()
    except FileNotFoundError:  # deleted, so nothing is found there
        working_folder = ""
    if not sys.flags.safe_path and sys.path[0] == working_folder:  # `python -m`
        del sys.path[0]
    os.environ["PYTHONSAFEPATH"] = "1"  # the same for children, with `-c` and `-m`

    # Python has made the entries in `sys.path` absolute, so only the variable tells them apart.
    variable = os.environ.pop("PYTHONPATH", "")
    entries = variable.split(os.pathsep) if variable else []
    absolute = [os.path.normpath(entry) for entry in entries if os.path.isabs(entry)]
    relative = {os.path.normpath(os.path.join(working_folder, entry)) for entry in entries}
    own_folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if own_folder in relative and own_folder not in absolute:
        absolute.append(own_folder)  # a developer's PYTHONPATH=.
    sys.path[:] = [p for p in sys.path if os.path.isabs(p) and p not in relative - {*absolute}]
    if absolute:
        os.environ["PYTHONPATH"] = os.pathsep.join(absolute)


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
