"""Guesses are counted by what an image is."""

import magnification
import numpy as np
import pytest


def test_right_and_wrong_guesses_are_counted_by_pixel_size():
    guesses = [
        ("one", 0.25, 0.25),
        ("two", 0.25, 0.5),
        ("one", 0.5, 0.5),
        ("two", 0.5, 0.5),
    ]

    assert magnification.describe("unet", guesses) == [
        "unet at 0.25 µm/px: 1 of 2 right: not two",
        "unet at 0.5 µm/px: 2 of 2 right",
    ]


def test_crispness_is_listed_by_pixel_size_the_least_first():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    plain = np.full_like(noise, 200)

    first, *rest = magnification.describe_crispness(
        [(noise, 0.25), (plain, 0.5), (plain, 0.25)]
    )

    assert first.startswith("crispness, 0.322")
    size, values = rest[0].split(": ")
    assert size == "0.25 µm/px"
    assert [float(value) for value in values.split()] == [
        0.25,
        pytest.approx(1, abs=0.05),
    ]
    assert rest[1:] == ["0.5 µm/px: 0.250"]
