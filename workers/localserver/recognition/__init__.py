"""The recogniser process: voice activity, segmentation, transcription and end-of-turn detection.

Audio bytes and commands come in, hypotheses go out, in the messages of `recogniser_protocol`. It
imports that module and `engine_registry` only: nothing about clients, sockets or the wire protocol.
"""
