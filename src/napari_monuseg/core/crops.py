"""Training images ─► batches of crops with their targets."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.augmentation import (
    AugmentationOptions,
    patch_side,
    vary_geometry,
    vary_look,
)
from napari_monuseg.core.calibration import require_pixel_size
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.resampling import at_pixel_size
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.targets import distance_target
from napari_monuseg.core.torch_import import torch

Rgb = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]

RED, FOREGROUND, DISTANCE, VALID = 0, 3, 4, 5
"""Channels of a training image: three colours, two targets, and what counts."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Crops and what the network should say of them.

    Parameters
    ----------
    rgb : (N, 3, H, W) float32 tensor in [0, 1]
    foreground, distance : (N, H, W) float32 tensor in [0, 1]
        The targets.
    valid : (N, H, W) bool tensor
        Only these pixels count in the loss.
    """

    rgb: torch.Tensor
    foreground: torch.Tensor
    distance: torch.Tensor
    valid: torch.Tensor


def require_crop(side: int, network: NucleusNetwork, batch: int) -> None:
    """Refuse crops that a network cannot learn from.

    Parameters
    ----------
    side : int
        Of the crops, px.
    network : NucleusNetwork
        That is to learn.
    batch : int
        How many crops there are in a step.

    Raises
    ------
    TrainingError
        If the side is no multiple of the network's stride, or all crops together
        leave one place at its coarsest stage, of which there are no statistics.
    """
    if side < 1 or side % network.stride:
        raise TrainingError(
            f"Crops of {side} px do not fit the network; give a multiple of "
            f"{network.stride} px."
        )
    if batch * (side // network.stride) ** 2 < 2:
        raise TrainingError(
            f"One crop of {side} px is too little for a step; give more crops, or "
            f"larger ones, such as {2 * network.stride} px."
        )


class CropSource:
    """Draws augmented crops from training images.

    Parameters
    ----------
    images : sequence of (6, H, W) uint8 tensor
        As `training_image` makes them.
    crop : int
        Side of the crops, px.
    options : AugmentationOptions
        How far they are varied.
    shares : sequence of float, optional
        How often each image is drawn from, in proportion; all alike when left out.
    """

    def __init__(
        self,
        images: Sequence[torch.Tensor],
        *,
        crop: int,
        options: AugmentationOptions,
        shares: Sequence[float] | None = None,
    ) -> None:
        self._crop = crop
        self._options = options
        self._side = patch_side(crop, options)
        # Crops near the edge are turned and shrunk beyond it.
        self._images = [_mirror_edges(image, self._side // 2) for image in images]
        alike = shares is None or len(set(shares)) == 1
        self._shares = None if alike else torch.tensor(shares)
        self._widths = [image.shape[2] for image in images]
        self._places = [_places_that_count(image) for image in images]

    def draw(
        self, count: int, generator: torch.Generator, device: torch.device
    ) -> Batch:
        """Draw crops from images by their shares, around places that count."""
        patches = torch.stack([self._patch(generator) for _ in range(count)])
        patches = patches.to(device).float() / 255
        colours, targets = vary_geometry(
            patches[:, :FOREGROUND],
            patches[:, FOREGROUND:],
            self._crop,
            self._options,
            generator,
        )
        foreground, distance, valid = targets.unbind(1)
        return Batch(
            rgb=vary_look(colours, self._options, generator),
            foreground=(foreground > 0.5).float(),
            distance=distance,
            valid=valid > 0.99,
        )

    def _patch(self, generator: torch.Generator) -> torch.Tensor:
        number = self._number(generator)
        image, places = self._images[number], self._places[number]
        inside = self._side // 2 * 2
        sides = image.shape[1] - inside, image.shape[2] - inside
        middles = [self._middles(length) for length in sides]
        if places is None:
            top, left = (low + _draw(high - low, generator) for low, high in middles)
        else:
            place = int(places[_draw(len(places), generator)])
            top, left = (
                min(max(at, low), high - 1)
                for at, (low, high) in zip(
                    divmod(place, self._widths[number]), middles, strict=True
                )
            )
        return image[:, top : top + self._side, left : left + self._side]

    def _number(self, generator: torch.Generator) -> int:
        if self._shares is None:
            return _draw(len(self._images), generator)
        return int(torch.multinomial(self._shares, 1, generator=generator))

    def _middles(self, length: int) -> tuple[int, int]:
        """Return between where crops' middles lie if the crops are to lie inside."""
        half = min(self._crop, length) // 2
        return half, max(half + 1, length - half)


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))


def _places_that_count(image: torch.Tensor) -> torch.Tensor | None:
    """Return where valid pixels lie, flat ``(K,)`` int32; None if all are valid."""
    valid = image[VALID] > 0
    if bool(valid.all()):
        return None
    if not bool(valid.any()):
        raise TrainingError(
            "Nothing counts in one of the areas to train on: mark a larger area as "
            "reviewed, or leave it out."
        )
    return torch.nonzero(valid.ravel()).ravel().to(torch.int32)


def _mirror_edges(image: torch.Tensor, by: int) -> torch.Tensor:
    padded = np.pad(image.numpy(), [(0, 0), (by, by + 1), (by, by + 1)], "symmetric")
    return torch.from_numpy(padded)


def training_image(
    rgb: Rgb, labels: Labels, valid: npt.NDArray[np.bool_] | None = None
) -> torch.Tensor:
    """Stack an image with its targets.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        Tissue at the network's pixel size.
    labels : (H, W) int32
        True nuclei.
    valid : (H, W) bool, optional
        Pixels that count in the loss; all when left out.

    Returns
    -------
    (6, H, W) uint8 tensor
        Red, green, blue, foreground, distance and validity, each 0 to 255.
    """
    counts = np.ones(labels.shape, bool) if valid is None else valid
    layers = [
        *np.moveaxis(rgb, -1, 0),
        (labels > 0) * np.uint8(255),
        np.rint(distance_target(labels) * 255).astype(np.uint8),
        counts * np.uint8(255),
    ]
    return torch.from_numpy(np.stack(layers).astype(np.uint8))


def read_training_images(
    samples: Sequence[Sample],
    pixel_size: float,
    stains: StainReference | None = None,
) -> Generator[Progress, None, list[torch.Tensor]]:
    """Read samples as training images.

    Parameters
    ----------
    samples : sequence of Sample
        Images with truth.
    pixel_size : float
        The network's, µm/px.
    stains : StainReference, optional
        What their stains are brought towards.

    Raises
    ------
    ImageError, AnnotationError
        If one cannot be read, or has a pixel size at which there are no nuclei.
    """
    images = []
    for number, sample in enumerate(samples):
        yield Progress(
            message=f"Reading {sample.name}", done=number, total=len(samples)
        )
        with sample.image() as image:
            require_pixel_size(image.pixel_size_or(pixel_size), sample.name)
            rgb, labels = at_pixel_size(
                image.for_network(stains), (sample.labels(),), pixel_size
            )
        images.append(training_image(rgb, labels))
    return images
