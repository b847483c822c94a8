"""The figures of a report: of an image and what a model made of it, and of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from napari_monuseg.core.counting import how_many
from napari_monuseg.core.figures import (
    FALSE,
    FOUND,
    MISSED,
    as_text,
    overlay,
    thinned,
)
from napari_monuseg.core.matches import Matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_monuseg.core.evaluate import ScoredImage

LARGEST_SIDE = 2048
"""Larger images are thinned to every second, third … pixel, px."""

_TINT = 0.35
_GOLDEN = 0.618034
_COLOURS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """What the figures of an image show, thinned to a size fit for a screen.

    Parameters
    ----------
    title : str
        Names the image and the model.
    rgb : (h, w, 3) uint8
        Tissue.
    truth : (h, w) int32
        True nuclei.
    matches : Matches
        What of them was found ``(h, w)``.
    found, false, missed : int
        Nuclei in the whole image.
    probability : (h, w) float32
        Of foreground.
    extent : str
        Size of the whole image, in words.
    """

    title: str
    rgb: NDArray[np.uint8]
    truth: NDArray[np.int32]
    matches: Matches
    found: int
    false: int
    missed: int
    probability: NDArray[np.float32]
    extent: str

    @classmethod
    def of(cls, scored: ScoredImage, model: str) -> Picture:
        """Take it from an image that was scored."""
        image, segmentation = scored.image, scored.segmentation
        matches = Matches.of(scored.truth, segmentation.labels)
        found, false, missed = matches.counts
        step = -(-max(scored.truth.shape) // LARGEST_SIDE)
        thin = slice(None, None, step), slice(None, None, step)
        return cls(
            title=f"{scored.name} · {model}",
            rgb=thinned(image, step),
            truth=scored.truth[thin],
            matches=matches.read(thin),
            found=found,
            false=false,
            missed=missed,
            probability=segmentation.maps.foreground[thin].astype(np.float32),
            extent=_extent(image.height, image.width, image.pixel_size),
        )


def panels_figure(picture: Picture) -> Figure:
    """Draw tissue with the true contours, truth, probability and result."""
    figure, axes = _grid(picture, rows=2, columns=2, side=6.5)
    matches = picture.matches
    true, found = picture.found + picture.missed, picture.found + picture.false
    shared = np.where(matches.missed, 0, picture.truth)
    _show(axes[0], overlay(picture.rgb, picture.truth), "Tissue, true contours")
    _show(axes[1], coloured(shared, matches.missed), f"Truth: {how_many(true)}")
    _show_probability(figure, axes[2], picture.probability)
    _show(axes[3], coloured(matches.found, matches.false), f"Result: {how_many(found)}")
    axes[0].set_xlabel(picture.extent)
    axes[1].set_xlabel("white: no such nucleus in the result")
    axes[3].set_xlabel("same colour: same nucleus; white: no such nucleus in the truth")
    return figure


def probability_figure(picture: Picture) -> Figure:
    """Draw the tissue beside the probability of foreground."""
    figure, (left, right) = _grid(picture, rows=1, columns=2, side=7.5)
    _show(left, picture.rgb, "Tissue")
    _show_probability(figure, right, picture.probability)
    left.set_xlabel(picture.extent)
    return figure


def matches_figure(picture: Picture) -> Figure:
    """Draw the tissue with true, false and missed nuclei in three colours."""
    figure, (axes,) = _grid(picture, rows=1, columns=1, side=11)
    _show(axes, matches_overlay(picture.rgb, picture.matches), "")
    axes.set_xlabel(picture.extent)
    named = [
        (FOUND, "found", picture.found),
        (FALSE, "false: found, not true", picture.false),
        (MISSED, "missed: true, not found", picture.missed),
    ]
    handles = [
        Patch(
            facecolor=_fraction(colour),
            edgecolor="black",
            label=f"{name} ({count})",
        )
        for colour, name, count in named
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3,
        fontsize=12,
        title="Found: a Jaccard index over 0.5 with a true nucleus. False and missed "
        "on one place: another shape.",
    )
    return figure


def matches_overlay(rgb: NDArray[np.uint8], matches: Matches) -> NDArray[np.uint8]:
    """Outline the nuclei on their tissue, and tint what is false or missed.

    Pixels in a false nucleus and a missed one alike are not tinted: there is a
    nucleus, of another shape.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        Tissue.
    matches : Matches
        Nuclei ``(H, W)``.

    Returns
    -------
    (H, W, 3) uint8
    """
    missed, false = matches.missed != 0, matches.false != 0
    drawn = _tinted(_tinted(rgb, missed & ~false, MISSED), false & ~missed, FALSE)
    drawn = overlay(drawn, matches.found, colour=FOUND)
    drawn = overlay(drawn, matches.missed, colour=MISSED)
    return overlay(drawn, matches.false, colour=FALSE)


def coloured(labels: NDArray[np.int32], white: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Paint each nucleus in a colour of its number, with a dark edge, on black.

    Parameters
    ----------
    labels, white : (H, W) int32
        Nuclei, 0 for background, and others that are painted white.

    Returns
    -------
    (H, W, 3) uint8
    """
    places = 0.1 + 0.8 * (np.arange(_COLOURS) * _GOLDEN % 1)
    colours = np.rint(255 * colormaps["turbo"](places)[:, :3]).astype(np.uint8)
    painted = np.where(labels[..., None] != 0, colours[labels % _COLOURS], np.uint8(0))
    painted[white != 0] = 255
    edged = overlay(painted, labels, colour=(0, 0, 0), width=1)
    return overlay(edged, white, colour=(0, 0, 0), width=1)


def counts_figure(counts: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Draw found against true numbers of nuclei, a point per image.

    Parameters
    ----------
    counts : mapping of str to sequence of (float, float)
        True and found nuclei of each image, by model.
    """
    figure = Figure(figsize=(7.5, 7.5), layout="constrained")
    axes = figure.subplots()
    most = max((max(pair) for pairs in counts.values() for pair in pairs), default=1)
    end = 1.08 * max(most, 1)
    axes.plot([0, end], [0, end], "--", color="0.5", label="as many as are true")
    for (model, pairs), marker in zip(counts.items(), _markers(), strict=False):
        true, found = np.array(pairs, float).reshape(-1, 2).T
        off = np.abs(found - true).mean() if len(pairs) else 0
        # matplotlib lists nothing that begins with an underscore.
        name = as_text(f" {model}" if model.startswith("_") else model)
        label = f"{name}: off by {off:.0f} in the mean"
        axes.scatter(true, found, 45, marker=marker, alpha=0.8, label=label)
    axes.set(
        xlim=(0, end),
        ylim=(0, end),
        aspect="equal",
        xlabel="true nuclei in the image",
        ylabel="found nuclei in the image",
        title="How many nuclei each image has, and how many were found",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    return figure


def _markers() -> Sequence[str]:
    return "os^Dv<>Pp*hX" * 10


def _grid(
    picture: Picture, *, rows: int, columns: int, side: float
) -> tuple[Figure, Any]:
    """Return a figure with places for pictures of `side` inches, and its title."""
    height, width = picture.truth.shape
    high, wide = side * min(1, height / width), side * min(1, width / height)
    size = (columns * wide + 1, rows * (high + 0.6) + 1.2)
    figure = Figure(figsize=size, layout="compressed")
    figure.suptitle(as_text(picture.title), fontsize=15)
    return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def _tinted(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    tinted = rgb.copy()
    mixed = (1 - _TINT) * rgb[mask] + _TINT * np.array(colour)
    tinted[mask] = np.rint(mixed).astype(np.uint8)
    return tinted


def _show(axes: Any, picture: NDArray[Any], title: str) -> None:
    axes.imshow(picture)
    axes.set_title(title, fontsize=14)
    axes.set(xticks=[], yticks=[])


def _show_probability(
    figure: Figure, axes: Any, probability: NDArray[np.float32]
) -> None:
    drawn = axes.imshow(probability, cmap="magma", vmin=0, vmax=1)
    axes.set_title("Probability of nucleus", fontsize=14)
    axes.set(xticks=[], yticks=[])
    figure.colorbar(drawn, ax=axes, shrink=0.7, pad=0.02)


def _extent(height: int, width: int, pixel_size: float | None) -> str:
    size = f"{height} × {width} px"
    return f"{size} at {pixel_size:.3g} µm/px" if pixel_size else size


def _fraction(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255
