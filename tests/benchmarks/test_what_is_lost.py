"""Each thing put right raises the score by what was wrong with it, and by no more."""

import numpy as np
import pytest
from what_is_lost import put_right

from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.targets import distance_target


@pytest.fixture
def truth():
    labels = np.zeros((60, 90), np.int32)
    labels[10:30, 10:30], labels[10:30, 30:50], labels[40:55, 10:30] = 1, 2, 3
    return labels


def maps_of(foreground, distance):
    return NucleusMaps(
        foreground=foreground.astype(np.float16), distance=distance.astype(np.float16)
    )


def aji(table):
    return {name.removesuffix(": AJI"): v for name, v in table.items() if "AJI" in name}


# A corner pixel between two nuclei, equally high on both sides, may go to either.
A_PIXEL = 0.005


def test_a_perfect_model_loses_nothing(truth):
    maps = maps_of(truth > 0, distance_target(truth))

    table = put_right(maps, truth, InstanceOptions())

    assert table == pytest.approx(dict.fromkeys(table, 1.0), abs=A_PIXEL)


def test_nuclei_that_are_not_told_apart_are_a_matter_of_division(truth):
    touching = distance_target((truth > 0).astype(np.int32))  # 1 and 2 as one hill

    found = aji(put_right(maps_of(truth > 0, touching), truth, InstanceOptions()))

    assert found["as it is"] < 0.8
    assert found["true foreground"] == found["as it is"]
    assert found["true division"] == pytest.approx(1)


def test_a_false_nucleus_is_a_matter_of_the_foreground(truth):
    false = truth.copy()
    false[40:55, 60:80] = 4
    maps = maps_of(false > 0, distance_target(false))

    found = aji(put_right(maps, truth, InstanceOptions()))

    assert found["as it is"] == pytest.approx(found["true division"], abs=A_PIXEL)
    assert found["true division"] < 0.9
    assert found["true foreground"] == pytest.approx(1, abs=A_PIXEL)
    assert found["true division, nothing false"] == pytest.approx(1)
