"""What a model learned from is known again, wherever a later part of it lies."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.learned import Learned, Place, learned_there

SHAPE = (40, 50)
corners = st.tuples(st.integers(0, 39), st.integers(0, 49))
sides = st.tuples(st.integers(1, 40), st.integers(1, 50))


def place(offset=(0, 0), image="slide"):
    return Place(image=image, image_shape=SHAPE, offset=offset)


def part(corner, side):
    return tuple(
        slice(start, min(start + length, end))
        for start, length, end in zip(corner, side, SHAPE, strict=True)
    )


@given(taught=st.tuples(corners, sides), asked=st.tuples(corners, sides))
def test_it_is_known_on_the_grid_of_any_part(taught, asked):
    whole = np.zeros(SHAPE, bool)
    whole[part(*taught)] = np.random.default_rng(0).random(SHAPE)[part(*taught)] < 0.5
    whole[taught[0]] = True
    window = part(*asked)

    one = Learned.of(place(taught[0]), whole[part(*taught)])
    read = Learned.read(json.loads(json.dumps(asdict(one))))
    expected = whole[window]
    known = learned_there([read], place(asked[0]), expected.shape)

    assert read == one
    assert np.array_equal(known, expected)


def test_another_image_is_not_known():
    one = Learned.of(place(), np.ones(SHAPE, bool))
    other_size = replace(place(), image_shape=(50, 40))

    assert learned_there([one], place(), SHAPE).all()
    assert not learned_there([one], place(image="other"), SHAPE).any()
    assert not learned_there([one], other_size, SHAPE).any()


@pytest.mark.parametrize("mask", ["", "AAAA", "not base 64"])
def test_a_damaged_mask_is_one_sentence(mask):
    damaged = replace(Learned.of(place(), np.ones(SHAPE, bool)), mask=mask)

    with pytest.raises(CheckpointError, match="in slide is damaged"):
        learned_there([damaged], place(), SHAPE)
