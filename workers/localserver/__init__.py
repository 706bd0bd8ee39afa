"""The embedded v3 endpoint and its recogniser, as processes of their own.

The program starts it with `child.LocalServer` and knows it otherwise only by its address. One
server process holds the sockets (`server`, `reception`, `session`) and words what clients are told
(`turns`); beside it, one process for each core recognises (`recognition`), so that no inference
ever stalls a socket. Instead of recognising, it can play a script (`scripts`).
"""
