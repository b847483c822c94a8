"""What is done with models from the dock: here, how they are exported."""

import pytest
from hands import press
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.registry import find_model
from napari_monuseg.docks.model_manager import ModelManager


@pytest.fixture
def manager(qtbot, installed_model):
    manager = ModelManager(lambda: find_model("tiny"))
    qtbot.addWidget(manager)
    return manager


@pytest.mark.parametrize(
    "asked", ["mine v1.2.safetensors", "mine v1.2", "mine v1.2.SAFETENSORS"]
)
def test_a_model_is_exported_under_the_name_that_is_asked(
    qtbot, manager, chooser, tmp_path, asked
):
    chooser["path"] = tmp_path / asked

    press(qtbot, manager.export_button)

    assert chooser["suggested"] == ["tiny.safetensors"]
    (written,) = tmp_path.glob("mine*")
    assert written.name.lower() == "mine v1.2.safetensors"
    assert read_info(written).name == "tiny"


def test_what_was_exported_and_imported_is_said(
    qtbot, manager, chooser, monkeypatch, tmp_path
):
    chooser["path"] = tmp_path / "mine.safetensors"
    with qtbot.waitSignal(manager.message) as said:
        press(qtbot, manager.export_button)
    assert said.args == [f"“tiny” is written to {chooser['path']}"]

    chosen = str(find_model("tiny").path)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (chosen, ""))
    with qtbot.waitSignal(manager.message) as said:
        press(qtbot, manager.import_button)
    assert said.args == ["“tiny 2” is now among your models"]


def test_what_was_renamed_and_deleted_is_said(qtbot, manager, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("mine", True))
    with qtbot.waitSignal(manager.message) as said:
        press(qtbot, manager.rename_button)
    assert said.args == ["“tiny” is “mine” now"]

    manager._chosen = lambda: find_model("mine")
    yes = QMessageBox.StandardButton.Yes
    monkeypatch.setattr(QMessageBox, "question", lambda *_: yes)
    with qtbot.waitSignal(manager.message) as said:
        press(qtbot, manager.delete_button)
    assert said.args == ["“mine” is deleted"]


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_no_file_is_replaced_unasked(qtbot, manager, chooser, monkeypatch, answer):
    chooser["path"] = chooser["path"].with_name("mine v1.2")
    there = chooser["path"].with_name("mine v1.2.safetensors")
    there.write_bytes(b"a colleague's")
    button = getattr(QMessageBox.StandardButton, answer)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: button)

    press(qtbot, manager.export_button)

    assert (there.read_bytes() == b"a colleague's") is (answer == "No")
