"""The three networks share their output, and SegNet unpools by indices."""

from itertools import product

import pytest

from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.networks import (
    NETWORKS,
    RECOMMENDED,
    LocalMean,
    build_network,
    copy_encoder,
)
from napari_monuseg.core.segnet import SegNet, scattered
from napari_monuseg.core.torch_import import functional, torch


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_foreground_and_distance(name):
    network = build_network(name).eval()
    side = 3 * network.stride

    with torch.inference_mode():
        logits = network(torch.rand(1, 3, side, 2 * side))

    assert logits.shape == (1, 2, side, 2 * side)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_fits_a_shipped_file(name):
    network = build_network(name, **RECOMMENDED[name])
    parameters = sum(tensor.numel() for tensor in network.parameters())

    assert 2 * parameters < 30e6


def test_segnet_puts_values_back_where_the_maxima_were():
    network = SegNet(1, 1, widths=[1], convolutions=[1]).eval()
    for stage in (network.encoder[0], network.decoder[0]):
        torch.nn.init.dirac_(stage[0].weight)
    torch.nn.init.ones_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 1], image[0, 0, 3, 2] = 5.0, 7.0

    with torch.inference_mode():
        output = network(image)

    assert torch.allclose(output, image, atol=1e-3)


def test_unpooling_by_scattering_is_unpooling():
    features = torch.rand(2, 3, 8, 12, generator=torch.manual_seed(0))
    pooled, indices = functional.max_pool2d(features, 2, return_indices=True)

    expected = functional.max_unpool2d(pooled, indices, [2, 2])
    assert torch.equal(scattered(pooled, indices), expected)


def test_segnet_adds_its_context_to_what_the_encoder_saw():
    torch.manual_seed(0)
    image = torch.rand(1, 1, 16, 16)
    shape = {"widths": [4], "convolutions": [1]}
    network = SegNet(1, 1, **shape, context=[1, 2]).eval()
    assert [layer.dilation for layer in network.context[::3]] == [(1, 1), (2, 2)]
    without = SegNet(1, 1, **shape).eval()
    without.load_state_dict(network.state_dict(), strict=False)

    with torch.inference_mode():
        seen = network(image)
        torch.nn.init.zeros_(network.context[-2].weight)
        silent = network(image)
        expected = without(image)

    assert torch.equal(silent, expected)
    assert not torch.allclose(seen, expected, atol=1e-4)


def test_segnet_hands_no_feature_maps_across():
    network = build_network("segnet").body

    encoder = [stage[-3].out_channels for stage in network.encoder]
    decoder = [stage[0].in_channels for stage in network.decoder]

    assert decoder == encoder[::-1]


def test_deeplabv3plus_pools_as_far_as_it_did_in_training_whatever_the_tile():
    torch.manual_seed(0)
    pyramid_pooling = build_network("deeplabv3plus").eval().body.decoder.aspp
    features = torch.rand(1, 512, 120, 120)

    with torch.inference_mode():
        whole = pyramid_pooling(features)
        tile = pyramid_pooling(features[..., 10:110, 10:110])

    # 38 = the largest dilation and the convolutions around it.
    inner = slice(40, 60)
    assert torch.allclose(whole[..., 50:70, 50:70], tile[..., inner, inner], atol=1e-5)
    assert whole.std() > 0.01


def test_deeplabv3plus_as_trained_sees_no_further_than_a_training_crop():
    torch.manual_seed(0)
    network = build_network("deeplabv3plus", **RECOMMENDED["deeplabv3plus"])
    pyramid_pooling = network.eval().body.decoder.aspp
    features = torch.rand(1, 256, 64, 64, requires_grad=True)

    pyramid_pooling(features)[..., 32, 32].sum().backward()

    rows = torch.nonzero(features.grad.abs().sum((0, 1, 3))).ravel()
    # 9 positions by the largest rate and 1 by the convolution after it, 16 px each.
    assert (rows.min(), rows.max()) == (32 - 10, 32 + 10)


@pytest.mark.parametrize(
    ("name", "reach"), [("unet", 137), ("segnet", 171), ("deeplabv3plus", 281)]
)
def test_how_far_a_network_as_trained_sees(name, reach):
    torch.manual_seed(0)
    network = build_network(name, **RECOMMENDED[name]).double().eval()
    middle = 304
    rgb = torch.rand(1, 3, 2 * middle, 16, dtype=torch.float64, requires_grad=True)

    network(rgb)[..., middle, :].sum().backward()

    rows = torch.nonzero(rgb.grad.abs().sum((0, 1, 3))).ravel()
    assert max(middle - int(rows.min()), int(rows.max()) - middle) == reach
    assert 0.6 * reach < network.overlap < 0.8 * reach


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_as_trained_sees_the_same_in_every_window(name):
    torch.manual_seed(0)
    network = build_network(name, **RECOMMENDED[name]).double().eval()
    rgb = torch.rand(1, 3, 704, 16, dtype=torch.float64)

    with torch.inference_mode():
        long, short = network(rgb), network(rgb[..., 32:640, :])

    # 288 px from the ends of the shorter one, out of reach of its borders.
    assert torch.allclose(long[..., 320:352, :], short[..., 288:320, :])
    assert long[..., 320:352, :].std() > 0.001


@pytest.mark.parametrize(
    ("shape", "aligned"), [({}, True), (RECOMMENDED["deeplabv3plus"], False)]
)
def test_deeplabv3plus_aligns_corners_only_as_older_checkpoints_do(shape, aligned):
    network = build_network("deeplabv3plus", **shape)

    corners = [
        part.align_corners
        for part in network.modules()
        if isinstance(part, torch.nn.Upsample)
    ]

    assert corners == [aligned, aligned]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_weight_of_a_network_as_trained_lies_idle(name):
    torch.manual_seed(0)
    network = build_network(name, **RECOMMENDED[name])

    network(torch.rand(2, 3, 64, 64)).square().sum().backward()

    idle = [key for key, one in network.named_parameters() if one.grad is None]
    assert not idle


def test_an_encoder_moves_to_another_network_that_has_the_same():
    source, target = build_network("unet"), build_network("deeplabv3plus")
    head = target.state_dict()["body.segmentation_head.0.weight"].clone()

    copy_encoder(source, target)

    first = "body.encoder.conv1.weight"
    assert torch.equal(target.state_dict()[first], source.state_dict()[first])
    assert torch.equal(target.state_dict()["body.segmentation_head.0.weight"], head)
    with pytest.raises(CheckpointError, match="encoders of the two networks differ"):
        copy_encoder(source, build_network("segnet"))


@pytest.mark.parametrize("shallow_first", [True, False])
def test_an_encoder_moves_where_one_of_the_two_lacks_its_last_stage(shallow_first):
    networks = [
        build_network("unet", decoder_channels=[32, 16, 8, 4]),
        build_network("deeplabv3plus"),
    ]
    source, target = networks if shallow_first else networks[::-1]
    last = "body.encoder.layer4.0.conv1.weight"
    deep = networks[1].state_dict()[last].clone()

    copy_encoder(source, target)

    shared = "body.encoder.layer3.0.conv1.weight"
    assert torch.equal(target.state_dict()[shared], source.state_dict()[shared])
    assert torch.equal(networks[1].state_dict()[last], deep)


def test_encoders_of_other_widths_are_refused():
    source = build_network("unet", encoder="resnet50")

    with pytest.raises(CheckpointError, match="encoders of the two networks differ"):
        copy_encoder(source, build_network("deeplabv3plus"))


def test_unknown_names_and_options_are_one_sentence():
    with pytest.raises(CheckpointError, match="choose one of unet, segnet"):
        build_network("vnet")
    with pytest.raises(CheckpointError, match="cannot be built with"):
        build_network("unet", depth=99)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        ("unet", {"decoder_channels": []}),
        ("unet", {"decoder_channels": [-4, 8, 8]}),
        ("segnet", {"widths": [0, 8]}),
        ("segnet", {"widths": [8], "convolutions": []}),
        ("segnet", {"context": [0]}),
        ("segnet", {"context": [1.5]}),
        ("segnet", {"context": [True]}),
        ("segnet", {"widths": [10**9, 10**9]}),
        ("deeplabv3plus", {"encoder_depth": 1}),
        ("deeplabv3plus", {"encoder_depth": 3}),
        ("deeplabv3plus", {"atrous_rates": [1]}),
        ("deeplabv3plus", {"reach": None}),
    ],
)
def test_shapes_that_no_network_can_have_are_one_sentence(network, shape):
    with pytest.raises(CheckpointError, match="cannot be built with"):
        build_network(network, **shape)


@pytest.mark.parametrize("encoder", ["tu-hf-hub:someone/some", "vgg11", ["resnet18"]])
def test_no_file_makes_the_library_look_for_an_encoder_elsewhere(encoder):
    with pytest.raises(CheckpointError, match="none of ours"):
        build_network("unet", encoder=encoder)


@pytest.mark.parametrize("sides", [(9, 14), (3, 20), (1, 1)])
def test_the_local_mean_is_that_of_what_lies_around_and_inside(sides):
    features = torch.rand(2, 3, *sides, generator=torch.manual_seed(2))

    means = LocalMean(reach=4)(features)

    for row, column in product(*map(range, sides)):
        rows = slice(max(0, row - 4), row + 5)
        columns = slice(max(0, column - 4), column + 5)
        expected = features[:, :, rows, columns].mean(dim=(2, 3))
        assert torch.allclose(means[:, :, row, column], expected, atol=1e-6)
