"""Plays recordings of a run on this machine's sound device, in a process of its own.

`player` is the program's side and the only module that other rooms need. The process decodes the
recording again from disk, so that listening costs a session nothing, and a decoder or a sound
device that crashes or hangs stops only the sound. What is heard never competes with what is sent:
the process runs at a low priority.
"""
