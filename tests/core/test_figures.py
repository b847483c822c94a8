"""Outlines of nuclei on their tissue."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.figures import (
    LIME,
    as_text,
    overlay,
    write_figure,
    write_overlay,
)
from napari_monuseg.core.image import TissueImage


def tissue_and_square():
    """Give grey tissue with one nucleus, 6 px a side."""
    rgb = np.full((12, 12, 3), 90, dtype=np.uint8)
    labels = np.zeros((12, 12), dtype=np.int32)
    labels[3:9, 3:9] = 1
    return rgb, labels


def drawn(rgb):
    return (rgb == LIME).all(axis=-1)


@pytest.mark.parametrize("width", [1, 2])
def test_the_outline_lies_inside_the_nucleus(width):
    rgb, labels = tissue_and_square()

    picture = overlay(rgb, labels, width=width)

    expected = labels > 0
    expected[3 + width : 9 - width, 3 + width : 9 - width] = False
    np.testing.assert_array_equal(drawn(picture), expected)
    assert (picture[~expected] == 90).all()


def test_nothing_given_is_changed():
    rgb, labels = tissue_and_square()
    before = rgb.copy(), labels.copy()

    overlay(rgb, labels)

    np.testing.assert_array_equal(rgb, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_touching_nuclei_keep_an_outline_each():
    rgb = np.zeros((10, 20, 3), dtype=np.uint8)
    labels = np.ones((10, 20), dtype=np.uint16)
    labels[:, 10:] = 2

    picture = overlay(rgb, labels, width=1)

    assert drawn(picture)[:, 9:11].all()
    assert not drawn(picture)[:, :9].any()
    assert not drawn(picture)[:, 11:].any()


def test_the_colour_can_be_chosen():
    rgb, labels = tissue_and_square()

    assert (overlay(rgb, labels, colour=(1, 2, 3))[3, 3] == (1, 2, 3)).all()


def test_the_png_shows_the_overlay_pixel_for_pixel(tissue, tmp_path):
    rgb, labels = tissue
    path = tmp_path / "nuclei.png"

    write_overlay(path, TissueImage.from_array(rgb), labels)

    picture = np.rint(imread(path)[..., :3] * 255).astype(np.uint8)
    np.testing.assert_array_equal(picture, overlay(rgb, labels))
    assert [file.name for file in tmp_path.iterdir()] == ["nuclei.png"]


def test_a_large_image_is_thinned(tmp_path):
    rgb = np.zeros((9000, 70, 3), dtype=np.uint8)
    rgb[::2, ::2] = 200
    labels = np.zeros((9000, 70), dtype=np.int32)
    labels[8000:8080, 20:60] = 1

    write_overlay(tmp_path / "nuclei.png", TissueImage.from_array(rgb), labels)

    picture = np.rint(imread(tmp_path / "nuclei.png")[..., :3] * 255).astype(np.uint8)
    assert picture.shape == (4500, 35, 3)
    nucleus = np.zeros((4500, 35), dtype=bool)
    nucleus[4000:4040, 10:30] = True
    assert (picture[~nucleus] == 200).all()
    assert drawn(picture)[4000:4002, 10:30].all()


def test_labels_of_an_area_are_refused(tmp_path):
    rgb, labels = tissue_and_square()

    with pytest.raises(ExportError, match="5×12 px and the tissue is 12×12 px"):
        write_overlay(tmp_path / "a.png", TissueImage.from_array(rgb), labels[:5])

    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_told(tmp_path):
    rgb, labels = tissue_and_square()

    with pytest.raises(ExportError):
        write_overlay(tmp_path / "no" / "a.png", TissueImage.from_array(rgb), labels)


def test_matplotlib_and_torch_are_loaded_only_when_used():
    program = (
        "import sys, napari_monuseg.core.figures; sys.exit('matplotlib' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", ["$5_$6", "Pr\udce4parat", "a_b^c", "50 %"])
def test_any_name_of_a_file_can_be_drawn(tmp_path, name):
    figure = Figure()
    figure.suptitle(as_text(name))

    write_figure(tmp_path / "drawn.png", figure)

    assert (tmp_path / "drawn.png").stat().st_size > 0
