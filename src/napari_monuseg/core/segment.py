"""The main job: a tissue image and a model ─► maps and labels of its nuclei."""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.arrangement import arrange
from napari_monuseg.core.calibration import require_pixel_size
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.devices import (
    DeviceInfo,
    is_out_of_memory,
    largest_window,
    pick_device,
)
from napari_monuseg.core.doubt import find_colour_doubt
from napari_monuseg.core.errors import DeviceError, ImageError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.magnification import guess_pixel_size
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.model_info import ModelInfo, read_info
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict, with_half_window
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.torch_import import torch

SMALLEST_IMAGE = 32
"""Sides below this hold no whole nucleus to go by, px."""

SMALLEST_WINDOW = 256
"""Windows are not halved below this when memory runs out, px."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How an image is segmented.

    Parameters
    ----------
    guess : bool
        Whether the pixel size is guessed where the image neither knows nor assumes
        one. Without, the network's own is assumed.
    device : str
        As `pick_device` takes it: ``auto``, ``cpu``, ``cuda:0``, ``mps``.
    augment : bool
        Average over the eight rotations and reflections: eight times as long.
    window : int or None
        Largest side of a window, px; None for the device's own.
    instances : dict of str to float
        In what, by its names, nuclei are read from the maps otherwise than by the
        model's own `InstanceOptions`.
    """

    guess: bool = True
    device: str = "auto"
    augment: bool = False
    window: int | None = None
    instances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """What comes out.

    Parameters
    ----------
    maps : NucleusMaps
        What the network says, on the image's grid ``(H, W)``.
    labels : (H, W) int32
        One number per nucleus, 0 for background.
    instances : InstanceOptions
        How the nuclei were read from the maps.
    device : str
        What it ran on, in words.
    guessed_pixel_size : float or None
        What was guessed from the nuclei, µm/px; None where the pixel size was known
        or assumed before, or there were too few nuclei to guess from.
    doubt : str
        A sentence on why the nuclei may be wrong; empty for none.
    """

    maps: NucleusMaps
    labels: npt.NDArray[np.int32]
    instances: InstanceOptions
    device: str
    guessed_pixel_size: float | None = None
    doubt: str = ""


def segment(
    image: TissueImage, model: ModelEntry | Path, options: SegmentOptions
) -> Generator[Progress, None, Segmentation]:
    """Find the nuclei in a tissue image.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, read by window.
    model : ModelEntry or Path
        The model, or its file.
    options : SegmentOptions
        Pixel size, device, and how nuclei are read.

    Yields
    ------
    Progress
        A step per window, then one per block of nuclei.

    Returns
    -------
    Segmentation

    Raises
    ------
    ImageError
        If the image is too small, or too coarse to show nuclei.
    CheckpointError
        If the model's file is missing or damaged.
    DeviceError
        If the device is missing or its memory, and the computer's, too small.
    """
    _check(image)
    path = model if isinstance(model, Path) else model.path
    info = read_info(path)
    yield Progress(message=f"Loading {info.name}")
    try:
        maps, device, guess = yield from _predict_within_memory(
            image, path, info, options
        )
        instances = replace(info.instances, **options.instances)
        labels = yield from find_nuclei(maps, instances)
    except MemoryError as error:
        raise DeviceError(
            f"There is not enough memory for {image.height}×{image.width} px; choose "
            "a smaller area."
        ) from error
    return Segmentation(
        maps=maps,
        labels=labels,
        instances=instances,
        device=device.description,
        guessed_pixel_size=guess,
        doubt=find_colour_doubt(image, labels, info),
    )


def _check(image: TissueImage) -> None:
    """Say why an image cannot be segmented, if so."""
    if min(image.height, image.width) < SMALLEST_IMAGE:
        raise ImageError(
            f"{image.name} is {image.height}×{image.width} px; nuclei can be found "
            f"from {SMALLEST_IMAGE}×{SMALLEST_IMAGE} px up."
        )
    if image.pixel_size is not None:
        require_pixel_size(image.pixel_size)


def _predict_within_memory(
    image: TissueImage, path: Path, info: ModelInfo, options: SegmentOptions
) -> Generator[Progress, None, tuple[NucleusMaps, DeviceInfo, float | None]]:
    """Predict; when memory runs out, in smaller windows, then on the CPU."""
    image = image.for_network(info.stains)
    device_info = pick_device(options.device)
    predict_options = PredictOptions(
        window=options.window, augment=options.augment, label_shift=info.label_shift
    )
    guess = None
    while True:
        device = torch.device(device_info.name)
        try:
            network = _load(path, path.stat().st_mtime_ns, device_info.name)
            if options.guess and not (image.pixel_size or image.assumed_pixel_size):
                guess = yield from guess_pixel_size(
                    image,
                    network,
                    pixel_size=info.pixel_size,
                    device=device,
                    options=predict_options,
                )
                image = image.assuming(guess)
            maps = yield from predict(
                image,
                network,
                pixel_size=info.pixel_size,
                device=device,
                options=predict_options,
            )
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        else:
            return maps, device_info, guess
        device_info, predict_options = _need_less(device_info, predict_options, device)
        window = predict_options.window or largest_window(device)
        yield Progress(
            message=f"Out of memory: again on {device_info.description}, in windows "
            f"of {window} px"
        )


def _need_less(
    device_info: DeviceInfo, options: PredictOptions, device: torch.device
) -> tuple[DeviceInfo, PredictOptions]:
    """Return what to try after memory ran out."""
    _load.cache_clear()
    halved = with_half_window(options, device)
    if (halved.window or 0) >= SMALLEST_WINDOW:
        return device_info, halved
    if device.type != "cpu":
        return pick_device("cpu"), PredictOptions(
            augment=options.augment, label_shift=options.label_shift
        )
    raise DeviceError(
        f"The computer's memory is too small even for windows of {SMALLEST_WINDOW} "
        "px; close other programs and run again."
    )


@lru_cache(maxsize=1)
def _load(path: Path, changed: int, device: str) -> NucleusNetwork:  # noqa: ARG001
    """Return the network on its device; the last one used is kept."""
    return arrange(load_network(path), torch.device(device))
