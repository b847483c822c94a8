"""The gate compares two models on what neither of them learned from."""

from dataclasses import replace

import numpy as np
import pytest

from napari_monuseg.core.bootstrap import Change, compare
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.gate import Judgement, judge
from napari_monuseg.core.holding_out import HeldOut, divide, propose
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.looks import Seen, inside
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.progress import finish
from napari_monuseg.core.regions import Region
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.scores import score_labels

INSTANCES = InstanceOptions(seed_prominence=0.2)


def seen(truth, found, area=None):
    maps = NucleusMaps(
        foreground=np.zeros(truth.shape, np.float16),
        distance=np.zeros(truth.shape, np.float16),
    )
    return Seen(
        rgb=np.zeros((*truth.shape, 3), np.uint8),
        truth=truth,
        found=found,
        area=np.ones(truth.shape, bool) if area is None else area,
        maps=maps,
    )


def worsened(labels, share, seed=0):
    """Lose a share of the nuclei."""
    numbers = np.arange(1, labels.max() + 1)
    lost = np.random.default_rng(seed).choice(numbers, int(share * numbers.size))
    return np.where(np.isin(labels, lost), 0, labels)


@pytest.fixture(scope="module")
def truth():
    return synthetic_tissue((384, 384), seed=3)[1]


def test_sums_over_blocks_give_the_scores_of_the_whole(truth):
    area = np.zeros(truth.shape, bool)
    area[20:300, 50:] = True
    found = np.roll(worsened(truth, 0.2), 2, axis=0)

    changes = compare([seen(truth, truth, area)], [seen(truth, found, area)])

    expected = score_labels(*inside(truth, found, area))
    assert changes["dice"].after == pytest.approx(expected.dice)
    assert changes["aji"].after == pytest.approx(expected.aji)
    assert changes["pq"].after == pytest.approx(expected.pq)
    assert changes["aji"].before == 1


def test_a_clear_gain_is_told_from_chance(truth):
    poor, good = seen(truth, worsened(truth, 0.5)), seen(truth, worsened(truth, 0.1))
    other = seen(truth, worsened(truth, 0.1, seed=1))

    gain, loss = compare([poor], [good])["aji"], compare([good], [poor])["aji"]
    chance = compare([good], [other])["aji"]

    assert gain.low > 0
    assert loss.high < 0
    assert chance.low < 0 < chance.high
    assert gain.low < gain.difference < gain.high


def test_nuclei_that_reach_out_of_the_area_do_not_count():
    truth = np.zeros((40, 40), np.int32)
    truth[5:10, 5:10], truth[18:24, 5:10] = 1, 2
    area = np.zeros(truth.shape, bool)
    area[:20] = True
    found = truth.copy()
    found[14:20, 20:26], found[18:26, 30:34] = 3, 4

    true, predicted = inside(truth, found, area)

    assert set(np.unique(true)) == {0, 1}
    assert set(np.unique(predicted)) == {0, 1, 3}


def judgement(low, high, nuclei=80):
    middle = (low + high) / 2
    change = Change(before=0.6, after=0.6 + middle, low=low, high=high)
    return Judgement(
        nuclei=nuclei,
        changes=dict.fromkeys(("dice", "aji", "pq"), change),
        drift={},
        before=[],
        after=[],
    )


@pytest.mark.parametrize(
    ("low", "high", "nuclei", "verdict", "accept"),
    [
        (0.01, 0.05, 80, "better", True),
        (-0.05, -0.01, 80, "worse", False),
        (-0.04, 0.01, 80, "worse", False),
        (-0.01, 0.03, 80, "unclear", True),
        (-0.012, 0.01, 80, "unclear", False),
        (0.01, 0.05, 49, "too few", False),
    ],
)
def test_the_verdict_is_said_in_plain_words(low, high, nuclei, verdict, accept):
    judged = judgement(low, high, nuclei)

    assert judged.verdict == verdict
    assert judged.accept is accept
    assert "0.600 before" in judged.sentence()


def test_with_nothing_held_out_there_is_nothing_to_say():
    judged = replace(judgement(0.1, 0.2), changes={}, nuclei=0)

    assert judged.verdict == "too few"
    assert not judged.accept
    assert "too small to hold any of it back, or was learned from" in judged.sentence()


def test_two_models_are_compared_where_nobody_trained(tiny_model):
    rgb, labels = synthetic_tissue((384, 384), seed=5)
    reviewed = np.zeros(labels.shape, bool)
    reviewed[:300] = True
    region = Region(
        name="tissue", rgb=rgb, labels=labels, reviewed=reviewed, pixel_size=0.25
    )
    good = load_network(tiny_model)
    untrained = build_network("segnet", widths=[8, 16], convolutions=[1, 1]).eval()
    division = divide(reviewed, propose(reviewed, stop=False))
    arguments = ([region], [division], INSTANCES)

    judged = finish(judge(untrained, good, *arguments, device="cpu", sample=rgb))
    same = finish(judge(good, good, *arguments, device="cpu", sample=rgb))

    assert judged.changes["aji"].low > 0
    assert judged.drift.keys() == {"outside", "sample"}
    assert judged.drift["sample"] < 0.5
    assert same.drift == {"outside": 1.0, "sample": 1.0}
    assert same.changes["aji"].difference == 0
    assert [one.area.any() for one in judged.before] == [True]


@pytest.mark.parametrize("there", ["a part of a nucleus", "no nucleus"])
def test_a_strip_in_which_nothing_counts_judges_nothing(tiny_model, there):
    rgb, labels = synthetic_tissue((256, 256), seed=5)
    reviewed = np.ones(labels.shape, bool)
    judged = np.zeros(labels.shape, bool)
    wanted = labels > 0 if there == "a part of a nucleus" else labels == 0
    row, column = np.argwhere(wanted)[0]
    judged[row, column] = True
    region = Region(
        name="tissue", rgb=rgb, labels=labels, reviewed=reviewed, pixel_size=0.25
    )
    division = divide(reviewed, HeldOut(judge=judged, stop=np.zeros_like(judged)))
    network = load_network(tiny_model)

    judgement = finish(
        judge(network, network, [region], [division], INSTANCES, device="cpu")
    )

    assert judgement.changes == {}
    assert judgement.verdict == "too few"
