"""How fast an image becomes labels, against the network alone and a naive tool.

The network alone is arranged as ours is; the naive tool has it as its library
builds it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from table import Row
from tissue import PIXEL_SIZE, tissue

from napari_monuseg.core.arrangement import arrange
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.devices import (
    autocast,
    largest_window,
    pick_device,
    precision,
)
from napari_monuseg.core.enlarging import DecoderBlock
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import Segmentation, SegmentOptions, segment
from napari_monuseg.core.torch_import import smp, torch

SIDE = 1000
"""Of the image, px."""

CUT_SIDE = 1800
"""Of an image that is cut into windows, two or three each way, px."""

WINDOWS = (512, 640, 768)
"""Windows the network is timed in, px; the fastest counts."""

NAIVE_WINDOW, NAIVE_OVERLAP = 256, 64


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one image took: with us, the network alone, and a naive tool.

    Parameters
    ----------
    model : str
        Which.
    rounds : list of dict
        Seconds of ``ours``, ``alone`` and ``naive``, taken in turns.
    window : int
        In which the network alone was fastest, px.
    """

    model: str
    rounds: list[dict[str, float]]
    window: int

    @property
    def ours(self) -> float:
        """Seconds from image to labels."""
        return median(seconds["ours"] for seconds in self.rounds)

    def rows(self) -> list[Row]:
        """Compare them."""
        what = f"{SIDE:,} × {SIDE:,} px to labels, time"
        ours, alone = self._typical("ours", "alone")
        against_network = Row(
            model=self.model,
            what=f"{what} over the network's alone",
            value=ours / alone,
            unit=" ×",
            aim=1.5,
            must=1.8,
            how=f"{ours:.3f} s : {alone:.3f} s, windows of {self.window} px",
        )
        naive, ours = self._typical("naive", "ours")
        against_naive = Row(
            model=self.model,
            what=f"{what} of a naive tool over ours",
            value=naive / ours,
            unit=" ×",
            aim=3,
            must=2,
            at_least=True,
            how=f"{naive:.3f} s : {ours:.3f} s",
        )
        return [against_network, against_naive]

    def _typical(self, one: str, other: str) -> tuple[float, float]:
        """Give the times of the round with the median ratio.

        Other work comes and goes, so that the ratio of two medians may compare
        a busy machine with a quiet one.
        """
        pairs = [(seconds[one], seconds[other]) for seconds in self.rounds]
        return sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]


def time_model(model: ModelEntry, rounds: int) -> Timing:
    """Time an image to labels, the network alone and the naive tool, in turns."""
    rgb = tissue(SIDE)
    device = torch.device(pick_device("auto").name)
    network = _as_the_library_has_it(load_network(model.path)).to(device)
    fast = arrange(load_network(model.path), device)
    alone = {
        size: partial(_run_network, fast, _cut(rgb, size, fast.stride, device), device)
        for size in sorted({*WINDOWS, largest_window(device)})
    }
    window = _fastest(alone)
    actions = {
        "ours": partial(_segment, rgb, model),
        "alone": alone[window],
        "naive": partial(_segment_naively, rgb, network, device, model.info.instances),
    }
    return Timing(model=model.name, window=window, rounds=in_turns(actions, rounds))


def tiling_row(model: ModelEntry) -> Row:
    """Compare an image cut into windows with the same image in one piece."""
    rgb = tissue(CUT_SIDE)
    tiled = _segment(rgb, model)
    whole = _segment(rgb, model, window=CUT_SIDE + 128)
    threshold = model.info.instances.foreground_threshold
    masks = [one.maps.foreground > threshold for one in (tiled, whole)]
    flipped = np.count_nonzero(masks[0] != masks[1]) / max(1, masks[1].sum())
    return Row(
        model=model.name,
        what=f"{CUT_SIDE:,} × {CUT_SIDE:,} px in windows against one piece, AJI",
        value=score_labels(whole.labels, tiled.labels).aji,
        unit="",
        aim=0.99,
        at_least=True,
        how=f"{flipped:.2%} of the foreground pixels flipped, "
        f"{int(whole.labels.max())} nuclei",
    )


def _segment(
    rgb: npt.NDArray[np.uint8], model: ModelEntry, window: int | None = None
) -> Segmentation:
    image = TissueImage.from_array(rgb, pixel_size=PIXEL_SIZE)
    return finish(segment(image, model, SegmentOptions(window=window)))


def _cut(
    rgb: npt.NDArray[np.uint8], size: int, stride: int, device: torch.device
) -> list[torch.Tensor]:
    """Cut an image into windows that do not overlap, ready for the network.

    Those at the right and at the bottom are only as large as they need be.
    """
    missing = [-side % stride for side in rgb.shape[:2]]
    filled = np.pad(rgb, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")
    pixels = torch.from_numpy(filled).to(device).permute(2, 0, 1)[None].float() / 255
    tops, lefts = (range(0, side, size) for side in filled.shape[:2])
    return [
        pixels[..., top : top + size, left : left + size].contiguous(
            memory_format=torch.channels_last
        )
        for top, left in product(tops, lefts)
    ]


def _as_the_library_has_it(network: NucleusNetwork) -> NucleusNetwork:
    """Give a UNet the decoder of segmentation-models-pytorch back, in place.

    That one enlarges first and convolves then, as a naive tool would let it.
    """
    for name, block in list(network.named_modules()):
        if isinstance(block, DecoderBlock):
            network.set_submodule(name, _LibraryBlock(block))
    return network.eval()


class _LibraryBlock(smp.decoders.unet.decoder.UnetDecoderBlock):
    def __init__(self, block: DecoderBlock) -> None:
        convolution = block.conv1[0]
        super().__init__(convolution.in_channels, 0, convolution.out_channels)
        self.load_state_dict(block.state_dict())


def _run_network(
    network: NucleusNetwork, windows: list[torch.Tensor], device: torch.device
) -> None:
    dtype = precision(device)
    with (
        torch.inference_mode(),
        autocast(device, dtype),
    ):
        for window in windows:
            network(window)
    if device.type == "cuda":
        torch.cuda.synchronize()


def _segment_naively(
    rgb: npt.NDArray[np.uint8],
    network: NucleusNetwork,
    device: torch.device,
    options: InstanceOptions,
) -> npt.NDArray[np.int32]:
    """Segment as most tools do: small windows, one at a time, fp32, averaged."""
    height, width = rgb.shape[:2]
    total = np.zeros((2, height, width), np.float32)
    count = np.zeros((height, width), np.float32)
    for top, left in product(_origins(height), _origins(width)):
        window = (slice(top, top + NAIVE_WINDOW), slice(left, left + NAIVE_WINDOW))
        pixels = torch.from_numpy(rgb[window]).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            output = torch.sigmoid(network(pixels.to(device)))
        total[(slice(None), *window)] += output[0].cpu().numpy()
        count[window] += 1
    foreground, distance = (total / count).astype(np.float16)
    maps = NucleusMaps(foreground=foreground, distance=distance)
    return finish(find_nuclei(maps, options))


def _origins(length: int) -> list[int]:
    last = length - NAIVE_WINDOW
    return [*range(0, last, NAIVE_WINDOW - NAIVE_OVERLAP), last]


def _fastest(runs: dict[int, Callable[[], Any]]) -> int:
    seconds = in_turns(runs, rounds=3)
    return min(runs, key=lambda size: min(round_[size] for round_ in seconds))


def in_turns(
    actions: dict[Any, Callable[[], Any]], rounds: int
) -> list[dict[Any, float]]:
    """Time actions A B C, A B C, …; give the seconds of each round."""
    for action in actions.values():  # the first time is always slow
        action()
    return [
        {name: _seconds(action) for name, action in actions.items()}
        for _ in range(rounds)
    ]


def _seconds(action: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
