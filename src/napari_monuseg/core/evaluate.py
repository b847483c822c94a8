"""Score a model on images whose true nuclei are known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from napari_monuseg.core.errors import CheckpointError, ExportError, MonusegError
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.scores import Scores, mean_scores, score_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from napari_monuseg.core.datasets import Sample
    from napari_monuseg.core.image import TissueImage
    from napari_monuseg.core.registry import ModelEntry
    from napari_monuseg.core.segment import Segmentation, SegmentOptions

    Segmenting = Generator[Progress, None, Segmentation]
    Segmenter = Callable[[TissueImage, ModelEntry, SegmentOptions], Segmenting]
    Visitor = Callable[["ScoredImage"], None]


_HEADINGS = {
    "true_nuclei": "true",
    "predicted_nuclei": "found",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "dice": "Dice",
    "aji": "AJI",
    "aji_plus": "AJI+",
    "dq": "DQ",
    "sq": "SQ",
    "pq": "PQ",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredImage:
    """An image that was scored, while it is at hand.

    Parameters
    ----------
    name : str
        Of the sample.
    image : TissueImage
        RGB ``(H, W)``, open.
    truth : (H, W) int32
        True nuclei.
    segmentation : Segmentation
        Maps and labels of the model.
    scores : Scores
        Of the labels.
    """

    name: str
    image: TissueImage
    truth: NDArray[np.int32]
    segmentation: Segmentation
    scores: Scores


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of one model, image by image.

    Parameters
    ----------
    model : str
        Name of the model.
    rows : list of (str, Scores)
        Name and scores of each image that was scored.
    failures : list of (str, str)
        Name of each image that could not be scored, and why.
    asked : dict of str to float or bool
        In what the model was run otherwise than by default, by name.
    guesses : dict of str to float
        By name, the pixel size of each image that did not state one, µm/px.
    assumed : dict of str to float
        By name, the pixel size taken for each image that did not state one and showed
        too few nuclei to guess it from, µm/px.
    doubts : dict of str to str
        By name, why the model may misread an image, where something speaks for it.
    """

    model: str
    rows: list[tuple[str, Scores]]
    failures: list[tuple[str, str]]
    asked: dict[str, float | bool] = field(default_factory=dict)
    guesses: dict[str, float] = field(default_factory=dict)
    assumed: dict[str, float] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    @property
    def mean(self) -> Scores | None:
        """Mean over the images that were scored, each counting the same, or None."""
        return mean_scores([scores for _, scores in self.rows]) if self.rows else None

    def as_dict(self) -> dict[str, Any]:
        """Return all of it in what JSON knows."""
        return {
            "model": self.model,
            "asked": self.asked,
            "images": [{"name": name, **asdict(scores)} for name, scores in self.rows],
            "mean": asdict(self.mean) if self.mean else None,
            "guessed_pixel_sizes": self.guesses,
            "assumed_pixel_sizes": self.assumed,
            "doubts": self.doubts,
            "failures": [
                {"name": name, "reason": reason} for name, reason in self.failures
            ],
        }

    def as_table(self) -> str:
        """Return the scores as fixed-width text: a line per image, then the mean."""
        named = [*self.rows, *([("mean", self.mean)] if self.mean else [])]
        lines = [["image", *_HEADINGS.values()]]
        lines += [[name, *_cells(scores)] for name, scores in named]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [_justify(line, widths) for line in lines]
        rule = "-" * len(text[0])
        text.insert(1, rule)
        if self.mean:
            text.insert(-1, rule)
        return "\n".join(text)


def evaluate(
    samples: Sequence[Sample],
    model: ModelEntry,
    options: SegmentOptions,
    *,
    segmenter: Segmenter | None = None,
    visitor: Visitor | None = None,
) -> Generator[Progress, None, Evaluation]:
    """Segment whole images and score them against their true nuclei.

    An image that cannot be read, scored or segmented is kept as a failure, and the
    others go on.

    Parameters
    ----------
    samples : sequence of Sample
        Images with truth.
    model : ModelEntry
        The model to score.
    options : SegmentOptions
        How to segment.
    segmenter : callable, optional
        What segments in place of `core.segment.segment`.
    visitor : callable, optional
        Is shown each image that was scored, with its maps, which are not kept.

    Yields
    ------
    Progress
        Images done of all, with what is being done to the present one.

    Returns
    -------
    Evaluation
        Scores and failures in the samples' order.

    Raises
    ------
    CheckpointError
        If the model cannot be loaded, which no other image would change.
    ExportError
        If the visitor cannot write, which no other image would change either.
    """
    rows: list[tuple[str, Scores]] = []
    failures: list[tuple[str, str]] = []
    guesses: dict[str, float] = {}
    assumed: dict[str, float] = {}
    doubts: dict[str, str] = {}
    for number, sample in enumerate(samples):
        segmenting = segmenter or _core_segmenter()
        steps = _score(sample, model, options, segmenting, visitor)
        try:
            found = yield from _count(steps, sample.name, number, len(samples))
            rows.append((sample.name, found.scores))
            if found.guess:
                guesses[sample.name] = found.guess
            elif not found.stated:
                assumed[sample.name] = model.info.pixel_size
            if found.doubt:
                doubts[sample.name] = found.doubt
        except (CheckpointError, ExportError):
            raise
        except MonusegError as error:
            failures.append((sample.name, str(error)))
    done = len(samples)
    yield Progress(message=f"Scored {len(rows)} images", done=done, total=done)
    asked = options.instances | ({"augment": True} if options.augment else {})
    return Evaluation(
        model=model.name,
        rows=rows,
        failures=failures,
        asked=asked,
        guesses=guesses,
        assumed=assumed,
        doubts=doubts,
    )


def _core_segmenter() -> Segmenter:
    from napari_monuseg.core.segment import segment  # loads torch

    return segment


class _Found(NamedTuple):
    scores: Scores
    stated: bool
    guess: float | None
    doubt: str


def _score(
    sample: Sample,
    model: ModelEntry,
    options: SegmentOptions,
    segmenter: Segmenter,
    visitor: Visitor | None,
) -> Generator[Progress, None, _Found]:
    """Score one image."""
    yield Progress(message="Reading")
    truth = sample.labels()
    with sample.image() as image:
        segmentation = yield from segmenter(image, model, options)
        yield Progress(message="Scoring")
        scores = score_labels(truth, segmentation.labels)
        if visitor is not None:
            scored = ScoredImage(
                name=sample.name,
                image=image,
                truth=truth,
                segmentation=segmentation,
                scores=scores,
            )
            yield Progress(message="Drawing")
            visitor(scored)
    return _Found(
        scores,
        segmentation.maps.pixel_size is not None,
        segmentation.guessed_pixel_size,
        segmentation.doubt,
    )


def _count(
    steps: Generator[Progress, None, _Found],
    name: str,
    number: int,
    total: int,
) -> Generator[Progress, None, _Found]:
    """Pass on what is done to an image, counted in images.

    An image's own steps start again from 0 with each stage, so they cannot be added.
    """
    try:
        while True:
            step = next(steps)
            message = f"{name}: {step.message}"
            yield Progress(message=message, done=number, total=total)
    except StopIteration as finished:
        found: _Found = finished.value
        return found
    finally:
        steps.close()  # so that a cancelled image is closed at once


def _cells(scores: Scores) -> list[str]:
    values = asdict(scores)
    return [_cell(values[name]) for name in _HEADINGS]


def _cell(value: float) -> str:
    """Return a count of one image as it is, a mean of counts or a score rounded."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if value > 1 else f"{value:.3f}"


def _justify(cells: list[str], widths: list[int]) -> str:
    name, *numbers = cells
    padded = [
        cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)
    ]
    return "  ".join([name.ljust(widths[0]), *padded])
