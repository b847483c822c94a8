"""What was reviewed counts, and nothing else; what is held out stays held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.regions import (
    CONTEXT,
    MARGIN,
    HeldOut,
    Region,
    divide,
    read_region,
    that_count,
)
from napari_monuseg.core.samples import synthetic_tissue


def region(side=256, reviewed=None, seed=0):
    rgb, labels = synthetic_tissue((side, side), seed=seed)
    if reviewed is None:
        reviewed = np.ones(labels.shape, bool)
    return Region(
        name="tissue", rgb=rgb, labels=labels, reviewed=reviewed, pixel_size=0.25
    )


def test_nuclei_cut_by_the_areas_edge_are_ignored():
    labels = np.zeros((20, 20), np.int32)
    labels[2:6, 2:6], labels[8:12, 8:12] = 1, 2
    area = np.zeros(labels.shape, bool)
    area[:10, :10] = True

    counts = that_count(labels, area)

    assert counts[2:6, 2:6].all()
    assert not counts[8:10, 8:10].any()
    assert counts[9, 0]
    assert not counts[10:].any()
    assert nuclei_inside(labels, area).inside == 1


def test_a_region_is_read_with_its_surroundings(tissue):
    rgb, labels = tissue
    wide = np.pad(rgb, [(300, 0), (300, 0), (0, 0)], "symmetric")
    reviewed = np.zeros(labels.shape, bool)
    reviewed[200:220, 100:150] = True

    found = read_region(
        TissueImage.from_array(wide),
        labels,
        reviewed,
        pixel_size=0.25,
        offset=(300, 300),
    )

    rows, columns = (
        slice(500 - CONTEXT, min(520 + CONTEXT, 556)),
        slice(400 - CONTEXT, min(450 + CONTEXT, 556)),
    )
    assert np.array_equal(found.rgb, wide[rows, columns])
    assert found.reviewed.sum() == reviewed.sum()
    corrected = np.zeros(wide.shape[:2], np.int32)
    corrected[300:, 300:] = labels
    assert np.array_equal(found.labels, corrected[rows, columns])


def test_a_region_comes_at_the_networks_pixel_size(tissue):
    rgb, labels = tissue
    image = TissueImage.from_array(rgb, pixel_size=0.5)

    found = read_region(image, labels, np.ones(labels.shape, bool), pixel_size=0.25)

    assert found.rgb.shape == (512, 512, 3)
    assert found.labels.shape == found.reviewed.shape == (512, 512)
    assert np.array_equal(found.labels[1::2, 1::2], labels)


def test_what_does_not_belong_to_the_image_is_refused(tissue):
    rgb, labels = tissue
    image = TissueImage.from_array(rgb, name="slide")
    everything = np.ones(labels.shape, bool)

    with pytest.raises(TrainingError, match="Nothing of slide is marked as reviewed"):
        read_region(image, labels, ~everything, pixel_size=0.25)
    with pytest.raises(TrainingError, match="the image has 256×256"):
        read_region(image, labels, everything, pixel_size=0.25, offset=(1, 0))
    with pytest.raises(TrainingError, match="must cover the same part"):
        read_region(image, labels, everything[1:], pixel_size=0.25)


@given(
    top=st.integers(0, 150),
    left=st.integers(0, 150),
    height=st.integers(60, 200),
    width=st.integers(60, 200),
    seed=st.integers(0, 1),
)
def test_held_out_pixels_never_carry_loss(top, left, height, width, seed):
    reviewed = np.zeros((256, 256), bool)
    reviewed[top : top + height, left : left + width] = True

    (division,) = divide([region(reviewed=reviewed)], seed=seed)

    held_out = division.stop | division.judge
    assert not (held_out & ~reviewed).any()
    assert not (division.learn & ~reviewed).any()
    assert not (division.stop & division.judge).any()
    if held_out.any():
        distance = ndimage.distance_transform_cdt(~held_out, "chessboard")
        assert distance[division.learn].min() > MARGIN
    else:
        assert np.array_equal(division.learn, reviewed)


def test_many_nuclei_spare_a_strip_at_each_end():
    large = region(side=512)

    (division,) = divide([large])
    (turned,) = divide([large], seed=1)

    assert large.nuclei >= 100
    assert division.judge.mean() == pytest.approx(0.2, abs=0.01)
    assert division.stop.mean() == pytest.approx(0.15, abs=0.01)
    assert division.judge[0].all()
    assert division.stop[-1].all()
    assert turned.judge[-1].all()
    assert turned.stop[0].all()


def test_few_nuclei_spare_nothing_to_stop_the_training():
    small = region(side=256)

    (division,) = divide([small])

    assert small.nuclei < 100
    assert not division.stop.any()
    assert division.judge.any()
    assert nuclei_inside(small.labels, division.learn).inside > 0


def test_what_somebody_chose_to_hold_out_is_held_out(tissue):
    rgb, labels = tissue
    judge, stop = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    judge[:80, :80], stop[60:120, 60:120] = True, True
    reviewed = np.zeros(labels.shape, bool)
    reviewed[20:] = True
    read = read_region(
        TissueImage.from_array(rgb, pixel_size=0.5),
        labels,
        reviewed,
        pixel_size=0.25,
        held_out=HeldOut(judge=judge, stop=stop),
    )

    (division,) = divide([read])

    assert np.array_equal(division.judge[1::2, 1::2], judge & reviewed)
    assert np.array_equal(division.stop[1::2, 1::2], stop & ~judge)
    distance = ndimage.distance_transform_cdt(
        ~(division.judge | division.stop), "chessboard"
    )
    assert distance[division.learn].min() == MARGIN + 1


def test_an_area_too_small_to_share_is_all_learned_from():
    reviewed = np.zeros((256, 256), bool)
    labels = np.zeros((256, 256), np.int32)
    reviewed[100:130, 100:130] = True
    labels[110:120, 110:120] = 1
    tiny = Region(
        name="tiny",
        rgb=np.full((256, 256, 3), 200, np.uint8),
        labels=labels,
        reviewed=reviewed,
        pixel_size=0.25,
    )

    (division,) = divide([tiny])

    assert np.array_equal(division.learn, reviewed)
    assert not division.judge.any()
