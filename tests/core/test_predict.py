"""Windows leave no seams, and maps come back on the image's own grid."""

import numpy as np
import pytest
from scipy import ndimage

from napari_monuseg.core import predict as predict_module
from napari_monuseg.core.errors import DeviceError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict, with_half_window
from napari_monuseg.core.progress import finish
from napari_monuseg.core.tiles import tile
from napari_monuseg.core.torch_import import nn, torch

CPU = torch.device("cpu")


def small_field_network(reach=6, stride=4):
    """Return a random network that sees `reach` px to each side, and no further."""
    torch.manual_seed(0)
    layers = []
    channels = 3
    for _ in range(reach // 2):
        layers += [nn.Conv2d(channels, 8, 5, padding=2), nn.Tanh()]
        channels = 8
    layers.append(nn.Conv2d(channels, 2, 1))
    return NucleusNetwork(nn.Sequential(*layers), stride).eval()


def run(rgb, network, *, pixel_size=None, **options):
    image = TissueImage.from_array(rgb, pixel_size=pixel_size)
    job = predict(
        image,
        network,
        pixel_size=0.25,
        device=CPU,
        options=PredictOptions(**options),
    )
    return finish(job)


@pytest.fixture
def exact(monkeypatch):
    """Compute in fp32, so that only the cutting can make a difference."""
    monkeypatch.setattr(predict_module, "precision", lambda _: torch.float32)


@pytest.mark.parametrize("shape", [(200, 172), (97, 301)])
def test_tiled_equals_untiled_where_the_overlap_holds_the_field(shape, exact, tissue):
    rgb = np.tile(tissue[0], (2, 2, 1))[: shape[0], : shape[1]]
    network = small_field_network(reach=6)

    whole = run(rgb, network, window=400)
    tiled = run(rgb, network, window=80, overlap=32)

    assert np.allclose(whole.foreground, tiled.foreground, atol=1e-3)
    assert np.allclose(whole.distance, tiled.distance, atol=1e-3)
    assert np.ptp(whole.foreground.astype(float)) > 0.05


@pytest.mark.parametrize(
    ("window", "overlap"),
    [(512, 40), (128, 32)],  # the network's own, and a quarter of the window
)
def test_a_network_says_how_far_windows_overlap(window, overlap, tissue, monkeypatch):
    tilings = []

    def noting(length, **options):
        tilings.append(options)
        return tile(length, **options)

    monkeypatch.setattr(predict_module, "tile", noting)
    network = NucleusNetwork(nn.Conv2d(3, 2, 1), stride=4, overlap=40).eval()

    run(tissue[0], network, window=window)

    wanted = {"stride": 4, "largest": window, "overlap": overlap}
    assert tilings == [wanted, wanted]


def test_halved_windows_overlap_as_the_network_says():
    options = with_half_window(PredictOptions(window=512), CPU)

    assert (options.window, options.overlap) == (256, None)
    options = with_half_window(PredictOptions(window=512, overlap=96), CPU)
    assert (options.window, options.overlap) == (256, 64)


def test_too_small_an_overlap_would_show(exact, tissue):
    network = small_field_network(reach=12)

    whole = run(tissue[0], network, window=400)
    tiled = run(tissue[0], network, window=80, overlap=4)

    assert not np.allclose(whole.foreground, tiled.foreground, atol=1e-3)


def test_augmentation_turns_back_what_it_turned(exact, tissue):
    # A network of one pixel's field does not care how the image is turned.
    network = NucleusNetwork(nn.Conv2d(3, 2, 1), stride=2).eval()

    plain = run(tissue[0], network)
    augmented = run(tissue[0], network, augment=True)

    assert np.allclose(plain.foreground, augmented.foreground, atol=2e-3)


def test_maps_of_a_coarse_image_come_back_on_its_grid(exact, tissue):
    network = NucleusNetwork(nn.Conv2d(3, 2, 1), stride=2).eval()

    maps = run(tissue[0][:101, :75], network, pixel_size=0.4)

    assert maps.shape == (101, 75)
    assert maps.pixel_size == 0.4


def test_resampled_tiles_leave_no_seams(exact, tissue):
    network = small_field_network(reach=6)

    whole = run(tissue[0], network, pixel_size=0.4, window=1024)
    tiled = run(tissue[0], network, pixel_size=0.4, window=96, overlap=32)

    assert np.allclose(whole.foreground, tiled.foreground, atol=2e-3)


def test_pixel_sizes_within_a_tenth_are_taken_as_they_are(exact, tissue):
    network = small_field_network()

    same = run(tissue[0], network, pixel_size=0.25)
    close = run(tissue[0], network, pixel_size=0.26)

    assert np.array_equal(same.foreground, close.foreground)


def test_large_maps_live_in_a_file(exact, tissue, monkeypatch):
    monkeypatch.setattr(predict_module, "LARGEST_IN_MEMORY", 1000)
    network = small_field_network()

    maps = run(tissue[0], network)

    assert isinstance(maps.foreground, np.memmap)
    monkeypatch.setattr(predict_module, "LARGEST_IN_MEMORY", 2**30)
    assert np.array_equal(maps.foreground, run(tissue[0], network).foreground)


def test_says_how_much_room_the_temporary_folder_needs(tissue, monkeypatch):
    monkeypatch.setattr(predict_module, "LARGEST_IN_MEMORY", 1000)
    monkeypatch.setattr(
        predict_module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})
    )

    with pytest.raises(DeviceError, match="GB of free space"):
        run(tissue[0], small_field_network())


class Displaced(torch.nn.Module):
    """Says of every pixel how bright the one above and to its left is."""

    stride, overlap, window = 1, 0, 0

    def forward(self, rgb):
        moved = torch.roll(rgb.mean(1), (2, 1), (1, 2))
        return torch.logit(moved.clamp(0.01, 0.99))[:, None].repeat(1, 2, 1, 1)


def test_turns_are_brought_to_where_the_labels_lie(tissue):
    def foreground(**options):
        maps = finish(
            predict(
                TissueImage.from_array(tissue[0]),
                Displaced(),
                pixel_size=0.25,
                device=CPU,
                options=PredictOptions(window=256, **options),
            )
        )
        return maps.foreground.astype(float)[8:-8, 8:-8]

    once = foreground()

    assert np.abs(foreground(augment=True, label_shift=(2, 1)) - once).max() < 0.01
    assert np.abs(foreground(augment=True) - once).max() > 0.1


@pytest.mark.parametrize("turn", range(8))
def test_moved_maps_repeat_their_edge(turn):
    maps = torch.rand(1, 2, 24, 32, generator=torch.manual_seed(0))
    shift = (-0.75, -0.5)

    moved = predict_module._set_right(maps, turn, shift)

    right = -shift[1] if turn >= 4 else shift[1]
    down = shift[0]
    for _ in range(turn % 4):
        down, right = right, -down
    rows = np.clip(np.arange(24) - shift[0] + down, 0, 23)
    columns = np.clip(np.arange(32) - shift[1] + right, 0, 31)
    places = np.meshgrid(rows, columns, indexing="ij")
    for said, expected in zip(moved[0].numpy(), maps[0].numpy(), strict=True):
        np.testing.assert_allclose(
            said, ndimage.map_coordinates(expected, places, order=1), atol=1e-5
        )
