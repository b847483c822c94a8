"""The colours of an image ─► whether its nuclei are in doubt."""

import math
from dataclasses import replace

import numpy as np
import pytest

from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.doubt import REDDER, find_colour_doubt, redness
from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.stains import StainReference

H_AND_E = StainReference(mean=(0.5, 0.9, 0.5), spread=(0.3, 0.5, 0.3), strength=0.7)


def image_of(rgb, name="slide"):
    return TissueImage.from_array(np.ascontiguousarray(rgb), name=name)


@pytest.fixture
def info(tiny_model):
    return replace(read_info(tiny_model), stains=H_AND_E)


def test_red_and_blue_exchanged_are_told_and_how_to_mend_it(tissue, info):
    rgb, labels = tissue

    assert find_colour_doubt(image_of(rgb), labels, info) == ""
    assert find_colour_doubt(image_of(rgb[..., ::-1]), labels, info) == (
        "Red and blue seem to be exchanged in slide, whose nuclei are redder than the "
        "tissue around them: save it as RGB and run again."
    )


def test_colours_that_are_no_h_and_e_are_told_first(tissue, info):
    rgb, labels = tissue

    said = find_colour_doubt(image_of(255 - rgb), labels, info)

    assert said.startswith("The colours of slide are not those of H&E")


def test_lines_of_blue_ink_around_the_nuclei_exchange_nothing(tissue):
    rgb, labels = tissue
    inked = rgb.copy()
    for top in range(20, 256, 60):
        inked[top : top + 8] = (20, 40, 170)
    apart = np.where((inked == rgb).all(-1), labels, 0)

    assert redness(image_of(inked), apart) == pytest.approx(
        redness(image_of(rgb), apart), abs=0.02
    )


def test_grey_has_the_other_doubt(tissue, info):
    rgb, labels = tissue
    grey = np.repeat(rgb.mean(-1, keepdims=True).astype(np.uint8), 3, axis=2)

    assert redness(image_of(grey), labels) == pytest.approx(0, abs=1e-6)
    assert "not those of H&E" in find_colour_doubt(image_of(grey), labels, info)


def test_little_tells_nothing(tissue, info):
    rgb, labels = tissue
    exchanged = image_of(rgb[..., ::-1])
    few = np.zeros_like(labels)
    few[100:120, 100:120] = 1

    assert redness(exchanged, labels) > 0
    for tells_nothing in (few, np.zeros_like(labels), np.ones_like(labels)):
        assert math.isnan(redness(exchanged, tells_nothing))
        assert find_colour_doubt(exchanged, tells_nothing, info) == ""
    assert math.isnan(redness(image_of(np.full_like(rgb, 255)), labels))


def test_a_file_that_has_gone_meanwhile_costs_no_nuclei(tissue, info, monkeypatch):
    rgb, labels = tissue
    image = image_of(rgb[..., ::-1])
    assert image.stain.pixels

    def gone(*_):
        raise ImageError("slide cannot be read any more.")

    monkeypatch.setattr(TissueImage, "read", gone)

    assert find_colour_doubt(image, labels, info) == ""


@pytest.mark.parametrize("white", [(1, 1, 1), (0.75, 0.87, 1), (1, 1, 0.7)])
def test_every_image_of_monuseg_is_told_both_ways(monuseg, white):
    for sample in find_samples(monuseg):
        labels = sample.labels()
        with sample.image() as image:
            rgb = image.read(slice(0, image.height), slice(0, image.width))
        tinted = (rgb * np.array(white)).astype(np.uint8)
        assert redness(image_of(tinted), labels) < 2 * REDDER, sample.name
        assert redness(image_of(tinted[..., ::-1]), labels) > 0.06, sample.name
