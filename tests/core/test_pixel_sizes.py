"""Pixel sizes of images whose files do not state them."""

import pytest

from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.pixel_sizes import (
    read_pixel_sizes,
    tell_pixel_sizes,
    unknown_names,
)


def test_samples_open_with_what_is_told(tissue_folder):
    samples = tell_pixel_sizes(find_samples(tissue_folder), {"two": 0.5, "other": 1})

    sizes = {sample.name: sample.image().pixel_size for sample in samples}

    assert sizes == {"one": None, "two": 0.5, "three": None}


@pytest.mark.parametrize(
    "text",
    [
        *("[0.5]", '{"one": "0.5"}', '{"one": 0}', '{"one": true}', "{", "NaN"),
        f'{{"one": 1{400 * "0"}}}',
        '{"one": Infinity}',
    ],
)
def test_what_is_no_table_of_sizes_is_one_sentence(tmp_path, text):
    path = tmp_path / "sizes.json"
    path.write_text(text)

    with pytest.raises(DatasetError) as refused:
        read_pixel_sizes(path)

    assert "sizes.json" in str(refused.value)
    assert str(refused.value).endswith(".")


def test_three_images_of_monuseg_are_at_20x(monuseg):
    names = {sample.name for sample in find_samples(monuseg)}

    sizes = read_pixel_sizes()

    assert sizes.keys() <= names
    assert set(sizes.values()) == {0.5}


def test_names_that_no_image_has_are_told(tissue_folder):
    sizes = {"one": 0.25, "one.tif": 0.5, "else": 0.5}

    assert unknown_names(sizes, tissue_folder) == ["else", "one.tif"]
