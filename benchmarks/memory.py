"""How much memory a large image takes on top of its own pixels.

Run as a program, with the path of a model and a side in px, it measures itself:
``memory.py MODEL SIDE`` prints the bytes and seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from apart import report_of
from table import Row

from napari_monuseg.core.registry import ModelEntry

SIDE = 10_000
"""Of the image, px."""

STATUS = Path("/proc/self/status")
RESET_PEAK = Path("/proc/self/clear_refs")


def can_measure() -> bool:
    """Whether this system tells a process the most memory it has had."""
    return RESET_PEAK.exists()


def memory_row(model: ModelEntry, side: int = SIDE) -> Row:
    """Segment a large image in a process of its own."""
    report = report_of(__file__, model.path, side)
    return Row(
        model=model.name,
        what=f"{side:,} × {side:,} px to labels, memory over the image",
        value=report["bytes"] / 1e9,
        unit=" GB",
        aim=2,
        how=f"{report['seconds']:.0f} s, {report['nuclei']:,} nuclei",
    )


def measure(model: Path, side: int) -> dict[str, float]:
    """Segment, and tell how far memory rose above what it was just before."""
    from tissue import PIXEL_SIZE, tissue

    from napari_monuseg.core.image import TissueImage
    from napari_monuseg.core.progress import finish
    from napari_monuseg.core.segment import SegmentOptions, segment

    def run(rgb: np.ndarray) -> np.ndarray:
        image = TissueImage.from_array(rgb, pixel_size=PIXEL_SIZE)
        return finish(segment(image, model, SegmentOptions())).labels

    run(tissue(1024))
    rgb = tissue(side)
    RESET_PEAK.write_text("5")
    before, begun = status_bytes("VmRSS"), time.perf_counter()
    labels = run(rgb)
    return {
        "bytes": status_bytes("VmHWM") - before,
        "seconds": time.perf_counter() - begun,
        "nuclei": int(labels.max()),
    }


def status_bytes(field: str) -> int:
    """Read a size off what Linux says of this process."""
    lines = STATUS.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{field}:"))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
