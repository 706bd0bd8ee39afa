"""`python -m workers.localserver [--port N] [--sessions N]`: the server as a child of the program.

The first line of stdin is the token; the end of stdin means that the parent is gone.
"""

import argparse
import asyncio
import os
import sys
import threading
from functools import partial

from workers.localserver.recognisers import RecogniserPool
from workers.localserver.server import run_server
from workers.localserver.server_policy import ServerPolicy


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers.localserver")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--sessions", type=int, help="how many at once; default: the capacity")
    asked = parser.parse_args()
    token = sys.stdin.readline().strip()
    if not token:
        print("The token is expected as the first line of stdin.", file=sys.stderr)
        return 2
    asyncio.run(_serve(asked.port, ServerPolicy(token, asked.sessions)))
    return 0


async def _serve(port: int, policy: ServerPolicy) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch_parent() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch_parent, name="parent", daemon=True).start()
    await run_server(port, policy, RecogniserPool(), partial(print, flush=True), stop)


if __name__ == "__main__":
    sys.exit(main())
