"""A file system that passes a folder on, until it blocks or fails: a disk that is away.

``python -m tests.hostile.faulty_file_system FOLDER MOUNT`` serves it until it is unmounted. While
``FOLDER/blocks`` exists, reading blocks; while ``FOLDER/fails`` exists, it fails with EIO.
"""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.support.supervisor_harness import LONG_ENOUGH

needs_fuse = pytest.mark.skipif(
    shutil.which("fusermount3") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK),
    reason="needs FUSE: the package fuse3, and /dev/fuse",
)


@contextmanager
def faulty_mount(folder: Path, mount: Path) -> Iterator[None]:
    """Mounts ``folder`` at ``mount``."""
    mount.mkdir()
    command = [sys.executable, "-m", "tests.hostile.faulty_file_system", str(folder), str(mount)]
    with subprocess.Popen(command) as server:
        try:
            deadline = time.monotonic() + LONG_ENOUGH
            while not os.path.ismount(mount):
                assert time.monotonic() < deadline
                assert server.poll() is None
                time.sleep(0.02)
            yield
        finally:
            (folder / "blocks").unlink(missing_ok=True)
            subprocess.run(["fusermount3", "-u", "-z", str(mount)], check=False)
            server.kill()


def serve(folder: str, mount: str) -> None:
    """Serves the file system, without any cache, so that every read arrives here."""
    from mfusepy import FUSE, FuseOSError, Operations

    class FaultyFileSystem(Operations):
        use_ns = True

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            stat = os.lstat(folder + path)
            names = ("st_mode", "st_size", "st_nlink", "st_uid", "st_gid", "st_mtime_ns")
            found = {name: getattr(stat, name) for name in names}
            found["st_mtime"] = found.pop("st_mtime_ns")
            return found

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *os.listdir(folder + path)]

        def open(self, path: str, flags: int) -> int:
            return os.open(folder + path, flags)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            while os.path.exists(f"{folder}/blocks"):
                time.sleep(0.05)
            if os.path.exists(f"{folder}/fails"):
                raise FuseOSError(errno.EIO)
            return os.pread(fh, size, offset)

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

    FUSE(FaultyFileSystem(), mount, foreground=True, direct_io=True, attr_timeout=0)


if __name__ == "__main__":
    serve(*sys.argv[1:3])
