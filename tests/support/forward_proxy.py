"""A proxy on loopback that speaks HTTP CONNECT, SOCKS 4, 4a and 5, and leads to one port.

Written by the documents of the protocols, without the library that the product uses.
"""

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from select import select

from tests.support.raw_server import RawServer


@dataclass
class ForwardProxy:
    """What a proxy was asked for; ``script`` is for a `RawServer`."""

    port: int
    """Where all tunnels lead, whatever they are asked for."""
    user: bytes = b""
    password: bytes = b""
    refused: frozenset[str] = frozenset()
    """Addresses that the proxy cannot reach."""
    targets: list[str] = field(default_factory=list)
    """HOST:PORT of each tunnel that was asked for."""

    def script(self, line: socket.socket, first: bytes) -> None:
        if first.startswith(b"CONNECT "):
            self.targets.append(first.split()[1].decode())
            line.sendall(b"HTTP/1.0 200 Connection established\r\nProxy-Agent: test\r\n\r\n")
        elif first[0] == 4:
            port, packed = struct.unpack(">H4s", first[2:8])
            _, _, rest = first[8:].partition(b"\0")
            named = packed[:3] == b"\0\0\0" and packed[3]
            host = rest.rstrip(b"\0").decode() if named else socket.inet_ntoa(packed)
            if not self._allows(host, port):
                line.sendall(b"\0\x5b" + bytes(6))
                return
            line.sendall(b"\0\x5a" + bytes(6))
        elif not self._shake_hands_socks5(line, first):
            return
        self._copy(line)

    def _shake_hands_socks5(self, line: socket.socket, first: bytes) -> bool:
        methods = first[2 : 2 + first[1]]
        method = 2 if self.user else 0
        if method not in methods:
            line.sendall(b"\x05\xff")
            return False
        line.sendall(bytes([5, method]))
        if method:
            login = line.recv(600)
            size = login[1]
            user, password = login[2 : 2 + size], login[3 + size :]
            if (user, password) != (self.user, self.password):
                line.sendall(b"\x01\x01")
                return False
            line.sendall(b"\x01\x00")
        request = line.recv(600)
        if request[3] == 1:
            host, rest = socket.inet_ntoa(request[4:8]), request[8:]
        elif request[3] == 4:
            host, rest = socket.inet_ntop(socket.AF_INET6, request[4:20]), request[20:]
        else:
            end = 5 + request[4]
            host, rest = request[5:end].decode(), request[end:]
        if not self._allows(host, struct.unpack(">H", rest)[0]):
            line.sendall(b"\x05\x04\x00\x01" + bytes(6))
            return False
        for byte in b"\x05\x00\x00\x03\x05proxy\x00\x00":  # a name as the bound address, in pieces
            line.sendall(bytes([byte]))
        return True

    def _allows(self, host: str, port: int) -> bool:
        self.targets.append(f"{host}:{port}")
        return host not in self.refused

    def _copy(self, line: socket.socket) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as far:
            ends = {line: far, far: line}
            while True:
                for end in select(ends, [], [])[0]:
                    if not (data := end.recv(65_536)):
                        return
                    ends[end].sendall(data)


def open_proxy(proxy: ForwardProxy) -> RawServer:
    """A server for it; use it as a context manager."""
    return RawServer(proxy.script)
