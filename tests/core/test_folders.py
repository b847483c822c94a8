"""Folders are made, or refused before any work."""

import tempfile

import pytest

from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.folders import make_folder, require_writable


def test_a_folder_that_can_be_written_to_is_left_as_it_was(tmp_path):
    require_writable(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path, monkeypatch):
    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)

    with pytest.raises(ExportError, match=r"cannot be written to \(Permission denied"):
        require_writable(tmp_path)


def test_a_folder_in_the_place_of_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ExportError, match="cannot be made"):
        make_folder(tmp_path / "file" / "folder")
