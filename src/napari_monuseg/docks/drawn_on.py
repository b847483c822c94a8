"""On which images somebody drew, in a layer of shapes that nothing binds to one."""

from typing import Any

from napari.layers import Image, Labels, Shapes

from napari_monuseg.areas import Outline
from napari_monuseg.layers import image_shape, is_tissue
from napari_monuseg.outlines import outlines


def images_under(shapes: Shapes, layers: Any) -> list[Image]:
    """Give the images that shapes may have been drawn on.

    Parameters
    ----------
    shapes : Shapes
        Of these at least one is to lie on an image; an empty layer lies on all.
    layers : LayerList
        Of a viewer; its hidden images count where none is shown.

    Returns
    -------
    list of Image
        The uppermost last.
    """
    images = [layer for layer in layers if isinstance(layer, Image)]
    tissue = [image for image in images if is_tissue(image)]
    candidates = [image for image in tissue if image.visible] or tissue
    return [
        image for image in candidates if not shapes.nshapes or lies_on(image, shapes)
    ]


def lies_on(
    layer: Image | Labels, shapes: Shapes, chosen: list[int] | None = None
) -> bool:
    """Tell whether any of the shapes (None: all) has its bounding box on a layer."""
    sides = image_shape(layer) if isinstance(layer, Image) else layer.data.shape
    return any(_meets(sides, outline) for outline in outlines(layer, shapes, chosen))


def _meets(sides: tuple[int, ...], outline: Outline) -> bool:
    # A pixel's centre has the integer coordinates, its edges lie half a pixel off.
    begins = (outline.min(axis=0) + 0.5 < sides).all()
    return bool(begins and (outline.max(axis=0) + 0.5 > 0).all())
