"""The embedded v3 endpoint and its recogniser, as processes of their own.

The program starts it with `child.LocalServer` and knows it otherwise only by its address. One
server process holds the sockets (`server`, `session`, `turns`); beside it, one process for each
core recognises (`recogniser`), so that no inference ever stalls a socket.
"""
