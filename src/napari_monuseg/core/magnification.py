"""A guess at the pixel size of an image that does not state it.

Most slides are scanned at 40× or at 20×. At 20× taken for 40×, a nucleus is half as
wide as any that the network learned from; it finds small nuclei, and is in doubt of
them. So the densest piece of tissue is looked at both ways, and 20× is guessed only
where nuclei as found at 40× are small *and* the network is surer of them at 20×: a
wrong guess spoils an image, no guess leaves it as it was. A third witness is the image
itself: a 40× objective resolves less than its pixels could show, so that neighbours
are more alike than at 20×. Noise looks like detail, so this one alone decides nothing.
"""

import math
from collections.abc import Generator
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import Window
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import Progress, Result
from napari_monuseg.core.torch_import import torch

COARSER = 2
"""How many times as wide the pixels are of the magnification that is asked about."""

PIECE = 512
"""Side of the piece that is looked at, px."""

FEWEST_NUCLEI = 20
"""With fewer in a piece, the next one is looked at."""

MOST_PIECES = 3
"""Where none of so many has enough nuclei, nothing is guessed."""

SMALL_NUCLEUS = 200
"""Median area of nuclei between the two magnifications, in px of the network."""

DOUBT_PER_OCTAVE = 0.08
"""How much doubt weighs as much as nuclei of half the area."""

CRISP = 0.322
"""Between the crispness, as `crispness` takes it, of the two magnifications."""

CRISPER = 0.02
"""What is crisper by so much is as crisp as counts, or as smooth."""

CRISP_OCTAVES = 0.6
"""How much crispness weighs at most, in the way that nuclei of half the area do."""

DARKEST = 1.5
"""Optical density of red beyond which tissue counts as no darker."""

LOOKING = Progress(message="Looking at the size of the nuclei")

_PLACES = 5
"""Pieces across and down that are compared by how dense they are."""


def guess_pixel_size(
    image: TissueImage,
    network: NucleusNetwork,
    *,
    pixel_size: float,
    device: torch.device,
    options: PredictOptions,
) -> Generator[Progress, None, float | None]:
    """Guess the pixel size of an image that does not state it.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)`` in the network's stains, of unknown pixel size.
    network : NucleusNetwork
        On the device, in evaluation mode.
    pixel_size : float
        What the network was trained at, µm/px.
    device : torch.device
        Where to run.
    options : PredictOptions
        How the image is to be segmented; nothing is turned for a guess.

    Yields
    ------
    Progress
        While it looks.

    Returns
    -------
    float or None
        `pixel_size`, or `COARSER` times as much; None where there are too few nuclei
        to go by.
    """
    yield LOOKING
    look = partial(
        predict,
        network=network,
        pixel_size=pixel_size,
        device=device,
        options=replace(
            options, window=min(PIECE, options.window or PIECE), augment=False
        ),
    )
    for piece in _densest(image, PIECE)[:MOST_PIECES]:
        fine = yield from _uncounted(look(piece.with_pixel_size(pixel_size)))
        labels = yield from _uncounted(
            find_nuclei(fine, InstanceOptions(smallest_nucleus_um2=1))
        )
        areas = np.bincount(labels.ravel())[1:]
        if len(areas) >= FEWEST_NUCLEI:
            break  # ink, a fold or necrosis may be denser than nuclei are
    else:
        return None
    small = math.log2(SMALL_NUCLEUS / float(np.median(areas)))
    if small < -1:
        return pixel_size  # no doubt could outweigh that
    rows, columns = _middle(piece)
    middle = piece.crop(rows, columns).with_pixel_size(pixel_size * COARSER)
    coarse = yield from _uncounted(look(middle))
    before = _doubt(np.asarray(fine.foreground[rows, columns], np.float32))
    after = _doubt(np.asarray(coarse.foreground, np.float32))
    surer = (before - after) / DOUBT_PER_OCTAVE
    crisper = CRISP_OCTAVES * float(
        np.clip((crispness(piece) - CRISP) / CRISPER, -1, 1)
    )
    return pixel_size * (COARSER if small + surer + crisper > 0 else 1)


def crispness(image: TissueImage) -> float:
    """Return how neighbours differ, over how pixels differ that lie two apart.

    Parameters
    ----------
    image : TissueImage
        Read as a whole.

    Returns
    -------
    float
        A ratio of squared differences of the optical density, its mean over the
        colours: a quarter where the image is smooth, 1 where it is noise.
    """
    rgb = image.read(slice(None), slice(None)).astype(np.float32)
    density = -np.log(np.maximum(rgb, 1) / 255).mean(-1)
    near, far = (
        sum(
            float(np.square(density[apart:] - density[:-apart]).mean())
            for density in (density, density.T)
        )
        for apart in (1, 2)
    )
    return near / far if far else 0.25


def _uncounted(
    steps: Generator[Progress, None, Result],
) -> Generator[Progress, None, Result]:
    """Take steps whose count would say that the image itself is nearly done."""
    try:
        while True:
            next(steps)
            yield LOOKING
    except StopIteration as finished:
        result: Result = finished.value
        return result
    finally:
        steps.close()


def _doubt(foreground: npt.NDArray[np.float32]) -> float:
    """Return how much of the foreground might as well be none, 0 to 1."""
    undecided = np.minimum(foreground, 1 - foreground).sum()
    return float(undecided / max(1.0, foreground.sum()))


def _densest(image: TissueImage, side: int) -> list[TissueImage]:
    """Return pieces, first that of most hematoxylin, which alone takes red light away.

    No piece has its middle in one before it: that would show the same again.
    """
    places = [
        (rows, columns)
        for rows in _places(image.height, side)
        for columns in _places(image.width, side)
    ]
    if len(places) == 1:
        return [image.crop(*places[0])]
    by_density = sorted(
        places, key=lambda place: _hematoxylin(image.crop(*place)), reverse=True
    )
    chosen: list[Window] = []
    for place in by_density:
        if not any(_has_middle(place, earlier) for earlier in chosen):
            chosen.append(place)
    return [image.crop(*place) for place in chosen]


def _has_middle(place: Window, earlier: Window) -> bool:
    """Tell whether the middle of a place lies in an earlier one."""
    return all(
        there.start <= (here.start + here.stop) / 2 < there.stop
        for here, there in zip(place, earlier, strict=True)
    )


def _hematoxylin(piece: TissueImage) -> float:
    """Return the mean density of red; folds and ink count as dark tissue."""
    red = piece.read(slice(None), slice(None))[::2, ::2, 0]
    return float(np.minimum(-np.log(np.maximum(red, 1) / 255), DARKEST).mean())


def _places(length: int, side: int) -> list[slice]:
    if length <= side:
        return [slice(0, length)]
    count = min(_PLACES, math.ceil(length / side))
    starts = np.linspace(0, length - side, count).round().astype(int)
    return [slice(int(start), int(start) + side) for start in starts]


def _middle(piece: TissueImage) -> Window:
    """Return the part of a piece that fills as many pixels when it is enlarged."""
    rows, columns = (
        slice((length - side) // 2, (length - side) // 2 + side)
        for length in (piece.height, piece.width)
        for side in (math.ceil(length / COARSER),)
    )
    return rows, columns
