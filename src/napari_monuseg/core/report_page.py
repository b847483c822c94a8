"""The page of a report: its tables in Markdown, and links to its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from napari_monuseg.core.report_tables import as_markdown, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_monuseg.core.evaluate import Evaluation
    from napari_monuseg.core.registry import ModelEntry
    from napari_monuseg.core.report_tables import Row

TITLE = "# How good the models are"
"""The first line, by which a report is known."""

FIGURES = {
    "panels": "tissue, truth, probability and result",
    "probability": "tissue and probability",
    "nuclei": "found, false and missed nuclei",
}
"""What is drawn of each image, by the folder that holds it."""

MEANING = """\
Scores are of whole images, and each image counts the same in a mean. *loss* is what \
the training minimises: cross-entropy of foreground and distance, plus 1 − Dice of the \
foreground. *F1* is the pixel Dice. *legacy_dice* is what an older project called \
Dice, a mean over all pixels near (1 + accuracy) / 2: for comparison only.
"""


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """What a page tells of a model.

    Parameters
    ----------
    model : ModelEntry
        The model.
    evaluation : Evaluation
        Its scores and failures.
    rows : list of Row
        Its table, of `table_rows`.
    curves, patch : bool
        Whether there is a figure of its training's curves, and of a patch.
    missing : str
        What the curves lack, in words.
    """

    model: ModelEntry
    evaluation: Evaluation
    rows: list[Row]
    curves: bool
    patch: bool
    missing: str

    def of(self, *levels: str) -> list[Row]:
        """Return the rows of these levels."""
        return [row for row in self.rows if row.level in levels]


def report_page(reports: Sequence[ModelReport]) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    reports : sequence of ModelReport
        One for each model.
    """
    means = [(one.model.name, row) for one in reports for row in one.of("mean")]
    lines = [TITLE, "", "## All images", ""]
    lines += [as_markdown(means, "model (images)"), MEANING]
    lines += [_picture("Found against true nuclei", "counts.png"), ""]
    for one in reports:
        lines += _model_section(one)
    return "\n".join(lines)


def _model_section(report: ModelReport) -> Iterable[str]:
    model = report.model
    yield from (f"## {escaped(model.name)}", "", escaped(model.info.description), "")
    if model.info.data:
        yield from (f"Trained on: {escaped(model.info.data)}.", "")
    asked = report.evaluation.asked
    if asked:
        told = ", ".join(f"{name} {value}" for name, value in asked.items())
        yield from (f"Not run by default, but with {told}.", "")
    yield from _remarks(report)
    yield from _failures(report)
    means = report.of("organ", "part", "mean")
    yield from ("### Means", "", as_markdown(map(_named, means), "mean of (images)"))
    images = [(row.name, row) for row in report.of("image")]
    yield from ("### Images", "", as_markdown(images, "image"))
    yield from _training(report)
    yield from _image_figures(report)


def _remarks(report: ModelReport) -> Iterable[str]:
    found = report.evaluation
    for how, sizes in (("guessed", found.guesses), ("assumed", found.assumed)):
        if sizes:
            told = ", ".join(
                f"{escaped(name)} {size:g}" for name, size in sizes.items()
            )
            heading = f"Pixel sizes that were not known but {how}, µm/px"
            yield from (f"{heading}: {told}.", "")
    for doubt in report.evaluation.doubts.values():
        yield from (escaped(doubt), "")


def _failures(report: ModelReport) -> Iterable[str]:
    if report.evaluation.failures:
        yield from ("### Not scored", "")
        for name, reason in report.evaluation.failures:
            yield f"- {escaped(name)}: {escaped(reason)}"
        yield ""


def _training(report: ModelReport) -> Iterable[str]:
    name = report.model.name
    yield from ("### Training", "")
    if report.curves:
        yield from (
            _picture(f"Training of {name}", _address(f"{name}/training.png")),
            "",
        )
        if report.missing:
            yield f"Not in its history, so not drawn: {report.missing}."
    else:
        yield "The model has no history of its training, so no curves are drawn."
    yield ""
    if report.patch:
        yield from (_picture("A training patch", _address(f"{name}/patch.png")), "")


def _image_figures(report: ModelReport) -> Iterable[str]:
    """Link the figures of all images, and show the worst and the best."""
    images = sorted(report.of("image"), key=lambda row: row.scores["aji"])
    if not images:
        return
    name = report.model.name
    yield from ("### Figures", "", "| image | AJI | figures |", "| --- | ---: | --- |")
    for row in images:
        links = (
            f"[{text}]({_path(name, kind, row)})" for kind, text in FIGURES.items()
        )
        yield f"| {escaped(row.name)} | {row.scores['aji']:.3f} | {' · '.join(links)} |"
    yield ""
    extremes = (("lowest", images[0]), ("highest", images[-1]))
    for word, row in extremes[: len(images)]:  # a single image is shown once
        yield from (f"The image of the {word} AJI, {escaped(row.name)}:", "")
        for kind, text in FIGURES.items():
            yield from (_picture(f"{row.name}: {text}", _path(name, kind, row)), "")


def _path(model: str, kind: str, row: Row) -> str:
    return _address(f"{model}/{kind}/{row.name}.png")


def _address(path: str) -> str:
    return quote(path, errors="surrogateescape")


def _picture(text: str, path: str) -> str:
    return f"![{escaped(text)}]({path})"


def _named(row: Row) -> tuple[str, Row]:
    return (row.name if row.level == "mean" else f"{row.level} {row.name}"), row
