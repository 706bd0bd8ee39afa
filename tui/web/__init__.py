"""The desk in a browser: a server, which starts the desk as a process, and the driver with which
that process draws. Needs the extra ``web``; only ``paceline web`` loads it."""
