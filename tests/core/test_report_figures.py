"""The figures of a report: what their pictures show, pixel by pixel."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.matches import Matches
from napari_monuseg.core.report_figures import (
    FALSE,
    FOUND,
    LARGEST_SIDE,
    MISSED,
    Picture,
    coloured,
    counts_figure,
    matches_figure,
    matches_overlay,
    panels_figure,
    probability_figure,
)

WHITE = (255, 255, 255)


def square(shape, top, left, number=1):
    """Labels with one nucleus, 10 px a side."""
    labels = np.zeros(shape, np.int32)
    labels[top : top + 10, left : left + 10] = number
    return labels


def is_colour(picture, colour):
    return (picture == colour).all(axis=-1)


def scored_image(rgb, truth, labels, pixel_size=None):
    maps = NucleusMaps(
        foreground=(labels > 0).astype(np.float16),
        distance=(labels > 0).astype(np.float16),
    )
    return SimpleNamespace(
        name="a",
        image=TissueImage.from_array(rgb, pixel_size=pixel_size),
        truth=truth,
        segmentation=SimpleNamespace(maps=maps, labels=labels),
    )


@pytest.fixture
def picture(tissue):
    rgb, truth = tissue
    false = square(truth.shape, 100, 100, 99)
    labels = np.where(false, false, np.where(truth == 1, 0, truth))
    return Picture.of(scored_image(rgb, truth, labels, pixel_size=0.25), "unet")


def texts(figure):
    """Every text a figure shows."""
    axes = [one.get_title() for one in figure.axes]
    axes += [one.get_xlabel() for one in figure.axes]
    legends = [text.get_text() for one in figure.legends for text in one.get_texts()]
    return [figure.get_suptitle(), *axes, *legends]


def shown(axes):
    """The array an image plot shows."""
    return axes.images[0].get_array()


def test_true_false_and_missed_nuclei_have_a_colour_each():
    shape = (20, 60)
    rgb = np.full((*shape, 3), 100, np.uint8)
    hit, false, missed = (square(shape, 5, left) for left in (5, 25, 45))
    picture = matches_overlay(rgb, Matches(found=hit, false=false, missed=missed))

    for nuclei, colour in ((hit, FOUND), (false, FALSE), (missed, MISSED)):
        outline = is_colour(picture, colour)
        assert outline.sum() == 100 - 36  # 2 px wide
        assert (nuclei[outline] == 1).all()
    assert (picture[9, 9] == 100).all()
    np.testing.assert_array_equal(picture[9, 29], np.rint(65 + 0.35 * np.array(FALSE)))
    np.testing.assert_array_equal(picture[9, 49], np.rint(65 + 0.35 * np.array(MISSED)))
    assert (picture[(hit + false + missed) == 0] == 100).all()
    assert (rgb == 100).all()


def test_a_nucleus_of_another_shape_is_outlined_twice_and_not_tinted():
    shape = (20, 40)
    rgb = np.full((*shape, 3), 100, np.uint8)
    false, missed = square(shape, 5, 10), square(shape, 5, 16)
    nothing = np.zeros(shape, np.int32)

    picture = matches_overlay(rgb, Matches(found=nothing, false=false, missed=missed))

    both = (false & missed) == 1
    seen = {tuple(pixel) for pixel in picture[both]}
    assert seen == {FALSE, MISSED}
    assert tuple(picture[9, 13]) not in {(100, 100, 100), FALSE}


def test_a_nucleus_has_the_colour_of_its_number_and_a_dark_edge():
    labels = square((30, 60), 5, 5, 3) + square((30, 60), 5, 25, 4)
    moved = square((30, 60), 15, 40, 3)

    painted = coloured(labels, np.zeros_like(labels))
    again = coloured(moved, square((30, 60), 2, 2))

    assert (painted[10, 10] == again[20, 45]).all()
    assert (painted[10, 10] != painted[10, 30]).any()
    assert (again[7, 7] == WHITE).all()
    assert (painted[5, 5:15] == 0).all()
    assert (painted[labels == 0] == 0).all()


def test_the_panels_show_tissue_truth_probability_and_result(picture):
    figure = panels_figure(picture)

    true = np.unique(picture.truth).size - 1
    assert {
        "a · unet",
        f"Truth: {true} nuclei",
        "Probability of nucleus",
        f"Result: {true} nuclei",
        "256 × 256 px at 0.25 µm/px",
    } <= set(texts(figure))
    _, truth, probability, result = (shown(axes) for axes in figure.axes[:4])
    np.testing.assert_array_equal(probability, picture.probability)
    # One was missed and another is false: white, each in its own panel.
    assert set(picture.truth[is_colour(truth, WHITE)]) == {1}
    assert set(picture.matches.false[is_colour(result, WHITE)]) == {99}
    same = (picture.truth == picture.matches.found) & (picture.truth > 1)
    np.testing.assert_array_equal(truth[same], result[same])


def test_the_legend_counts_the_nuclei_of_each_colour(picture):
    figure = matches_figure(picture)

    true = np.unique(picture.truth).size - 1
    legend = [text for text in texts(figure) if text.endswith(")")]
    assert legend == [
        f"found ({true - 1})",
        "false: found, not true (1)",
        "missed: true, not found (1)",
    ]
    assert is_colour(shown(figure.axes[0]), FALSE).any()


def test_the_tissue_lies_beside_its_probability(picture):
    figure = probability_figure(picture)

    np.testing.assert_array_equal(shown(figure.axes[0]), picture.rgb)
    assert shown(figure.axes[1]).max() == 1
    assert figure.axes[1].images[0].get_clim() == (0, 1)


def test_a_large_image_is_thinned():
    shape = (LARGEST_SIDE + 2, 40)
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[::2, ::2] = 200
    labels = square(shape, 1000, 10)
    labels[1, 1] = 2  # which thinning loses, but not from the count

    picture = Picture.of(scored_image(rgb, labels, labels), "unet")

    assert picture.rgb.shape == ((LARGEST_SIDE + 2) // 2, 20, 3)
    assert picture.rgb.min() == 200
    for layer in (picture.truth, picture.matches.found, picture.probability):
        assert layer.shape == picture.rgb.shape[:2]
    assert picture.found == 2
    assert picture.extent == f"{LARGEST_SIDE + 2} × 40 px"


def test_counts_of_all_models_stand_against_the_identity():
    figure = counts_figure({"unet": [(10, 12), (30, 26)], "_net": [(10, 10)]})

    (axes,) = figure.axes
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    points = [one.get_offsets().tolist() for one in axes.collections]
    assert points == [[[10, 12], [30, 26]], [[10, 10]]]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[1:] == ["unet: off by 3 in the mean", " _net: off by 0 in the mean"]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[1] > 30


def test_counts_without_an_image_are_an_empty_figure():
    (axes,) = counts_figure({"unet": []}).axes

    assert len(axes.collections[0].get_offsets()) == 0
