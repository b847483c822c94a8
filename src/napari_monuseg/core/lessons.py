"""A lesson: a model, the areas somebody checked, and what became of it.

Read the areas, fine-tune, judge on what was held back, describe the new model. The
dock and the command line both go this way.
"""

import copy
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone

from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.devices import is_out_of_memory, pick_device
from napari_monuseg.core.errors import MonusegError, TrainingError
from napari_monuseg.core.finetuning import FinetunedNetwork, Finetuning
from napari_monuseg.core.finetuning_options import FinetuneOptions
from napari_monuseg.core.gate import Judgement, judge
from napari_monuseg.core.holding_out import (
    FEWEST_TO_STOP,
    Division,
    HeldOut,
    divide,
    hold_out,
)
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.learned import Learned, learned_there
from napari_monuseg.core.magnification import guess_pixel_size
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.numbering import close_gaps, number_pieces
from napari_monuseg.core.predict import PredictOptions
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.regions import Region, read_regions, require_reviewed
from napari_monuseg.core.registry import ModelEntry, renamed
from napari_monuseg.core.samples import immunohistochemistry_restained
from napari_monuseg.core.stains import Stain
from napari_monuseg.core.torch_import import torch


class Lesson:
    """Teaches a model from corrections.

    Parameters
    ----------
    model : ModelEntry
        The model to start from; its file is left as it is.
    corrections : sequence of Corrections
        What to learn from.
    options : FinetuneOptions
        The recipe.

    Raises
    ------
    TrainingError
        If there are no corrections.
    """

    def __init__(
        self,
        model: ModelEntry,
        corrections: Sequence[Corrections],
        options: FinetuneOptions,
    ) -> None:
        if not corrections:
            raise TrainingError(
                "There is nothing to learn from; mark what you have checked as "
                "reviewed."
            )
        self.model = model
        # Corrections lie where the model's own nuclei lie.
        self.options = replace(
            options,
            augmentation=replace(
                options.augmentation, label_shift=model.info.label_shift
            ),
        )
        self.regions: list[Region] = []
        self.divisions: list[Division] = []
        self._corrections = corrections
        self._remarks: list[str] = []
        self._learned: list[Learned] = []
        self._sizes: dict[tuple[str, int, int, Stain], float] = {}
        self._finetuning: Finetuning | None = None
        self._base: NucleusNetwork | None = None

    @property
    def history(self) -> list[dict[str, float]]:
        """What was measured so far, a line per look; see `FinetunedNetwork`."""
        return list(self._finetuning.history) if self._finetuning else []

    @property
    def notices(self) -> list[str]:
        """What the user should know so far; see also `Finetuning`."""
        later = self._finetuning.notices if self._finetuning else []
        return [*self._remarks, *later]

    def train(self) -> Generator[Progress, None, FinetunedNetwork]:
        """Read the areas and fine-tune; see `Finetuning.steps`."""
        info = self.model.info
        yield Progress(message=f"Loading {info.name}")
        network = load_network(self.model.path)
        # To judge by: the file may be gone or have another name by then.
        self._base = copy.deepcopy(network)
        for one in self._corrections:
            require_reviewed(one.image, one.labels, one.reviewed, one.offset)
        self._corrections = [
            replace(one, labels=close_gaps(number_pieces(one.labels)))
            for one in self._corrections
        ]
        enough = sum(one.nuclei for one in self._corrections) >= FEWEST_TO_STOP
        for number, one in enumerate(self._corrections):
            yield Progress(
                message=f"Reading {one.image.name}",
                done=number,
                total=len(self._corrections),
            )
            held_out = self._hold_out(one, stop=enough)
            for region, held in read_regions(
                (yield from self._sized(one.image, network)),
                one.labels,
                one.reviewed,
                held_out,
                pixel_size=info.pixel_size,
                offset=one.offset,
                stains=info.stains,
            ):
                self.regions.append(region)
                self.divisions.append(divide(region.reviewed, held))
        self._finetuning = Finetuning(
            network,
            info.instances,
            self.regions,
            self.divisions,
            self.options,
        )
        return (yield from self._finetuning.steps())

    def _hold_out(self, one: Corrections, *, stop: bool) -> HeldOut:
        """Decide what is held out, and note what is not: the new model knows it."""
        known = learned_there(self.model.info.learned, one.place, one.labels.shape)
        held_out = hold_out(
            one.labels,
            one.reviewed,
            stop=stop,
            chosen=one.held_out,
            seed=self.options.seed,
            learned=known if known.any() else None,
        )
        judge = one.reviewed & held_out.judge
        if (judge & known).any():
            self._remarks.append(
                f"Of what judges in {one.image.name}, "
                f"{(judge & known).sum() / judge.sum():.0%} was learned from in an "
                "earlier round: the model before looks better there than it is."
            )
        if (taught := one.reviewed & ~judge).any():
            self._learned.append(Learned.of(one.place, taught))
        return held_out

    def _sized(
        self, image: TissueImage, network: NucleusNetwork
    ) -> Generator[Progress, None, TissueImage]:
        """Give an image with its pixel size, guessed as `segment` does if need be."""
        if image.pixel_size or image.assumed_pixel_size:
            return image
        info = self.model.info
        # Areas of one image share it, and its stain; images of one name do not.
        key = (image.name, image.height, image.width, image.stain)
        if key in self._sizes:
            return image.assuming(self._sizes[key])
        guess = yield from guess_pixel_size(
            image.for_network(info.stains),
            network.eval(),
            pixel_size=info.pixel_size,
            device=torch.device("cpu"),
            options=PredictOptions(label_shift=info.label_shift),
        )
        self._sizes[key] = guess or info.pixel_size
        if guess and guess != info.pixel_size:
            self._remarks.append(
                f"{image.name} does not state its pixel size; {guess:g} µm/px was "
                "guessed from its nuclei."
            )
        return image.assuming(self._sizes[key])

    def result(self) -> FinetunedNetwork | None:
        """Return the best weights so far, also after a cancel; None before the first.

        A training that was cancelled before its first look has nothing to offer, nor
        has one after which the loss of the strip held out to stop was never lower.
        """
        result = None if self._finetuning is None else self._finetuning.result()
        return None if result is None or result.step == 0 else result

    def judge(self, tuned: FinetunedNetwork) -> Generator[Progress, None, Judgement]:
        """Compare what came out with what it started from.

        Parameters
        ----------
        tuned : FinetunedNetwork
            Of `train` or `result`.

        Returns
        -------
        Judgement
            It names the problem where there was one: what was learned is not lost.
        """
        yield Progress(message="Comparing before and after")
        try:
            return (yield from self._judge_somewhere(tuned))
        except MonusegError as error:
            return Judgement.none(str(error))

    def _judge_somewhere(
        self, tuned: FinetunedNetwork
    ) -> Generator[Progress, None, Judgement]:
        device = pick_device(self.options.device).name
        try:
            return (yield from self._judge_on(device, tuned))
        except RuntimeError as error:
            if not is_out_of_memory(error) or device == "cpu":
                raise
        yield Progress(message="Out of memory: comparing on the CPU")
        return (yield from self._judge_on("cpu", tuned))

    def _judge_on(
        self, device: str, tuned: FinetunedNetwork
    ) -> Generator[Progress, None, Judgement]:
        if self._base is None:
            raise ValueError("nothing was trained yet")
        sample = TissueImage.from_array(immunohistochemistry_restained()[:512, :512])
        everything = slice(None), slice(None)
        return (
            yield from judge(
                self._base,
                tuned.network,
                self.regions,
                self.divisions,
                self.model.info.instances,
                device=device,
                sample=sample.for_network(self.model.info.stains).read(*everything),
            )
        )

    def describe(
        self, name: str, tuned: FinetunedNetwork, judgement: Judgement
    ) -> ModelInfo:
        """Describe the new model: where it comes from, and how it did.

        Parameters
        ----------
        name : str
            Of the new model.
        tuned, judgement : FinetunedNetwork and Judgement
            Of `train` and `judge`.
        """
        parent = self.model.info
        nuclei = sum(region.nuclei for region in self.regions)
        images = sorted({region.name for region in self.regions})
        taught = f"{nuclei} reviewed nuclei in {', '.join(images)}"
        heritage = parent.passed_on(taught)
        learned = dict.fromkeys([*heritage["learned"], *self._learned])
        return ModelInfo(
            name=name,
            network=parent.network,
            network_options=parent.network_options,
            pixel_size=parent.pixel_size,
            label_shift=parent.label_shift,
            stains=parent.stains,
            description=f"{self.model.name}, taught by {nuclei} reviewed nuclei",
            instances=parent.instances,
            parent=self._parent_name(),
            date=datetime.now(timezone.utc).date().isoformat(),
            recipe=asdict(self.options)
            | {
                "steps": tuned.steps,
                "best_step": tuned.step,
                "minutes": round(tuned.minutes, 2),
                "device": tuned.device,
                "areas": len(self._corrections),
                "nuclei": nuclei,
                "corrections_per_100": self._effort(),
            },
            scores={"held out": _figures(judgement)},
            history=tuned.history,
            **heritage | {"learned": tuple(learned)},
        )

    def _parent_name(self) -> str:
        """Return the model's name, which somebody may have changed meanwhile."""
        path = renamed(self.model.path)
        return self.model.name if path == self.model.path else path.stem

    def _effort(self) -> float | None:
        """Return the corrections per 100 nuclei that the model has not learned from.

        What it learned from stays as it was corrected: no round finds errors there,
        and what was corrected there counted in an earlier one. None if not all
        corrections were counted, or nothing is new to it.
        """
        nuclei = corrected = 0
        for one in self._corrections:
            if one.corrected is None:
                return None
            shape = one.reviewed.shape
            known = learned_there(self.model.info.learned, one.place, shape)
            nuclei += nuclei_inside(one.labels, one.reviewed & ~known).inside
            corrected += sum(not known.flat[place] for place in one.corrected)
        return round(100 * corrected / nuclei, 1) if nuclei else None


def _figures(judgement: Judgement) -> dict[str, object]:
    """Return a judgement as JSON holds it."""
    return {
        "verdict": judgement.verdict,
        "nuclei": judgement.nuclei,
        "drift": judgement.drift,
        "changes": {name: asdict(one) for name, one in judgement.changes.items()},
    }
