"""What the dock writes is what a reader of the file may rely on."""

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.progress import finish
from napari_monuseg.docks.segment_steps import export


def test_nuclei_painted_in_one_number_are_told_apart_in_the_file(tmp_path):
    labels = np.zeros((40, 60), np.int32)
    labels[5:15, 5:15] = labels[5:15, 30:45] = 2
    shown = labels.copy()
    path = tmp_path / "x_nuclei.tif"

    finish(export(path, labels, pixel_size=0.25, offset=(0, 0), origin=None))

    written = tifffile.imread(path)
    assert np.array_equal(written[:, 30:], labels[:, 30:])
    assert np.unique(written[5:15, 5:15]).tolist() == [3]
    assert np.array_equal(labels, shown)


def test_the_image_itself_is_not_replaced_by_its_labels(tmp_path):
    path = tmp_path / "grey.tif"
    tissue = np.full((40, 60), 200, np.uint8)
    tifffile.imwrite(path, tissue)
    labels = np.ones((40, 60), np.int32)

    with pytest.raises(ExportError, match="is the image itself"):
        finish(
            export(
                tmp_path / "." / "grey.tif",
                labels,
                pixel_size=0.25,
                offset=(0, 0),
                origin=None,
                image_path=str(path),
            )
        )

    assert np.array_equal(tifffile.imread(path), tissue)
