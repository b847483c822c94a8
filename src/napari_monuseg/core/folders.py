"""Folders: where the user's things are kept, and made when they are needed."""

import os
import tempfile
from pathlib import Path

from platformdirs import user_data_path

from napari_monuseg.core.errors import ExportError


def user_folder(name: str, variable: str) -> Path:
    """Return a folder of the user's; it may not exist yet.

    Parameters
    ----------
    name : str
        Of the folder, in the place where the system keeps programs' data.
    variable : str
        An environment variable that names another folder instead.
    """
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen)
    return user_data_path("napari-monuseg", appauthor=False) / name


def require_writable(folder: Path) -> None:
    """Refuse a folder that no file can be written to.

    Raises
    ------
    ExportError
        If so.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".napari-monuseg-"):
            pass
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be written to ({error.strerror}); choose "
            "another, or ask for the right to."
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in.

    Raises
    ------
    ExportError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be made: {error.strerror}."
        ) from error


def is_there(path: Path) -> bool:
    """Tell whether there is a file of a name.

    Raises
    ------
    ExportError
        If there can be none: the name is too long, say.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ExportError(
            f"{path.name} cannot be written ({error.strerror}); give the image a "
            "shorter name, or choose another folder."
        ) from error
    return True


def is_same_file(path: Path, other: str) -> bool:
    """Tell whether two names, the other perhaps of no file, are of one file."""
    try:
        return bool(other) and path.samefile(other)
    except (OSError, ValueError):  # one is not there, or is an address
        return False


def refuse_to_replace(path: Path) -> None:
    """Refuse to write a file where there is one.

    Raises
    ------
    ExportError
        If so.
    """
    if is_there(path):
        raise ExportError(
            f"{path} is there already; give --overwrite to replace it, or another name."
        )
