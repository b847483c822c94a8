"""The user's own models: kept, renamed, deleted, handed to others and taken over."""

import shutil
import unicodedata
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from napari_monuseg.core.checkpoints import load_network, save_checkpoint
from napari_monuseg.core.errors import CheckpointError, ExportError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.folders import make_folder
from napari_monuseg.core.model_info import ModelInfo, read_info
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.registry import (
    ENDING,
    LONGEST_NAME,
    ModelEntry,
    list_models,
    note_renamed,
    notify,
    user_folder,
)

_PORTS = [f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10)]

DEVICES = frozenset(["CON", "PRN", "AUX", "NUL", *_PORTS])
"""Names that Windows has for itself; a model goes from machine to machine."""

_MARKS = " _.-+()"
"""What a model's name may hold besides letters and digits."""


def save_model(name: str, network: NucleusNetwork, info: ModelInfo) -> Path:
    """Add a model to the user's own; every open choice shows it at once.

    Parameters
    ----------
    name : str
        Letters, digits, spaces and ``_ . - + ( )``.
    network, info : NucleusNetwork and ModelInfo
        The weights, and what to say of them.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    CheckpointError
        If the name will not do, or is taken.
    ExportError
        If the file cannot be written.
    """
    path = write_model(name, network, info)
    notify()
    return path


def write_model(name: str, network: NucleusNetwork, info: ModelInfo) -> Path:
    """Do as `save_model`, but tell nobody.

    From a worker thread it would be heard in the wrong thread: call
    `registry.notify` from the main one.
    """
    path = _new_file(name)
    save_checkpoint(path, network, replace(info, name=path.stem))
    return path


def rename_model(model: ModelEntry, name: str) -> Path:
    """Give one of the user's models another name, in its file and in its header.

    Models that were taught from it know it by the new name from then on.

    Raises
    ------
    CheckpointError
        If the name will not do or is taken, or the model ships with the plugin.
    ExportError
        If a file cannot be written, or the old one cannot be deleted.
    """
    _check_own(model)
    path = _new_file(name, instead_of=model)
    _rewrite(model, path, replace(model.info, name=path.stem))
    note_renamed(model.path, path)
    try:
        for child in list_models():
            if child.info.parent == model.name and not child.shipped:
                with suppress(CheckpointError):  # damaged: of no use by any name
                    _rewrite(child, child.path, replace(child.info, parent=path.stem))
        if not path.samefile(model.path):  # upper and lower case may be the same
            _delete(model.path)
    finally:
        notify()
    return path


def _rewrite(model: ModelEntry, path: Path, info: ModelInfo) -> None:
    """Write a model to a file with another header."""
    save_checkpoint(path, load_network(model.path), info)


def delete_model(model: ModelEntry) -> None:
    """Delete one of the user's models.

    Raises
    ------
    CheckpointError
        If it ships with the plugin.
    ExportError
        If the file cannot be deleted.
    """
    _check_own(model)
    _delete(model.path)
    notify()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be deleted ({error.strerror}): make sure that no "
            "other program uses it."
        ) from error


def export_model(model: ModelEntry, path: str | Path) -> None:
    """Copy a model's file, to be handed to somebody.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    with write_beside(path) as beside:
        shutil.copyfile(model.path, beside)


def import_model(path: str | Path) -> Path:
    """Take over a model file from somebody else.

    Header, shapes and values are checked by rebuilding the network; nothing in the
    file is executed. Where the name is taken, a number is added.

    Returns
    -------
    Path
        The file among the user's own.

    Raises
    ------
    CheckpointError
        If it is not a model of ours, or damaged.
    ExportError
        If the file cannot be written.
    """
    source = Path(path)
    info = read_info(source)
    network = load_network(source)
    stem = unicodedata.normalize("NFC", source.stem)
    name = _free_name("".join(one if _is_allowed(one) else "_" for one in stem))
    return save_model(name, network, info)


def _check_own(model: ModelEntry) -> None:
    if model.shipped:
        raise CheckpointError(
            f"{model.name} ships with the plugin and stays as it is; only your own "
            "models can be renamed or deleted."
        )


def _new_file(name: str, instead_of: ModelEntry | None = None) -> Path:
    """Return where a model of this name goes, maybe in the place of another."""
    # Some systems give accents apart from their letters.
    name = unicodedata.normalize("NFC", name.strip().removesuffix(ENDING))
    allowed = all(map(_is_allowed, name)) and name[:1].isalnum()
    device = name.partition(".")[0].rstrip().upper() in DEVICES
    if not allowed or device or len(name) > LONGEST_NAME:
        raise CheckpointError(
            f"{name!r} is no name for a model: use up to {LONGEST_NAME} letters, "
            "digits, spaces and _ . - + ( ), beginning with a letter or digit."
        )
    taken = _taken()
    if instead_of is not None and name != instead_of.path.stem:
        taken -= {instead_of.path.stem.lower()}
    if name.lower() in taken:
        raise CheckpointError(f"There is a model named {name} already; choose another.")
    folder = user_folder()
    make_folder(folder)
    return folder / f"{name}{ENDING}"


def _is_allowed(character: str) -> bool:
    """Tell whether a character may be in a name; vowel signs are letters, too."""
    return (
        character.isalnum()
        or character in _MARKS
        or unicodedata.category(character).startswith("M")
    )


def _free_name(name: str) -> str:
    name = name.removesuffix(ENDING)
    start = next((at for at, one in enumerate(name) if one.isalnum()), len(name))
    name = name[start:][: LONGEST_NAME - 5].rstrip(" .-+()_") or "model"
    taken, free, number = _taken(), name, 2
    while free.lower() in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _taken() -> set[str]:
    """Return the names in use; on some disks upper and lower case are the same."""
    own = user_folder().glob(f"*{ENDING}")
    listed = {entry.name.lower() for entry in list_models()}
    return listed | {path.stem.lower() for path in own}
