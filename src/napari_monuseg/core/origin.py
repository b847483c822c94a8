"""What labels were made of, and how their file says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_monuseg.core.mask_text import pack_mask, unpack_mask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    """

    image: str
    image_shape: tuple[int, int]
    model: str
    mask: NDArray[np.bool_] | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON holds it, the mask as `pack_mask` gives it."""
        facts: dict[str, Any] = {
            "image": self.image,
            "image_shape": list(self.image_shape),
            "model": self.model,
        }
        if self.mask is not None:
            facts["mask"] = pack_mask(self.mask)
        return facts

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
            If the mask is damaged or of another size.
        """
        height, width = facts["image_shape"]
        return cls(
            image=str(facts["image"]),
            image_shape=(int(height), int(width)),
            model=str(facts["model"]),
            mask=unpack_mask(facts["mask"], shape) if facts.get("mask") else None,
        )
