"""``napari-monuseg evaluate``: models against images with true nuclei."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_monuseg.commands.console import counted, fail, run_with_bar
from napari_monuseg.commands.reading import (
    ForegroundThreshold,
    SeedProminence,
    SmallestNucleus,
    assumed_size,
    reading,
    say_size_unknown,
    say_unknown,
    say_unpaired,
)
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.errors import DatasetError, ExportError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.folders import require_writable
from napari_monuseg.core.organs import MONUSEG, read_organs
from napari_monuseg.core.parts import choose_samples, read_parts
from napari_monuseg.core.pixel_sizes import MONUSEG as PIXEL_SIZES
from napari_monuseg.core.pixel_sizes import read_pixel_sizes, tell_pixel_sizes
from napari_monuseg.core.registry import ModelEntry, find_model

if TYPE_CHECKING:
    from napari_monuseg.core.evaluate import Evaluation
    from napari_monuseg.core.report_tables import Groups
    from napari_monuseg.core.segment import SegmentOptions


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Images with their true nuclei.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of a model, or path of its file; may be repeated; unet if left "
            "out."
        ),
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="JSON: stems of images by part.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help="Part of the split to score; may be repeated."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the scores here.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for a report: tables and figures of each model."),
    ] = None,
    organs: Annotated[
        Path | None,
        typer.Option(
            help="JSON: organ by stem of image, for the report; MoNuSeg's if left out."
        ),
    ] = None,
    pixel_sizes: Annotated[
        Path | None,
        typer.Option(
            help="JSON: µm/px by stem of image; MoNuSeg's if left out. What neither "
            "states is guessed, as segment does."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    augment: Annotated[
        bool, typer.Option("--augment", help="Average over 8 turns of each image.")
    ] = False,
    foreground_threshold: ForegroundThreshold = None,
    seed_prominence: SeedProminence = None,
    smallest_nucleus: SmallestNucleus = None,
) -> None:
    """Score whole images, then average over images."""
    parts = read_parts(split, part)
    sizes = read_pixel_sizes(pixel_sizes or PIXEL_SIZES)
    samples = tell_pixel_sizes(choose_samples(folder, parts), sizes)
    if organs is not None and report is None:
        raise DatasetError("The --organs are told in a --report; name its folder.")
    organ_of = read_organs(organs or MONUSEG) if report else {}
    # A split names what is meant; `choose_samples` has said what it lacks.
    unpaired = parts is None and say_unpaired(folder)
    if pixel_sizes is not None:
        say_unknown(sizes, folder)
    if json_file is not None:
        _check_json_file(json_file)
    entries = [find_model(name) for name in model or ["unet"]]
    from napari_monuseg.core.report_tables import Groups
    from napari_monuseg.core.segment import SegmentOptions

    _require_sound(entries)
    options = SegmentOptions(
        device=device,
        augment=augment,
        instances=reading(foreground_threshold, seed_prominence, smallest_nucleus),
    )
    if report is None:
        evaluations = _evaluate(samples, entries, options)
    else:
        groups = Groups(organs=organ_of, parts=parts or {})
        evaluations = _report(samples, entries, options, report, groups)
    _print_tables(evaluations)
    _print_remarks(evaluations)
    failures = [pair for evaluation in evaluations for pair in evaluation.failures]
    for name, reason in dict.fromkeys(failures):  # often the same for all models
        fail(f"{name}: {reason}")
    if json_file is not None:
        _write_json(json_file, evaluations)
    if failures or unpaired:
        raise typer.Exit(1)


def _check_json_file(path: Path) -> None:
    """Refuse, before any work, what cannot be written, and what holds no scores."""
    require_writable(path.parent)
    if path.is_dir():
        raise ExportError(f"{path} is a folder; name a file for the scores.")
    if path.exists() and not _holds_scores(path):
        raise ExportError(
            f"{path} is there already and holds no scores; give them another name."
        )


def _holds_scores(path: Path) -> bool:
    """Tell whether a file holds what `_write_json` writes, or nothing."""
    try:
        with path.open(encoding="utf-8") as file:
            begins = file.read(1)
            found = json.loads(begins + file.read()) if begins in {"{", "["} else None
    except (OSError, ValueError, RecursionError):
        return False
    several = found if isinstance(found, list) else [found]
    parts = {"model", "images", "mean"}
    scores = [isinstance(one, dict) and parts <= set(one) for one in several]
    return not begins or (bool(scores) and all(scores))


def _require_sound(entries: list[ModelEntry]) -> None:
    """Refuse damaged models before hours of scoring others."""
    from napari_monuseg.core.checkpoints import load_network

    for entry in entries:
        load_network(entry.path)


def _evaluate(
    samples: list[Sample], entries: list[ModelEntry], options: "SegmentOptions"
) -> "list[Evaluation]":
    from napari_monuseg.core.evaluate import evaluate as evaluate_samples

    return [
        run_with_bar(evaluate_samples(samples, entry, options), entry.name)
        for entry in entries
    ]


def _report(
    samples: list[Sample],
    entries: list[ModelEntry],
    options: "SegmentOptions",
    folder: Path,
    groups: "Groups",
) -> "list[Evaluation]":
    from napari_monuseg.core.report import ReportOptions, former_figures, write_report

    report = ReportOptions(folder=folder, segment=options, groups=groups)
    evaluations = run_with_bar(write_report(samples, entries, report), "Report")
    former = former_figures(folder, evaluations)
    if former:
        typer.echo(
            f"{folder} still holds {counted(len(former), 'figure')} of an earlier "
            f"report, such as {former[0].relative_to(folder)}; the new report.md does "
            "not show them.",
            err=True,
        )
    return evaluations


def _print_remarks(evaluations: "list[Evaluation]") -> None:
    """Say what was guessed, assumed or is in doubt; every model has its own guess."""
    for evaluation in evaluations:
        for doubt in evaluation.doubts.values():
            typer.echo(doubt, err=True)
        for name, guess in evaluation.guesses.items():
            what = f"{evaluation.model} guessed {guess:g} µm/px"
            say_size_unknown(name, what, "--pixel-sizes")
        for name, size in evaluation.assumed.items():
            say_size_unknown(name, assumed_size(size), "--pixel-sizes")


def _print_tables(evaluations: "list[Evaluation]") -> None:
    for evaluation in evaluations:
        if len(evaluations) > 1:
            typer.echo(f"\n{evaluation.model}\n")
        typer.echo(evaluation.as_table())


def _write_json(path: Path, evaluations: "list[Evaluation]") -> None:
    """Write the scores: of one model as they are, of several as a list."""
    found = [evaluation.as_dict() for evaluation in evaluations]
    text = json.dumps(found if len(found) > 1 else found[0], indent=1)
    with write_beside(path) as beside:
        beside.write_text(text + "\n")
