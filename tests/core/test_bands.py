"""Band by band a map becomes what it becomes as a whole."""

from hypothesis import given, settings
from hypothesis import strategies as st

from napari_monuseg.core.bands import bands, in_bands
from napari_monuseg.core.torch_import import functional, nn, torch


def numbers(*shape, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.manual_seed(sum(shape))).to(dtype)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 9))
def test_bands_cover_every_row_once_and_look_around(height, rows, halo):
    found = list(bands(height, rows, halo))

    covered = [row for band in found for row in range(band.top, band.stop)]
    assert covered == list(range(height))
    for band in found:
        assert band.first == max(0, band.top - halo)
        assert band.last == min(height, band.stop + halo)


@settings(deadline=None)  # other work may delay any of them
@given(st.integers(1, 40), st.integers(1, 12))
def test_convolutions_in_bands_are_those_of_the_whole(height, rows):
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1))
    whole = numbers(1, 3, height, 5)

    with torch.inference_mode():
        (found,) = in_bands(
            lambda _, band: (layers(band),), (whole,), rows=rows, halo=2
        )
        expected = layers(whole)

    assert torch.allclose(found, expected, atol=1e-6)


def test_a_halo_too_small_is_seen():
    convolution = nn.Conv2d(1, 1, 3, padding=1)
    whole = numbers(1, 1, 12, 5)

    with torch.inference_mode():
        (found,) = in_bands(
            lambda _, band: (convolution(band),), (whole,), rows=4, halo=0
        )

        assert not torch.allclose(found, convolution(whole), atol=1e-3)


def test_maps_of_several_heights_give_maps_of_several_heights():
    small, large = numbers(1, 2, 8, 3), numbers(1, 1, 16, 6)
    firsts = []

    def step(first, small, large):
        firsts.append(first)
        doubled = functional.interpolate(small, scale_factor=2) * large
        return functional.interpolate(doubled, scale_factor=2), small.sum(3, True)

    found = in_bands(step, (small, large), rows=3, halo=1)

    for part, expected in zip(found, step(0, small, large), strict=True):
        assert torch.equal(part, expected)
    assert firsts == [0, 2, 5, 0]


def test_a_map_no_higher_than_a_band_is_taken_as_a_whole():
    whole = numbers(1, 2, 6, 3)

    (found,) = in_bands(lambda _, band: (band,), (whole,), rows=6, halo=1)

    assert found is whole


def test_numbers_keep_their_kind():
    whole = numbers(1, 2, 6, 3, dtype=torch.bfloat16)

    found, places = in_bands(
        lambda _, band: (band, band.long()), (whole,), rows=4, halo=0
    )

    assert (found.dtype, places.dtype) == (torch.bfloat16, torch.int64)
