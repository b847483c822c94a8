"""What is drawn in a layer of shapes, as outlines and as pixels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Shapes

from napari_monuseg.filling import Mask, Outline, fill

_CHANGES = ("data", "affine", "rotate", "scale", "shear", "translate")


def outlines(
    layer: Any, shapes: Shapes, chosen: Iterable[int] | None = None
) -> list[Outline]:
    """Give the outlines of the shapes that have an inside and are finished.

    Parameters
    ----------
    layer : Image or Labels
        In whose pixels the outlines are given.
    shapes : Shapes
        Rectangles, ellipses and polygons; anything else has no inside.
    chosen : iterable of int, optional
        Which shapes; None for all.
    """
    found = []
    under_way = _under_way(shapes)
    for index in range(shapes.nshapes) if chosen is None else chosen:
        if index == under_way:
            continue
        kind, corners = shapes.shape_type[index], np.asarray(shapes.data[index])
        outline = _ellipse(corners) if kind == "ellipse" else corners
        if kind in ("rectangle", "ellipse", "polygon"):
            world = [shapes.data_to_world(at) for at in outline]
            found.append(np.array([to_pixels(layer, at, shapes.units) for at in world]))
    return found


def changes(shapes: Shapes) -> list[Any]:
    """Give the events after which what is drawn in a layer may lie elsewhere."""
    return [getattr(shapes.events, name) for name in _CHANGES]


def _under_way(shapes: Shapes) -> int | None:
    """Tell which shape is being drawn just now, if any: what it covers is not known.

    It has a place among the others from its first corner on. napari tells of its end
    while it still says that it is being drawn, when it no longer says which it is.
    """
    return shapes._moving_value[0] if shapes._is_creating else None


def _ellipse(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the ellipse inside four corners as a polygon."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)[:, None]
    centre = corners.mean(axis=0)
    across, down = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    outline: npt.NDArray[np.float64] = (
        centre + np.cos(angles) * across + np.sin(angles) * down
    )
    return outline


def to_pixels(layer: Any, world: Any, units: Any) -> npt.NDArray[np.float64]:
    """Give row and column of a place in the world on a layer's grid, px.

    As `to_data` with all its axes.
    """
    return to_data(layer, world, units)[-2:]


def to_data(layer: Any, world: Any, units: Any) -> npt.NDArray[np.float64]:
    """Give where a place in the world lies on a layer's grid, along all its axes.

    Parameters
    ----------
    layer : napari layer
        On whose grid.
    world : sequence of float
        The place, the last axes of it at least.
    units : sequence of pint.Unit or None
        In which the place is given, by axis; None for those of the layer.
    """
    place = np.array(world, float)
    # napari draws layers of other units of length in those of the world (but where
    # there is one without a length), and does not convert places.
    for axis in range(-min(len(place), len(units or ()), layer.ndim), 0):
        own, given = layer.units[axis], units[axis]
        if own != given and own.is_compatible_with(given):
            place[axis] = (place[axis] * given).to(own).magnitude
    return np.asarray(layer.world_to_data(place), float)


def world_units(viewer: Any) -> Any:
    """Give the units of a viewer's world, by axis; None if its layers share none."""
    return getattr(viewer.dims, "units", None)  # not before napari 0.9


def covered(layer: Any, shapes: Shapes) -> Mask:
    """Give what all shapes of a layer cover of another one, which lies in a plane.

    Parameters
    ----------
    layer : napari layer
        Labels ``(h, w)``, on whose grid the mask is.
    shapes : Shapes
        Rectangles, ellipses and polygons count.

    Returns
    -------
    (h, w) bool
        True at the pixels whose centres lie in a shape.
    """
    return cover(layer.data.shape, outlines(layer, shapes))


def cover(shape: tuple[int, int], polygons: Iterable[Outline]) -> Mask:
    """Give the pixels whose centres lie in any of the polygons.

    Parameters
    ----------
    shape : tuple of int
        Height and width, px.
    polygons : iterable of ndarray
        Each ``(n, 2)``, rows and columns, px.
    """
    mask = np.zeros(shape, bool)
    for polygon in polygons:
        fill(mask, polygon)
    return mask
