"""The sound systems that can be chosen."""

BACKENDS = ("pulseaudio", "alsa", "jack", "sndio", "oss", "null")
"""Miniaudio's names of those on Linux and BSD. The last one plays to nobody, as fast as one that
is heard."""
