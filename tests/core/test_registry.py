"""The models there are, and who is told when that changes."""

import shutil
from pathlib import Path, PureWindowsPath

import pytest

from napari_monuseg.core import registry
from napari_monuseg.core.errors import CheckpointError


def test_own_models_come_after_the_shipped_ones(installed_model):
    models = registry.list_models()

    assert models[-1].name == "tiny"
    assert not models[-1].shipped
    assert all(model.shipped for model in models[:-1])


def test_files_that_are_no_models_are_left_out(installed_model, user_models):
    (user_models / "broken.safetensors").write_bytes(b"nothing")

    assert "broken" not in {model.name for model in registry.list_models()}


def test_a_model_that_is_being_written_is_no_model_yet(installed_model, user_models):
    before = registry.list_models()
    half = user_models / ".liver-1a2b3c4d.safetensors"
    half.write_bytes(installed_model.read_bytes()[:-1000])

    assert registry.list_models() == before


def test_an_own_model_may_bear_the_name_of_a_shipped_one(
    installed_model, tmp_path, monkeypatch
):
    shutil.copy(installed_model, tmp_path / "tiny.safetensors")
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path)

    names = [model.name for model in registry.list_models()]

    assert names == ["tiny", "tiny (own)"]
    assert registry.find_model("tiny").shipped
    assert registry.find_model("tiny (own)").path == installed_model


def test_every_model_has_a_name_of_its_own(
    installed_model, user_models, tmp_path, monkeypatch
):
    for folder, name in ((tmp_path, "tiny"), (user_models, "tiny (own)")):
        shutil.copy(installed_model, folder / f"{name}.safetensors")
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path)

    names = [model.name for model in registry.list_models()]

    assert sorted(names) == ["tiny", "tiny (own 2)", "tiny (own)"]
    assert registry.find_model("tiny (own)").path.stem == "tiny (own)"
    assert registry.find_model("tiny (own 2)").path == installed_model


def test_a_model_is_found_by_the_path_of_its_file(tiny_model):
    assert registry.find_model(tiny_model).info.name == "tiny"


def test_unknown_names_list_the_known(installed_model):
    with pytest.raises(CheckpointError, match=r"no model 'tny'; .*tiny"):
        registry.find_model("tny")


def test_a_folder_that_is_not_there_holds_no_models(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_MONUSEG_MODELS", str(tmp_path / "none"))

    assert all(model.shipped for model in registry.list_models())


def test_listeners_are_told_until_they_unsubscribe():
    told = []
    unsubscribe = registry.subscribe(lambda: told.append(1))

    registry.notify()
    unsubscribe()
    unsubscribe()
    registry.notify()

    assert told == [1]


def test_a_model_whose_name_changes_in_case_alone_is_found_and_can_go(monkeypatch):
    # Windows takes the two for one.
    old, new = (PureWindowsPath(f"C:/models/{name}.safetensors") for name in "aA")
    monkeypatch.setattr(registry, "_files", lambda _: [])

    registry.note_renamed(old, new)

    assert registry.renamed(old) == new


def test_a_folder_that_may_not_be_entered_has_no_models(monkeypatch, user_models):
    before = registry.list_models()
    is_dir = Path.is_dir

    def refused(path):
        if path == user_models:
            raise PermissionError(13, "Permission denied")
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", refused)

    assert registry.list_models() == before
