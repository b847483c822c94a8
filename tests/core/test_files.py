"""Files are written whole or not at all."""

import os
import sys

import pytest

from napari_monuseg.core.errors import ExportError, ImageError
from napari_monuseg.core.files import reading, write_beside


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(path, error):
    with write_beside(path) as beside:
        beside.write_text("half")
        raise error


def test_a_file_appears_whole(tmp_path):
    with write_beside(tmp_path / "a.txt") as beside:
        beside.write_text("new")
        assert names(tmp_path) == [beside.name]

    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_the_temporary_name_keeps_folder_and_ending(tmp_path):
    with write_beside(str(tmp_path / "a.ome.tif")) as beside:
        beside.write_text("new")

    assert beside.parent == tmp_path
    assert beside.suffix == ".tif"


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    with write_beside(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, stop):
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(stop):
        write_half(path, stop)

    assert names(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"


def test_a_full_disk_is_told_and_nothing_left(tmp_path):
    with pytest.raises(ExportError, match=r"a\.txt cannot be written \(No space"):
        write_half(tmp_path / "a.txt", OSError(28, "No space left on device"))

    assert names(tmp_path) == []


def test_a_missing_folder_is_told(tmp_path):
    with (
        pytest.raises(ExportError, match="folder exists"),
        write_beside(tmp_path / "no" / "a.txt") as beside,
    ):
        beside.write_text("new")


def test_a_folder_of_that_name_is_told(tmp_path):
    (tmp_path / "a").mkdir()

    with pytest.raises(ExportError), write_beside(tmp_path / "a") as beside:
        beside.write_text("new")

    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("stem", ["n" * 250, "核" * 80, "\N{MICROSCOPE}" * 60])
def test_a_very_long_name_still_fits(tmp_path, stem):
    path = tmp_path / f"{stem}.txt"

    with write_beside(path) as beside:
        beside.write_text("new")

    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)

    with write_beside(link) as beside:
        beside.write_text("new")

    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="no umask on Windows")
def test_the_file_gets_the_usual_rights(tmp_path):
    before = os.umask(0o022)
    try:
        with write_beside(tmp_path / "a.txt") as beside:
            beside.write_text("new")
    finally:
        os.umask(before)

    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(2, "no"), "There is no file .*a.tif"),
        (IsADirectoryError(21, "no"), "a folder"),
        (PermissionError(13, "no"), "may not be read"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (RuntimeError("lzw\nbroken"), r"\(lzw broken\): it is damaged"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (MemoryError(), "does not fit into memory"),
    ],
)
def test_what_a_decoder_raises_becomes_a_sentence(tmp_path, error, sentence):
    with pytest.raises(ImageError, match=sentence), reading(tmp_path / "a.tif"):
        raise error


def test_an_image_error_passes_as_it_is(tmp_path):
    with pytest.raises(ImageError, match=r"^mine$"), reading(tmp_path / "a.tif"):
        raise ImageError("mine")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
@pytest.mark.parametrize("rights", [0o600, 0o664, 0o644])
def test_who_may_read_a_replaced_file_stays(tmp_path, rights):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(rights)

    with write_beside(path) as beside:
        beside.write_text("new")

    assert path.stat().st_mode & 0o777 == rights
