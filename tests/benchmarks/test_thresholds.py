"""Every pair of thresholds is scored by itself."""

import numpy as np
import pytest
from thresholds import table

from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.targets import distance_target
from napari_monuseg.core.validation import ValidationImage


def test_what_a_pair_of_thresholds_leaves_out_is_lost():
    """One nucleus is seen surely, one faintly; two that touch have a low saddle."""
    truth = np.zeros((60, 90), np.int32)
    truth[10:30, 10:30], truth[10:30, 30:50], truth[40:55, 10:30] = 1, 2, 3
    foreground = np.select([truth == 3, truth > 0], [0.45, 0.9], 0)
    maps = NucleusMaps(
        foreground=foreground.astype(np.float16),
        distance=distance_target(truth).astype(np.float16),
    )
    lines = list(
        table([ValidationImage(maps, truth)], InstanceOptions(), (0.4, 0.5), (0.2, 1.0))
    )

    heading, low, high = (line.split() for line in lines)
    assert heading[:4] == ["foreground", "Dice", "precision", "recall"]
    assert low[:4] == ["0.4", "1.000", "1.000", "1.000"]
    assert high[:4] == ["0.5", "0.842", "1.000", "0.727"]
    aji = [[float(line[4]), float(line[6])] for line in (low, high)]
    assert aji[0][0] > 0.99
    assert aji[0][1] < 0.8  # nothing is that prominent: two are one
    assert aji[1][0] == pytest.approx(800 / 1100, abs=0.005)
