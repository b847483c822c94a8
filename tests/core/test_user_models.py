"""The user's own models: named, renamed, deleted, exported, imported."""

import shutil
from pathlib import Path

import pytest

from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.errors import CheckpointError, ExportError
from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.registry import find_model, list_models, subscribe
from napari_monuseg.core.torch_import import torch
from napari_monuseg.core.user_models import (
    delete_model,
    export_model,
    import_model,
    rename_model,
    save_model,
)


@pytest.fixture
def changes():
    """Count how often the choices of models were told to look again."""
    heard = []
    stop = subscribe(lambda: heard.append(1))
    yield heard
    stop()


@pytest.fixture
def network(tiny_model):
    return load_network(tiny_model)


@pytest.fixture
def info(tiny_model):
    return read_info(tiny_model)


def test_a_saved_model_can_be_chosen_at_once(network, info, changes):
    path = save_model("Colon (round 2)", network, info)

    entry = find_model("Colon (round 2)")
    assert entry.path == path
    assert entry.info.name == "Colon (round 2)"
    assert not entry.shipped
    assert changes == [1]


@pytest.mark.parametrize(
    "name",
    ["", "  ", "../up", "a/b", ".hidden", "x" * 61, "a\nb", "-x", "con", "LPT1.2"],
)
def test_names_that_are_no_file_names_are_refused(network, info, name):
    with pytest.raises(CheckpointError, match="is no name for a model"):
        save_model(name, network, info)


@pytest.mark.parametrize("name", ["Färbung 2", "結腸", "हिन्दी", "a(b)"])
def test_a_name_may_have_letters_of_any_script(network, info, name):
    assert save_model(name, network, info).stem == name
    assert find_model(name).name == name


def test_accents_that_come_apart_are_joined(network, info):
    assert save_model("Fa\u0308rbung", network, info).stem == "Färbung"


def test_upper_and_lower_case_can_be_changed(network, info):
    save_model("mine 1", network, info)

    rename_model(find_model("mine 1"), "Mine 1")

    own = [entry.name for entry in list_models() if not entry.shipped]
    assert own == ["Mine 1"]


@pytest.mark.parametrize("name", ["unet", "UNet", "Mine", "mine.safetensors"])
def test_a_name_is_given_once(network, info, name):
    save_model("mine", network, info)

    with pytest.raises(CheckpointError, match="already"):
        save_model(name, network, info)


def test_a_renamed_model_is_the_same_under_another_name(network, info, changes):
    old = save_model("old", network, info)

    new = rename_model(find_model("old"), "new")

    assert not old.exists()
    assert read_info(new).name == "new"
    weights, again = network.state_dict(), load_network(new).state_dict()
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert len(changes) == 2


def test_an_old_file_that_stays_is_a_sentence(network, info, changes, monkeypatch):
    save_model("old", network, info)
    model = find_model("old")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ExportError, match="cannot be deleted"):
        rename_model(model, "new")

    assert find_model("new").name == "new"
    assert len(changes) == 2


def test_a_model_whose_new_name_fails_stays(network, info):
    old = save_model("old", network, info)

    with pytest.raises(CheckpointError):
        rename_model(find_model("old"), "unet")

    assert old.exists()


def test_a_deleted_model_is_gone(network, info, changes):
    save_model("mine", network, info)

    delete_model(find_model("mine"))

    assert "mine" not in [entry.name for entry in list_models()]
    assert len(changes) == 2


def test_shipped_models_stay_as_they_are():
    with pytest.raises(CheckpointError, match="stays as it is"):
        delete_model(find_model("unet"))
    with pytest.raises(CheckpointError, match="stays as it is"):
        rename_model(find_model("unet"), "mine")
    assert find_model("unet").path.exists()


def test_a_model_goes_to_a_colleague_and_comes_in_again(network, info, tmp_path):
    save_model("mine", network, info)
    export_model(find_model("mine"), tmp_path / "for you.safetensors")

    first = import_model(tmp_path / "for you.safetensors")
    second = import_model(tmp_path / "for you.safetensors")

    assert (first.stem, second.stem) == ("for you", "for you 2")
    assert read_info(second).name == "for you 2"


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        (54 * "a" + " bcdefgh", [54 * "a", 54 * "a" + " 2"]),
        ("foo.safetensors", ["foo", "foo 2"]),
        ("\u0301\u0301accent", ["accent", "accent 2"]),
        ("(own)", ["own", "own 2"]),
        ("___", ["model", "model 2"]),
    ],
)
def test_any_file_name_becomes_a_name_and_a_second_one(
    tiny_model, tmp_path, user_models, stem, names
):
    shutil.copy(tiny_model, tmp_path / f"{stem}.safetensors")

    imported = [import_model(tmp_path / f"{stem}.safetensors") for _ in names]

    assert [path.stem for path in imported] == names


def test_an_export_that_fails_is_one_sentence(network, info, tmp_path):
    save_model("mine", network, info)

    with pytest.raises(ExportError, match="make sure that its folder exists"):
        export_model(find_model("mine"), tmp_path / "nowhere" / "m.safetensors")


def test_foreign_and_damaged_files_are_refused_and_nothing_is_kept(
    tiny_model, tmp_path, user_models
):
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"PK\x03\x04 this is a pickle in a zip")
    cut = tmp_path / "cut.safetensors"
    shutil.copy(tiny_model, cut)
    with cut.open("r+b") as file:
        file.truncate(cut.stat().st_size - 100)

    for path in (foreign, cut, tmp_path / "missing.safetensors"):
        with pytest.raises(CheckpointError):
            import_model(path)

    assert not list(user_models.iterdir())
