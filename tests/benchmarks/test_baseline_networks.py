"""The baselines are the networks of the project this one grew from."""

import pytest
from baseline_networks import BASELINES, STRIDE, BaselineSegNet

from napari_monuseg.core.torch_import import torch


def count_numbers(network):
    """Count what Keras counts: parameters and batch statistics."""
    tensors = network.state_dict()
    return sum(
        tensor.numel()
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    )


@pytest.mark.parametrize(("name", "millions"), [("unet", 2.16), ("segnet", 0.37)])
def test_the_baselines_have_the_sizes_they_had(name, millions):
    assert round(count_numbers(BASELINES[name]()) / 1e6, 2) == millions


@pytest.mark.parametrize("name", BASELINES)
def test_the_baselines_give_a_logit_for_each_pixel(name):
    network = BASELINES[name]().eval()

    with torch.inference_mode():
        logits = network(torch.rand(1, 3, 2 * STRIDE, STRIDE))

    assert logits.shape == (1, 1, 2 * STRIDE, STRIDE)


def test_the_baseline_segnet_normalises_after_each_relu():
    network = BaselineSegNet()

    kinds = [type(layer).__name__ for layer in network.decoder[0]]

    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d"] * 3
