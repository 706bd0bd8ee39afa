"""Prints which modules a new session process has loaded; a test runs it as a program."""

import json
import multiprocessing
import sys
from multiprocessing.queues import Queue

from workers.processes import PRELOAD_MODULES


def report_loaded_modules(names: "Queue[list[str]]") -> None:
    """Runs in a child of the fork server."""
    names.put(sorted(sys.modules))


def main() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD_MODULES)
    names: Queue[list[str]] = context.Queue()
    child = context.Process(target=report_loaded_modules, args=(names,))
    child.start()
    print(json.dumps({"before": names.get(timeout=60)}))
    child.join()


if __name__ == "__main__":
    main()
