"""A whole napari killed while nuclei are corrected loses at most ten seconds."""

import signal
import subprocess
import sys

import numpy as np

from napari_monuseg.core.autosave import load, saved_files
from napari_monuseg.core.progress import finish

SCRIPT = """
import sys
import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer()
viewer.add_image(np.load(sys.argv[1]), rgb=True, name="tissue")
_, dock = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")
dock.model.choice.value = Path(sys.argv[2])
dock.run_button.click()
while dock.running:
    QApplication.processEvents()
nuclei = viewer.layers[-1]
numbers = iter(np.unique(nuclei.data)[1:].tolist())
begun = time.monotonic()
while True:
    nuclei.data_setitem(np.nonzero(nuclei.data == next(numbers, 0)), 0)
    print(time.monotonic() - begun, np.count_nonzero(nuclei.data), flush=True)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        QApplication.processEvents()
"""

LONGEST = 10
"""Seconds of work that may be lost."""


def test_kill_9_loses_the_last_seconds_at_most(tissue, installed_model, tmp_path):
    np.save(tmp_path / "tissue.npy", tissue[0])
    states = []
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, tmp_path / "tissue.npy", installed_model],
        stdout=subprocess.PIPE,
        text=True,
    ) as napari:
        for line in napari.stdout:
            seconds, pixels = map(float, line.split())
            states.append((seconds, pixels))
            if seconds > LONGEST + 2:
                napari.send_signal(signal.SIGKILL)
                break
    (path,) = saved_files()
    saved = finish(load(path))

    kept = [
        seconds
        for seconds, pixels in states
        if pixels == saved.labels.astype(bool).sum()
    ]
    assert kept
    assert states[-1][0] - max(kept) <= LONGEST
    assert saved.hand.count.erased > 0
    assert napari.returncode == -signal.SIGKILL
