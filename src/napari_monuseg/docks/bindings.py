"""Which image the nuclei of a labels layer were found on, whatever either is named."""

import re
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import numpy.typing as npt
from napari.layers import Image
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Mask
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.docks.undo_steps import State, UndoSteps
from napari_monuseg.layers import image_shape

METADATA = "napari-monuseg"
"""Under this key a labels layer keeps where its nuclei come from."""

NOBODY: dict[str, Any] = {"image": ""}
"""What the metadata of a layer say that holds nobody's nuclei."""

_images: WeakKeyDictionary[LabelsLayer, ref[Image]] = WeakKeyDictionary()


def bind(nuclei: LabelsLayer, image: Image) -> None:
    """Remember that a layer's nuclei lie on an image."""
    _images[nuclei] = ref(image)


def within_limits(nuclei: LabelsLayer, mask: Mask) -> Mask:
    """Give what of a mask ``(h, w)`` on a layer lies where its nuclei are complete."""
    wanted = wanted_mask(nuclei)
    return mask if wanted is None else mask & wanted


def wanted_mask(nuclei: LabelsLayer) -> Mask | None:
    """Tell where a layer's nuclei are complete, on its grid; None for everywhere.

    Beyond, the layer has only nuclei that reach there from where they were wanted.
    """
    wanted = origin_facts(nuclei).get("mask")
    if not isinstance(wanted, np.ndarray) or wanted.shape != nuclei.data.shape:
        return None
    return wanted.astype(bool, copy=False)


def hand_mask(facts: dict[str, Any], labels: npt.NDArray[Any]) -> Mask | None:
    """Tell what of nuclei was made by hand, ``(h, w)`` bool; None if nobody knows.

    Parameters
    ----------
    facts : dict
        What their layer says of them: the states in which the program or a file
        brought them, from which hand work differs; or a mask, or the hand work.
    labels : ndarray
        The nuclei as they are now, ``(h, w)``.
    """
    known = facts.get("state")
    state = known.under(labels) if isinstance(known, State | UndoSteps) else None
    if state is not None:
        return state.hand.gather(labels, state.written).held_by_edits
    hand = facts.get("hand")
    mask = hand.held_by_edits if isinstance(hand, HandWork) else hand
    if not isinstance(mask, np.ndarray) or mask.shape != labels.shape:
        return None
    return mask.astype(bool, copy=False)


def is_anonymous(nuclei: LabelsLayer) -> bool:
    """Tell whether nothing of ours says where a layer's nuclei come from."""
    return nuclei not in _images and not origin_facts(nuclei)


def origin_facts(nuclei: LabelsLayer) -> dict[str, Any]:
    """Give what a layer says of where its nuclei come from; empty if nothing."""
    facts = nuclei.metadata.get(METADATA)
    return facts if isinstance(facts, dict) else {}


def note_fact(nuclei: LabelsLayer, name: str, value: Any) -> None:
    """Let a layer that says where its nuclei come from say something more."""
    if METADATA in nuclei.metadata:
        # Not in place: a duplicate of the layer has the same facts.
        nuclei.metadata[METADATA] = {**nuclei.metadata[METADATA], name: value}


def namesakes(name: str, images: Iterable[Image], *, any_number: bool) -> list[Image]:
    """Give the images of a name.

    Parameters
    ----------
    name : str
        Of an image's layer.
    images : iterable of Image
        Which to look at.
    any_number : bool
        Whether what napari adds to the second of a name, as in ``tile [1]``, is no
        part of it.
    """
    stem = re.compile(r" \[\d+\]$")
    if not any_number:
        return [image for image in images if image.name == name]
    own = stem.sub("", name)
    return [image for image in images if stem.sub("", image.name) == own]


def image_of(nuclei: LabelsLayer, layers: Any) -> Image | None:
    """Give the image that nuclei lie on.

    Parameters
    ----------
    nuclei : LabelsLayer
        Bound to its image here, or named after it, or of the size of one image only.
    layers : LayerList
        Of a viewer.

    Returns
    -------
    Image or None
        None if it is not open, or nothing tells which one it is.
    """
    bound = _images.get(nuclei)
    one = None if bound is None else bound()
    if one is not None and one in layers:
        return one
    images = [layer for layer in layers if isinstance(layer, Image)]
    facts = origin_facts(nuclei)
    name, shape = facts.get("image"), tuple(facts.get("image_shape") or ())
    if name is not None:
        fitting = [one for one in images if not shape or image_shape(one) == shape]
        # In a file's time the image may have been opened beside a namesake.
        named = namesakes(name, fitting, any_number=bool(nuclei.source.path))
        return named[0] if len(named) == 1 else None
    same = [layer for layer in images if image_shape(layer) == nuclei.data.shape]
    return same[0] if len(same) == 1 else None
