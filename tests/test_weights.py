"""The shipped models are what their headers and the model card say."""

import re
from pathlib import Path

import numpy as np
import pytest

from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.datasets import find_samples, read_split
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.networks import NETWORKS
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import find_model, list_models
from napari_monuseg.core.samples import immunohistochemistry_restained
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.torch_import import torch

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


def test_all_three_networks_ship_and_unet_comes_first():
    shipped = [model for model in list_models() if model.shipped]

    assert {model.name for model in shipped} == set(NETWORKS)
    assert shipped[0].name == "unet"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_header_describes_the_model(name):
    info = find_model(name).info

    assert info.network == name
    assert info.licence == "CC BY-NC-SA 4.0"
    assert "MoNuSeg" in info.data
    assert info.pixel_size == 0.25
    assert info.parameters > 1e6
    assert info.recipe["steps"] > 100
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", info.date)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_weights_are_float16_and_small(name):
    path = find_model(name).path

    assert path.stat().st_size <= 30e6
    network = load_network(path)
    for tensor in network.parameters():
        assert torch.equal(tensor, tensor.half().float())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_model_finds_the_nuclei_of_the_sample(name):
    rgb = immunohistochemistry_restained()[:512, :512]

    labels = finish(
        segment(
            TissueImage.from_array(rgb),
            find_model(name).path,
            SegmentOptions(device="cpu"),
        )
    ).labels

    areas = np.bincount(labels.ravel())[1:]
    assert 50 < len(areas) < 400
    assert 100 < np.median(areas) < 1500


@pytest.mark.parametrize(
    ("name", "least"), [("unet", 0.6), ("segnet", 0.55), ("deeplabv3plus", 0.55)]
)
def test_the_model_knows_the_tissue_it_was_trained_on(name, least, monuseg):
    # No measure of quality: a net to catch broken weights, thresholds or windows.
    sample = find_samples(monuseg)[0]
    with sample.image() as image:
        job = segment(image, find_model(name), SegmentOptions(device="cpu"))
        labels = finish(job).labels

    assert score_labels(sample.labels(), labels).aji > least


def test_the_split_parts_share_no_image_and_hold_all(monuseg):
    parts = read_split(WEIGHTS / "split.json")

    stems = [stem for part in parts.values() for stem in part]
    assert len(stems) == len(set(stems)) == 30
    assert set(stems) == {sample.name for sample in find_samples(monuseg)}
    published = read_split(monuseg / "splits.json")
    assert set(parts["train"]) | set(parts["validation"]) == set(published["train"])


def test_thresholds_are_chosen_on_images_of_the_split_that_are_not_scored():
    parts = read_split(WEIGHTS / "split.json")

    choice = read_split(WEIGHTS / "thresholds.json")

    assert choice["validation"] == parts["train"] + parts["validation"]
    assert choice["train"] == parts["train"]


def test_sixteen_names_the_published_training_images():
    parts = read_split(WEIGHTS / "split.json")

    sixteen = read_split(WEIGHTS / "sixteen.json")

    assert sixteen == {"train": parts["train"] + parts["validation"]}
