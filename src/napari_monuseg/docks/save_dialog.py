"""Asks under which name to save something."""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

_folders: dict[str, str] = {}
"""By kind of file, where one was saved last."""


def choose_file(
    parent: QWidget,
    title: str,
    name: str,
    endings: tuple[str, ...],
    *,
    kind: str,
    folder: str = "",
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
    kind : str
        What such files hold.
    folder : str
        Where the dialog begins, until another was chosen for files of that kind.

    Returns
    -------
    Path or None
        None if somebody thought better of it.
    """
    begin = Path(_folders.get(kind, folder)) / name
    dialog = QFileDialog(parent, title, str(begin))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter(f"{kind} ({' '.join('*' + ending for ending in endings)})")
    if not dialog.exec():
        return None
    path = Path(dialog.selectedFiles()[0])
    _folders[kind] = str(path.parent)
    if path.suffix.lower() in endings:
        return path
    path = path.with_name(path.name + endings[0])  # of which the dialog did not know
    return path if not path.exists() or _may_replace(parent, title, path) else None


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    answer = QMessageBox.question(
        parent, title, f"{path.name} already exists. Do you want to replace it?"
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
