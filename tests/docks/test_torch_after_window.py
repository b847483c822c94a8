"""The window comes first, torch after it: some libraries do not bear that order."""

import numpy as np
import pytest
from hands import survives

SCRIPT = """
import sys

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

tissue = np.load(sys.argv[1])
viewer = napari.Viewer()
viewer.add_image(tissue, rgb=True, name="tissue")
for _ in range(20):
    QApplication.processEvents()  # Mesa draws, and loads its LLVM
viewer.screenshot(flash=False)

from napari_monuseg.docks.segment_dock import SegmentDock

dock = SegmentDock(viewer)
viewer.window.add_dock_widget(dock)
assert "torch" not in sys.modules, "the dock opens without torch"

dock.device.value = "auto"
dock.run_button.click()
while dock.running:
    QApplication.processEvents()
assert dock.progress.text.text().startswith("Done"), dock.progress.text.text()
assert viewer.layers[-1].name.startswith("tissue nuclei")

from napari_monuseg.core.torch_import import torch

weight = torch.nn.Parameter(torch.ones(3))
optimizer = torch.optim.AdamW([weight])
weight.sum().backward()
optimizer.step()
for _ in range(20):
    QApplication.processEvents()
assert weight.detach().max() < 1
viewer.close()
"""


@pytest.mark.usefixtures("untrained_model")
def test_torch_may_be_loaded_after_a_window_was_drawn(tissue, tmp_path):
    np.save(tmp_path / "tissue.npy", tissue[0])

    assert survives(SCRIPT, tmp_path / "tissue.npy")
