"""The recogniser process: voice activity, segmentation, transcription and end-of-turn detection.

Audio bytes and commands come in, hypotheses go out, as messages of `recogniser_protocol`. From
`workers.localserver`, it imports only that module and `engine_registry`, not the wire protocol.
"""
