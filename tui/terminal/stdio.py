"""The three descriptors that every program counts on: standard input, output and error."""

import os


def ensure_stdio() -> None:
    """Opens nothing for those that whoever started the program has closed.

    Else a pipe would get such a number, here or in a session, whose output goes to its log by that
    number. Comes before anything else is opened; all processes of the program inherit it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free: this one
