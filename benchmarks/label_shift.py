"""Measure how far from the tissue the labels of a data set lie.

A network whose crops were turned and mirrored as it learned finds nuclei where they
are seen. Where its foreground and the true one agree best, moved against each other,
is where the labels lie: a negative number is up, or to the left. A model that was
taught a label shift has it in its own nuclei, and it must be added to what is found.
"""

import sys

import numpy as np
import numpy.typing as npt
from choice import chosen_samples, parser_of_images

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import SegmentOptions, segment

FARTHEST = 3
"""Labels are looked for within this distance, px."""

Image = npt.NDArray[np.floating]


def main() -> int:
    """Print the shift of each image, and what moving the result by it is worth."""
    parser = parser_of_images(__doc__)
    parser.add_argument("--model", default="unet", help="name or file")
    parser.add_argument(
        "--turned",
        action="store_true",
        help="take for the truth what the model finds in the image turned by 180°: "
        "nothing for a model without a bias, twice the shift for one that learned it",
    )
    options = parser.parse_args()
    shifts, gains = [], []
    try:
        model = find_model(options.model)
        for sample in chosen_samples(options):
            truth = sample.labels()
            with sample.image() as image:
                found = finish(segment(image, model, SegmentOptions()))
                if options.turned:
                    truth = _turned(image, model)
            shift = label_shift(np.asarray(found.maps.foreground, float), truth > 0)
            moved = np.roll(found.labels, np.rint(shift).astype(int), (0, 1))
            before, after = (
                score_labels(truth, labels).aji for labels in (found.labels, moved)
            )
            shifts.append(shift)
            gains.append(after - before)
            print(
                f"{sample.name}: {shift[0]:+.2f} down {shift[1]:+.2f} right, "
                f"AJI {before:.3f}, moved by whole pixels {after:.3f}"
            )
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    mean, spread = np.mean(shifts, axis=0), np.std(shifts, axis=0)
    print(
        f"mean {mean[0]:+.2f} ± {spread[0]:.2f} down, {mean[1]:+.2f} ± {spread[1]:.2f} "
        f"right, AJI {np.mean(gains):+.3f}"
    )
    return 0


def _turned(image: TissueImage, model: ModelEntry) -> npt.NDArray[np.int32]:
    """Return the nuclei of an image that was turned by 180°, turned back."""
    rgb = image.read(slice(0, image.height), slice(0, image.width))
    turned = TissueImage.from_array(
        np.ascontiguousarray(rgb[::-1, ::-1]), pixel_size=image.pixel_size
    )
    return finish(segment(turned, model, SegmentOptions())).labels[::-1, ::-1]


def label_shift(foreground: Image, truth: npt.NDArray[np.bool_]) -> Image:
    """Return how far down and right of the foreground the truth lies, px.

    Parameters
    ----------
    foreground : (H, W) float
        What a network says, in [0, 1].
    truth : (H, W) bool
        What the labels say.

    Returns
    -------
    (2,) float
        The peak of the correlation, along each axis by a parabola through the best
        whole shift and its neighbours.
    """
    reach = range(-FARTHEST, FARTHEST + 1)
    table = np.array(
        [
            [_agreement(foreground, truth, down, right) for right in reach]
            for down in reach
        ]
    )
    best = np.unravel_index(table[1:-1, 1:-1].argmax(), (len(reach) - 2,) * 2)
    row, column = (int(place) + 1 for place in best)
    return np.array(
        [
            row - FARTHEST + _vertex(table[row - 1 : row + 2, column]),
            column - FARTHEST + _vertex(table[row, column - 1 : column + 2]),
        ]
    )


def _agreement(
    foreground: Image, truth: npt.NDArray[np.bool_], down: int, right: int
) -> float:
    height, width = truth.shape
    inner = truth[FARTHEST : height - FARTHEST, FARTHEST : width - FARTHEST]
    top, left = FARTHEST - down, FARTHEST - right
    said = foreground[top : top + inner.shape[0], left : left + inner.shape[1]]
    return float(said[inner].sum())


def _vertex(values: Image) -> float:
    before, middle, after = values
    return float(0.5 * (before - after) / (before - 2 * middle + after))


if __name__ == "__main__":
    sys.exit(main())
