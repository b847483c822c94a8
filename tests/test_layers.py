import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.layers import calibration, image_shape, placement, tissue_image


def everything(image):
    return image.read(slice(0, image.height), slice(0, image.width))


def test_an_rgb_layer_is_tissue_of_the_layers_name(tissue):
    rgb, _ = tissue

    image = tissue_image(Image(rgb, name="colon"), 0.25)

    assert np.array_equal(everything(image), rgb)
    assert (image.name, image.pixel_size) == ("colon", 0.25)


def test_transparency_is_dropped(tissue):
    rgb, _ = tissue
    opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])

    assert np.array_equal(everything(tissue_image(Image(opaque))), rgb)


def test_of_a_pyramid_the_full_resolution_is_read_lazily(tissue):
    rgb, _ = tissue
    read = []

    def block(block_info=None):
        where = block_info[None]["array-location"]
        read.append(where)
        return rgb[tuple(slice(*ends) for ends in where)]

    lazy = da.map_blocks(
        block, chunks=((128, 128), (128, 128), (3,)), dtype=np.uint8, meta=rgb[:0]
    )
    layer = Image([lazy, rgb[::4, ::4]], multiscale=True, rgb=True)
    read.clear()

    image = tissue_image(layer)

    assert not read
    assert image_shape(layer) == (image.height, image.width) == (256, 256)
    assert np.array_equal(image.read(slice(0, 50), slice(0, 60)), rgb[:50, :60])
    assert len(read) == 1


def test_leading_axes_of_length_one_are_dropped(tissue):
    rgb, _ = tissue
    layer = Image(rgb[None, None], rgb=True)

    assert np.array_equal(everything(tissue_image(layer)), rgb)
    assert image_shape(layer) == (256, 256)


def test_a_stack_is_refused_with_a_remedy(tissue):
    rgb, _ = tissue

    with pytest.raises(ImageError, match=r"“stack” has more than one plane.*save the"):
        tissue_image(Image(np.stack([rgb, rgb]), rgb=True, name="stack"))


def test_scale_and_units_give_the_pixel_size():
    layer = Image(np.zeros((9, 9)), scale=(500, 500), units=("nm", "nm"))

    assert calibration(layer).pixel_size == pytest.approx(0.5)
    assert calibration(layer).source == "the layer's scale"


def test_a_scale_without_units_is_taken_as_micrometres_and_says_so():
    known = calibration(Image(np.zeros((9, 9)), scale=(0.25, 0.25)))

    assert known.pixel_size == pytest.approx(0.25)
    assert "taken as µm" in known.source


@pytest.mark.parametrize("scale", [(1, 1), (3000, 3000)])
def test_a_scale_that_says_nothing_gives_no_pixel_size(scale):
    known = calibration(Image(np.zeros((9, 9)), scale=scale))

    assert known.pixel_size is None
    assert known.source == ""


class _File(TissueImage):
    """A file that states its pixel size at a level of half the width."""

    @classmethod
    def open(cls, path, **_):
        return cls.from_array(np.zeros((5, 5, 3), np.uint8), pixel_size=0.5)


def test_the_file_a_layer_came_from_gives_the_pixel_size(monkeypatch):
    monkeypatch.setattr("napari_monuseg.layers.TissueImage", _File)
    layer = Image(np.zeros((10, 10)))
    layer._source = layer.source.model_copy(update={"path": "slide.svs"})

    known = calibration(layer)

    assert known.pixel_size == pytest.approx(0.25)
    assert known.source.startswith("the file")


def world(layer, *point):
    return np.array(layer.data_to_world(point))


@pytest.mark.parametrize(
    "how",
    [
        {"scale": (0.25, 0.25), "translate": (30, -4), "units": ("µm", "µm")},
        {"scale": (2, 3), "rotate": 30, "shear": [0.2], "translate": (5, 6)},
        {"scale": (2, 2), "affine": [[0.5, 0.1, 7], [0, 2, 8], [0, 0, 1]]},
    ],
)
def test_an_overlay_lies_where_its_area_lies(how):
    image = Image(np.zeros((50, 60)), **how)

    overlay = Labels(np.zeros((9, 9), int), **placement(image, (10, 20)))

    assert np.allclose(world(overlay, 0, 0), world(image, 10, 20))
    assert np.allclose(world(overlay, 5, 3), world(image, 15, 23))
    assert overlay.units == image.units
    assert np.allclose(overlay.scale, image.scale)


def test_an_overlay_of_a_plane_among_axes_of_length_one():
    how = {"scale": (5, 0.5, 0.5), "translate": (1, 2, 3)}
    image = Image(np.zeros((1, 50, 60)), **how)

    overlay = Labels(np.zeros((9, 9), int), **placement(image, (10, 20)))

    assert np.allclose(world(overlay, 1, 1), world(image, 0, 11, 21)[1:])


@pytest.mark.parametrize(
    "how",
    [
        {"scale": (1, 0.5, 0.5), "translate": (0, 2, 3), "shear": [0, 0, 0.2]},
        {"affine": [[1, 0, 0, 0], [0, 0, -1, 200], [0, 1, 0, 5], [0, 0, 0, 1]]},
    ],
)
def test_an_overlay_of_channels_lies_where_the_image_was_turned_to(how):
    image = Image(np.zeros((3, 50, 60)), **how)

    overlay = Labels(np.zeros((9, 9), int), **placement(image, (10, 20)))

    assert np.allclose(world(overlay, 0, 0), world(image, 0, 10, 20)[1:])
    assert np.allclose(world(overlay, 5, 3), world(image, 0, 15, 23)[1:])


def test_pixels_that_are_not_square_have_no_pixel_size():
    for facts in ({"units": ("um", "um")}, {}):
        oblong = Image(np.zeros((9, 9)), scale=(0.5, 0.25), **facts)
        nearly = Image(np.zeros((9, 9)), scale=(0.5, 0.502), **facts)
        assert calibration(oblong).pixel_size is None
        assert calibration(nearly).pixel_size == pytest.approx(0.501)
