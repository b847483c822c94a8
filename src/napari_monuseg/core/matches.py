"""Which predicted nuclei are true ones, which are none, and which are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_monuseg.core.counting import ids_in
from napari_monuseg.core.overlaps import Overlaps

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """The nuclei of an image in three layers, each with its own numbers.

    Parameters
    ----------
    found, false : (H, W) integer array
        Predicted nuclei that have, or have not, a Jaccard index over 0.5 with a
        true one, which is what DQ and PQ count.
    missed : (H, W) integer array
        True nuclei that no predicted one has such an index with.
    """

    found: NDArray[Any]
    false: NDArray[Any]
    missed: NDArray[Any]

    @classmethod
    def of(cls, truth: NDArray[Any], predicted: NDArray[Any]) -> Matches:
        """Match two label arrays of one shape."""
        overlaps = Overlaps.of(truth, predicted)
        pairs = overlaps.jaccard > 0.5
        true_ids = ids_in(truth)[overlaps.true[pairs]]
        predicted_ids = ids_in(predicted)[overlaps.predicted[pairs]]
        is_found = np.isin(predicted, predicted_ids)
        return cls(
            found=np.where(is_found, predicted, 0),
            false=np.where(is_found, 0, predicted),
            missed=np.where(np.isin(truth, true_ids), 0, truth),
        )
