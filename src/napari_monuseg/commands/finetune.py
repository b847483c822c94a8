"""``napari-monuseg finetune``: corrected labels ─► a new model, and a judgement."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_monuseg.commands.console import (
    STOPPED,
    StoppedError,
    fail,
    run_with_bar,
    say_trained,
    stop_between_steps,
)
from napari_monuseg.commands.corrected_labels import read_corrections
from napari_monuseg.commands.outputs import save_model
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.folders import refuse_to_replace, require_writable
from napari_monuseg.core.registry import ENDING, find_model

if TYPE_CHECKING:
    from napari_monuseg.core.finetuning import FinetunedNetwork
    from napari_monuseg.core.gate import Judgement
    from napari_monuseg.core.lessons import Lesson


def finetune(
    image: Annotated[
        list[Path], typer.Option(help="Tissue image; repeated once per image.")
    ],
    labels: Annotated[
        list[Path], typer.Option(help="Its corrected nuclei, TIFF; in the same order.")
    ],
    output: Annotated[Path, typer.Option(help="Model file, .safetensors.")],
    reviewed: Annotated[
        list[Path] | None,
        typer.Option(
            help="What was checked, TIFF, not 0 there; for every image or for none, "
            "which means all of each."
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            help="Of all images, µm/px; when left out what the image states, or its "
            "labels, and a guess where neither does."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Name of the model to start from, or its file.")
    ] = "unet",
    steps: Annotated[int, typer.Option(min=1, help="Most optimizer steps.")] = 240,
    minutes: Annotated[
        float | None, typer.Option(min=0.001, help="Most minutes.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak.")] = 2e-4,
    frozen: Annotated[
        str, typer.Option(help="What does not learn: nothing or encoder.")
    ] = "nothing",
    crop: Annotated[int, typer.Option(help="Side of the crops, px.")] = 256,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**63 - 1, help="Of the crops and what is held out."),
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    only_if_better: Annotated[
        bool,
        typer.Option(
            "--only-if-better", help="Write no file unless accepting is proposed."
        ),
    ] = False,
) -> None:
    """Teach a model from corrected labels, and compare before and after.

    Ctrl-C ends the learning, or the comparison; the best so far is kept.
    """
    if output.suffix != ENDING or not output.parent.is_dir():
        raise TrainingError(
            f"The model file {output} must end in {ENDING} and lie in a folder that "
            "exists."
        )
    require_writable(output.parent)
    if not overwrite:
        refuse_to_replace(output)
    entry = find_model(model)
    corrections = read_corrections(image, labels, reviewed or [], pixel_size)
    from napari_monuseg.core.checkpoints import save_checkpoint
    from napari_monuseg.core.finetuning_options import FinetuneOptions
    from napari_monuseg.core.lessons import Lesson

    options = FinetuneOptions(
        steps=steps,
        minutes=minutes,
        learning_rate=learning_rate,
        frozen=frozen,
        crop=crop,
        seed=seed,
        device=device,
    )
    lesson = Lesson(entry, corrections, options)
    tuned, whole = _learn(lesson)
    if tuned is None:
        fail("Stopped; nothing better than the model before was found yet.")
        raise typer.Exit(STOPPED)
    for notice in lesson.notices:
        typer.echo(notice, err=True)
    judgement, compared = _judge(lesson, tuned)
    for line in [] if judgement.problem else _report(judgement):
        typer.echo(line)
    sentence = ""
    if only_if_better and not judgement.accept:
        typer.echo(f"{output} was not written.")
    else:

        def save(path: Path) -> None:
            info = lesson.describe(path.stem, tuned, judgement)
            save_checkpoint(path, tuned.network, info)
            say_trained(path, tuned.steps, tuned.minutes)

        sentence = save_model(output, save, overwrite=overwrite)
    _end(sentence, judgement.problem, whole=whole and compared)


def _end(sentence: str, problem: str, *, whole: bool) -> None:
    """End with the exit code that tells what did not go as asked."""
    if sentence:
        fail(sentence)
    if not whole:
        raise typer.Exit(STOPPED)
    if problem:
        raise TrainingError(problem)
    if sentence:
        raise typer.Exit(1)


def _learn(lesson: "Lesson") -> tuple["FinetunedNetwork | None", bool]:
    """Train, or give the best so far if Ctrl-C stops it, and whether it ended."""
    with stop_between_steps() as stopped:
        try:
            title = lesson.model.name
            return run_with_bar(lesson.train(), title, stopped=stopped), True
        except StoppedError:
            return lesson.result(), False


def _judge(lesson: "Lesson", tuned: "FinetunedNetwork") -> tuple["Judgement", bool]:
    """Compare before and after, unless Ctrl-C stops it; say whether it ended."""
    from napari_monuseg.core.gate import Judgement

    with stop_between_steps() as stopped:
        try:
            return run_with_bar(lesson.judge(tuned), "Judging", stopped=stopped), True
        except StoppedError:
            return Judgement.none("The comparison was stopped."), False


def _report(judgement: "Judgement") -> list[str]:
    """Return what there is to say of before and after."""
    lines = [judgement.sentence()]
    lines += [
        f"  {name:<5} {one.before:.3f} -> {one.after:.3f}  "
        f"({one.low:+.3f} to {one.high:+.3f})"
        for name, one in judgement.changes.items()
    ]
    places = {"outside": "outside the reviewed areas", "sample": "on the sample tissue"}
    lines += [
        f"  agreement with the old model {places[name]}: AJI {value:.3f}"
        for name, value in judgement.drift.items()
    ]
    return lines
