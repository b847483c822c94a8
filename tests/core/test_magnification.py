"""Where no pixel size is stated, it is guessed from the nuclei: 40× or 20×."""

import numpy as np
import pytest
from scipy import ndimage

from napari_monuseg.core import magnification
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.magnification import crispness, guess_pixel_size
from napari_monuseg.core.predict import PredictOptions
from napari_monuseg.core.progress import finish
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.torch_import import torch


def at_20x(rgb):
    """Return tissue with half the pixels each way."""
    height, width = (side // 2 for side in rgb.shape[:2])
    mean = rgb.reshape(height, 2, width, 2, 3).mean((1, 3))
    return np.rint(mean).astype(np.uint8)


@pytest.fixture(scope="module")
def large_tissue():
    return synthetic_tissue((768, 768))[0]


@pytest.fixture
def guess(tiny_model):
    network = load_network(tiny_model)

    def guess(rgb):
        return finish(
            guess_pixel_size(
                TissueImage.from_array(rgb),
                network,
                pixel_size=0.25,
                device=torch.device("cpu"),
                options=PredictOptions(),
            )
        )

    return guess


def test_tissue_at_40x_is_taken_for_what_it_is(guess, large_tissue):
    assert guess(large_tissue) == 0.25


def test_tissue_at_20x_is_taken_for_what_it_is(guess, large_tissue):
    assert guess(at_20x(large_tissue)) == 0.5


def test_the_guess_is_made_where_tissue_is(guess, large_tissue):
    """In a corner of a slide that is otherwise empty glass."""
    glass = np.full((1500, 1700, 3), 245, np.uint8)
    glass[:384, -384:] = at_20x(large_tissue)

    assert guess(glass) == 0.5


def test_the_guess_is_made_where_nuclei_are(guess, large_tissue):
    """A fold is denser than any piece with nuclei."""
    glass = np.full((1500, 1700, 3), 245, np.uint8)
    glass[:384, -384:] = at_20x(large_tissue)
    glass[-512:, :512] = (60, 20, 90)

    assert guess(glass) == 0.5


def test_an_image_without_nuclei_is_not_searched_for_long(guess, monkeypatch):
    looked = []

    def predict(image, *args, **keywords):
        looked.append(image)
        return (yield from magnification_predict(image, *args, **keywords))

    magnification_predict = magnification.predict
    monkeypatch.setattr(magnification, "predict", predict)

    assert guess(np.full((2000, 2100, 3), 245, np.uint8)) is None
    assert len(looked) == magnification.MOST_PIECES


def test_noise_alone_does_not_make_it_20x(guess, large_tissue):
    noise = np.random.default_rng(0).normal(0, 8, large_tissue.shape)
    noisy = np.clip(large_tissue + noise, 0, 255).astype(np.uint8)

    assert guess(noisy) == 0.25


def test_an_image_is_as_crisp_as_its_pixels_differ():
    noise = np.random.default_rng(0).uniform(60, 200, (200, 200, 3))
    smooth = ndimage.gaussian_filter(noise, (4, 4, 0))
    smooth = np.interp(smooth, (smooth.min(), smooth.max()), (60, 200))
    ways = [noise, smooth, at_20x(smooth), np.full((50, 50, 3), 200.0)]

    fine, soft, halved, plain = (
        crispness(TissueImage.from_array(np.rint(way).astype(np.uint8))) for way in ways
    )

    assert fine == pytest.approx(1, abs=0.02)
    assert 0.25 < soft < halved < 0.5
    assert plain == 0.25


@pytest.mark.parametrize(("crisp", "size"), [(0.2, 0.25), (0.5, 0.5)])
def test_crispness_decides_what_the_nuclei_leave_open(
    guess, large_tissue, monkeypatch, crisp, size
):
    def halfway(_maps, _options):
        """Find nuclei of a size between the two magnifications."""
        yield magnification.LOOKING
        return np.repeat(np.arange(31), magnification.SMALL_NUCLEUS)

    monkeypatch.setattr(magnification, "find_nuclei", halfway)
    monkeypatch.setattr(magnification, "_doubt", lambda _foreground: 0.3)
    monkeypatch.setattr(magnification, "crispness", lambda _piece: crisp)

    assert guess(large_tissue) == size


@pytest.mark.parametrize("shape", [(40, 40), (600, 33)])
def test_nothing_is_guessed_from_a_few_nuclei(guess, large_tissue, shape):
    few = at_20x(large_tissue)[: shape[0], : shape[1]]
    empty = np.full((*shape, 3), 240, np.uint8)

    assert guess(few) is None
    assert guess(empty) is None


def test_an_image_is_segmented_by_the_guess(tiny_model, large_tissue):
    image = TissueImage.from_array(at_20x(large_tissue))

    guessed = finish(segment(image, tiny_model, SegmentOptions()))
    told = finish(segment(image.with_pixel_size(0.5), tiny_model, SegmentOptions()))

    np.testing.assert_array_equal(guessed.labels, told.labels)
    assert guessed.guessed_pixel_size == guessed.maps.assumed_pixel_size == 0.5
    assert guessed.maps.pixel_size is None
    assert told.guessed_pixel_size is None
    assert told.maps.assumed_pixel_size is None


def test_what_cannot_be_guessed_is_nobodys_guess(tiny_model):
    empty = TissueImage.from_array(np.full((64, 64, 3), 240, np.uint8))

    found = finish(segment(empty, tiny_model, SegmentOptions()))

    assert found.guessed_pixel_size is None
    assert found.maps.assumed_pixel_size is None


def test_a_guess_does_not_count_as_progress_of_the_image(tiny_model, large_tissue):
    image = TissueImage.from_array(at_20x(large_tissue))

    seen = [step.message for step in segment(image, tiny_model, SegmentOptions())]
    counted = [
        step.done for step in segment(image, tiny_model, SegmentOptions()) if step.total
    ]

    assert any("size of the nuclei" in message for message in seen)
    finding = [i for i, message in enumerate(seen) if message == "Finding nuclei"]
    looking = [i for i, message in enumerate(seen) if "size of the" in message]
    assert max(looking) < min(finding)
    assert counted[0] == 0


def test_what_is_known_or_assumed_is_not_guessed(tiny_model, large_tissue):
    rgb = at_20x(large_tissue)
    known = TissueImage.from_array(rgb, pixel_size=0.25)
    assumed = TissueImage.from_array(rgb).assuming(0.25)
    unasked = TissueImage.from_array(rgb)

    found = [
        finish(segment(image, tiny_model, SegmentOptions(guess=image is not unasked)))
        for image in (known, assumed, unasked)
    ]

    for one in found:
        np.testing.assert_array_equal(one.labels, found[0].labels)
    assert [one.maps.assumed_pixel_size for one in found] == [None, 0.25, None]
    assert not any(one.guessed_pixel_size for one in found)


def test_a_guess_gives_way_to_what_is_known(large_tissue):
    guessed = TissueImage.from_array(large_tissue).assuming(0.5)
    known = guessed.with_pixel_size(0.25)

    assert guessed.pixel_size_or(1.0) == 0.5
    assert known.pixel_size_or(1.0) == 0.25
    assert known.assumed_pixel_size is None
    assert known.assuming(0.5).assumed_pixel_size is None


@pytest.mark.parametrize("name", ["TCGA-HE-7129-01Z-00-DX1", "TCGA-CH-5767-01Z-00-DX1"])
def test_monuseg_is_seen_as_it_was_scanned(monuseg, name):
    """The shipped UNet tells the images at 20× among those at 40×."""
    from napari_monuseg.core.datasets import find_samples, select
    from napari_monuseg.core.pixel_sizes import read_pixel_sizes
    from napari_monuseg.core.registry import find_model

    (sample,) = select(find_samples(monuseg), [name])
    with sample.image() as image:
        found = finish(
            segment(
                image.crop(slice(244, 756), slice(244, 756)),
                find_model("unet"),
                SegmentOptions(device="cpu"),
            )
        )

    assert found.maps.assumed_pixel_size == read_pixel_sizes().get(name, 0.25)
