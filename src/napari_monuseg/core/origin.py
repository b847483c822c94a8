"""What labels were made of, and how their file says it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_monuseg.core.mask_text import pack_mask, unpack_mask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MASKS = ("mask", "hand")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What labels were made of.

    Parameters
    ----------
    image : str
        The image's name, without the ending of its file.
    image_shape : tuple of int
        Its height and width, px.
    model : str
        What found the nuclei.
    mask : (h, w) bool, optional
        On the grid of the labels, where all nuclei are among them; None for
        everywhere. Beyond, there are only those that reach there from inside,
        whatever the tissue holds.
    hand : (h, w) bool, optional
        On the same grid, what was made, changed or erased by hand; None where nobody
        knows.
    """

    image: str
    image_shape: tuple[int, int]
    model: str
    mask: NDArray[np.bool_] | None = field(default=None, compare=False)
    hand: NDArray[np.bool_] | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON holds it, the masks as `pack_mask` gives them."""
        facts: dict[str, Any] = {
            "image": self.image,
            "image_shape": list(self.image_shape),
            "model": self.model,
        }
        for name in _MASKS:
            mask = getattr(self, name)
            if mask is not None:
                facts[name] = pack_mask(mask)
        return facts

    def fitting(self, shape: tuple[int, ...]) -> Origin:
        """Leave out masks that are of labels of another shape."""
        mask, hand = (
            one if one is not None and one.shape == shape else None
            for one in (self.mask, self.hand)
        )
        return replace(self, mask=mask, hand=hand)

    @classmethod
    def from_json(cls, facts: dict[str, Any], shape: tuple[int, ...]) -> Origin:
        """Read what `as_json` gave.

        Parameters
        ----------
        facts : dict
            Of a file.
        shape : tuple of int
            Of its labels, px.

        Raises
        ------
        ValueError
            If a mask is damaged or of another size.
        """
        height, width = facts["image_shape"]
        masks = {
            name: unpack_mask(facts[name], shape) for name in _MASKS if facts.get(name)
        }
        return cls(
            image=str(facts["image"]),
            image_shape=(int(height), int(width)),
            model=str(facts["model"]),
            **masks,
        )
