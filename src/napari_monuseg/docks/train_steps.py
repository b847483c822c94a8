"""The jobs of the training dock: generators, run in a worker thread."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import ModelEntry

if TYPE_CHECKING:
    from napari_monuseg.core.checked import Corrections
    from napari_monuseg.core.finetuning import FinetunedNetwork
    from napari_monuseg.core.gate import Judgement
    from napari_monuseg.core.lessons import Lesson


@dataclass(frozen=True, kw_only=True, eq=False)
class Taught:
    """What a training came to.

    Parameters
    ----------
    lesson : Lesson
        The training.
    tuned : FinetunedNetwork
        Its best weights.
    judgement : Judgement
        What they are worth.
    """

    lesson: "Lesson"
    tuned: "FinetunedNetwork"
    judgement: "Judgement"


@dataclass(eq=False)
class Handle:
    """Where a running job leaves its lesson, so that it can be looked at meanwhile."""

    lesson: "Lesson | None" = None


def teach(
    model: ModelEntry,
    corrections: "Sequence[Corrections]",
    recipe: dict[str, Any],
    handle: Handle,
) -> Generator[Progress, None, Taught]:
    """Fine-tune a model on corrections, and judge what comes out.

    Parameters
    ----------
    model : ModelEntry
        The model to start from.
    corrections : sequence of Corrections
        What to learn from.
    recipe : dict
        Fields of `FinetuneOptions`.
    handle : Handle
        Where the lesson is left.
    """
    yield Progress(message="Loading PyTorch…")
    from napari_monuseg.core.finetuning_options import FinetuneOptions
    from napari_monuseg.core.lessons import Lesson

    handle.lesson = Lesson(model, corrections, FinetuneOptions(**recipe))
    tuned = yield from handle.lesson.train()
    return (yield from judge_so_far(handle.lesson, tuned))


def judge_so_far(
    lesson: "Lesson", tuned: "FinetunedNetwork"
) -> Generator[Progress, None, Taught]:
    """Judge what a training came to, or had come to when it was cancelled."""
    judgement = yield from lesson.judge(tuned)
    return Taught(lesson=lesson, tuned=tuned, judgement=judgement)


def keep(taught: Taught, name: str) -> Generator[Progress, None, str]:
    """Add the new model to the user's own; return its name."""
    yield Progress(message=f"Writing {name}")
    from napari_monuseg.core.user_models import write_model

    info = taught.lesson.describe(name, taught.tuned, taught.judgement)
    return write_model(name, taught.tuned.network, info).stem
