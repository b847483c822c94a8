"""Tissue images with their true nuclei, of a folder or of a part of a split.

How a folder may be laid out is said by `dataset_files`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from scipy import ndimage

from napari_monuseg.core.annotations import read_annotations
from napari_monuseg.core.dataset_files import ANNOTATION_ENDINGS, find_files
from napari_monuseg.core.errors import AnnotationError, DatasetError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.tiff import is_labels_file, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """A tissue image with its true nuclei.

    Parameters
    ----------
    name : str
        Stem of the image's file.
    image_path : Path
        The image.
    truth_path : Path
        Labels (TIFF) or polygons (Aperio XML).
    pixel_size : float, optional
        Of the image, µm/px, in place of what its file says.
    """

    name: str
    image_path: Path
    truth_path: Path
    pixel_size: float | None = None

    def image(self) -> TissueImage:
        """Open the image; an `ImageError` says why it cannot be read."""
        return TissueImage.open(self.image_path, pixel_size=self.pixel_size)

    def labels(self) -> NDArray[np.int32]:
        """Read the true nuclei.

        Returns
        -------
        (H, W) int32 array
            Labels of the image's own height and width, 0 is background.

        Raises
        ------
        AnnotationError
            If the file cannot be read, or is not of its image's size.
        ImageError
            If the image cannot be read.
        """
        with self.image() as image:
            shape = (image.height, image.width)
        if self.truth_path.suffix.lower() in ANNOTATION_ENDINGS:
            return read_annotations(self.truth_path, shape)
        labels = _read_label_image(self.truth_path)
        if labels.shape != shape:
            raise AnnotationError(
                f"The labels {self.truth_path.name} are {_size(labels.shape)} px and "
                f"their image is {_size(shape)} px; both must have the same size."
            )
        return labels


def find_samples(folder: str | Path) -> list[Sample]:
    """Find the images of a folder that have their true nuclei beside them.

    Parameters
    ----------
    folder : str or Path
        Folder laid out as `dataset_files` says.

    Returns
    -------
    list of Sample
        Sorted by name; at least one.

    Raises
    ------
    DatasetError
        If there is no such folder, it has no image with truth, or two images of
        one name.
    """
    images, truths = find_files(Path(folder))
    samples = [
        Sample(name, images[name], truths[name]) for name in images if name in truths
    ]
    if not samples:
        raise DatasetError(
            f"{folder} has no tissue image with its true nuclei; put the images in "
            "images/ and labels (TIFF) of the same names in labels/, or the XML "
            "annotations in annotations/ or beside the images."
        )
    return samples


def find_unpaired(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """Find what `find_samples` leaves out of a folder.

    Parameters
    ----------
    folder : str or Path
        Folder laid out as `dataset_files` says.

    Returns
    -------
    images, truths : list of Path
        Images without labels or annotation, and labels and annotations without an
        image, each sorted by name.

    Raises
    ------
    DatasetError
        If there is no such folder, or two images have one name.
    """
    images, truths = find_files(Path(folder))
    return (
        [path for name, path in images.items() if name not in truths],
        [path for name, path in truths.items() if name not in images],
    )


def read_split(path: str | Path) -> dict[str, list[str]]:
    """Read which samples belong to which part of a data set.

    Parameters
    ----------
    path : str or Path
        JSON file: ``{"train": ["NAME", ...], "test": [...]}``.

    Returns
    -------
    dict of str to list of str
        Names of the samples (stems of their files) by part.

    Raises
    ------
    DatasetError
        If the file cannot be read or says something else.
    """
    split = read_json(path, _SPLIT_FORM)
    if not _is_split(split):
        raise DatasetError(f"{Path(path).name} is not a split; {_SPLIT_FORM}")
    parts: dict[str, list[str]] = split
    return parts


def read_json(path: str | Path, form: str) -> Any:
    """Read a JSON file that says something of images.

    Parameters
    ----------
    path : str or Path
        The file.
    form : str
        What it must read like, for the error: ``it must read …``.

    Raises
    ------
    DatasetError
        If the file cannot be read or is not JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror}); check that it is there."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path.name} is not JSON ({error}); {form}") from error


def select(samples: Sequence[Sample], names: Iterable[str]) -> list[Sample]:
    """Pick samples by name.

    Parameters
    ----------
    samples : sequence of Sample
        What to pick from.
    names : iterable of str
        Names wanted, each taken once, in this order.

    Returns
    -------
    list of Sample
        The samples of these names.

    Raises
    ------
    DatasetError
        If a name is not among the samples.
    """
    by_name = {sample.name: sample for sample in samples}
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise DatasetError(
            f"The folder has no image with truth named {_some(unknown)}; "
            "add the files or take the names out of the split."
        )
    return [by_name[name] for name in wanted]


_SPLIT_FORM = 'it must read {"train": ["NAME", ...], "test": ["NAME", ...]}.'


def _is_split(split: object) -> bool:
    return isinstance(split, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in split.values()
    )


def _read_label_image(path: Path) -> NDArray[np.int32]:
    labels = np.squeeze(_read_own(path) if is_labels_file(path) else _read_other(path))
    if labels.dtype.kind not in "iu" or labels.ndim != 2 or not _fits(labels):
        raise AnnotationError(
            f"The labels {path.name} are {labels.dtype} of shape {labels.shape}; "
            "they must be one plane of whole numbers up to 2,147,483,647, 0 for "
            "background and another number for each nucleus."
        )
    if _is_mask(labels):
        raise AnnotationError(
            f"The labels {path.name} have one number for all nuclei, as a mask has; "
            "give each nucleus its own."
        )
    return labels.astype(np.int32)


def _is_mask(labels: NDArray[np.integer]) -> bool:
    """Tell whether several nuclei have one number, and none another."""
    nuclei = labels > 0
    if not nuclei.any() or labels.max() != labels[nuclei].min():
        return False
    return int(ndimage.label(nuclei, np.ones((3, 3)))[1]) > 1


def _read_own(path: Path) -> NDArray[Any]:
    """Read labels that say in what they were found."""
    found = read_labels(path)
    mask = None if found.origin is None else found.origin.mask
    if mask is not None and not mask.all():
        raise AnnotationError(
            f"The labels {path.name} are those of a drawn area, and the rest of the "
            "image would count as background; export nuclei of the whole image, or "
            "teach a model with finetune."
        )
    return found.labels


def _read_other(path: Path) -> NDArray[Any]:
    try:
        labels: NDArray[Any] = tifffile.imread(path)
    # A broken file makes tifffile and its codecs raise nearly anything.
    except Exception as error:
        raise AnnotationError(
            f"The labels {path.name} cannot be read ({error}); save them as TIFF again."
        ) from error
    return labels


def _fits(labels: NDArray[np.integer]) -> bool:
    largest = np.iinfo(np.int32).max
    return bool(labels.min(initial=0) >= 0 and labels.max(initial=0) <= largest)


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
