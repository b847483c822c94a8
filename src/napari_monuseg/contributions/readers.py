"""Readers: MoNuSeg / Aperio XML, and the labels we wrote ourselves."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer
from napari.layers import Image
from napari.utils.notifications import show_error, show_warning

from napari_monuseg import areas
from napari_monuseg.core.annotations import read_annotations
from napari_monuseg.core.dataset_files import image_beside
from napari_monuseg.core.errors import AnnotationError, MonusegError
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff import LabelsFile, is_labels_file, read_labels
from napari_monuseg.docks.bindings import METADATA, namesakes
from napari_monuseg.docks.colours import nucleus_colours
from napari_monuseg.docks.undo_steps import State
from napari_monuseg.layers import image_shape, placement

LayerData = tuple[Any, ...]
Reader = Callable[[Any], list[LayerData]]

IMAGE_FOLDERS = (".", "../Tissue Images", "../images")
"""Where the image may lie, as seen from its XML."""

LARGEST_SIDE = 16384
"""Labels larger than this are not drawn as they are, px."""


def annotations_reader(path: Any = None) -> Reader | None:
    """Give the reader of a MoNuSeg / Aperio XML; None for anything else."""
    return _read_annotations if _is_file(path) and _is_aperio(path) else None


def labels_reader(path: Any = None) -> Reader | None:
    """Give the reader of labels that napari-monuseg wrote; None for anything else."""
    return _read_labels if _is_file(path) and is_labels_file(path) else None


def _is_file(path: Any) -> bool:
    return isinstance(path, str | Path) and Path(path).is_file()


def _is_aperio(path: Any) -> bool:
    with Path(path).open("rb") as file:
        return b"<Annotations" in file.read(4096)


def _read_annotations(path: Any) -> list[LayerData]:
    xml = Path(path)
    try:
        shape = _image_shape(xml)
        labels = read_annotations(xml, shape)
    except MonusegError as error:
        show_error(str(error))
        return [(None,)]  # napari's way to say: read, but nothing to show
    if not labels.any():
        show_warning(
            f"{xml.name} has no nucleus on its image of {shape[0]:,} x {shape[1]:,} "
            "px: the layer is empty."
        )
    origin = Origin(image=xml.stem, image_shape=shape, model="annotations")
    file = LabelsFile(labels=labels, origin=origin)
    return [_layer(f"{xml.stem} annotations", file)]


def _image_shape(xml: Path) -> tuple[int, int]:
    """Give the size of the image that an XML belongs to, px."""
    for folder in IMAGE_FOLDERS:
        path = image_beside(xml.parent / folder, xml.stem)
        if path is not None:
            return _shape(path)
    raise AnnotationError(
        f"{xml.name} has no image: put {xml.stem}.tif beside it, or into a folder "
        "“Tissue Images” or “images” beside its own."
    )


def _shape(path: Path) -> tuple[int, int]:
    with TissueImage.open(path) as image:
        height, width = image.height, image.width
    if max(height, width) > LARGEST_SIDE:
        raise AnnotationError(
            f"{path.name} is {height:,} x {width:,} px; annotations can be shown up "
            f"to {LARGEST_SIDE:,} px a side: cut out the part you need."
        )
    return height, width


def _read_labels(path: Any) -> list[LayerData]:
    try:
        file = read_labels(path)
    except MonusegError as error:
        show_error(str(error))
        return [(None,)]
    return [_layer(Path(path).stem, file)]


def _layer(name: str, file: LabelsFile) -> LayerData:
    facts = {
        "name": name,
        **_place(file),
        **nucleus_colours(),
        "metadata": _metadata(file),
    }
    return file.labels, facts, "labels"


def _metadata(file: LabelsFile) -> dict[str, Any]:
    """Give what our docks and the writer want to know of where labels come from."""
    if file.labels.ndim != 2:
        return {}
    origin = {} if file.origin is None else asdict(file.origin)
    facts = {**origin, "offset": _offset(file), "state": _state(file)}
    if file.pixel_size is not None:  # else a scale that is set later counts
        facts["pixel_size"] = file.pixel_size
    return {METADATA: facts}


def _state(file: LabelsFile) -> State | None:
    """Give what hand work differs from that is done later; None if nobody knows."""
    labels = file.labels
    by_hand = None if file.origin is None else file.origin.hand
    if (
        by_hand is None
        or labels.dtype != np.int32
        or max(labels.shape) > areas.LARGEST_SIDE
    ):
        return None
    return State(
        written=labels.copy(),  # a brush changes the layer's own
        hand=HandWork.restored(labels, by_hand),
        options=InstanceOptions(),
    )


def _offset(file: LabelsFile) -> tuple[int, int]:
    row, column = file.offset
    return round(row), round(column)


def _place(file: LabelsFile) -> dict[str, Any]:
    """Give what puts labels onto their image if that is open, else where they say."""
    image = _open_image(file)
    if image is None:
        return _own_place(file)
    return placement(image, _offset(file))


def _open_image(file: LabelsFile) -> Image | None:
    """Give the image that labels were made of, if the window shows it.

    napari shows most images at one pixel a unit, whatever their pixel size.
    """
    viewer, origin = current_viewer(), file.origin
    if viewer is None or origin is None or file.labels.ndim != 2:
        return None
    images = [layer for layer in viewer.layers if isinstance(layer, Image)]
    fitting = [image for image in images if image_shape(image) == origin.image_shape]
    named = namesakes(origin.image, fitting, any_number=True)
    return named[0] if len(named) == 1 else None


def _own_place(file: LabelsFile) -> dict[str, Any]:
    """Give scale, place and units; leading axes (a stack's planes) have none."""
    leading = (file.labels.ndim - 2) * [1.0]
    side = file.pixel_size or 1.0
    place = {
        "scale": (*leading, side, side),
        "translate": (*np.zeros(len(leading)), *np.multiply(file.offset, side)),
    }
    if file.pixel_size is not None:
        place["units"] = (*len(leading) * ["pixel"], "µm", "µm")
    return place
