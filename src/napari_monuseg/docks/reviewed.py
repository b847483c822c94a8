"""The part of an image that was checked by eye: a layer of shapes named Reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Shapes

from napari_monuseg.areas import Mask, Outline, cover, in_view, outlines
from napari_monuseg.layers import image_shape, placement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_monuseg.docks.result import Result

NAME = "Reviewed"

KEY = "Shift-R"
"""Marks what is in view; napari has no use for it."""

_images: WeakKeyDictionary[Shapes, ref[Image]] = WeakKeyDictionary()
"""The layers of reviewed areas in any viewer, each with its image."""


def reviewed_layer(image: Image | None) -> Shapes | None:
    """Give the layer that holds an image's reviewed areas; None if there is none."""
    return None if image is None else _layer_on(ref(image))


def _layer_on(image: ref[Image] | None) -> Shapes | None:
    # References to one layer stay equal when it is gone: what was checked on it was.
    return next((shapes for shapes, on in _images.items() if on == image), None)


def belongs_to(layer: Any, image: Image) -> bool:
    """Tell whether areas may be of an image: they are of one, or drawn for any."""
    bound = _images.get(layer)
    one = None if bound is None else bound()
    return one is None or one is image


def is_reviewed_layer(layer: Any) -> bool:
    """Tell whether a layer holds reviewed areas: made here, or named so by somebody."""
    named = isinstance(layer, Shapes) and layer.name.startswith(NAME)
    return named or layer in _images


def adopt(viewer: Any, layer: Any, image: Image) -> None:
    """Take a layer that somebody drew and named Reviewed for one of an image's."""
    free = is_reviewed_layer(layer) and layer not in _images
    if free and reviewed_layer(image) is None:
        _images[layer] = ref(image)
        _forget_when_removed(viewer, layer)


def mark_view(viewer: Any, image: Image) -> None:
    """Mark what is in view of an image as reviewed.

    Raises
    ------
    ImageError
        If nothing of the image is in view, or the view is in 3-D.
    """
    area = in_view(image, viewer)
    rows, columns = area.rows, area.columns
    # A pixel's centre has the integer coordinates, its edges lie half a pixel off.
    corners = [
        (rows.start, columns.start),
        (rows.start, columns.stop),
        (rows.stop, columns.stop),
        (rows.stop, columns.start),
    ]
    mark(viewer, image, [np.array(corners) - 0.5])


def mark(viewer: Any, image: Image, areas: Iterable[Outline]) -> None:
    """Mark outlines, in an image's pixels, as reviewed.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the image is.
    image : Image
        What was reviewed.
    areas : iterable of ndarray
        Outlines, each ``(n, 2)``.
    """
    shapes = reviewed_layer(image) or _add_layer(viewer, image)
    leading = [0] * (image.ndim - 2)
    for outline in areas:
        world = [image.data_to_world([*leading, *point])[-2:] for point in outline]
        shapes.add_polygons([np.array([shapes.world_to_data(at) for at in world])])


def _add_layer(viewer: Any, image: Image) -> Shapes:
    """Add a layer on the image, without taking the brush out of the user's hand."""
    active = viewer.layers.selection.active
    shapes = Shapes(
        name=NAME,
        ndim=2,
        edge_color="lime",
        face_color="transparent",
        edge_width=max(max(image_shape(image)) / 250, 1),
        **placement(image),
    )
    _images[shapes] = ref(image)
    viewer.add_layer(shapes)
    _forget_when_removed(viewer, shapes)
    viewer.layers.selection.active = active
    return shapes


def _forget_when_removed(viewer: Any, shapes: Shapes) -> None:
    removed = viewer.layers.events.removed

    def forget(event: Any) -> None:
        if event.value is shapes:
            _images.pop(shapes, None)
            removed.disconnect(forget)

    removed.connect(forget)


def reviewed_mask(result: Result) -> Mask | None:
    """Tell which pixels of a result were reviewed.

    Returns
    -------
    mask : (h, w) bool, optional
        On the grid of the result's area; None if nothing of it was reviewed.
    """
    areas = reviewed_outlines(result)
    known = _masks.get(result)
    drawn = tuple(outline.tobytes() for outline in areas)
    if known is None or known[0] != drawn:
        mask = cover(result.area.shape, areas) if areas else None
        known = (drawn, None if mask is None or not mask.any() else mask)
        _masks[result] = known
    return known[1]


_masks: WeakKeyDictionary[Result, tuple[tuple[bytes, ...], Mask | None]] = (
    WeakKeyDictionary()
)
"""The masks drawn last: filling polygons takes longer than looking at them."""


def reviewed_outlines(result: Result) -> list[Outline]:
    """Give the outlines of what was reviewed, each ``(n, 2)``, in the area's pixels."""
    shapes = _layer_on(result.image_reference)
    if shapes is None or result.layer is None:
        return []
    return outlines(result.layer, shapes)
