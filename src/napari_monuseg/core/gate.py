"""Is the new model better? Asked once, on what neither training nor stopping saw.

Both models segment the strips that were held out to judge; how much the new one has
changed its mind elsewhere is told beside it, as nobody knows who is right there.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.bootstrap import Change, compare
from napari_monuseg.core.counting import how_many, nuclei_inside
from napari_monuseg.core.holding_out import FEWEST_TO_JUDGE, Division
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.looks import Part, Seen, inside, see
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.regions import Region, that_count
from napari_monuseg.core.scores import score_labels

NOTICEABLE = 0.005
"""A loss of AJI up to this is no loss."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """Two models compared.

    Parameters
    ----------
    nuclei : int
        How many held-out nuclei it rests on.
    changes : dict of str to Change
        ``dice``, ``aji`` and ``pq``; empty if no whole nucleus was held out.
    drift : dict of str to float
        AJI of the new model's nuclei against the old one's, where nobody checked:
        ``outside`` the reviewed areas, and on the ``sample`` tissue.
    before, after : list of Seen
        What the two found in each strip, to be shown.
    problem : str
        Why nothing could be compared; empty where it could.
    """

    nuclei: int
    changes: dict[str, Change]
    drift: dict[str, float]
    before: list[Seen]
    after: list[Seen]
    problem: str = ""

    @classmethod
    def none(cls, problem: str) -> "Judgement":
        """Say why there is none: what was learned is not lost for that."""
        return cls(nuclei=0, changes={}, drift={}, before=[], after=[], problem=problem)

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``unclear`` or ``too few``."""
        if self.nuclei < FEWEST_TO_JUDGE or not self.changes:
            return "too few"
        aji = self.changes["aji"]
        if aji.low > 0:
            return "better"
        if aji.high < 0 or aji.difference < -NOTICEABLE:
            return "worse"
        return "unclear"

    @property
    def accept(self) -> bool:
        """Whether keeping the new model is what to propose."""
        verdict = self.verdict
        gains = bool(self.changes) and self.changes["aji"].difference > 0
        return verdict == "better" or (verdict == "unclear" and gains)

    def sentence(self) -> str:
        """Say the verdict in plain words."""
        if self.problem:
            return f"Not compared: {self.problem}"
        if not self.changes:
            return (
                "Too few to judge: no whole nucleus was held out, or what was reviewed "
                "is too small to hold any of it back, or was learned from before."
            )
        aji = self.changes["aji"]
        figures = (
            f"AJI {aji.before:.3f} before, {aji.after:.3f} after "
            f"({aji.low:+.3f} to {aji.high:+.3f}, {how_many(self.nuclei)})"
        )
        return {
            "too few": f"Too few nuclei to judge by: {figures}.",
            "better": f"Better: {figures}.",
            "worse": f"Worse: {figures}.",
            "unclear": f"No clear difference: {figures}.",
        }[self.verdict]


def judge(
    before: NucleusNetwork,
    after: NucleusNetwork,
    regions: Sequence[Region],
    divisions: Sequence[Division],
    instances: InstanceOptions,
    *,
    device: str,
    sample: npt.NDArray[np.uint8] | None = None,
) -> Generator[Progress, None, Judgement]:
    """Compare two models on what was held out to judge.

    Parameters
    ----------
    before, after : NucleusNetwork
        Left as they are, wherever they are.
    regions, divisions : sequence of Region and of Division
        Reviewed areas, and what of each is held out.
    instances : InstanceOptions
        How nuclei are read, with both models.
    device : str
        ``cpu``, ``cuda:0``, …
    sample : (H, W, 3) uint8, optional
        Tissue that has nothing to do with the areas, at their pixel size.
    """
    pairs = list(zip(regions, divisions, strict=True))
    parts = [
        (region, one.judge)
        for region, one in pairs
        if that_count(region.labels, one.judge).any()
    ]
    old = yield from see(parts, before, instances, device)
    new = yield from see(parts, after, instances, device)
    drift = {}
    elsewhere = {
        "outside": [
            (region, ~region.reviewed) for region in regions if ~region.reviewed.all()
        ],
        "sample": [] if sample is None else [_unchecked(sample, regions)],
    }
    for name, places in elsewhere.items():
        if places:
            drift[name] = yield from _agreement(
                places, before, after, instances, device
            )
    nuclei = sum(nuclei_inside(region.labels, mask).inside for region, mask in parts)
    return Judgement(
        nuclei=nuclei,
        changes=compare(old, new) if nuclei else {},
        drift=drift,
        before=old,
        after=new,
    )


def _unchecked(sample: npt.NDArray[np.uint8], regions: Sequence[Region]) -> Part:
    shape = sample.shape[:2]
    region = Region(
        name="sample",
        rgb=sample,
        labels=np.zeros(shape, np.int32),
        reviewed=np.zeros(shape, bool),
        pixel_size=regions[0].pixel_size,
    )
    return region, np.ones(shape, bool)


def _agreement(
    parts: Sequence[Part],
    before: NucleusNetwork,
    after: NucleusNetwork,
    instances: InstanceOptions,
    device: str,
) -> Generator[Progress, None, float]:
    """Return the mean AJI of the new model's nuclei against the old one's."""
    old = yield from see(parts, before, instances, device)
    new = yield from see(parts, after, instances, device)
    return float(
        np.mean(
            [
                score_labels(*inside(one.found, other.found, one.area)).aji
                for one, other in zip(old, new, strict=True)
            ]
        )
    )
