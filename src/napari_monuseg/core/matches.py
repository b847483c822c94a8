"""Which predicted nuclei are true ones, which are none, and which are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.overlaps import Overlaps

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_monuseg.core.boxes import Window


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """The nuclei of an image in three layers, each with its own numbers.

    Parameters
    ----------
    found : (H, W) integer array
        Predicted nuclei that have a Jaccard index over 0.5 with a true one, which is
        what DQ and PQ count; each bears the number of the true one.
    false : (H, W) integer array
        The other predicted nuclei.
    missed : (H, W) integer array
        True nuclei that none was found for.
    """

    found: NDArray[Any]
    false: NDArray[Any]
    missed: NDArray[Any]

    @classmethod
    def of(cls, truth: NDArray[Any], predicted: NDArray[Any]) -> Matches:
        """Match true and predicted labels of one shape."""
        overlaps = Overlaps.of(truth, predicted)
        pairs = overlaps.jaccard > 0.5
        true_ids = overlaps.true_ids[overlaps.true[pairs]]
        predicted_ids = overlaps.predicted_ids[overlaps.predicted[pairs]]
        number = np.zeros(int(predicted.max(initial=0)) + 1, truth.dtype)
        number[predicted_ids] = true_ids
        found = number[predicted]
        return cls(
            found=found,
            false=np.where(found, 0, predicted),
            missed=np.where(np.isin(truth, true_ids), 0, truth),
        )

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many nuclei are found, false and missed."""
        return (
            count_nuclei(self.found),
            count_nuclei(self.false),
            count_nuclei(self.missed),
        )

    def read(self, window: Window) -> Matches:
        """Take a window of the layers, or every so many of their pixels."""
        return Matches(
            found=self.found[window],
            false=self.false[window],
            missed=self.missed[window],
        )
