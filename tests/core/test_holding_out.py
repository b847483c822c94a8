"""What is held out stays held out, and something is left to learn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.holding_out import (
    MARGIN,
    HeldOut,
    _along,
    divide,
    hold_out,
    propose,
)
from napari_monuseg.core.samples import synthetic_tissue


@pytest.fixture(scope="module")
def labels():
    return synthetic_tissue((512, 512))[1]


@given(
    corner=st.tuples(st.integers(0, 150), st.integers(0, 150)),
    sides=st.tuples(st.integers(60, 200), st.integers(60, 200)),
    stop=st.booleans(),
    seed=st.integers(0, 1),
)
def test_held_out_pixels_never_carry_loss(labels, corner, sides, stop, seed):
    reviewed = np.zeros((256, 256), bool)
    reviewed[corner[0] :, corner[1] :][: sides[0], : sides[1]] = True

    held_out = hold_out(labels[:256, :256], reviewed, stop=stop, seed=seed)
    division = divide(reviewed, held_out)

    held = division.stop | division.judge
    assert np.array_equal(held, held_out.stop | held_out.judge)
    assert not (held & ~reviewed).any()
    assert not (division.learn & ~reviewed).any()
    assert not (division.stop & division.judge).any()
    if held.any():
        distance = ndimage.distance_transform_cdt(~held, "chessboard")
        assert distance[division.learn].min() > MARGIN
        assert nuclei_inside(labels[:256, :256], division.learn).inside
    else:
        assert np.array_equal(division.learn, reviewed)


def test_many_nuclei_spare_a_strip_at_each_end(labels):
    reviewed = np.ones(labels.shape, bool)

    held_out = hold_out(labels, reviewed, stop=True)
    turned = hold_out(labels, reviewed, stop=True, seed=1)

    assert held_out.judge.mean() == pytest.approx(0.2, abs=0.01)
    assert held_out.stop.mean() == pytest.approx(0.15, abs=0.01)
    assert held_out.judge[0].all()
    assert held_out.stop[-1].all()
    assert turned.judge[-1].all()
    assert turned.stop[0].all()


def test_a_strip_is_as_wide_from_either_end():
    reviewed = np.ones((205, 300), bool)

    strips = [propose(reviewed, stop=True, seed=seed) for seed in (0, 1)]

    for first, last in zip(strips, strips[::-1], strict=True):
        assert np.array_equal(first.judge, last.judge[::-1, ::-1])
        assert np.array_equal(first.stop, last.stop[::-1, ::-1])


def test_few_nuclei_spare_nothing_to_stop_the_training(labels):
    reviewed = np.ones((256, 256), bool)

    held_out = hold_out(labels[:256, :256], reviewed, stop=False)

    assert not held_out.stop.any()
    assert held_out.judge.any()


def test_what_somebody_chose_to_hold_out_is_held_out(labels):
    reviewed = np.zeros(labels.shape, bool)
    reviewed[20:] = True
    judge, stop = np.zeros_like(reviewed), np.zeros_like(reviewed)
    judge[:80, :80], stop[60:120, 60:120] = True, True
    chosen = HeldOut(judge=judge, stop=stop)

    division = divide(reviewed, hold_out(labels, reviewed, stop=False, chosen=chosen))

    assert np.array_equal(division.judge, judge & reviewed)
    assert np.array_equal(division.stop, stop & ~judge)
    distance = ndimage.distance_transform_cdt(
        ~(division.judge | division.stop), "chessboard"
    )
    assert distance[division.learn].min() == MARGIN + 1


def test_all_of_an_area_can_be_chosen_to_judge_by(labels):
    reviewed = np.ones(labels.shape, bool)
    chosen = HeldOut(judge=reviewed, stop=np.zeros_like(reviewed))

    held_out = hold_out(labels, reviewed, stop=False, chosen=chosen)

    assert divide(reviewed, held_out).judge.all()
    assert not divide(reviewed, held_out).learn.any()


def test_of_an_area_too_small_to_share_nothing_is_held_out():
    reviewed = np.zeros((256, 256), bool)
    labels = np.zeros((256, 256), np.int32)
    reviewed[100:130, 100:130] = True
    labels[110:120, 110:120] = 1

    held_out = hold_out(labels, reviewed, stop=True)

    assert not held_out.judge.any()
    assert not held_out.stop.any()
    assert np.array_equal(divide(reviewed, held_out).learn, reviewed)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_was_learned_from_does_not_judge(labels, seed):
    reviewed = np.ones(labels.shape, bool)
    learned = np.zeros_like(reviewed)
    learned[:200] = True
    learned[201:230, ::2] = True  # no nucleus fits between

    held_out = hold_out(labels, reviewed, stop=True, seed=seed, learned=learned)

    assert held_out.judge.mean() == pytest.approx(0.2, abs=0.01)
    assert held_out.stop.mean() == pytest.approx(0.15, abs=0.01)
    assert not (held_out.judge & learned).any()
    assert not held_out.judge[:230].any()
    assert not (held_out.judge & held_out.stop).any()


def test_the_strip_that_judged_before_judges_again(labels):
    reviewed = np.ones(labels.shape, bool)
    before = hold_out(labels, reviewed, stop=True)

    for seed in (0, 1):
        again = hold_out(labels, reviewed, stop=True, seed=seed, learned=~before.judge)
        assert np.array_equal(again.judge, before.judge)
        assert again.stop.mean() == pytest.approx(0.15, abs=0.01)
        assert not (again.stop & again.judge).any()


def test_where_all_was_learned_from_nothing_judges(labels):
    reviewed = np.zeros(labels.shape, bool)
    reviewed[:300] = True

    held_out = hold_out(labels, reviewed, stop=True, learned=reviewed)

    assert not held_out.judge.any()
    assert held_out.stop.any()


@pytest.mark.parametrize("axis", [0, 1])
def test_pixels_are_counted_by_row_and_by_column(axis):
    mask = np.random.default_rng(0).random((700, 30)) < 0.8
    mask[:, 3] = True  # more than a byte holds

    assert np.array_equal(_along(mask, axis), mask.sum(1 - axis))
