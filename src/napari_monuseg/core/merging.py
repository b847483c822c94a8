"""Several nuclei that are one: connected across what lies between them."""

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.pieces import part_at
from napari_monuseg.core.separation import Mask

LARGEST_GAP_UM = 4.0
"""Nuclei farther apart than this are not merged, µm."""

LARGEST_SPAN = 1024
"""Nuclei that span more than this are not merged at once, which would take long, px."""


def bridged(masks: list[Mask], free: Mask, pixel_size: float) -> Mask:
    """Connect masks, the first with the nearest of the others and so on.

    Parameters
    ----------
    masks : list of (h, w) bool
        Two or more, 4-connected each.
    free : (h, w) bool
        Where a bridge may stand.
    pixel_size : float
        Of their grid, µm/px.

    Returns
    -------
    (h, w) bool
        The masks and the bridges, 4-connected.

    Raises
    ------
    CorrectionError
        If they span too much, lie too far apart, or something stands between.
    """
    _require_moderate(free.shape)
    union, *others = masks
    while others:
        away = ndimage.distance_transform_edt(~union)
        gaps = [float(away[other].min()) for other in others]
        nearest = others.pop(int(np.argmin(gaps)))
        _require_near(min(gaps) - 1, pixel_size)
        union = _connected(union, nearest, free, away, min(gaps))
    return union


def _require_moderate(shape: tuple[int, ...]) -> None:
    span = max(shape)
    if span > LARGEST_SPAN:
        raise CorrectionError(
            f"The nuclei under the stroke span {span:,} px; merge those within "
            f"{LARGEST_SPAN:,} px first."
        )


def _require_near(gap: float, pixel_size: float) -> None:
    if gap > round(LARGEST_GAP_UM / pixel_size):
        away = math.ceil(10 * gap * pixel_size) / 10  # never as much as is bridged
        raise CorrectionError(
            f"The nuclei are {away:.1f} µm apart, and {LARGEST_GAP_UM:g} "
            "µm is the most that is bridged; fill the gap with the brush first."
        )


def _connected(
    union: Mask,
    other: Mask,
    free: Mask,
    away: npt.NDArray[np.float64],
    gap: float,
) -> Mask:
    """Connect two masks by the free pixels that lie on short ways between them.

    `away` is the distance to the union, `gap` that between the masks, px.
    """
    both = union | other
    # Two px longer than the shortest way: a bridge some pixels wide.
    short = away + ndimage.distance_transform_edt(~other) <= gap + 2
    begin = np.unravel_index(union.argmax(), union.shape)
    nucleus = part_at(both | (short & free), (int(begin[0]), int(begin[1])))
    if not nucleus[other].all():
        raise CorrectionError(
            "Another nucleus lies between these; draw the stroke over that one too."
        )
    return nucleus
