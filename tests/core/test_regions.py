"""What was reviewed counts, and nothing else."""

import numpy as np
import pytest

from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.holding_out import HeldOut
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.regions import (
    CONTEXT,
    read_regions,
    require_reviewed,
    that_count,
)
from napari_monuseg.core.stains import StainReference


def nothing(labels):
    empty = np.zeros(labels.shape, bool)
    return HeldOut(judge=empty, stop=empty)


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


def test_nuclei_cut_by_the_labels_edge_are_ignored():
    """Labels of a drawn area end where it does, and nuclei may go on."""
    truth = np.zeros((60, 60), np.int32)
    truth[28:36, 28:36], truth[15:20, 15:20], truth[52:60, 20:26] = 1, 2, 3
    image = TissueImage.from_array(np.full((60, 60, 3), 220, np.uint8))

    part = Corrections(
        image=image,
        labels=truth[10:, 10:30].copy(),
        reviewed=np.ones((50, 20), bool),
        offset=(10, 10),
    )
    whole = Corrections(image=image, labels=truth, reviewed=np.ones(truth.shape, bool))

    assert part.nuclei == 2  # the third lies at the image's own edge
    assert not part.reviewed[part.labels == 1].any()
    assert part.reviewed[part.labels != 1].all()
    assert whole.nuclei == 3
    assert whole.reviewed.all()


def test_labels_of_other_dimensions_are_refused_in_words():
    image = TissueImage.from_array(np.full((60, 60, 3), 220, np.uint8))
    labels = np.zeros((1, 60, 60), np.int32)

    odd = Corrections(image=image, labels=labels, reviewed=np.ones((60, 60), bool))

    with pytest.raises(TrainingError, match="both must cover the same part"):
        require_reviewed(odd.image, odd.labels, odd.reviewed)


def test_a_region_shows_ink_and_black_as_the_network_sees_them_elsewhere(tissue):
    rgb, labels = tissue
    rgb = rgb.copy()
    rgb[100:110], rgb[-60:, -60:] = (9, 29, 150), 0
    image = TissueImage.from_array(rgb, pixel_size=0.25)
    reviewed = np.ones(labels.shape, bool)
    stains = StainReference.between([image.stain], 1.0)

    ((found, _),) = read_regions(
        image, labels, reviewed, nothing(labels), pixel_size=0.25, stains=stains
    )

    everything = slice(None), slice(None)
    assert np.array_equal(found.shown, image.for_network(stains).read(*everything))
    assert not np.array_equal(found.rgb, rgb)


def test_a_region_is_read_with_its_surroundings(tissue):
    rgb, labels = tissue
    wide = np.pad(rgb, [(300, 0), (300, 0), (0, 0)], "symmetric")
    reviewed = np.zeros(labels.shape, bool)
    reviewed[200:220, 100:150] = True

    ((found, _),) = read_regions(
        TissueImage.from_array(wide),
        labels,
        reviewed,
        nothing(labels),
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

    reviewed = np.ones(labels.shape, bool)
    judge, stop = np.zeros_like(reviewed), np.zeros_like(reviewed)
    judge[:80, :80], stop[60:120, 60:120] = True, True

    ((found, held_out),) = read_regions(
        image, labels, reviewed, HeldOut(judge=judge, stop=stop), pixel_size=0.25
    )

    assert found.rgb.shape == (512, 512, 3)
    assert found.labels.shape == found.reviewed.shape == (512, 512)
    assert np.array_equal(found.labels[1::2, 1::2], labels)
    assert np.array_equal(held_out.judge[1::2, 1::2], judge)
    assert np.array_equal(held_out.stop[1::2, 1::2], stop)


def test_what_lies_far_apart_is_read_in_regions_of_its_own():
    rng = np.random.default_rng(0)
    rgb = rng.integers(200, 256, (2000, 1200, 3)).astype(np.uint8)  # no ink
    labels = np.zeros(rgb.shape[:2], np.int32)
    labels[40:60, 40:60], labels[1500:1520, 1000:1020] = 1, 2
    reviewed, judge = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    reviewed[0:100, 0:100] = reviewed[1400:1600, 900:1200] = True
    judge[1400:1450, 900:1200] = True

    (first, spared), (second, held_out) = read_regions(
        TissueImage.from_array(rgb, name="slide"),
        labels,
        reviewed,
        HeldOut(judge=judge, stop=np.zeros_like(judge)),
        pixel_size=0.25,
    )

    assert np.array_equal(first.rgb, rgb[: 100 + CONTEXT, : 100 + CONTEXT])
    places = slice(1400 - CONTEXT, 1600 + CONTEXT), slice(900 - CONTEXT, 1200)
    assert np.array_equal(second.rgb, rgb[places])
    assert np.array_equal(second.labels, labels[places])
    assert np.array_equal(second.reviewed, reviewed[places])
    assert np.array_equal(held_out.judge, judge[places])
    assert not spared.judge.any()
    assert first.reviewed.sum() + second.reviewed.sum() == reviewed.sum()
    assert (first.share, second.share) == (1 / 7, 6 / 7)
    assert {first.name, second.name} == {"slide"}


def test_what_lies_near_stays_one_region():
    rgb = np.full((900, 400, 3), 200, np.uint8)
    reviewed = np.zeros((900, 400), bool)
    reviewed[0:200, 0:200] = reviewed[199 + 2 * CONTEXT : 700, 100:300] = True
    labels = np.zeros(reviewed.shape, np.int32)

    ((found, _),) = read_regions(
        TissueImage.from_array(rgb), labels, reviewed, nothing(labels), pixel_size=0.25
    )

    assert np.array_equal(found.reviewed, reviewed[: 700 + CONTEXT])
    assert found.share == 1


def test_what_does_not_belong_to_the_image_is_refused(tissue):
    rgb, labels = tissue
    image = TissueImage.from_array(rgb, name="slide")
    everything = np.ones(labels.shape, bool)

    with pytest.raises(TrainingError, match="Nothing of slide is marked as reviewed"):
        require_reviewed(image, labels, ~everything)
    with pytest.raises(TrainingError, match="the image has 256×256"):
        require_reviewed(image, labels, everything, (1, 0))
    with pytest.raises(TrainingError, match="must cover the same part"):
        require_reviewed(image, labels, everything[1:])
    with pytest.raises(TrainingError, match="Nothing of slide is marked as reviewed"):
        read_regions(image, labels, ~everything, nothing(labels), pixel_size=0.25)
