"""Layers run over a map band by band instead of all at once, with the same result.

Close to full resolution a network's maps are its largest, tens of megabytes each in
a large window, and its layers see only a few rows up and down. Layer by layer, each
such map is fresh memory that is written once and read once. Band by band they stay
small: a CPU keeps them in its cache, and the system is not asked for memory that it
must clear first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from napari_monuseg.core.torch_import import torch

Maps = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Band:
    """Rows of a map that are computed together.

    Parameters
    ----------
    top, stop : int
        The rows the band is computed for.
    first, last : int
        The rows it is computed from: these and, inside the map, some more each way.
    """

    top: int
    stop: int
    first: int
    last: int


def bands(height: int, rows: int, halo: int) -> Iterator[Band]:
    """Divide the rows of a map into bands from the top down.

    Parameters
    ----------
    height : int
        Rows of the map.
    rows : int
        Of a band; the last has what is left.
    halo : int
        Rows above and below a band that it is computed from as well.
    """
    for top in range(0, height, rows):
        stop = min(top + rows, height)
        yield Band(top, stop, max(0, top - halo), min(height, stop + halo))


def in_bands(
    step: Callable[..., Maps], maps: Maps, *, rows: int | None, halo: int
) -> Maps:
    """Run a step over maps band by band.

    Parameters
    ----------
    step : callable
        From the number of its first row and the same rows of every map to maps whose
        heights are in a fixed ratio to theirs.
    maps : tuple of (N, C, H, W) tensor
        Of the same tissue; the heights of the others are multiples of the first's.
    rows, halo : int
        As `bands` takes them, in rows of the first map; all rows at once where `rows`
        is None. No result may depend on what lies further away than the halo, and rows
        and halo must be whole rows of every map and result.

    Returns
    -------
    tuple of tensor
        What the step gives for the maps as a whole.
    """
    height = maps[0].shape[2]
    if rows is None or height <= rows:
        return step(0, *maps)
    whole: list[torch.Tensor] = []
    for band in bands(height, rows, halo):
        seen = [_rows(part, height, band.first, band.last) for part in maps]
        results = step(band.first, *seen)
        span = band.last - band.first
        whole = whole or [_room(part, span, height) for part in results]
        for target, part in zip(whole, results, strict=True):
            above, below = band.top - band.first, band.stop - band.first
            _rows(target, height, band.top, band.stop).copy_(
                _rows(part, span, above, below)
            )
    return tuple(whole)


def _rows(part: torch.Tensor, height: int, top: int, stop: int) -> torch.Tensor:
    """Give the rows of a map that show rows of another map, which has `height`."""
    own = part.shape[2]
    return part[:, :, top * own // height : stop * own // height]


def _room(part: torch.Tensor, span: int, height: int) -> torch.Tensor:
    """Give room for a whole map, of which `part` shows `span` of `height` rows."""
    count, channels, own, width = part.shape
    return torch.empty(
        (count, channels, own * height // span, width),
        dtype=part.dtype,
        device=part.device,
        memory_format=torch.channels_last,
    )
