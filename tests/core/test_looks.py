import numpy as np
import pytest

from napari_monuseg.core.looks import Seen, inside, matched
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.scores import score_labels


@pytest.fixture
def seen():
    """Of four corrected nuclei one is cut by the area's edge, and one is missed."""
    truth, found = np.zeros((2, 40, 60), np.int32)
    area = np.zeros((40, 60), bool)
    area[:, :40] = True
    for number, (top, left) in enumerate([(4, 4), (4, 20), (20, 4), (20, 36)], 1):
        truth[top : top + 8, left : left + 8] = number
    found[4:12, 5:13] = 7  # the first, a pixel to the right
    found[4:12, 20:28] = 8  # the second
    found[30:36, 36:44] = 9  # nothing's, as much without as within
    found[30:36, 10:16] = 10  # nothing's
    found[14:18, 34:42] = 11  # nothing's, for the most part within
    maps = NucleusMaps(
        foreground=np.zeros((40, 60), np.float16),
        distance=np.zeros((40, 60), np.float16),
    )
    rgb = np.zeros((40, 60, 3), np.uint8)
    return Seen(rgb=rgb, truth=truth, found=found, area=area, maps=maps)


def test_nuclei_are_told_apart_as_they_are_scored(seen):
    matches = matched(seen)

    assert matches.counts == (2, 2, 1)
    assert set(np.unique(matches.found)) == {0, 1, 2}
    assert set(np.unique(matches.missed)) == {0, 3}
    assert set(np.unique(matches.false)) == {0, 10, 11}
    scores = score_labels(*inside(seen.truth, seen.found, seen.area))
    found, false, missed = matches.counts
    assert scores.dq == pytest.approx(found / (found + (false + missed) / 2))


def test_what_lies_beyond_the_area_is_not_judged(seen):
    matches = matched(seen)

    for labels in (matches.found, matches.false, matches.missed):
        assert not labels[~seen.area].any()
