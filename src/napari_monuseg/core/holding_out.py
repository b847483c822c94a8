"""What of reviewed areas is held out: to judge a training by, once, and to stop it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import bounding_window, size
from napari_monuseg.core.counting import nuclei_inside

MARGIN = 16
"""Pixels this near to what is held out carry no training loss, px."""

JUDGE_SHARE, STOP_SHARE = 0.2, 0.15
"""Of each reviewed area, held out to judge the training and to stop it."""

FEWEST_TO_STOP = 100
"""With fewer reviewed nuclei none are spared to stop the training."""

FEWEST_TO_JUDGE = 50
"""With fewer nuclei held out to judge, the difference is mostly luck."""

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


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


def hold_out(
    labels: Labels,
    reviewed: Mask,
    *,
    stop: bool,
    chosen: HeldOut | None = None,
    seed: int = 0,
    learned: Mask | None = None,
) -> HeldOut:
    """Decide what of a reviewed area is held out.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    reviewed : (H, W) bool
        Not empty.
    stop : bool
        Whether there are nuclei enough to spare some to stop the training.
    chosen : HeldOut, optional
        What somebody wants to be held out, all of the area if need be; otherwise
        it is as `propose` says.
    seed : int
        As `propose` takes it.
    learned : (H, W) bool, optional
        As `propose` takes it.

    Returns
    -------
    HeldOut
        Nothing, where what is proposed leaves no whole nucleus to learn from.
    """
    if chosen is not None:
        return chosen
    proposed = propose(reviewed, stop=stop, seed=seed, learned=learned)
    if nuclei_inside(labels, divide(reviewed, proposed).learn).inside:
        return proposed
    nothing = np.zeros_like(reviewed)
    return HeldOut(judge=nothing, stop=nothing)


def propose(
    reviewed: Mask, *, stop: bool, seed: int = 0, learned: Mask | None = None
) -> HeldOut:
    """Choose what to hold out: strips at the two ends of a reviewed area.

    Parameters
    ----------
    reviewed : (H, W) bool
        Not empty.
    stop : bool
        Whether there are nuclei enough to spare some to stop the training.
    seed : int
        Even or odd: at which end the judging strip lies.
    learned : (H, W) bool, optional
        What the model has learned from before: it does not judge. Where all of the
        area was, nothing does.
    """
    height, width = size(bounding_window(reviewed))
    axis = 0 if height >= width else 1
    turned = seed % 2 == 1
    pixels = np.count_nonzero(reviewed)
    fresh = reviewed if learned is None else _wide(reviewed & ~learned)
    judge = _strip(fresh, JUDGE_SHARE * pixels, axis, last=turned)
    rest = reviewed & ~judge
    if not stop or not rest.any():
        return HeldOut(judge=judge, stop=np.zeros_like(reviewed))
    return HeldOut(
        judge=judge, stop=_strip(rest, STOP_SHARE * pixels, axis, last=not turned)
    )


def _wide(mask: Mask) -> Mask:
    """Return a mask without what is too narrow in it for a whole nucleus."""
    opened = np.zeros_like(mask)
    if mask.any():
        window = bounding_window(mask)
        side = 2 * MARGIN + 1
        eroded = ndimage.minimum_filter(mask[window], side, mode="constant")
        opened[window] = mask[window] & ndimage.maximum_filter(eroded, side)
    return opened


def _strip(mask: Mask, pixels: float, axis: int, *, last: bool) -> Mask:
    """Return the first rows or columns of a mask, or the last, of so many pixels."""
    along = _along(mask, axis)
    taken = np.count_nonzero((along[::-1] if last else along).cumsum() <= pixels)
    side = slice(len(along) - taken, None) if last else slice(taken)
    window = (side, slice(None)) if axis == 0 else (slice(None), side)
    strip = np.zeros_like(mask)
    strip[window] = mask[window]
    return strip


def _along(mask: Mask, axis: int) -> npt.NDArray[np.int64]:
    """Count the pixels of a mask by row or by column, many times faster than a sum."""
    if axis == 0:
        return np.array([np.count_nonzero(row) for row in mask], np.int64)
    ones = mask.view(np.uint8)
    parts = [ones[top : top + 255] for top in range(0, len(ones), 255)]
    counts: npt.NDArray[np.int64] = np.sum(
        [part.sum(0, dtype=np.uint8) for part in parts], 0, dtype=np.int64
    )
    return counts


def divide(reviewed: Mask, held_out: HeldOut) -> Division:
    """Divide a reviewed area into what is learned from and what is held out.

    Parameters
    ----------
    reviewed : (H, W) bool
        What was checked.
    held_out : HeldOut
        What is held out, on the same grid.
    """
    judge = reviewed & held_out.judge
    stop = reviewed & held_out.stop & ~judge
    near = ndimage.maximum_filter(judge | stop, 2 * MARGIN + 1)
    return Division(learn=reviewed & ~near, stop=stop, judge=judge)
