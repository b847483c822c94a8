"""``make run`` without a screen presses the real Run and shows what came of it."""

import subprocess
import sys
from pathlib import Path

from matplotlib.image import imread

from napari_monuseg.core.tiff import read_labels

REPOSITORY = Path(__file__).parents[1]


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/demo.py", "--output", folder, *options]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


def test_leaves_a_picture_of_the_window_and_the_labels(installed_model, tmp_path):
    done = run_demo(tmp_path)

    assert done.returncode == 0, done.stderr
    height, width, _ = imread(tmp_path / "screenshot.png").shape
    assert width >= 1000
    assert height >= 700
    nuclei = read_labels(tmp_path / "restained_nuclei.tif").labels
    assert nuclei.shape == (1024, 1024)
    assert f"{nuclei.max()} nuclei" in done.stdout


def test_says_so_when_there_are_no_nuclei_in_time(installed_model, tmp_path):
    done = run_demo(tmp_path / "out", "--timeout", "0")

    assert done.returncode == 1
    assert "No nuclei after 0 s" in done.stderr
    assert not (tmp_path / "out").exists()
