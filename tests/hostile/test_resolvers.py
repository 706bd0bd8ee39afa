"""Name servers that do not answer every question; needs root, to use one of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)

NAME_SERVER = """
import socket, struct, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("127.0.0.153", 53))
print("ready", flush=True)
while True:
    query, client = line.recvfrom(2000)
    end = 12
    while query[end]:
        end += query[end] + 1
    question, kind = query[12 : end + 5], struct.unpack(">H", query[end + 1 : end + 3])[0]
    if kind == 28 and sys.argv[1] == "silent":
        continue
    failed = {"silent": 0, "failing": 2, "refusing": 5}[sys.argv[1]] if kind == 28 else 0
    found = kind == 1
    answer = query[:2] + bytes([0x81, 0x80 | failed]) + struct.pack(">HHHH", 1, found, 0, 0)
    record = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
    line.sendto(answer + question + (record if found else b""), client)
"""
RESOLVE = """
import time
from workers.protocol.happy_eyeballs import resolve
started = time.monotonic()
print(resolve("recorder.example", 443)[0][1], time.monotonic() - started < 4)
"""


@pytest.mark.parametrize("manner", ["silent", "failing", "refusing"])
def test_a_name_server_that_knows_no_ipv6_costs_little(manner: str, tmp_path: Path) -> None:
    """The system alone would ask it for a quarter of a minute."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.153\n")
    (tmp_path / "name_server.py").write_text(NAME_SERVER)
    (tmp_path / "resolve.py").write_text(RESOLVE)
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    script = f"""
        mount --bind {tmp_path}/resolv.conf /etc/resolv.conf || exit 77
        mount --bind {tmp_path}/nsswitch.conf /etc/nsswitch.conf || exit 77
        coproc {sys.executable} {tmp_path}/name_server.py {manner}
        read -r -u "${{COPROC[0]}}" _ || exit 77
        {sys.executable} {tmp_path}/resolve.py
        kill "$COPROC_PID"
    """
    result = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode == 77:
        pytest.skip("this machine allows no name server of the test's own")

    assert result.stdout.split("\n")[0] == "('127.0.0.1', 443) True", result.stderr
