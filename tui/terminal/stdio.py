"""The three standard descriptors: input, output and error."""

import os


def ensure_stdio() -> None:
    """Opens the null device for each standard descriptor that is closed.

    Otherwise a pipe could get one of these numbers, and a session would close it when it redirects
    them to its log. Call this before anything else is opened; child processes inherit the result.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number
