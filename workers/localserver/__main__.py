"""`python -m workers.localserver [OPTIONS]`: the server as a child process.

The first line of stdin is the API key. The end of stdin means that the parent has exited.
"""

import argparse
import asyncio
import os
import sys
from functools import partial

from workers import log, secrecy, threads
from workers.localserver.admission import SERVICE_SPEED_LIMIT, ServerPolicy
from workers.localserver.recognisers import RecogniserPool
from workers.localserver.server import run_server
from workers.output import clean_errors
from workers.secrecy import Secret


def main() -> int:
    threads.exit_on_fault()
    parser = argparse.ArgumentParser(prog="python -m workers.localserver")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--sessions", type=int, help="maximum at once; default: the capacity")
    parser.add_argument("--speed", type=float, default=1.0, help="at which sessions will send")
    parser.add_argument("--log-level", choices=log.LEVELS, default="info")
    parser.add_argument("--log-file", help="default: no log")
    args = parser.parse_args()
    secrecy.forbid_core_dumps()
    clean_errors()
    api_key = sys.stdin.readline().strip()
    if not api_key:
        print("The first line of stdin must be the API key.", file=sys.stderr)
        return 2
    secrecy.protect(Secret(api_key))
    if args.log_file:
        log.enable(log.LogConfig(args.log_level, args.log_file))
    speed_limit = SERVICE_SPEED_LIMIT * max(args.speed, 1.0)
    # The client is our own, which shows Warnings to its user.
    policy = ServerPolicy(api_key, args.sessions, speed_limit=speed_limit, send_warnings=True)
    asyncio.run(_serve(args.port, policy, RecogniserPool(args.speed)))
    return 0


async def _serve(port: int, policy: ServerPolicy, recognisers: RecogniserPool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch_parent() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threads.start_thread(watch_parent, "parent")
    await run_server(port, policy, recognisers, partial(print, flush=True), stop)


if __name__ == "__main__":
    sys.exit(main())
