"""Plays recordings of a run on this machine's sound device, in a process of its own.

Other rooms need `player`, which is the program's side, `messages` and `backends`. The process
decodes the recording again from disk, so that listening costs a session nothing, and a decoder or a
sound device that crashes or hangs stops only the sound. The process runs at a low priority, so that
what is heard never delays what is sent.
"""
