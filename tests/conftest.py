"""What the tests share: tissue whose nuclei are known, and a clean model folder."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.samples import synthetic_tissue

REPOSITORY = Path(__file__).resolve().parents[1]

ELSEWHERE = """
import sys, time
from pathlib import Path
from napari_monuseg.core.claims import claim
claim(Path(sys.argv[1]))
print("claimed", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def user_models(tmp_path_factory, monkeypatch) -> Path:
    """Keep the user's own models out of the tests, and the tests' out of theirs."""
    folder = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("NAPARI_MONUSEG_MODELS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def saved_corrections(tmp_path_factory, monkeypatch) -> Path:
    """Keep the user's corrections out of the tests, and the tests' out of theirs."""
    folder = tmp_path_factory.mktemp("corrections")
    monkeypatch.setenv("NAPARI_MONUSEG_AUTOSAVE", str(folder))
    return folder


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Claim a file in another process, which is killed at the test's end."""
    running = []

    def claim(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", ELSEWHERE, path]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(other)
        assert other.stdout.readline().strip() == "claimed"
        return other

    yield claim
    for other in running:
        other.kill()
        other.communicate()


@pytest.fixture(scope="session")
def _tissue() -> tuple[np.ndarray, np.ndarray]:
    return synthetic_tissue((256, 256))


@pytest.fixture
def tissue(_tissue) -> tuple[np.ndarray, np.ndarray]:
    """RGB tissue, (256, 256, 3) uint8, and its nuclei, (256, 256) int32."""
    rgb, labels = _tissue
    return rgb.copy(), labels.copy()


@pytest.fixture(scope="session")
def monuseg() -> Path:
    """Give the folder of MoNuSeg images that may lie beside a checkout."""
    folder = REPOSITORY.parent / "shared" / "monuseg"
    if not (folder / "images").is_dir():
        pytest.skip(f"no MoNuSeg images at {folder}")
    return folder


@pytest.fixture(scope="session")
def tissue_folder(tmp_path_factory) -> Path:
    """Give a folder with three synthetic images and their labels."""
    folder = tmp_path_factory.mktemp("tissue")
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for seed, name in enumerate(("one", "two", "three")):
        rgb, labels = synthetic_tissue((192, 192), seed=seed)
        tifffile.imwrite(folder / "images" / f"{name}.tif", rgb)
        tifffile.imwrite(folder / "labels" / f"{name}.tif", labels.astype(np.uint16))
    return folder


@pytest.fixture(scope="session")
def tiny_model(tissue_folder, tmp_path_factory) -> Path:
    """Give a checkpoint that reads synthetic tissue well enough, made in seconds."""
    from napari_monuseg.core.checkpoints import save_checkpoint
    from napari_monuseg.core.datasets import find_samples
    from napari_monuseg.core.instances import InstanceOptions
    from napari_monuseg.core.model_info import ModelInfo
    from napari_monuseg.core.progress import finish
    from napari_monuseg.core.training import train
    from napari_monuseg.core.training_options import TrainingOptions

    shape = {"widths": [8, 16], "convolutions": [1, 1]}
    options = TrainingOptions(
        network="segnet",
        network_options=shape,
        steps=150,
        batch=4,
        crop=64,
        learning_rate=1e-2,
        averaging=0.9,
        device="cpu",
    )
    trained = finish(train(find_samples(tissue_folder), [], options))
    info = ModelInfo(
        name="tiny",
        network="segnet",
        network_options=shape,
        description="SegNet trained for seconds on synthetic tissue",
        instances=InstanceOptions(seed_prominence=0.2),
        licence="BSD-3-Clause",
        date="2026-01-01",
        history=trained.history,
    )
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_checkpoint(path, trained.network, info)
    return path


@pytest.fixture
def installed_model(tiny_model, user_models) -> Path:
    """Give the tiny model as one of the user's own, named ``tiny``."""
    return Path(shutil.copy(tiny_model, user_models / "tiny.safetensors"))
