"""Labels that were moved are found to be, by fractions of a pixel too."""

import numpy as np
import pytest
from label_shift import label_shift
from scipy import ndimage


@pytest.mark.parametrize("shift", [(0, 0), (-0.76, -0.44), (1.3, -0.2), (0, 2)])
def test_it_finds_where_labels_lie(tissue, shift):
    truth = tissue[1] > 0
    blurred = ndimage.gaussian_filter(truth.astype(float), 1.5)
    foreground = ndimage.shift(blurred, np.negative(shift), order=3)

    assert label_shift(foreground, truth) == pytest.approx(np.array(shift), abs=0.1)
