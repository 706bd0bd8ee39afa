"""A part of a file as a file object, for decoders that read through one."""

import os


class FileBytes:
    """The bytes of a file from ``start`` to ``end``, after a header of ours; raises `OSError`.

    It has no name, by whose suffix FFmpeg would judge it. It has its own position, and accepts any
    seek, since decoders seek to where a damaged file points.
    """

    def __init__(
        self, path: str, start: int = 0, end: int | None = None, header: bytes = b""
    ) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by `close`)
        self._header, self._shift = header, start - len(header)
        size = os.fstat(self._file.fileno()).st_size if end is None else end
        self.size = max(0, size - self._shift)
        self._position = 0

    def read(self, size: int) -> bytes:
        position = self._position
        if position < len(self._header):
            block = self._header[position : position + size]
        elif (size := min(size, self.size - position)) > 0:
            block = os.pread(self._file.fileno(), size, self._shift + position)
        else:
            return b""
        self._position += len(block)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence, 0)
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._file.close()
