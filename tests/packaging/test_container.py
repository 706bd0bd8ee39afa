"""The steps of the Containerfile, as far as a machine without a container engine follows them."""

import re
import shutil
import sys
from pathlib import Path

from tests.hostile.limited_programs import needs_root, with_mounts
from tests.packaging.environments import ROOT, STAGE, run

CONTAINERFILE = (ROOT / "Containerfile").read_text()
SHM_BYTES = 64 * 1024
"""Small: engines give 64 MB, and a careful operator less."""


def test_the_image_runs_as_a_user_without_rights() -> None:
    """By number, so that an orchestrator can see that it is not root."""
    user = re.search(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)

    assert user is not None
    assert int(user[1]) > 1000


def test_the_steps_install_with_pip_only() -> None:
    """What is tested below is what the file says."""
    assert "pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source" in CONTAINERFILE
    assert '/opt/paceline/bin/pip install --no-cache-dir "$(ls /wheels/*.whl)[local]"' in (
        CONTAINERFILE
    )


@needs_root
def test_the_program_works_on_a_read_only_root_with_little_shared_memory(tmp_path: Path) -> None:
    """As a user without rights, who can write to /runs and a small temporary folder only."""
    wheels, home = STAGE / "container-wheels", tmp_path / "runs"
    shutil.rmtree(wheels, ignore_errors=True)
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-cache-dir", "--no-deps"),
        *("--wheel-dir", wheels, ROOT),
    )
    run(sys.executable, "-m", "venv", "--clear", STAGE / "container")
    wheel = next(wheels.glob("*.whl"))
    run(STAGE / "container" / "bin" / "pip", "install", "--quiet", f"{wheel}[local]")
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    user = re.search(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)
    assert user is not None
    stranger = (
        *("setpriv", f"--reuid={user[1]}", f"--regid={user[2]}", "--clear-groups"),
        *("--no-new-privs", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    )
    mounts = f"""
        mkdir -p /run/paceline-runs && mount --bind {home} /run/paceline-runs
        mount -t tmpfs -o size={SHM_BYTES},mode=1777 tmpfs /dev/shm
        mount -o remount,bind,ro /
        mount -t tmpfs -o size=16m,mode=1777 tmpfs /var/tmp
        cd /run/paceline-runs"""
    environment = {
        "HOME": "/run/paceline-runs",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": "/var/tmp",  # a checkout may be in /tmp
    }

    def output(*words: object) -> str:
        command = (STAGE / "container" / "bin" / "paceline", *words)
        return run(*with_mounts(mounts), *stranger, *command, environment=environment)

    assert "paceline, version" in output("--version")
    assert "Paceline" in output("doctor")
    streamed = output("demo", "--no-desk")
    assert "Traceback" not in streamed
    assert '"done"' in output("runs", "--json")
