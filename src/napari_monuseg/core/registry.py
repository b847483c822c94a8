"""The models there are: those that ship with the plugin, and the user's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_monuseg.core import folders
from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.model_info import ModelInfo, read_info

SHIPPED_FOLDER = Path(__file__).parents[1] / "weights"
"""A link in a checkout, a folder in an installed wheel."""

ENDING = ".safetensors"

LONGEST_NAME = 60
"""Of the user's own models, characters."""

_renamed: dict[Path, Path] = {}
"""Where the models are now that were renamed, by where they were."""

_listeners: list[Callable[[], None]] = []


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be chosen.

    Parameters
    ----------
    name : str
        Its file's stem, unique among the models.
    path : Path
        Its checkpoint.
    info : ModelInfo
        What the checkpoint says of itself.
    shipped : bool
        Whether it came with the plugin.
    """

    name: str
    path: Path
    info: ModelInfo
    shipped: bool


def user_folder() -> Path:
    """Return the folder of the user's own models; it may not exist yet.

    The environment variable ``NAPARI_MONUSEG_MODELS`` names another one.
    """
    return folders.user_folder("models", "NAPARI_MONUSEG_MODELS")


def list_models() -> list[ModelEntry]:
    """Return all models, the shipped ones first; files that are none are left out.

    A model of the user's that bears the name of a shipped one is named
    ``NAME (own)``, or ``NAME (own 2)`` where there is one of that name.
    """
    shipped = [_entry(path, shipped=True) for path in _files(SHIPPED_FOLDER)]
    own = [_entry(path, shipped=False) for path in _files(user_folder())]
    taken = {entry.name for entry in shipped if entry}
    entries = [entry for entry in shipped if entry]
    # UNet first: it is the one to start with.
    entries.sort(key=lambda entry: (entry.name != "unet", entry.name))
    others = {entry.name for entry in own if entry}
    for entry in own:
        if entry and entry.name in taken:
            name, number = f"{entry.name} (own)", 2
            while name in others:
                name, number = f"{entry.name} (own {number})", number + 1
            entries.append(ModelEntry(name, entry.path, entry.info, shipped=False))
        elif entry:
            entries.append(entry)
    return entries


def find_model(name: str | Path) -> ModelEntry:
    """Return a model by its name, or by the path of its file.

    Raises
    ------
    CheckpointError
        If there is no such model, or the file is none.
    """
    models = list_models()
    for entry in models:
        if entry.name == str(name):
            return entry
    path = Path(name)
    if path.suffix == ENDING:
        return ModelEntry(path.stem, path, read_info(path), shipped=False)
    present = ", ".join(entry.name for entry in models) or "none is installed"
    raise CheckpointError(
        f"There is no model {str(name)!r}; choose one of these: {present}, or give "
        f"the path of a {ENDING} file."
    )


def subscribe(listener: Callable[[], None]) -> Callable[[], None]:
    """Call `listener` whenever the models change; returns how to stop that."""
    _listeners.append(listener)

    def unsubscribe() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return unsubscribe


def notify() -> None:
    """Tell the listeners that the models have changed."""
    for listener in _listeners:
        listener()


def note_renamed(old: Path, new: Path) -> None:
    """Remember that a model is elsewhere, for whoever has chosen it."""
    _renamed.pop(new, None)
    if old != new:  # Windows takes names that differ in case alone for one
        _renamed[old] = new


def renamed(path: Path) -> Path:
    """Return where a model is now that may have been renamed."""
    while path in _renamed and path not in _files(path.parent):
        path = _renamed[path]
    return path


def _files(folder: Path) -> list[Path]:
    """Return the models of a folder, without what is being written there."""
    try:
        found = list(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
    except OSError:  # which may not be looked into
        return []
    return sorted(path for path in found if not path.name.startswith("."))


def _entry(path: Path, *, shipped: bool) -> ModelEntry | None:
    try:
        return ModelEntry(path.stem, path, read_info(path), shipped)
    except CheckpointError:
        return None
