"""Whether red and blue exchanged are told, by the nuclei that a model finds.

Every image is segmented as it is and with red and blue exchanged, in three lights. It
says what `doubt.REDDER` should be: between the two.
"""

import sys

import numpy as np
import numpy.typing as npt
from choice import chosen_samples, parser_of_images

from napari_monuseg.core.doubt import REDDER, redness
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.segment import SegmentOptions, segment

WHITES = ((1.0, 1.0, 1.0), (0.82, 0.9, 1.0), (0.75, 1.0, 1.0))
"""Red, green and blue of the lights."""


def main() -> int:
    """Print, for each light, the redness of nuclei and how many are told."""
    parser = parser_of_images(__doc__)
    parser.add_argument("--model", default="unet", help="name or file")
    options = parser.parse_args()
    try:
        model = find_model(options.model)
        images = [
            (sample.image().read(slice(None), slice(None)), sample.pixel_size)
            for sample in chosen_samples(options)
        ]
        for white in WHITES:
            for way, order in (("as they are", 1), ("exchanged", -1)):
                found = [
                    redness_found(lit(rgb, white)[..., ::order], pixel_size, model)
                    for rgb, pixel_size in images
                ]
                told = sum(one > REDDER for one in found)
                print(
                    f"light {white}, {way}: {np.nanmin(found):+.3f} to "
                    f"{np.nanmax(found):+.3f}, "
                    f"{told} of {len(found)} taken for exchanged",
                    flush=True,
                )
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def lit(
    rgb: npt.NDArray[np.uint8], white: tuple[float, float, float]
) -> npt.NDArray[np.uint8]:
    """Show an image ``(H, W, 3)`` in another light."""
    return (rgb * np.array(white)).astype(np.uint8)


def redness_found(
    rgb: npt.NDArray[np.uint8], pixel_size: float | None, model: ModelEntry
) -> float:
    """Give the `redness` of the nuclei that a model finds in an image ``(H, W, 3)``."""
    image = TissueImage.from_array(np.ascontiguousarray(rgb), pixel_size=pixel_size)
    return redness(image, finish(segment(image, model, SegmentOptions())).labels)


if __name__ == "__main__":
    sys.exit(main())
