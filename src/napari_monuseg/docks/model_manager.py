"""Rename, delete, export and import models."""

from collections.abc import Callable

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QInputDialog,
    QMessageBox,
    QPushButton,
    QWidget,
)

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.registry import ENDING, ModelEntry
from napari_monuseg.docks.save_dialog import choose_file

FILES = "Models (*.safetensors)"


class ModelManager(QWidget):
    """Four buttons that act on the chosen model.

    Parameters
    ----------
    chosen : callable
        Gives the model that is chosen; None if none is.
    """

    message = Signal(str)
    """Emits a line for the user."""

    def __init__(self, chosen: Callable[[], ModelEntry | None]) -> None:
        super().__init__()
        self._chosen = chosen
        self.rename_button = QPushButton("Rename…")
        self.delete_button = QPushButton("Delete…")
        self.export_button = QPushButton("Export…")
        self.import_button = QPushButton("Import…")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for number, (button, action) in enumerate(
            (
                (self.rename_button, self._rename),
                (self.delete_button, self._delete),
                (self.export_button, self._export),
                (self.import_button, self._import),
            )
        ):
            grid.addWidget(button, number // 2, number % 2)
            button.clicked.connect(_shown(action))
        self.refresh()

    def refresh(self) -> None:
        """Offer what can be done with the model that is chosen now."""
        model = self._chosen()
        own = model is not None and not model.shipped
        self.rename_button.setEnabled(own)
        self.delete_button.setEnabled(own)
        self.export_button.setEnabled(model is not None)

    def _rename(self) -> None:
        from napari_monuseg.core.user_models import rename_model

        model = self._chosen()
        if model is None:
            return
        name, agreed = QInputDialog.getText(
            self, "Rename", "New name:", text=model.path.stem
        )
        if agreed and name != model.path.stem:
            path = rename_model(model, name)
            self.message.emit(f"“{model.name}” is “{path.stem}” now")

    def _delete(self) -> None:
        from napari_monuseg.core.user_models import delete_model

        model = self._chosen()
        if model is None:
            return
        answer = QMessageBox.question(
            self, "Delete", f"Delete the model “{model.name}” for good?"
        )
        if answer == QMessageBox.StandardButton.Yes:
            delete_model(model)
            self.message.emit(f"“{model.name}” is deleted")

    def _export(self) -> None:
        from napari_monuseg.core.user_models import export_model

        model = self._chosen()
        if model is None:
            return
        path = choose_file(
            self, f"Export “{model.name}”", model.path.name, (ENDING,), kind="Models"
        )
        if path is not None:
            export_model(model, path)
            self.message.emit(f"“{model.name}” is written to {path}")

    def _import(self) -> None:
        from napari_monuseg.core.user_models import import_model

        path, _ = QFileDialog.getOpenFileName(self, "Import", "", FILES)
        if path:
            added = import_model(path)
            self.message.emit(f"“{added.stem}” is now among your models")


def _shown(action: Callable[[], None]) -> Callable[[], None]:
    """Show what cannot be done as one sentence."""

    def act() -> None:
        try:
            action()
        except MonusegError as error:
            show_error(str(error))

    return act
