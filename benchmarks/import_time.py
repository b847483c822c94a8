"""Measure what the plugin adds to the start of napari.

At every start napari imports npe2 and reads the manifest of each plugin, its own
first. What is timed is what then comes on top: ``import napari_monuseg`` and
reading our manifest, in a fresh interpreter each time.
"""

import subprocess
import sys

RUNS = 5
LIMIT_MS = 50.0

NAPARI = """
import time
import napari
from npe2 import PluginManifest
PluginManifest.from_distribution("napari")
"""
OURS = """
start = time.perf_counter()
import napari_monuseg
PluginManifest.from_distribution("napari-monuseg")
print(1000 * (time.perf_counter() - start))
"""


def import_time_ms(runs: int = RUNS) -> float:
    """Milliseconds the plugin adds to napari's start, the least of `runs`."""
    command = [sys.executable, "-c", NAPARI + OURS]
    return min(
        float(subprocess.run(command, capture_output=True, check=True).stdout)
        for _ in range(runs)
    )


if __name__ == "__main__":
    print(f"on top of napari: {import_time_ms():.1f} ms (aim ≤ {LIMIT_MS:.0f} ms)")
