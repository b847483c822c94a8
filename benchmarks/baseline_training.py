"""Train a baseline as the project did that it comes from, and segment with it."""

import time
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from baseline_networks import BASELINES, STRIDE
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from napari_monuseg.core.crops import FOREGROUND, read_training_images
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.devices import autocast, pick_device, training_precision
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE, InstanceOptions
from napari_monuseg.core.losses import require_finite
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.torch_import import functional, nn, torch
from napari_monuseg.core.training_options import TrainingOptions
from napari_monuseg.core.training_state import TrainingState, load_state, save_state

THRESHOLD = 0.5
"""A pixel belongs to a nucleus where its probability exceeds it."""

SEED_DISTANCE = 7
"""Least distance between two seeds of the watershed, px.

Of 1, 3, 5, 7, 9 and 11 px the one that divides the true foreground of the 13
training images best (AJI 0.877), so that the baselines do not lose by it.
"""

SAVE_EVERY = 25
"""Steps after which the state is kept."""


def baseline_options(
    *, steps: int, minutes: float | None, batch: int, seed: int, crop: int = 256
) -> TrainingOptions:
    """Return the recipe: Adam at a constant rate, which is AdamW without decay."""
    return TrainingOptions(
        steps=steps,
        minutes=minutes,
        batch=batch,
        crop=crop,
        seed=seed,
        learning_rate=1e-3,
        weight_decay=0.0,
        averaging=0.0,
    )


def train_baseline(
    name: str, samples: Sequence[Sample], options: TrainingOptions, state_path: Path
) -> Generator[Progress, None, TrainingState]:
    """Train a baseline on crops as they are, by cross-entropy of the foreground.

    Parameters
    ----------
    name : {"unet", "segnet"}
        Which.
    samples : sequence of Sample
        Images to learn from, each at least a crop large.
    options : TrainingOptions
        As `baseline_options` gives them.
    state_path : Path
        Where the state is kept; a training found there goes on.

    Yields
    ------
    Progress
        A step per optimizer step.

    Returns
    -------
    TrainingState
        With the network, in evaluation mode, the steps and the seconds.

    Raises
    ------
    TrainingError
        If the state belongs to another recipe, or the loss is no longer a number.
    """
    torch.manual_seed(options.seed)
    device = torch.device(pick_device(options.device).name)
    state = TrainingState(BASELINES[name](), options, device)
    if state_path.exists():
        load_state(state_path, state)
    if state.share_done(options) < 1:
        images = yield from read_training_images(samples, options.pixel_size)
        yield from _train_steps(images, options, state, state_path)
        save_state(state_path, state)
    state.network.eval()
    return state


def _train_steps(
    images: list[torch.Tensor],
    options: TrainingOptions,
    state: TrainingState,
    state_path: Path,
) -> Generator[Progress, None, None]:
    while (share := state.share_done(options)) < 1:
        started = time.monotonic()
        loss = require_finite(_train_step(images, options, state))
        state.seconds += time.monotonic() - started
        yield Progress(
            message=f"step {state.step}, loss {loss:.3f}",
            done=round(1000 * share),
            total=1000,
        )
        if state.step % SAVE_EVERY == 0:
            save_state(state_path, state)


def _train_step(
    images: list[torch.Tensor], options: TrainingOptions, state: TrainingState
) -> float:
    """Take one optimizer step; return its loss."""
    crops = draw_crops(images, options.batch, options.crop, state.generator)
    crops = crops.to(state.device)
    rgb = crops[:, :FOREGROUND].contiguous(memory_format=torch.channels_last)
    state.network.train()
    with autocast(state.device, training_precision(state.device)):
        logits = state.network(rgb)
    loss = functional.binary_cross_entropy_with_logits(
        logits[:, 0].float(), crops[:, FOREGROUND]
    )
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    state.step += 1
    return float(loss.detach())


def draw_crops(
    images: Sequence[torch.Tensor], count: int, side: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw crops as they are, from images chosen evenly.

    Parameters
    ----------
    images : sequence of (6, H, W) uint8 tensor
        As `training_image` makes them.
    count, side : int
        How many, and their side, px.
    generator : torch.Generator
        Source of chance.

    Returns
    -------
    (count, 4, side, side) float32 tensor in [0, 1]
        Red, green, blue, and whether a pixel belongs to a nucleus.
    """
    crops = []
    for _ in range(count):
        image = images[_draw(len(images), generator)]
        top, left = (_draw(end - side + 1, generator) for end in image.shape[1:])
        crops.append(image[: FOREGROUND + 1, top : top + side, left : left + side])
    return torch.stack(crops).float() / 255


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))


def segment_whole(
    network: nn.Module, rgb: npt.NDArray[np.uint8], device: torch.device
) -> npt.NDArray[np.int32]:
    """Return the nuclei ``(H, W)`` of an image ``(H, W, 3)`` taken in one piece."""
    missing = [-side % STRIDE for side in rgb.shape[:2]]
    filled = np.pad(rgb, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")
    pixels = torch.from_numpy(filled).to(device).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        probability = torch.sigmoid(network(pixels))[0, 0].cpu().numpy()
    return divide(probability[: rgb.shape[0], : rgb.shape[1]] > THRESHOLD)


def divide(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Divide a foreground ``(H, W)`` into nuclei by its distance from the border.

    The watershed of the distance transform starts from its maxima; what is smaller
    than the smallest nucleus of ours is dropped.
    """
    distance = ndimage.distance_transform_edt(mask)
    peaks = peak_local_max(
        distance, min_distance=SEED_DISTANCE, labels=mask, exclude_border=False
    )
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, seeds, mask=mask).astype(np.int32)
    small = np.bincount(labels.ravel()) < InstanceOptions().smallest_nucleus_px(
        ASSUMED_PIXEL_SIZE
    )
    labels[small[labels]] = 0
    return labels
