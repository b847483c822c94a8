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
    """Where a running job leaves its lesson, so that it can be looked at meanwhile.

    Parameters
    ----------
    lesson : Lesson, optional
        The training; None before it has begun.
    tuned : FinetunedNetwork, optional
        What it came to; None before it is compared with what it started from.
    """

    lesson: "Lesson | None" = None
    tuned: "FinetunedNetwork | None" = None

    def so_far(self) -> "FinetunedNetwork | None":
        """Give what the training came to so far; None if that is nothing."""
        if self.tuned is not None or self.lesson is None:
            return self.tuned
        return self.lesson.result()


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
    handle.tuned = yield from handle.lesson.train()
    if not handle.tuned.step:
        return uncompared(handle.lesson, handle.tuned, "nothing was better.")
    return (yield from judge_so_far(handle.lesson, handle.tuned))


def judge_so_far(
    lesson: "Lesson", tuned: "FinetunedNetwork"
) -> Generator[Progress, None, Taught]:
    """Judge what a training came to, or had come to when it was cancelled."""
    judgement = yield from lesson.judge(tuned)
    return Taught(lesson=lesson, tuned=tuned, judgement=judgement)


def uncompared(lesson: "Lesson", tuned: "FinetunedNetwork", reason: str) -> Taught:
    """Give what a training came to without a judgement; say why there is none."""
    from napari_monuseg.core.gate import Judgement

    return Taught(lesson=lesson, tuned=tuned, judgement=Judgement.none(reason))


def keep(taught: Taught, name: str) -> Generator[Progress, None, str]:
    """Add the new model to the user's own; return its name."""
    yield Progress(message=f"Writing {name}")
    from napari_monuseg.core.user_models import write_model

    info = taught.lesson.describe(name, taught.tuned, taught.judgement)
    return write_model(name, taught.tuned.network, info).stem
