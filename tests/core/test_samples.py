import numpy as np
from scipy import ndimage

from napari_monuseg.core.samples import (
    immunohistochemistry_restained,
    synthetic_tissue,
)


def test_synthetic_nuclei_are_numbered_without_gaps_and_of_one_piece():
    rgb, labels = synthetic_tissue((300, 400), seed=3)

    assert rgb.shape == (300, 400, 3)
    assert rgb.dtype == np.uint8
    assert labels.dtype == np.int32
    count = labels.max()
    assert 50 < count <= 75
    assert np.unique(labels).tolist() == list(range(count + 1))
    assert all(ndimage.label(labels == nucleus)[1] == 1 for nucleus in range(1, count))


def test_synthetic_nuclei_are_darker_than_what_surrounds_them(tissue):
    rgb, labels = tissue

    red = rgb[..., 0].astype(float)

    assert red[labels > 0].mean() < red[labels == 0].mean() - 60


def test_some_synthetic_nuclei_touch(tissue):
    _, labels = tissue

    left, right = labels[:, :-1], labels[:, 1:]

    assert ((left != right) & (left > 0) & (right > 0)).any()


def test_the_seed_decides_the_tissue():
    first, _ = synthetic_tissue((64, 64), seed=1)

    assert np.array_equal(first, synthetic_tissue((64, 64), seed=1)[0])
    assert not np.array_equal(first, synthetic_tissue((64, 64), seed=2)[0])


def test_as_many_nuclei_as_asked_for_at_most():
    assert synthetic_tissue((256, 256), nuclei=5)[1].max() <= 5
    assert synthetic_tissue((64, 64), nuclei=0)[1].max() == 0


def test_restained_tissue_has_violet_nuclei_on_pink():
    rgb = immunohistochemistry_restained()

    assert rgb.shape == (1024, 1024, 3)
    assert rgb.dtype == np.uint8
    assert rgb[..., 1].mean() < rgb[..., 0].mean()  # no longer brown: green is least
    assert rgb[..., 1].mean() < rgb[..., 2].mean()
