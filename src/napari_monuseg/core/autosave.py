"""Corrections on the disk while they are made, so that a crash takes few of them.

One file per result, a zip of plain arrays (NumPy's ``.npz``, never a pickle):
``labels`` and ``held`` ``(h, w)``, ``used`` ids, ``mask`` of the area, and ``about``,
which is JSON in UTF-8.
"""

import json
import re
import secrets
import tokenize
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.core import folders
from napari_monuseg.core.claims import sweep
from napari_monuseg.core.errors import AutosaveError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.folders import is_same_file
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.separation import Labels, Mask

ENDING = ".npz"
DAMAGED = ".damaged"

LEFTOVER_AGE = 24 * 3600
"""A half-written file that is older was left by a crash, s."""

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class About:
    """What saved corrections belong to.

    Parameters
    ----------
    image_name, image_path : str
        The image; the path is empty if it came from no file.
    image_shape : tuple of int
        Its height and width, px.
    model_name : str
        What its nuclei were found with.
    options : InstanceOptions
        How they were read from the maps.
    offset, shape : tuple of int
        Where the area begins in the image, and its height and width, px.
    pixel_size : float or None
        µm/px; None when unknown.
    assumed_pixel_size : float or None
        What was taken in its place, µm/px.
    reviewed : tuple
        Outlines of what was reviewed, each a tuple of (row, column) in the image.
    by_hand, erased : int
        Nuclei made by hand, and regions erased.
    date : str
        When this was saved, in ISO 8601.
    edited : str
        When somebody changed the nuclei last, in ISO 8601; empty when unknown.
    """

    image_name: str
    image_path: str
    image_shape: Size
    model_name: str
    options: InstanceOptions
    offset: Size
    shape: Size
    pixel_size: float | None
    reviewed: tuple[tuple[tuple[float, float], ...], ...]
    by_hand: int
    erased: int
    date: str
    assumed_pixel_size: float | None = None
    edited: str = ""

    @property
    def last_edited(self) -> datetime:
        """When somebody changed the nuclei last; earlier versions did not say."""
        return datetime.fromisoformat(self.edited or self.date).astimezone()

    def fits(self, name: str, path: str, shape: Size) -> bool:
        """Tell whether this was made on the image of that name, file and size.

        A file that was moved is known by its name; one that is still where it was is
        another one than its namesake elsewhere.
        """
        if shape != self.image_shape:
            return False
        if path and self.image_path:
            return (
                path == self.image_path
                or is_same_file(Path(path), self.image_path)
                or (name == self.image_name and not _is_there(self.image_path))
            )
        return name == self.image_name


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a folder that may not be looked into
        return False


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedCorrections:
    """What is saved.

    Parameters
    ----------
    about : About
        What it belongs to.
    labels : ndarray
        All nuclei of the area, ``(h, w)`` int32.
    hand : HandWork
        What of it was made by hand.
    mask : ndarray, optional
        ``(h, w)``, True where nuclei were wanted; None for everywhere.
    """

    about: About
    labels: Labels
    hand: HandWork
    mask: Mask | None = None


def user_folder() -> Path:
    """Return the folder of saved corrections; it may not exist yet.

    The environment variable ``NAPARI_MONUSEG_AUTOSAVE`` names another one.
    """
    return folders.user_folder("corrections", "NAPARI_MONUSEG_AUTOSAVE")


def new_path(image_name: str) -> Path:
    """Give a file for the corrections of one more result."""
    stem = re.sub(r"\W+", "_", image_name)[:40]
    return user_folder() / f"{stem}-{secrets.token_hex(4)}{ENDING}"


def fingerprint(labels: Labels) -> int:
    """Give a number that tells labels from other labels."""
    return zlib.crc32(np.ascontiguousarray(labels).data)


def save(path: Path, corrections: SavedCorrections) -> Generator[Progress, None, Path]:
    """Write corrections; closed at any step, it leaves the file as it was.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    step = Progress(message="Saving corrections")
    yield step
    with suppress(OSError):  # what is wrong is said when the file is written
        path.parent.mkdir(parents=True, exist_ok=True)
    arrays = _arrays(corrections)
    with write_beside(path) as beside:
        np.savez_compressed(beside, **arrays)
        yield step
    return path


def _arrays(corrections: SavedCorrections) -> dict[str, Any]:
    about = json.dumps(asdict(corrections.about)).encode()
    hand = corrections.hand
    arrays: dict[str, Any] = {
        "about": np.frombuffer(about, np.uint8),
        "labels": corrections.labels.astype(np.int32, copy=False),
        "held": hand.held_by_edits,
        "used": np.array(sorted(hand.used), np.int64),
    }
    if corrections.mask is not None:
        arrays["mask"] = corrections.mask
    return arrays


def read_about(path: Path) -> About:
    """Read what corrections belong to, and nothing else of them.

    Raises
    ------
    AutosaveError
        If the file is damaged or cannot be opened.
    """
    with _arrays_in(path) as arrays:
        return _about(json.loads(arrays["about"].tobytes()))


def load(path: Path) -> Generator[Progress, None, SavedCorrections]:
    """Read corrections.

    Raises
    ------
    AutosaveError
        If the file is damaged or cannot be opened.
    """
    yield Progress(message="Reading corrections")
    with _arrays_in(path) as arrays:
        about = _about(json.loads(arrays["about"].tobytes()))
        labels = _plane(arrays["labels"], np.int32, about.shape)
        held = _plane(arrays["held"], np.bool_, about.shape)
        mask = arrays["mask"] if "mask" in arrays.files else None
        hand = HandWork.restored(labels, held, frozenset(arrays["used"].tolist()))
        hand.count  # noqa: B018 - found here, not when it is shown
        return SavedCorrections(
            about=about,
            labels=labels,
            hand=hand,
            mask=None if mask is None else _plane(mask, np.bool_, about.shape),
        )


def _plane(array: npt.NDArray[Any], kind: type, shape: Size) -> npt.NDArray[Any]:
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{array.dtype} {array.shape} instead of {shape}")
    return array


def _about(facts: dict[str, Any]) -> About:
    for name in ("image_shape", "offset", "shape"):
        rows, columns = facts[name]
        facts[name] = (int(rows), int(columns))
    for name in ("image_name", "image_path", "model_name"):
        facts[name] = str(facts[name])
    for name in ("by_hand", "erased"):
        facts[name] = int(facts[name])
    for date in (facts["date"], facts.get("edited") or facts["date"]):
        datetime.fromisoformat(date)
    facts["options"] = InstanceOptions.read(facts["options"])
    facts["reviewed"] = tuple(
        tuple((float(row), float(column)) for row, column in outline)
        for outline in facts["reviewed"]
    )
    # What a later version adds is no damage.
    known = {field.name for field in fields(About)}
    return About(**{name: value for name, value in facts.items() if name in known})


@contextmanager
def _arrays_in(path: Path) -> Iterator[Any]:
    """Turn whatever a damaged file makes NumPy raise into a sentence."""
    try:
        # NumPy leaves a file open that it opened itself and cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except OSError as error:
        raise AutosaveError(
            f"Saved corrections cannot be read ({error.strerror or error}): make sure "
            f"that {path} is there and may be read."
        ) from error
    except MemoryError as error:
        raise AutosaveError(
            f"There is not enough memory to read the saved corrections {path.name}; "
            "close what you do not need and try again."
        ) from error
    except (
        *(ArithmeticError, AttributeError, EOFError, LookupError),
        *(NotImplementedError, TypeError, ValueError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
    ) as error:
        raise AutosaveError(_set_aside(path)) from error


def _set_aside(path: Path) -> str:
    """Rename a damaged file, so that it is not found again, and say so."""
    aside = path.with_name(path.name + DAMAGED)
    try:
        path.replace(aside)
    except OSError:
        aside = path
    return (
        f"Saved corrections are damaged and cannot be restored; the file was set aside "
        f"as {aside}: delete it if you do not need it."
    )


def saved_files() -> list[Path]:
    """Give the files of saved corrections, the newest first."""
    folder = user_folder()
    sweep(folder)
    found = [(_age(path), path) for path in folder.glob(f"*{ENDING}")]
    for age, path in found:
        if path.name.startswith(".") and age > LEFTOVER_AGE:
            discard(path)
    return [path for _, path in sorted(found) if not path.name.startswith(".")]


def _age(path: Path) -> float:
    try:
        return time() - path.stat().st_mtime
    except OSError:
        return 0.0


def discard(path: Path) -> None:
    """Delete saved corrections; one that cannot be deleted is left."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
