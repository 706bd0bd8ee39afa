"""`python -m workers.localserver [--port N]`: the server as a child of the program.

The first line of stdin is the token; the end of stdin means that the parent is gone.
"""

import argparse
import asyncio
import os
import sys
import threading
from functools import partial

from workers.localserver.server import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers.localserver")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    port: int = parser.parse_args().port
    token = sys.stdin.readline().strip()
    if not token:
        print("The token is expected as the first line of stdin.", file=sys.stderr)
        return 2
    asyncio.run(_serve(port, token))
    return 0


async def _serve(port: int, token: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch_parent() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch_parent, name="parent", daemon=True).start()
    await run(port, token, partial(print, flush=True), stop)


if __name__ == "__main__":
    sys.exit(main())
