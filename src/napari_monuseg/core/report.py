"""A report on models: their scores in tables and figures, in a folder of its own.

::

    DIR/report.md                     the page: tables, and links to the figures
    DIR/scores.csv, scores.json       the tables
    DIR/counts.png                    found against true nuclei, all models
    DIR/MODEL/training.png            curves of its training
    DIR/MODEL/patch.png               a patch as its training sees them
    DIR/MODEL/panels/IMAGE.png        tissue, truth, probability and result
    DIR/MODEL/probability/IMAGE.png   tissue and probability
    DIR/MODEL/nuclei/IMAGE.png        found, false and missed nuclei
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from napari_monuseg.core.errors import AnnotationError, ExportError, ImageError
from napari_monuseg.core.evaluate import evaluate
from napari_monuseg.core.figures import write_figure
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.folders import make_folder
from napari_monuseg.core.map_scores import score_maps
from napari_monuseg.core.report_figures import (
    Picture,
    counts_figure,
    matches_figure,
    panels_figure,
    probability_figure,
)
from napari_monuseg.core.report_page import TITLE, ModelReport, report_page
from napari_monuseg.core.report_tables import Groups, as_csv, as_records, table_rows
from napari_monuseg.core.training_figures import (
    curves_figure,
    draw_patch,
    missing_curves,
    patch_figure,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_monuseg.core.datasets import Sample
    from napari_monuseg.core.evaluate import Evaluation, ScoredImage, Segmenter
    from napari_monuseg.core.progress import Progress
    from napari_monuseg.core.registry import ModelEntry
    from napari_monuseg.core.segment import SegmentOptions

_DRAWN = {
    "panels": panels_figure,
    "probability": probability_figure,
    "nuclei": matches_figure,
}


_BESIDE = ("scores.csv", "scores.json", "counts.png")
"""What else a report has in the folder of its page."""

FACTS = (
    "asked",
    "guessed_pixel_sizes",
    "assumed_pixel_sizes",
    "doubts",
    "failures",
)
"""Of an evaluation, what a report's JSON tells beside the scores."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Where a report goes, how images are segmented, and what is grouped.

    Parameters
    ----------
    folder : Path
        Is made if it is not there.
    segment : SegmentOptions
        How to segment.
    groups : Groups
        Images whose mean is told.
    """

    folder: Path
    segment: SegmentOptions
    groups: Groups = field(default_factory=Groups)


def write_report(
    samples: Sequence[Sample],
    models: Sequence[ModelEntry],
    options: ReportOptions,
    *,
    segmenter: Segmenter | None = None,
) -> Generator[Progress, None, list[Evaluation]]:
    """Evaluate models on images, and write it all down.

    Images are looked at one at a time: their figures are written before the next one
    is read. Tables are written again after each model. Every file is complete.

    Parameters
    ----------
    samples : sequence of Sample
        Images with truth.
    models : sequence of ModelEntry
        Each of another name.
    options : ReportOptions
        Where to, how to segment, and what to group.
    segmenter : callable, optional
        As `evaluate` takes it.

    Yields
    ------
    Progress
        As `evaluate` does, model by model.

    Returns
    -------
    list of Evaluation
        One for each model; images that could not be scored are in them.

    Raises
    ------
    CheckpointError
        If a model cannot be loaded.
    ExportError
        If two models have one name, or a file or folder cannot be written.
    """
    _check_names(models)
    make_folder(options.folder)
    _spare_others(options.folder)
    reports: list[ModelReport] = []
    for model in models:
        reports.append((yield from _report_model(model, samples, options, segmenter)))
        _write_tables(options, reports)
    return [report.evaluation for report in reports]


def former_figures(folder: Path, evaluations: Sequence[Evaluation]) -> list[Path]:
    """Find figures of an earlier report in a folder, which are not of the last one.

    Parameters
    ----------
    folder : Path
        Of a report.
    evaluations : sequence of Evaluation
        What `write_report` returned.

    Returns
    -------
    list of Path
        Sorted.
    """
    written = {
        folder / evaluation.model / kind / f"{name}.png"
        for evaluation in evaluations
        for kind in _DRAWN
        for name, _ in evaluation.rows
    }
    there = {path for kind in _DRAWN for path in folder.glob(f"*/{kind}/*.png")}
    return sorted(there - written)


def _check_names(models: Sequence[ModelEntry]) -> None:
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExportError(
            f"Two models are named {twice[0]}, and their figures would overwrite each "
            "other; name each model once, or rename one of the files."
        )


def _spare_others(folder: Path) -> None:
    """Refuse to write over a page that is no report, nor empty, and over its like."""
    try:
        with (folder / "report.md").open(encoding="utf-8", errors="replace") as file:
            begins = next((line for line in file if line.strip()), "").strip()
    except OSError:  # it is not there, or the writing will say what is wrong
        begins = ""
    if begins == TITLE:
        return
    for name in ("report.md",) if begins else _BESIDE:
        if (folder / name).is_file():
            raise ExportError(
                f"{folder / name} is there already and is of no report; choose another "
                "folder."
            )


def _report_model(
    model: ModelEntry,
    samples: Sequence[Sample],
    options: ReportOptions,
    segmenter: Segmenter | None,
) -> Generator[Progress, None, ModelReport]:
    folder = options.folder / model.name
    for kind in _DRAWN:
        make_folder(folder / kind)
    curves = _write_curves(folder, model)
    patch = yield from _write_patch(folder, model, samples)
    scores: dict[str, dict[str, float]] = {}

    def visit(scored: ScoredImage) -> None:
        maps = score_maps(scored.truth, scored.segmentation.maps)
        scores[scored.name] = asdict(scored.scores) | asdict(maps)
        picture = Picture.of(scored, model.name)
        for kind, draw in _DRAWN.items():
            write_figure(folder / kind / f"{scored.name}.png", draw(picture))

    evaluation = yield from evaluate(
        samples, model, options.segment, segmenter=segmenter, visitor=visit
    )
    return ModelReport(
        model=model,
        evaluation=evaluation,
        rows=table_rows(scores, options.groups),
        curves=curves,
        patch=patch,
        missing=missing_curves(model.info.history),
    )


def _write_curves(folder: Path, model: ModelEntry) -> bool:
    """Write the curves of a model's training, if it has any."""
    figure = curves_figure(model.info.history, f"Training of {model.name}")
    if figure is not None:
        write_figure(folder / "training.png", figure)
    return figure is not None


def _write_patch(
    folder: Path, model: ModelEntry, samples: Sequence[Sample]
) -> Generator[Progress, None, bool]:
    """Write a training patch of the first image that can be read, if any can."""
    for sample in samples:
        try:
            patch = yield from draw_patch(sample, model.info)
        except (ImageError, AnnotationError):
            continue  # it will be told when the image is scored
        title = f"A training patch of {model.name}"
        write_figure(folder / "patch.png", patch_figure(patch, title))
        return True
    return False


def _write_tables(options: ReportOptions, reports: Sequence[ModelReport]) -> None:
    """Write tables, page and counts of the models reported so far."""
    tables = {report.model.name: report.rows for report in reports}
    records = [
        {"model": report.model.name}
        | as_records(report.rows, options.groups)
        | _facts(report)
        for report in reports
    ]
    texts = {  # the page first: by it the others are known
        "report.md": report_page(reports),
        "scores.csv": as_csv(tables),
        "scores.json": json.dumps({"models": records}, indent=1) + "\n",
    }
    for name, text in texts.items():
        with write_beside(options.folder / name) as beside:
            # Names of files that are no Unicode can be in no text.
            beside.write_text(text, encoding="utf-8", errors="replace")
    write_figure(options.folder / "counts.png", counts_figure(_counts(reports)))


def _facts(report: ModelReport) -> dict[str, object]:
    """Return what the scores depend on, and what they lack."""
    everything = report.evaluation.as_dict()
    return {name: everything[name] for name in FACTS}


def _counts(reports: Sequence[ModelReport]) -> dict[str, list[tuple[float, float]]]:
    return {
        report.model.name: [
            (row.scores["true_nuclei"], row.scores["predicted_nuclei"])
            for row in report.of("image")
        ]
        for report in reports
    }
