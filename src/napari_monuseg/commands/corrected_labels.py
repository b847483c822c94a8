"""Corrected labels, as files ─► corrections to learn from, each with its image."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer

from napari_monuseg.core.boxes import placed, window_at
from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.tiff import LabelsFile, read_labels, read_mask


def read_corrections(
    images: list[Path],
    labels: list[Path],
    reviewed: list[Path],
    pixel_size: float | None,
) -> list[Corrections]:
    """Read images with their labels and what of them was checked.

    Parameters
    ----------
    images, labels : list of Path
        As many of one as of the other, in the same order.
    reviewed : list of Path
        Masks, one for each or none, which means all of each.
    pixel_size : float or None
        Of all images, µm/px; None for what each states, or its labels.

    Raises
    ------
    TrainingError
        If files are missing from a list, or do not belong together.
    AnnotationError, ImageError
        If one cannot be read.
    """
    if len(labels) != len(images) or len(reviewed) not in {0, len(images)}:
        raise TrainingError(
            f"There are {len(images)} --image, {len(labels)} --labels and "
            f"{len(reviewed)} --reviewed; give one --labels for each image, and one "
            "--reviewed for each or none."
        )
    corrections: list[Corrections] = []
    for number, path in enumerate(images):
        found = _read_plane(labels[number], read_labels)
        tissue = TissueImage.open(path, pixel_size=pixel_size)
        checked = np.ones(found.labels.shape, bool)
        if reviewed:
            checked = _checked(found, labels[number], reviewed[number], tissue)
        if found.origin is not None and found.origin.mask is not None:
            area = found.origin.mask.reshape(checked.shape)
            checked &= area  # beyond it nobody looked for nuclei
        _require_origin(found, labels[number], tissue, path, images)
        if tissue.pixel_size is None and found.pixel_size is not None:
            tissue = tissue.with_pixel_size(found.pixel_size, labels[number].name)
        one = Corrections(
            image=tissue,
            labels=found.labels,
            reviewed=checked,
            offset=_offset(found),
        )
        for before, other in enumerate(corrections):
            if images[before].samefile(path) and one.leave_out(other):
                _say_checked_twice(labels[before], labels[number], path, one)
        corrections.append(one)
    return corrections


def _read_plane(path: Path, read: Callable[[Path], LabelsFile]) -> LabelsFile:
    """Read labels or a mask of one plane, ``(h, w)`` int32."""
    found = read(path)
    planes = found.labels
    if planes.ndim > 2:
        planes = planes.squeeze(
            tuple(axis for axis in range(planes.ndim - 2) if planes.shape[axis] == 1)
        )
    if planes.ndim != 2:
        raise TrainingError(
            f"The labels {path.name} have more than one plane; save the plane that "
            "belongs to the image."
        )
    if planes.dtype != np.int32:  # read as such wherever they fit
        raise TrainingError(
            f"The labels {path.name} have numbers above {np.iinfo(np.int32).max:,}; "
            "number the nuclei from 1."
        )
    return replace(found, labels=planes)


def _offset(found: LabelsFile) -> tuple[int, int]:
    row, column = found.offset
    return round(row), round(column)


def _checked(
    found: LabelsFile, labels: Path, mask_path: Path, tissue: TissueImage
) -> npt.NDArray[np.bool_]:
    """Return what of labels was checked, on their grid: ``(h, w)`` bool.

    A mask of the image's size, or that says where in it it lies, is placed on them.
    """
    mask = _read_plane(mask_path, read_mask)
    shape, image_shape = found.labels.shape, (tissue.height, tissue.width)
    checked: npt.NDArray[np.bool_] = mask.labels != 0
    says_where = mask.origin is not None or mask.offset != (0, 0)
    if says_where or mask.labels.shape == image_shape != shape:
        return placed(checked, _offset(mask), window_at(_offset(found), shape))
    if mask.labels.shape != shape:
        height, width = mask.labels.shape
        raise TrainingError(
            f"The mask {mask_path.name} is {height}×{width} px and the labels "
            f"{labels.name} are {shape[0]}×{shape[1]} px; give a mask of their size, "
            "or of the image's."
        )
    return checked


def _say_checked_twice(
    before: Path, labels: Path, image: Path, one: Corrections
) -> None:
    """Say which labels count where two were checked; refuse those that never do."""
    if not one.reviewed.any():
        raise TrainingError(
            f"All that was checked in {labels.name} was checked in {before.name} as "
            f"well, of the same {image.name}; leave one of them out."
        )
    typer.echo(
        f"{before.name} and {labels.name} share a part of {image.name}; what was "
        f"checked in both is learned from {before.name}.",
        err=True,
    )


def _require_origin(
    found: LabelsFile, labels: Path, tissue: TissueImage, path: Path, images: list[Path]
) -> None:
    """Refuse labels that say they are of another image; if unsure, only say so."""
    origin = found.origin
    shape = (tissue.height, tissue.width)
    if origin is None:
        if found.offset == (0, 0) and found.labels.shape != shape:
            height, width = found.labels.shape
            raise TrainingError(
                f"The labels {labels.name} are {height}×{width} px and {path.name} is "
                f"{shape[0]}×{shape[1]} px, and nothing says where they lie; give "
                "labels of the whole image, or as napari-monuseg exported them."
            )
        return
    others = {image.stem for image in images} - {path.stem}
    if origin.image_shape != shape or origin.image in others:
        height, width = origin.image_shape
        raise TrainingError(
            f"The labels {labels.name} are of {origin.image}, {height}×{width} px, not "
            f"of {path.name}, {shape[0]}×{shape[1]} px; give --image and --labels in "
            "the same order."
        )
    if origin.image != path.stem:
        typer.echo(
            f"{labels.name} says that it is of {origin.image}; it is taken as of "
            f"{path.name}.",
            err=True,
        )
