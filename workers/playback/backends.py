"""The sound systems that can be chosen."""

BACKENDS = ("pulseaudio", "alsa", "jack", "sndio", "oss", "null")
"""Miniaudio's names of those on Linux and BSD. The last one is silent, and as fast as a real
one."""
