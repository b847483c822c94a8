"""Asks under which name to save something."""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget


def choose_file(
    parent: QWidget, title: str, name: str, endings: tuple[str, ...]
) -> Path | None:
    """Ask for a file to write; a file that is there is asked about.

    Parameters
    ----------
    parent : QWidget
        What the dialog lies over.
    title : str
        What is to be done.
    name : str
        The file that is suggested.
    endings : tuple of str
        What the file may end in, such as ``.tif``; a name that ends in none of them
        gets the first.

    Returns
    -------
    Path or None
        None if somebody thought better of it.
    """
    dialog = QFileDialog(parent, title, name)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter(f"({' '.join('*' + ending for ending in endings)})")
    if not dialog.exec():
        return None
    path = Path(dialog.selectedFiles()[0])
    if path.suffix.lower() in endings:
        return path
    path = path.with_name(path.name + endings[0])  # of which the dialog did not know
    return path if not path.exists() or _may_replace(parent, title, path) else None


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    answer = QMessageBox.question(
        parent, title, f"{path.name} already exists. Do you want to replace it?"
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
