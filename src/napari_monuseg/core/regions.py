"""Labels that were checked in a part of an image ─► what may be learned from them.

Only what was reviewed counts. A nucleus that the reviewed area's edge cuts may go
on beyond it in a way nobody checked, so it is ignored, as is everything outside:
ignored, never background.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import clusters, placed, shifted, widened
from napari_monuseg.core.calibration import require_pixel_size
from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.holding_out import HeldOut
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.numbering import LARGEST_NUMBER
from napari_monuseg.core.resampling import at_pixel_size
from napari_monuseg.core.stains import StainReference, Tones, apply_tones

CONTEXT = 128
"""Tissue around a reviewed area that the network may see, px."""

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """A part of an image in which somebody checked the nuclei.

    Parameters
    ----------
    name : str
        Of the image.
    rgb : (H, W, 3) uint8
        Tissue at the network's pixel size: the reviewed area and what surrounds it,
        with glass in place of ink and of black, as `TissueImage.for_network` has it.
    labels : (H, W) int32
        The nuclei as corrected; outside the reviewed area they are anybody's guess.
    reviewed : (H, W) bool
        What was checked.
    pixel_size : float
        Of all of these, µm/px.
    share : float
        Of the reviewed area that it is a part of, 0 to 1.
    tones : (256, 3) uint8, optional
        What the network is shown in place of each grey level of each colour.
    """

    name: str
    rgb: npt.NDArray[np.uint8]
    labels: Labels
    reviewed: Mask
    pixel_size: float
    share: float = 1.0
    tones: Tones | None = None

    @property
    def shown(self) -> npt.NDArray[np.uint8]:
        """The tissue as the network is shown it: `rgb` in the model's stains."""
        return self.rgb if self.tones is None else apply_tones(self.tones, self.rgb)

    @property
    def nuclei(self) -> int:
        """How many nuclei lie wholly inside the reviewed area."""
        return nuclei_inside(self.labels, self.reviewed).inside


def require_reviewed(
    image: TissueImage, labels: Labels, reviewed: Mask, offset: tuple[int, int] = (0, 0)
) -> None:
    """Refuse labels that cannot be learned from, or do not fit their image.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``.
    labels, reviewed : (h, w) int32 and bool
        Corrected nuclei, and what was checked, on the image's grid.
    offset : tuple of int
        Row and column of the image where `labels` begin, px.

    Raises
    ------
    TrainingError
        If so, or if nothing was reviewed.
    ImageError
        If nuclei cannot be told at the image's pixel size.
    """
    if labels.shape != reviewed.shape:
        raise TrainingError(
            f"The labels of {image.name} have the shape {labels.shape} and the "
            f"reviewed area {reviewed.shape}; both must cover the same part of it."
        )
    ends = np.add(offset, labels.shape)
    if min(offset) < 0 or ends[0] > image.height or ends[1] > image.width:
        raise TrainingError(
            f"The labels of {image.name} reach to {ends[0]}×{ends[1]} px, but the "
            f"image has {image.height}×{image.width}; choose the labels that belong "
            "to it."
        )
    if labels.min(initial=0) < 0 or labels.max(initial=0) > LARGEST_NUMBER:
        raise TrainingError(
            f"The labels of {image.name} have numbers below 0 or above "
            f"{LARGEST_NUMBER:,}; number its nuclei from 1, and leave 0 for background."
        )
    if image.pixel_size is not None:
        require_pixel_size(image.pixel_size)
    if not reviewed.any():
        raise TrainingError(
            f"Nothing of {image.name} is marked as reviewed; mark the part whose "
            "nuclei you have checked."
        )


def read_regions(
    image: TissueImage,
    labels: Labels,
    reviewed: Mask,
    held_out: HeldOut,
    *,
    pixel_size: float,
    offset: tuple[int, int] = (0, 0),
    stains: StainReference | None = None,
) -> list[tuple[Region, HeldOut]]:
    """Read a reviewed area with its surroundings, at the network's pixel size.

    What lies far apart becomes a region of its own, so that nothing is read or kept
    of the tissue between.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, read by window.
    labels, reviewed : (h, w) int32 and bool
        Corrected nuclei, and what was checked, on the image's grid.
    held_out : HeldOut
        On the same grid.
    pixel_size : float
        The network's, µm/px.
    offset : tuple of int
        Row and column of the image where `labels` begin, px.
    stains : StainReference, optional
        The network's: what the stain of the image is brought towards.

    Returns
    -------
    list of (Region, HeldOut)
        One or more, and what of each is held out, on its own grid.

    Raises
    ------
    TrainingError
        If nothing was reviewed, or `labels` and `reviewed` do not lie in the image.
    """
    require_reviewed(image, labels, reviewed, offset)
    tones = image.tones(stains) if stains else None
    checked = int(reviewed.sum())
    regions = []
    for part in clusters(reviewed, 2 * CONTEXT):
        window = widened(shifted(part, offset), CONTEXT, (image.height, image.width))
        layers = [
            placed(layer, offset, window)
            for layer in (labels, reviewed, held_out.judge, held_out.stop)
        ]
        rgb, corrected, *masks = at_pixel_size(
            image.crop(*window).for_network(None), layers, pixel_size
        )
        inside, judge, stop = (mask.astype(bool) for mask in masks)
        region = Region(
            name=image.name,
            rgb=rgb,
            labels=corrected,
            reviewed=inside,
            pixel_size=pixel_size,
            share=int(reviewed[part].sum()) / checked,
            tones=tones,
        )
        regions.append((region, HeldOut(judge=judge, stop=stop)))
    return regions


def that_count(labels: Labels, area: Mask) -> Mask:
    """Return the pixels of an area without those of nuclei that reach beyond it.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    area : (H, W) bool
        For which they are known.
    """
    reaches_out = np.zeros(int(labels.max(initial=0)) + 1, bool)
    reaches_out[labels[~area]] = True
    reaches_out[0] = False
    return area & ~reaches_out[labels]
