"""Where a model was taught, in all the rounds that led to it: it knows those nuclei.

What it has learned from cannot tell how good it is, so a later round holds out other
parts to judge by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import bounding_window, placed, window_at
from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.mask_text import pack_mask, unpack_mask

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A part of an image.

    Parameters
    ----------
    image : str
        What people call the image.
    image_shape : tuple of int
        Its height and width, px.
    offset : tuple of int
        Row and column of the image where the part begins, px.
    """

    image: str
    image_shape: tuple[int, int]
    offset: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A part of an image that a model has learned from.

    Parameters
    ----------
    place : Place
        Where it lies.
    shape : tuple of int
        Height and width of its bounding box, px.
    mask : str
        Which pixels of the box, as `pack_mask` gives them.
    """

    place: Place
    shape: tuple[int, int]
    mask: str

    @classmethod
    def of(cls, place: Place, mask: Mask) -> "Learned":
        """Note which pixels of a part were learned from, at least one."""
        rows, columns = bounding_window(mask)
        row, column = place.offset
        inside = mask[rows, columns]
        return cls(
            place=Place(
                image=place.image,
                image_shape=place.image_shape,
                offset=(row + rows.start, column + columns.start),
            ),
            shape=(inside.shape[0], inside.shape[1]),
            mask=pack_mask(inside),
        )

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Learned":
        """Read what JSON holds of it.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        place = values["place"]
        return cls(
            place=Place(
                image=str(place["image"]),
                image_shape=_pair(place["image_shape"]),
                offset=_pair(place["offset"]),
            ),
            shape=_pair(values["shape"]),
            mask=str(values["mask"]),
        )


def _pair(values: Any) -> tuple[int, int]:
    first, second = (int(value) for value in values)
    if min(first, second) < 0:
        raise ValueError("a place outside of its image")
    return first, second


def learned_there(
    learned: Sequence[Learned], place: Place, shape: tuple[int, ...]
) -> Mask:
    """Tell what of a part of an image was learned from.

    Parameters
    ----------
    learned : sequence of Learned
        Of a model. An image is known again by its name and size.
    place : Place
        Where the part lies.
    shape : tuple of int
        Its height and width, px.

    Returns
    -------
    (H, W) bool
        On the grid of the part.

    Raises
    ------
    CheckpointError
        If what the model says of it is damaged.
    """
    known = np.zeros(shape, bool)
    window = window_at(place.offset, shape)
    for one in learned:
        if (one.place.image, one.place.image_shape) != (place.image, place.image_shape):
            continue
        try:
            mask = unpack_mask(one.mask, one.shape)
        except ValueError as error:
            raise CheckpointError(
                f"What the model says it has learned from in {place.image} is damaged "
                f"({error}); get its file again."
            ) from error
        known |= placed(mask, one.place.offset, window)
    return known
