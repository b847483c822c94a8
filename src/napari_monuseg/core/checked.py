"""Nuclei that somebody checked, with their image: what a lesson is taught from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import placed, window_at
from napari_monuseg.core.counting import cut_off, nuclei_inside
from napari_monuseg.core.holding_out import HeldOut
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.learned import Place


@dataclass(frozen=True, kw_only=True, eq=False)
class Corrections:
    """An image whose nuclei somebody checked, all of them or in part.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``.
    labels : (h, w) int32
        The nuclei as corrected.
    reviewed : (h, w) bool
        What was checked; taken without the nuclei that may go on where the labels end.
    offset : tuple of int
        Row and column of the image where `labels` begin, px.
    held_out : HeldOut or None
        What of it is held out, on the grid of `labels`; None for what the program
        proposes.
    corrected : tuple of int or None
        Where nuclei had to be corrected since the model found them, a pixel of each,
        as positions in the flattened `labels`; None where nobody looked.
    """

    image: TissueImage
    labels: npt.NDArray[np.int32]
    reviewed: npt.NDArray[np.bool_]
    offset: tuple[int, int] = (0, 0)
    held_out: HeldOut | None = None
    corrected: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        shape = (self.image.height, self.image.width)
        # Other labels are refused later.
        if self.labels.ndim == 2 and self.labels.shape == self.reviewed.shape:
            cut = cut_off(self.labels, self.offset, shape)
            object.__setattr__(self, "reviewed", self.reviewed & ~cut)

    @property
    def nuclei(self) -> int:
        """How many nuclei lie wholly inside the reviewed area."""
        return nuclei_inside(self.labels, self.reviewed).inside

    @property
    def place(self) -> Place:
        """Where in the image they lie."""
        return Place(
            image=self.image.name,
            image_shape=(self.image.height, self.image.width),
            offset=self.offset,
        )

    def leave_out(self, other: "Corrections") -> bool:
        """Give up what was reviewed in others of the image; tell whether anything."""
        window = window_at(self.offset, self.reviewed.shape)
        both = self.reviewed & placed(other.reviewed, other.offset, window)
        self.reviewed[both] = False
        return bool(both.any())
