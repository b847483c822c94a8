"""Set-up on a machine where nothing may be installed says so and stops."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LIBRARY = "libglib2.0-0"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None,
    reason="the scripts are for a POSIX shell; Windows has its steps in the README",
)


def fake(folder: Path, name: str, script: str) -> None:
    """Put a command of this name first on the path of a Debian machine."""
    command = folder / name
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


@pytest.fixture
def debian(tmp_path):
    """Give a Debian machine without root, sudo or any package."""
    fake(tmp_path, "id", "echo 1000")
    fake(tmp_path, "sudo", "exit 1")
    fake(tmp_path, "apt-get", "echo apt-get was called; exit 1")
    fake(tmp_path, "dpkg-query", "exit 1")
    return tmp_path


def install_packages(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "scripts/packages.sh"],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": f"{machine}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_packages_are_named_in_one_sentence(debian):
    done = install_packages(debian)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "sudo apt-get install" in done.stderr
    assert LIBRARY in done.stderr


@pytest.mark.parametrize("suffix", ["", "t64"])
def test_nothing_is_done_where_nothing_is_missing(debian, suffix):
    # Whatever is asked for is there, under its old name or Debian 13's.
    listing = 'for name; do echo "${name%t64}' + suffix + ' installed"; done'
    fake(debian, "dpkg-query", listing)

    done = install_packages(debian)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_what_is_missing_is_installed_with_sudo(debian):
    others = f'[ "${{name%t64}}" = {LIBRARY} ] || echo "$name installed"'
    fake(debian, "dpkg-query", f"for name; do {others}; done")
    fake(debian, "sudo", 'shift; [ "$1" = true ] || "$@"')
    fake(debian, "apt-get", 'echo "apt-get $*" >&2')

    done = install_packages(debian)

    last = done.stderr.splitlines()[-1]
    assert done.returncode == 0
    assert last == f"apt-get install -y -q --no-install-recommends {LIBRARY}"
