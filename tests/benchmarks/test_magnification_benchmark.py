"""Guesses are counted by what an image is."""

import magnification


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
