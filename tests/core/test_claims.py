"""A claim keeps other processes away, and ends with its own."""

import gc
import subprocess
import sys

import pytest

from napari_monuseg.core.claims import claim, is_claimed, release, sweep

ASK = """
import sys
from pathlib import Path
from napari_monuseg.core.claims import is_claimed
print(is_claimed(Path(sys.argv[1])))
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "file.npz"
    yield path
    release(path)


def test_what_nobody_claims_is_free(path):
    assert not is_claimed(path)
    release(path)


def test_a_claim_lasts_until_it_is_given_up(path):
    claim(path)
    assert is_claimed(path)

    release(path)
    assert not is_claimed(path)
    assert list(path.parent.iterdir()) == []


def test_a_claim_is_given_once_and_lasts(path):
    assert claim(path)
    assert not claim(path)
    gc.collect()

    other = subprocess.run(
        [sys.executable, "-c", ASK, path], capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == "True"


def test_another_process_keeps_its_claim_until_it_is_killed(path, elsewhere):
    other = elsewhere(path)
    assert is_claimed(path)
    assert not claim(path)

    other.kill()
    other.wait()

    sweep(path.parent)
    assert list(path.parent.iterdir()) == []
    assert not is_claimed(path)


def test_where_nothing_can_be_locked_the_claim_holds_here(tmp_path):
    (tmp_path / "folder").write_text("a file in the way")
    path = tmp_path / "folder" / "file.npz"

    assert claim(path)
    assert not claim(path)
    assert is_claimed(path)
    release(path)
    assert not is_claimed(path)
