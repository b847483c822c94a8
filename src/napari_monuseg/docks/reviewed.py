"""The part of an image that was checked by eye: a layer of shapes named Reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Shapes

from napari_monuseg.areas import LINES_ACROSS, Mask, Outline, line_width, view_outline
from napari_monuseg.docks.drawn_on import images_under, lies_on
from napari_monuseg.docks.following import follow, follow_instead, lie, lies
from napari_monuseg.layers import placement
from napari_monuseg.outlines import cover, outlines, to_data, to_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_monuseg.docks.result import Result

NAME = "Reviewed"

EDGE, FACE = "lime", "transparent"
"""Colours of an area: the nuclei in it are seen."""

KEY = "Shift-R"
"""Marks what is in view, or takes that back; napari has no use for it."""

BUTTON = "Mark view as reviewed"
"""The button that does the same."""

_images: WeakKeyDictionary[Shapes, ref[Image]] = WeakKeyDictionary()
"""The layers of reviewed areas in any viewer, each with its image."""


def reviewed_layer(image: Image | None) -> Shapes | None:
    """Give the first layer that holds an image's reviewed areas; None without any."""
    return None if image is None else next(iter(_layers_on(ref(image))), None)


def _layers_on(image: ref[Image] | None) -> list[Shapes]:
    # References to one layer stay equal when it is gone: what was checked on it was.
    return [shapes for shapes, on in _images.items() if on == image]


def bound_image(layer: Any) -> Image | None:
    """Give the image that a layer of reviewed areas is bound to; None without any."""
    bound = _images.get(layer)
    return None if bound is None else bound()


def shapes_of(layer: Shapes, image: Image, images: Iterable[Image]) -> list[int]:
    """Give which shapes of a layer of reviewed areas are of an image.

    Parameters
    ----------
    layer : Shapes
        Of one that is bound to no image, only those shapes are that lie on none of
        the others.
    image : Image
        What may have been reviewed.
    images : iterable of Image
        All that may have been.
    """
    everything = list(range(layer.nshapes))
    one = bound_image(layer)
    if one is not None:
        return everything if one is image else []
    others = [other for other in images if other is not image]
    return [
        index
        for index in everything
        if not any(lies_on(other, layer, [index]) for other in others)
    ]


def is_reviewed_layer(layer: Any) -> bool:
    """Tell whether a layer holds reviewed areas: made here, or named so by somebody."""
    named = isinstance(layer, Shapes) and layer.name.startswith(NAME)
    return named or layer in _images


def adopt(viewer: Any, layer: Any, image: Image) -> None:
    """Take a layer that somebody drew and named Reviewed for one of an image's."""
    if is_reviewed_layer(layer) and layer not in _images:
        _bind(layer, image)
        _forget_when_removed(viewer, layer)
        _outline_only(layer, viewer)


def _bind(layer: Shapes, image: Image) -> None:
    """Let a layer be of an image, and lie on it wherever that goes."""
    _images[layer] = ref(image)
    if layer.ndim != 2:
        return
    if not layer._is_creating:  # what is being drawn is left alone
        _put_onto(layer, image)
    follow(layer, image)


def _put_onto(layer: Shapes, image: Image) -> None:
    """Give shapes in the image's own pixels, where they are."""
    place = placement(image)
    if lies(layer, place):
        return
    shapes = [
        np.array([to_pixels(image, layer.data_to_world(at), layer.units) for at in one])
        for one in layer.data
    ]
    lie(layer, place)
    if shapes:
        layer.data = shapes


def _outline_only(layer: Shapes, viewer: Any) -> None:
    """Let shapes that napari fills with white, over the nuclei, look as ours do.

    So will those that are drawn next. Colours that somebody chose stay.
    """
    if np.all(layer.face_color == 1) and layer.current_face_color == "white":
        layer.face_color = layer.current_face_color = FACE
        layer.edge_color = layer.current_edge_color = EDGE
        layer.edge_width = layer.current_edge_width = line_width(layer, viewer)


def adopt_drawn(viewer: Any) -> bool:
    """Adopt the layers of which only one image can be meant; tell whether any was."""
    found = False
    for layer in _unbound(viewer.layers):
        under = images_under(layer, viewer.layers)
        if under:
            _outline_only(layer, viewer)
        if len(under) == 1:
            adopt(viewer, layer, under[0])
            found = True
    return found


def move_reviewed(before: ref[Image] | None, image: Image) -> None:
    """Let the areas of an image that is gone be of the one that is the same again."""
    for layer, on in list(_images.items()):
        if before is not None and on == before:
            _images[layer] = ref(image)
            if layer.ndim == 2:
                follow_instead(layer, image)


def release_orphans(layers: Any) -> None:
    """Let areas whose image is gone be of another one that lies under them."""
    for layer in layers:
        if layer in _images and _images[layer]() not in layers:
            del _images[layer]


def undecided(layers: Any) -> list[Shapes]:
    """Give the layers of reviewed areas that lie on several images and are of none."""
    drawn = [shapes for shapes in _unbound(layers) if shapes.nshapes]
    return [shapes for shapes in drawn if len(images_under(shapes, layers)) > 1]


def _unbound(layers: Any) -> list[Shapes]:
    reviewed = [layer for layer in layers if is_reviewed_layer(layer)]
    return [layer for layer in reviewed if layer not in _images]


def mark_view(viewer: Any, image: Image) -> bool:
    """Mark what is in view of an image as reviewed, or take that mark back.

    Returns
    -------
    bool
        False if just this was marked already, and is no longer.

    Raises
    ------
    ImageError
        If nothing of the image is in view, or the view is in 3-D.
    """
    area = view_outline(image, viewer)
    marked = _unmark(image, area)
    if not marked:
        mark(viewer, image, [area])
    return not marked


def _unmark(image: Image, area: Outline) -> bool:
    """Remove the shapes that have just this outline; tell whether there were any."""
    found = False
    for shapes in _layers_on(ref(image)):
        same = {
            index
            for index in range(shapes.nshapes)
            for one in outlines(image, shapes, [index])
            if _same(area, one)
        }
        if same:
            found = True
            shapes.selected_data = same
            shapes.remove_selected()
    return found


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
    leading, units = [0] * (image.ndim - 2), image.units[-2:]
    for outline in areas:
        world = [image.data_to_world([*leading, *point])[-2:] for point in outline]
        corners = np.array([to_data(shapes, at, units) for at in world])
        width = max(np.ptp(corners, axis=0).max() / LINES_ACROSS, 1)
        shapes.add_polygons([corners], edge_width=width)


def mark_again(viewer: Any, image: Image, areas: Iterable[Outline]) -> None:
    """Mark outlines as `mark` does, but for those that are marked already."""
    marked = _outlines_on(image, ref(image))
    missing = [area for area in areas if not any(_same(area, one) for one in marked)]
    if missing:
        mark(viewer, image, missing)


def _same(one: Outline, other: Outline) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=0.01)


def _add_layer(viewer: Any, image: Image) -> Shapes:
    """Add a layer on the image, without taking the brush out of the user's hand."""
    active = viewer.layers.selection.active
    shapes = Shapes(
        name=NAME,
        ndim=2,
        edge_color=EDGE,
        face_color=FACE,
        edge_width=line_width(image, viewer),
        **placement(image),
    )
    _bind(shapes, image)
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
    complete = result.complete
    drawn = tuple(outline.tobytes() for outline in areas)
    if known is None or known.drawn != drawn or known.complete is not complete:
        mask = cover(result.area.shape, areas)
        if complete is not None:  # elsewhere nothing is right as it stands
            mask &= complete
        known = _Known(drawn, complete, mask if mask.any() else None)
        _masks[result] = known
    return known.mask


class _Known(NamedTuple):
    drawn: tuple[bytes, ...]
    complete: Mask | None
    mask: Mask | None


_masks: WeakKeyDictionary[Result, _Known] = WeakKeyDictionary()
"""The masks drawn last: filling polygons takes longer than looking at them."""


def reviewed_outlines(result: Result) -> list[Outline]:
    """Give the outlines of what was reviewed, each ``(n, 2)``, in the area's pixels."""
    if result.layer is None:
        return []
    return _outlines_on(result.layer, result.image_reference)


def _outlines_on(layer: Any, image: ref[Image] | None) -> list[Outline]:
    """Give the outlines of all that was reviewed on an image, in a layer's pixels."""
    return [one for shapes in _layers_on(image) for one in outlines(layer, shapes)]
