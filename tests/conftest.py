"""What the tests share: tissue whose nuclei are known, and a clean model folder."""

from pathlib import Path

import numpy as np
import pytest

from napari_monuseg.core.samples import synthetic_tissue

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def user_models(tmp_path_factory, monkeypatch) -> Path:
    """Keep the user's own models out of the tests, and the tests' out of theirs."""
    folder = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("NAPARI_MONUSEG_MODELS", str(folder))
    return folder


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
