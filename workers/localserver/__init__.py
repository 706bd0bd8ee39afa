"""A local server that speaks the v3 protocol, with speech recognition on this machine.

One server process owns the sockets and sends the wire messages; one recogniser process per core
(`recognition`) turns audio into hypotheses, so that inference never blocks a socket; `scripts`
replaces the recogniser with known words and faults. The desk starts the server with
`child.LocalServer` and then knows only its address. Nothing here imports the desk, jobs, traces or
`workers.audio`, and the server process imports neither numpy nor an engine.
"""
