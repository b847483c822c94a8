"""Napari reads every plugin's manifest at start: ours must cost it no torch.

How many milliseconds it does cost is measured by ``benchmarks/import_time.py``.
"""

import json
import subprocess
import sys

READ_MANIFEST = """
import json, sys
import napari_monuseg
from npe2 import PluginManifest

manifest = PluginManifest.from_distribution("napari-monuseg")
"""
REPORT = """
heavy = {"torch", "torchvision", "segmentation_models_pytorch", "skimage", "scipy"}
heavy = sorted(heavy.intersection(sys.modules))
print(json.dumps({"name": manifest.name, "heavy": heavy}))
"""
IMPORT_COMMANDS = """
import importlib

for command in manifest.contributions.commands:
    importlib.import_module(command.python_name.partition(":")[0])
heavy = {"torch", "torchvision", "segmentation_models_pytorch", "triton"}
heavy = sorted(heavy.intersection(sys.modules))
print(json.dumps({"commands": len(manifest.contributions.commands), "heavy": heavy}))
"""


def report_of(code: str) -> dict:
    """Run `code` in a fresh interpreter; give the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_manifest_is_read_without_the_heavy_packages():
    report = report_of(READ_MANIFEST + REPORT)

    assert report == {"name": "napari-monuseg", "heavy": []}


def test_what_the_manifest_names_is_imported_without_torch():
    report = report_of(READ_MANIFEST + IMPORT_COMMANDS)

    assert report["commands"] > 0
    assert report["heavy"] == []
