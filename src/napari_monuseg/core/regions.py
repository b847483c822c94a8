"""Labels that were checked in a part of an image ─► what may be learned from them.

Only what was reviewed counts. A nucleus that the reviewed area's edge cuts may go
on beyond it in a way nobody checked, so it is ignored, as is everything outside:
ignored, never background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.crops import at_pixel_size
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.image import TissueImage

CONTEXT = 128
"""Tissue around a reviewed area that the network may see, px."""

MARGIN = 16
"""Pixels this near to what is held out carry no training loss, px."""

JUDGE_SHARE, STOP_SHARE = 0.2, 0.15
"""Of each reviewed area, held out to judge the training and to stop it."""

FEWEST_TO_STOP = 100
"""With fewer reviewed nuclei none are spared to stop the training."""

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """A part of an image in which somebody checked the nuclei.

    Parameters
    ----------
    name : str
        Of the image.
    rgb : (H, W, 3) uint8
        Tissue at the network's pixel size: the reviewed area and what surrounds it.
    labels : (H, W) int32
        The nuclei as corrected; outside the reviewed area they are anybody's guess.
    reviewed : (H, W) bool
        What was checked.
    pixel_size : float
        Of all of these, µm/px.
    """

    name: str
    rgb: npt.NDArray[np.uint8]
    labels: Labels
    reviewed: Mask
    pixel_size: float

    @property
    def nuclei(self) -> int:
        """How many nuclei lie wholly inside the reviewed area."""
        return count_nuclei(self.labels, self.reviewed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Division:
    """What of a region is learned from, what stops the training, what judges it.

    Parameters
    ----------
    learn, stop, judge : (H, W) bool
        No two share a pixel; `learn` keeps `MARGIN` away from the others.
    """

    learn: Mask
    stop: Mask
    judge: Mask


def read_region(
    image: TissueImage,
    labels: Labels,
    reviewed: Mask,
    *,
    pixel_size: float,
    offset: tuple[int, int] = (0, 0),
) -> Region:
    """Read a reviewed area with its surroundings, at the network's pixel size.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, read by window.
    labels, reviewed : (h, w) int32 and bool
        Corrected nuclei, and what was checked, on the image's grid.
    pixel_size : float
        The network's, µm/px.
    offset : tuple of int
        Row and column of the image where `labels` begin, px.

    Raises
    ------
    TrainingError
        If nothing was reviewed, or `labels` and `reviewed` do not lie in the image.
    """
    _check(image, labels, reviewed, offset)
    rows, columns = (
        _around(np.flatnonzero(reviewed.any(axis)) + start, length)
        for axis, start, length in (
            (1, offset[0], image.height),
            (0, offset[1], image.width),
        )
    )
    shape = rows.stop - rows.start, columns.stop - columns.start
    whole_labels = np.zeros(shape, np.int32)
    whole_reviewed = np.zeros(shape, np.int32)
    target, source = _overlap((rows, columns), labels.shape, offset)
    whole_labels[target] = labels[source]
    whole_reviewed[target] = reviewed[source]
    rgb, corrected, checked = at_pixel_size(
        image.crop(rows, columns), (whole_labels, whole_reviewed), pixel_size
    )
    return Region(
        name=image.name,
        rgb=rgb,
        labels=corrected,
        reviewed=checked.astype(bool),
        pixel_size=pixel_size,
    )


def _check(
    image: TissueImage, labels: Labels, reviewed: Mask, offset: tuple[int, int]
) -> None:
    if labels.shape != reviewed.shape:
        raise TrainingError(
            f"The labels of {image.name} have the shape {labels.shape} and the "
            f"reviewed area {reviewed.shape}; both must cover the same part of it."
        )
    ends = np.add(offset, labels.shape)
    if min(offset) < 0 or ends[0] > image.height or ends[1] > image.width:
        raise TrainingError(
            f"The labels of {image.name} reach to {ends[0]}×{ends[1]} px, but the "
            f"image has {image.height}×{image.width}; choose the labels that belong "
            "to it."
        )
    if not reviewed.any():
        raise TrainingError(
            f"Nothing of {image.name} is marked as reviewed; mark the part whose "
            "nuclei you have checked."
        )


def _around(places: npt.NDArray[np.int64], length: int) -> slice:
    """Return the span of rising places, with context, inside the image."""
    first, last = int(places[0]), int(places[-1])
    return slice(max(first - CONTEXT, 0), min(last + 1 + CONTEXT, length))


def _overlap(
    window: tuple[slice, slice], shape: tuple[int, ...], offset: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where labels at an offset lie in a window, and which part of them."""
    target, source = [], []
    for side, length, start in zip(window, shape, offset, strict=True):
        first, stop = max(side.start, start), min(side.stop, start + length)
        target.append(slice(first - side.start, stop - side.start))
        source.append(slice(first - start, stop - start))
    return (target[0], target[1]), (source[0], source[1])


def that_count(labels: Labels, area: Mask) -> Mask:
    """Return the pixels of an area without those of nuclei that reach beyond it.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    area : (H, W) bool
        For which they are known.
    """
    reaches_out = np.zeros(int(labels.max(initial=0)) + 1, bool)
    reaches_out[labels[~area]] = True
    reaches_out[0] = False
    return area & ~reaches_out[labels]


def count_nuclei(labels: Labels, area: Mask) -> int:
    """Return how many nuclei lie wholly inside an area."""
    numbers = np.unique(labels[that_count(labels, area)])
    return int(np.count_nonzero(numbers))


def divide(regions: Sequence[Region], *, seed: int = 0) -> list[Division]:
    """Choose what is held out: strips at the two ends of each reviewed area.

    One strip judges the training, and if there are nuclei enough the one at the
    other end stops it. Where that would leave nothing to learn from, nothing of a
    region is held out.

    Parameters
    ----------
    regions : sequence of Region
        Reviewed areas.
    seed : int
        Even or odd: at which end the judging strip lies.

    Returns
    -------
    list of Division
        One for each region.
    """
    nuclei = sum(region.nuclei for region in regions)
    stop_share = STOP_SHARE if nuclei >= FEWEST_TO_STOP else 0.0
    return [
        _divide(region.labels, region.reviewed, stop_share, seed) for region in regions
    ]


def _divide(labels: Labels, reviewed: Mask, stop_share: float, seed: int) -> Division:
    rows, columns = (np.flatnonzero(reviewed.any(axis)) for axis in (1, 0))
    axis = 0 if np.ptp(rows) >= np.ptp(columns) else 1
    along = reviewed.sum(1 - axis).cumsum() / reviewed.sum()
    if seed % 2:
        along = 1 - along
    judged = along <= JUDGE_SHARE
    stopped = along > 1 - stop_share
    shape = (-1, 1) if axis == 0 else (1, -1)
    judge, stop = (reviewed & part.reshape(shape) for part in (judged, stopped))
    near = ndimage.binary_dilation(judged | stopped, iterations=MARGIN)
    learn = reviewed & ~near.reshape(shape)
    if count_nuclei(labels, learn):
        return Division(learn=learn, stop=stop, judge=judge)
    nothing = np.zeros_like(reviewed)
    return Division(learn=reviewed, stop=nothing, judge=nothing)
