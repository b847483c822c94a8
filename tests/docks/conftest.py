"""A real viewer with the real dock, and a network whose pace the tests set."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QWidget
from scipy import ndimage

from napari_monuseg.core import registry
from napari_monuseg.core.checkpoints import save_checkpoint
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.segment import Segmentation
from napari_monuseg.docks import device_choice, segment_dock
from napari_monuseg.docks.segment_steps import Found


@pytest.fixture(autouse=True)
def known_devices(monkeypatch):
    """Spare each test the process that looks for devices."""
    monkeypatch.setattr(device_choice, "_found", [("cpu", "CPU, 2 cores")])


@pytest.fixture(autouse=True)
def no_shipped_models(monkeypatch, tmp_path):
    """Leave only the models a test makes to choose from."""
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "none")


@pytest.fixture
def owner(qtbot):
    """A widget with which things go."""
    owner = QWidget()
    qtbot.addWidget(owner)
    return owner


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def image(viewer, tissue):
    """Tissue in the viewer, scaled and shifted."""
    return viewer.add_image(
        tissue[0],
        rgb=True,
        name="colon",
        scale=(0.25, 0.25),
        translate=(10, 20),
        units=("µm", "µm"),
    )


@pytest.fixture(scope="session")
def _untrained(tmp_path_factory):
    path = tmp_path_factory.mktemp("untrained") / "any.safetensors"
    shape = {"widths": [4], "convolutions": [1]}
    info = ModelInfo(
        name="any",
        network="segnet",
        network_options=shape,
        description="A network that learned nothing",
    )
    save_checkpoint(path, build_network("segnet", **shape), info)
    return path


@pytest.fixture
def untrained_model(_untrained, user_models):
    """Give a model to choose where it does not matter what it finds: ``any``."""
    return Path(shutil.copy(_untrained, user_models))


@pytest.fixture
def dock(viewer, untrained_model):
    """The dock as napari makes it, which is not the way a test would."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")
    return dock


def maps_of(labels, pixel_size=None, assumed=None):
    """Give maps that the labels could be read from."""
    distance = ndimage.distance_transform_edt(labels > 0)
    foreground = np.clip(distance / 4, 0, 1).astype(np.float16)
    return NucleusMaps(
        foreground=foreground,
        distance=np.clip(distance / 8, 0, 1).astype(np.float16),
        pixel_size=pixel_size,
        assumed_pixel_size=assumed,
    )


class Stage:
    """Takes the place of the network, and waits where a test tells it to."""

    def __init__(self, truth):
        self.truth = truth
        self.go_on = threading.Event()
        self.go_on.set()
        self.started = threading.Event()
        self.error = None
        self.guess = None
        self.doubt = ""
        self.closed = 0
        self.calls = []
        self.thorough = False
        self.instances = None
        self.options = {"seed_prominence": 0.2}

    def __call__(self, image, area, model, device, *, thorough=False, instances=None):
        self.calls.append((image, area, model, device))
        self.thorough, self.instances = thorough, instances
        try:
            yield Progress(message="Loading PyTorch…")
            self.started.set()
            for done in range(1000):
                yield Progress(message="Finding nuclei", done=done, total=1000)
                if self.go_on.wait(0.01):
                    break
            if self.error is not None:
                raise self.error
            tissue = image.crop(area.rows, area.columns)
            truth = self.truth[area.rows, area.columns]
            assert (tissue.height, tissue.width) == truth.shape
            guess = None if image.pixel_size else self.guess
            maps = maps_of(truth, image.pixel_size, image.assumed_pixel_size or guess)
            options = InstanceOptions(**self.options | (instances or {}))
            labels = yield from find_nuclei(maps, options)
            segmentation = Segmentation(
                maps=maps,
                labels=labels,
                instances=options,
                device="CPU, 2 cores",
                guessed_pixel_size=None if image.assumed_pixel_size else guess,
                doubt=self.doubt,
            )
            return Found.inside(area, segmentation)
        finally:
            self.closed += 1


@pytest.fixture
def stage(monkeypatch, tissue):
    stage = Stage(tissue[1])
    monkeypatch.setattr(segment_dock, "segment_area", stage)
    yield stage
    stage.go_on.set()


@pytest.fixture
def chooser(monkeypatch, tmp_path):
    """Answers the file dialog: a path, or None for Cancel."""
    answer = {"path": tmp_path / "mine.tif", "suggested": []}

    def execute(dialog):
        answer["suggested"].append(Path(dialog.selectedFiles()[0]).name)
        if answer["path"] is not None:
            dialog.selectFile(str(answer["path"]))
        return answer["path"] is not None

    monkeypatch.setattr(QFileDialog, "exec", execute)
    return answer
