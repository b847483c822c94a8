"""Say what a model loses its score by: put the truth in place of one thing at a time.

For each image, AJI and PQ of the result as it is; with the true foreground, divided
as the model divides it; with the model's foreground, divided by the true nuclei; and
the last without what lies on no true nucleus. With ``--windows``, AJI and Dice by the
side of the windows the image is cut into: a network that scores worse in larger ones
has not learned what it sees there.
"""

import sys
from collections.abc import Sequence

import numpy as np
from choice import chosen_samples, parser_of_images
from skimage.segmentation import watershed

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import (
    ASSUMED_PIXEL_SIZE,
    InstanceOptions,
    find_nuclei,
)
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.separation import Labels, connected_components
from napari_monuseg.core.targets import distance_target

SEED = 0.6
"""True nuclei are told apart by where their own distance exceeds this."""


def main() -> int:
    """Print a line for each image, and the mean."""
    parser = parser_of_images(__doc__)
    parser.add_argument("--model", default="unet", help="name or file")
    parser.add_argument("--windows", nargs="+", type=int, metavar="PX", help="sides")
    options = parser.parse_args()
    tables: list[dict[str, float]] = []
    try:
        model = find_model(options.model)
        for sample in chosen_samples(options):
            truth = sample.labels()
            with sample.image() as image:
                if options.windows:
                    table = by_window(image, model, truth, options.windows)
                else:
                    found = finish(segment(image, model, SegmentOptions()))
                    table = put_right(found.maps, truth, found.instances)
            tables.append(table)
            print(_line(sample.name, table), flush=True)
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    mean = {name: float(np.mean([t[name] for t in tables])) for name in tables[0]}
    print(_line("mean", mean))
    return 0


def by_window(
    image: TissueImage, model: ModelEntry, truth: Labels, sides: Sequence[int]
) -> dict[str, float]:
    """Return AJI and Dice by the largest side of the windows, px."""
    table = {}
    for side in sides:
        found = finish(segment(image, model, SegmentOptions(window=side)))
        scores = score_labels(truth, found.labels)
        table[f"AJI at {side} px"] = scores.aji
        table[f"Dice at {side} px"] = scores.dice
    return table


def put_right(
    maps: NucleusMaps, truth: Labels, options: InstanceOptions
) -> dict[str, float]:
    """Return AJI and PQ with the truth in place of one thing at a time.

    Parameters
    ----------
    maps : NucleusMaps
        What the model says, ``(H, W)``.
    truth : (H, W) int32
        True nuclei.
    options : InstanceOptions
        How nuclei are read from the maps.

    Returns
    -------
    dict of str to float
        By what is true and what is measured.
    """
    everything = (slice(0, truth.shape[0]), slice(0, truth.shape[1]))
    foreground, distance = maps.read(everything)
    true_foreground = NucleusMaps(
        foreground=(truth > 0).astype(np.float16),
        distance=distance.astype(np.float16),
        pixel_size=maps.pixel_size,
    )
    mask = foreground > np.float32(options.foreground_threshold)
    own = distance_target(truth)
    divided = watershed(-own, np.where(own > SEED, truth, 0), mask=mask)
    # What holds no true seed stays as the piece it is.
    rest = connected_components(mask & (divided == 0))
    whole = np.where(rest > 0, rest + divided.max(), divided).astype(np.int32)
    areas = np.bincount(whole.ravel())
    size = maps.pixel_size_or(ASSUMED_PIXEL_SIZE)
    whole[(areas < options.smallest_nucleus_px(size))[whole]] = 0
    on_nuclei = whole.copy()
    on_nuclei[rest > 0] = 0
    readings = {
        "as it is": finish(find_nuclei(maps, options)),
        "true foreground": finish(find_nuclei(true_foreground, options)),
        "true division": whole,
        "true division, nothing false": on_nuclei,
    }
    scores = {name: score_labels(truth, labels) for name, labels in readings.items()}
    return {
        f"{name}: {what}": getattr(score, what.lower())
        for name, score in scores.items()
        for what in ("AJI", "PQ")
    }


def _line(name: str, table: dict[str, float]) -> str:
    return f"{name}  " + "  ".join(
        f"{what} {value:.3f}" for what, value in table.items()
    )


if __name__ == "__main__":
    sys.exit(main())
