"""A tissue image and a network ─► the network's maps of the whole image.

The image is cut into overlapping windows, which are blended smoothly and put
together row of windows by row of windows; a finished band leaves memory for the
maps, which live on disk when they are large.
"""

import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import Window, blocks
from napari_monuseg.core.devices import autocast, largest_window, precision
from napari_monuseg.core.errors import DeviceError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.networks import CHANNELS, NucleusNetwork
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.resampling import SAME_PIXEL_SIZE, resample_window
from napari_monuseg.core.tiles import Tiling, tile
from napari_monuseg.core.torch_import import functional, torch

LARGEST_IN_MEMORY = 2**30
"""Maps of more bytes than this live in a temporary file."""

Maps = npt.NDArray[np.float16]
Shift = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How a network is run over an image.

    Parameters
    ----------
    window : int or None
        Largest side of a window, px; None for the device's own.
    overlap : int or None
        Pixels neighbouring windows share, at least; None for the network's own, or a
        quarter of the window where that is less.
    augment : bool
        Average over the eight rotations and reflections: eight times as long.
    label_shift : tuple of float
        How far down and right of the tissue the network's nuclei lie, px, so that
        the eight can be brought to one place.
    """

    window: int | None = None
    overlap: int | None = None
    augment: bool = False
    label_shift: Shift = (0.0, 0.0)


def predict(
    image: TissueImage,
    network: NucleusNetwork,
    *,
    pixel_size: float,
    device: torch.device,
    options: PredictOptions,
) -> Generator[Progress, None, NucleusMaps]:
    """Run a network over an image.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, read by window.
    network : NucleusNetwork
        Already on the device, in evaluation mode.
    pixel_size : float
        What the network was trained at, µm/px. An image whose own is known or
        assumed and differs by more than 10% is resampled for the network, and the
        maps back.
    device : torch.device
        Where to run.
    options : PredictOptions
        Windows and augmentation.

    Yields
    ------
    Progress
        A step per window.

    Returns
    -------
    NucleusMaps
        On the image's own grid ``(H, W)``.
    """
    shape = (image.height, image.width)
    grid = _grid_shape(image, pixel_size)
    network_maps = yield from _predict_grid(image, grid, network, device, options)
    maps = network_maps if grid == shape else _resample(network_maps, shape)
    return NucleusMaps(
        foreground=maps[0],
        distance=maps[1],
        pixel_size=image.pixel_size,
        assumed_pixel_size=image.assumed_pixel_size,
    )


def _grid_shape(image: TissueImage, pixel_size: float) -> tuple[int, int]:
    """Return height and width of the grid the network sees, px."""
    ratio = image.pixel_size_or(pixel_size) / pixel_size
    if abs(ratio - 1) <= SAME_PIXEL_SIZE:
        ratio = 1.0
    return max(1, round(image.height * ratio)), max(1, round(image.width * ratio))


def _predict_grid(
    image: TissueImage,
    grid: tuple[int, int],
    network: NucleusNetwork,
    device: torch.device,
    options: PredictOptions,
) -> Generator[Progress, None, Maps]:
    largest = options.window or largest_window(device)
    overlap = options.overlap
    if overlap is None:
        overlap = min(network.overlap, largest // 4)
    down, across = (
        tile(side, stride=network.stride, largest=largest, overlap=overlap)
        for side in grid
    )
    maps = _allocate(grid)
    total = len(down.origins) * len(across.origins)
    band = np.zeros((CHANNELS, down.size, across.length), np.float32)
    for row, top in enumerate(down.origins):
        for column, left in enumerate(across.origins):
            done = row * len(across.origins) + column
            yield Progress(message="Finding nuclei", done=done, total=total)
            rgb = _read(image, grid, (top, left), (down.size, across.size))
            output = _run(network, rgb, device, options)
            weights = down.weights(row)[:, None] * across.weights(column)[None]
            band[:, :, left : left + across.size] += output * weights
        band = _flush(band, maps, down, row)
    yield Progress(message="Finding nuclei", done=total, total=total)
    return maps


def _flush(
    band: npt.NDArray[np.float32], maps: Maps, down: Tiling, row: int
) -> npt.NDArray[np.float32]:
    """Write the rows no later window reaches, and move the band on to the next."""
    top = down.origins[row]
    last = row + 1 == len(down.origins)
    finished = down.size if last else down.origins[row + 1] - top
    stop = min(top + finished, maps.shape[1])
    done = torch.from_numpy(band[:, : stop - top, : maps.shape[2]])
    maps[:, top:stop] = done.half().numpy()  # numpy takes far longer
    moved = np.zeros_like(band)
    moved[:, : down.size - finished] = band[:, finished:]
    return moved


def _read(
    image: TissueImage,
    grid: tuple[int, int],
    origin: tuple[int, int],
    size: tuple[int, int],
) -> npt.NDArray[np.uint8]:
    """Return a window ``(h, w, 3)`` of the network's grid, mirrored at the edge."""
    window = tuple(
        slice(start, min(start + side, length))
        for start, side, length in zip(origin, size, grid, strict=True)
    )
    rgb = _read_inside(image, grid, (window[0], window[1]))
    missing = [side - have for side, have in zip(size, rgb.shape[:2], strict=True)]
    # Mirroring reaches at most as far as the image is wide; symmetric repeats.
    return np.pad(rgb, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")


def _read_inside(
    image: TissueImage, grid: tuple[int, int], window: Window
) -> npt.NDArray[np.uint8]:
    shape = (image.height, image.width)
    if grid == shape:
        return image.read(*window)
    scale = (grid[0] / shape[0], grid[1] / shape[1])
    resampled = resample_window(image.read, shape, window, scale)
    return np.rint(resampled).astype(np.uint8)


def _run(
    network: NucleusNetwork,
    rgb: npt.NDArray[np.uint8],
    device: torch.device,
    options: PredictOptions,
) -> npt.NDArray[np.float32]:
    """Return foreground and distance ``(2, h, w)`` of one window."""
    pixels = torch.from_numpy(rgb).to(device).permute(2, 0, 1)[None].float().div_(255)
    turns = range(8) if options.augment else range(1)
    dtype = precision(device)
    total: Any = 0
    with torch.inference_mode():
        for turn in turns:
            turned = _turn(pixels, turn).contiguous(memory_format=torch.channels_last)
            with autocast(device, dtype):
                logits = network(turned)
            said = _turn_back(torch.sigmoid(logits.float()), turn)
            total = total + _set_right(said, turn, options.label_shift)
    mean: npt.NDArray[np.float32] = (total[0] / len(turns)).cpu().numpy()
    return mean


def _turn(pixels: torch.Tensor, turn: int) -> torch.Tensor:
    if not turn:  # torch would copy
        return pixels
    turned = torch.rot90(pixels, turn % 4, (2, 3))
    return turned.flip(3) if turn >= 4 else turned


def _turn_back(pixels: torch.Tensor, turn: int) -> torch.Tensor:
    if not turn:
        return pixels
    mirrored = pixels.flip(3) if turn >= 4 else pixels
    return torch.rot90(mirrored, -(turn % 4), (2, 3))


def _set_right(maps: torch.Tensor, turn: int, shift: Shift) -> torch.Tensor:
    """Move the maps of a turned window to where those of an unturned one lie."""
    down, right = shift
    if turn >= 4:
        right = -right
    for _ in range(turn % 4):
        down, right = right, -down
    down, right = shift[0] - down, shift[1] - right
    if not (down or right):
        return maps
    height, width = maps.shape[2:]
    move = [[1, 0, -2 * right / width], [0, 1, -2 * down / height]]
    grid = functional.affine_grid(
        torch.tensor([move], device=maps.device), [*maps.shape], align_corners=False
    )
    # As far as the centres of the outermost pixels, which repeats them; not every
    # device knows the padding that does so.
    edge = torch.tensor([1 - 1 / width, 1 - 1 / height], device=maps.device)
    return functional.grid_sample(maps, grid.clamp(-edge, edge), align_corners=False)


def _resample(maps: Maps, shape: tuple[int, int], block: int = 1024) -> Maps:
    """Return the maps on a grid of another shape, block by block."""
    grid = (maps.shape[1], maps.shape[2])
    scale = (shape[0] / grid[0], shape[1] / grid[1])
    resampled = _allocate(shape)
    for channel, target in zip(maps, resampled, strict=True):
        for window in blocks(shape, block):
            target[window] = resample_window(
                partial(_read_channel, channel), grid, window, scale
            )
    return resampled


def _read_channel(
    channel: npt.NDArray[np.float16], rows: slice, columns: slice
) -> npt.NDArray[np.float16]:
    return channel[rows, columns]


def _allocate(shape: tuple[int, int]) -> Maps:
    """Return room for the maps: in memory, or in a file that goes with them."""
    full = (CHANNELS, *shape)
    needed = np.dtype(np.float16).itemsize * CHANNELS * shape[0] * shape[1]
    if needed <= LARGEST_IN_MEMORY:
        return np.zeros(full, np.float16)
    # A memory map on a full disk kills the process when it is written to.
    if shutil.disk_usage(tempfile.gettempdir()).free < needed + LARGEST_IN_MEMORY:
        raise DeviceError(
            f"The folder for temporary files, {tempfile.gettempdir()}, needs "
            f"{needed / 2**30 + 1:.1f} GB of free space for this image."
        )
    with tempfile.TemporaryFile(prefix="napari-monuseg-") as file:
        return np.memmap(file, np.float16, "w+", shape=full)


def with_half_window(options: PredictOptions, device: torch.device) -> PredictOptions:
    """Return the same options with windows half as large."""
    window = (options.window or largest_window(device)) // 2
    overlap = options.overlap and min(options.overlap, window // 4)
    return replace(options, window=window, overlap=overlap)
