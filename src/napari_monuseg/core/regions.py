"""Labels that were checked in a part of an image ─► what may be learned from them.

Only what was reviewed counts. A nucleus that the reviewed area's edge cuts may go
on beyond it in a way nobody checked, so it is ignored, as is everything outside:
ignored, never background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import Window, bounding_window, shifted, size, widened
from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.resampling import at_pixel_size
from napari_monuseg.core.stains import StainReference, Tones, apply_tones

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
    held_out : HeldOut or None
        What somebody chose to hold out; None to leave that to `divide`.
    tones : (256, 3) uint8, optional
        What the network is shown in place of each grey level of each colour.
    """

    name: str
    rgb: npt.NDArray[np.uint8]
    labels: Labels
    reviewed: Mask
    pixel_size: float
    held_out: "HeldOut | None" = None
    tones: Tones | None = None

    @property
    def shown(self) -> npt.NDArray[np.uint8]:
        """The tissue as the network is shown it: `rgb` in the model's stains."""
        return self.rgb if self.tones is None else apply_tones(self.tones, self.rgb)

    @property
    def nuclei(self) -> int:
        """How many nuclei lie wholly inside the reviewed area."""
        return nuclei_inside(self.labels, self.reviewed).inside


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """What of a reviewed area is held out.

    Parameters
    ----------
    judge, stop : (H, W) bool
        To judge the training, once, and to stop it. What both hold only judges.
    """

    judge: Mask
    stop: Mask


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
    held_out: HeldOut | None = None,
    stains: StainReference | None = None,
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
    held_out : HeldOut, optional
        On the grid of `labels`.
    stains : StainReference, optional
        The network's: what the stain of the image is brought towards.

    Raises
    ------
    TrainingError
        If nothing was reviewed, or `labels` and `reviewed` do not lie in the image.
    """
    _check(image, labels, reviewed, offset)
    window = widened(
        shifted(bounding_window(reviewed), offset), CONTEXT, (image.height, image.width)
    )
    layers = [labels, reviewed]
    if held_out is not None:
        layers += [held_out.judge, held_out.stop]
    placed = [_place(layer, window, offset) for layer in layers]
    rgb, corrected, *masks = at_pixel_size(image.crop(*window), placed, pixel_size)
    checked, *held = (mask.astype(bool) for mask in masks)
    return Region(
        name=image.name,
        rgb=rgb,
        labels=corrected,
        reviewed=checked,
        pixel_size=pixel_size,
        held_out=HeldOut(judge=held[0], stop=held[1]) if held else None,
        tones=image.tones(stains) if stains else None,
    )


def _place(layer: npt.NDArray[Any], window: Window, offset: tuple[int, int]) -> Labels:
    """Return a window of the image's grid with what a layer holds of it."""
    placed = np.zeros(size(window), np.int32)
    target, source = _overlap(window, layer.shape, offset)
    placed[target] = layer[source]
    return placed


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


def _overlap(
    window: Window, shape: tuple[int, ...], offset: tuple[int, int]
) -> tuple[Window, Window]:
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


def divide(regions: Sequence[Region], *, seed: int = 0) -> list[Division]:
    """Divide each region into what is learned from and what is held out.

    Where nobody chose what to hold out, `propose` does; where that would leave
    nothing to learn from, nothing of a region is held out.

    Parameters
    ----------
    regions : sequence of Region
        Reviewed areas.
    seed : int
        As `propose` takes it.

    Returns
    -------
    list of Division
        One for each region.
    """
    enough = sum(region.nuclei for region in regions) >= FEWEST_TO_STOP
    divisions = []
    for region in regions:
        held_out = region.held_out or propose(region.reviewed, stop=enough, seed=seed)
        divisions.append(_divide(region, held_out))
    return divisions


def propose(reviewed: Mask, *, stop: bool, seed: int = 0) -> HeldOut:
    """Choose what to hold out: strips at the two ends of a reviewed area.

    Parameters
    ----------
    reviewed : (H, W) bool
        Not empty.
    stop : bool
        Whether there are nuclei enough to spare some to stop the training.
    seed : int
        Even or odd: at which end the judging strip lies.
    """
    height, width = size(bounding_window(reviewed))
    axis = 0 if height >= width else 1
    along = reviewed.sum(1 - axis).cumsum() / reviewed.sum()
    if seed % 2:
        along = 1 - along
    shape = (-1, 1) if axis == 0 else (1, -1)
    judged = (along <= JUDGE_SHARE).reshape(shape)
    stopped = (along > 1 - STOP_SHARE * stop).reshape(shape)
    return HeldOut(judge=reviewed & judged, stop=reviewed & stopped)


def _divide(region: Region, held_out: HeldOut) -> Division:
    reviewed = region.reviewed
    judge = reviewed & held_out.judge
    stop = reviewed & held_out.stop & ~judge
    near = ndimage.maximum_filter(judge | stop, 2 * MARGIN + 1)
    learn = reviewed & ~near
    if nuclei_inside(region.labels, learn).inside:
        return Division(learn=learn, stop=stop, judge=judge)
    nothing = np.zeros_like(reviewed)
    return Division(learn=reviewed, stop=nothing, judge=nothing)
