"""What is built holds the weights and the manifest."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_the_wheel_ships_every_model_with_its_card_and_licence(wheel):
    shipped = {path.name for path in (REPOSITORY / "weights").iterdir()}

    assert {"README.md", "LICENSE", "split.json"} <= shipped
    assert {f"napari_monuseg/weights/{name}" for name in shipped} <= wheel


def test_the_wheel_ships_the_manifest(wheel):
    assert "napari_monuseg/napari.yaml" in wheel


def test_the_root_names_the_manifest_and_the_package_the_weights():
    link = REPOSITORY / "napari.yaml"
    package = REPOSITORY / "src" / "napari_monuseg"

    assert link.resolve() == package / "napari.yaml"
    assert (package / "weights").resolve() == REPOSITORY / "weights"
