"""Which part of an image is meant: all of it, what is in view, or what is drawn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Shapes

from napari_monuseg.core.boxes import bounding_window, shifted
from napari_monuseg.core.errors import ImageError
from napari_monuseg.filling import Mask, Outline
from napari_monuseg.layers import image_shape
from napari_monuseg.outlines import cover, outlines, to_pixels, world_units

LARGEST_SIDE = 8192
"""Labels beyond a graphics card's texture limit misbehave; many have this one, px."""

LINES_ACROSS = 250
"""How many lines, side by side, would fill what is in view, or what they go around."""

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Area:
    """A window of an image, and what counts inside it.

    Parameters
    ----------
    rows, columns : slice
        The window, px.
    mask : ndarray, optional
        ``(h, w)``, True where nuclei are wanted; None for everywhere.
    """

    rows: slice
    columns: slice
    mask: Mask | None = None

    @property
    def offset(self) -> tuple[int, int]:
        """Row and column where the window begins, px."""
        return self.rows.start, self.columns.start

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window, px."""
        return (
            self.rows.stop - self.rows.start,
            self.columns.stop - self.columns.start,
        )


def whole(layer: Image) -> Area:
    """Give all of an image."""
    height, width = image_shape(layer)
    return Area(slice(0, height), slice(0, width))


def in_view(layer: Image, viewer: Any) -> Area:
    """Give the part of an image that the canvas shows.

    Raises
    ------
    ImageError
        If nothing of the image is in view, or the view is in 3-D.
    """
    if viewer.dims.ndisplay != 2:
        raise ImageError("The view is in 3-D; switch to 2-D to use what is in view.")
    area = _bounding(layer, _view_corners(layer, viewer))
    if area is None:
        raise ImageError(
            f"Nothing of “{layer.name}” is in view; move to it or choose another area."
        )
    return area


def view_outline(layer: Image, viewer: Any) -> Outline:
    """Give the outline ``(n, 2)`` of what the canvas shows of an image, px.

    Raises
    ------
    ImageError
        As `in_view`.
    """
    area = in_view(layer, viewer)
    # A pixel's centre has the integer coordinates, its edges lie half a pixel off.
    low = np.array(area.offset) - 0.5
    high = low + area.shape
    window = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
    one, two, three, four = _view_corners(layer, viewer)
    view: Outline = np.array([one, two, four, three])
    if np.allclose((view[1] - view[0]) * (view[2] - view[1]), 0, atol=1e-3):
        return window  # whole pixels
    from matplotlib.path import Path as Line
    from matplotlib.transforms import Bbox

    seen = Line([*view, view[0]], closed=True).clip_to_bbox(Bbox([low, high]))
    return np.asarray(seen.to_polygons(closed_only=False)[0], float)


def camera_of(viewer: Any) -> Any:
    """Give the camera of a viewer's canvas; napari 0.9 moved it."""
    return getattr(viewer, "scene", viewer).camera


def line_width(layer: Any, viewer: Any) -> float:
    """Give the width of a line that is well seen and hides little, px of a layer."""
    if viewer.dims.ndisplay != 2:
        return 1.0
    spans = np.ptp(_view_corners(layer, viewer), axis=0)
    return max(float(spans.max()) / LINES_ACROSS, 1.0)


def _view_corners(layer: Any, viewer: Any) -> npt.NDArray[np.float64]:
    """Give the four corners of what the canvas shows on an image's grid, px."""
    camera = camera_of(viewer)
    half = np.array(_view_size(viewer)) / 2 / camera.zoom
    shown = list(viewer.dims.displayed)
    corners = []
    for signs in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        corner = np.zeros(viewer.dims.ndim)
        corner[shown] = np.array(camera.center[-2:]) + half * signs
        corners.append(to_pixels(layer, corner, world_units(viewer)))
    return np.array(corners)


def _view_size(viewer: Any) -> tuple[float, float]:
    """Give height and width of the canvas, or of one part of its grid, canvas px."""
    canvas = getattr(viewer, "canvas", None)
    if canvas is None:
        height, width = viewer._canvas_size
    elif hasattr(canvas, "viewbox_size"):
        height, width = canvas.viewbox_size(viewer.layers)
    else:
        height, width = canvas.size
    return height, width


def inside(layer: Image, shapes: Shapes) -> Area:
    """Give what the shapes that somebody selected cover, or all shapes.

    Raises
    ------
    ImageError
        If there are no shapes with an inside on the image, or they reach over too
        much of it.
    """
    polygons = outlines(layer, shapes, _selected(shapes))
    around = _bounding(layer, np.concatenate(polygons)) if polygons else None
    if around is not None:
        require_moderate(around)  # before the mask, which takes memory
    area = _drawn(around, polygons) if around is not None else None
    if area is None:
        raise ImageError(
            f"“{shapes.name}” has no rectangle, ellipse or polygon on "
            f"“{layer.name}”; draw one there or choose another area."
        )
    return area


def _selected(shapes: Shapes) -> list[int] | None:
    """Give the shapes that are selected on purpose; None if there are none.

    What was drawn last stays selected while more is drawn.
    """
    selecting = shapes.mode in ("select", "direct")
    return (sorted(shapes.selected_data) or None) if selecting else None


def _drawn(around: Area, polygons: list[Outline]) -> Area | None:
    """Give the pixels whose centres lie in the polygons; None if there are none."""
    mask = cover(around.shape, [polygon - around.offset for polygon in polygons])
    if not mask.any():
        return None
    window = bounding_window(mask)
    tight = mask[window]
    return Area(*shifted(window, around.offset), None if tight.all() else tight)


def _bounding(layer: Image, points: npt.NDArray[np.float64]) -> Area | None:
    """Give the pixels a point set spans, cut at the image; None if there are none.

    A pixel's centre has the integer coordinates, its edges lie half a pixel off.
    """
    sides = np.array(image_shape(layer))
    start = np.clip(np.floor(points.min(axis=0) + 0.5), 0, sides).astype(int)
    stop = np.clip(np.ceil(points.max(axis=0) + 0.5), 0, sides).astype(int)
    if np.any(stop <= start):
        return None
    rows, columns = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return Area(rows, columns)


def require_moderate(area: Area) -> None:
    """Refuse an area that is too large to be shown as labels.

    Raises
    ------
    ImageError
        If a side is longer than `LARGEST_SIDE`.
    """
    height, width = area.shape
    if max(height, width) > LARGEST_SIDE:
        raise ImageError(
            f"The area is {height:,} x {width:,} px; choose what is in view or draw "
            f"a shape, of at most {LARGEST_SIDE:,} px a side."
        )


@dataclass(frozen=True, eq=False)
class Inside:
    """What of an area's nuclei is shown.

    Parameters
    ----------
    labels : ndarray
        Nuclei, ``(H, W)`` int32, those left out that lie mostly outside.
    complete : ndarray, optional
        ``(H, W)``, True inside, but for the parts of nuclei that were left out: what
        is no nucleus there is background. None for everywhere.
    """

    labels: Labels
    complete: Mask | None = None


def keep_inside(labels: Labels, mask: Mask | None) -> Inside:
    """Leave out the nuclei that lie mostly outside, and number the others again.

    Parameters
    ----------
    labels : ndarray
        Nuclei, ``(H, W)`` int32.
    mask : ndarray, optional
        ``(H, W)``, True where nuclei are wanted; None for everywhere.
    """
    if mask is None:
        return Inside(labels)
    count = int(labels.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count)
    sizes_inside = np.bincount(labels[mask], minlength=count)
    nuclei = np.arange(count) > 0
    kept = (2 * sizes_inside > sizes) & nuclei
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return Inside(numbers[labels], mask & ~(nuclei & ~kept)[labels])
