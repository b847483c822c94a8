"""A tissue image and a model become maps and labels."""

from dataclasses import replace

import numpy as np
import pytest

from napari_monuseg.core import segment as segment_module
from napari_monuseg.core.errors import CheckpointError, DeviceError, ImageError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.learned import Learned, Place
from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.stains import StainReference

CPU = SegmentOptions(device="cpu")


def test_finds_most_nuclei_of_synthetic_tissue(tissue, tiny_model):
    rgb, truth = tissue

    result = finish(segment(TissueImage.from_array(rgb), tiny_model, CPU))

    assert result.labels.shape == truth.shape
    assert result.labels.dtype == np.int32
    assert score_labels(truth, result.labels).dice > 0.8
    assert result.device.startswith("CPU")


def test_uses_the_thresholds_of_the_model_unless_given_others(tissue, tiny_model):
    image = TissueImage.from_array(tissue[0])
    options = SegmentOptions(device="cpu", instances={"foreground_threshold": 0.99})
    strict = InstanceOptions(foreground_threshold=0.99, seed_prominence=0.2)

    own = finish(segment(image, tiny_model, CPU))
    other = finish(segment(image, tiny_model, options))

    assert own.instances.seed_prominence == 0.2
    assert (other.labels > 0).sum() < (own.labels > 0).sum()
    assert other.instances == strict
    assert np.array_equal(other.labels, finish(find_nuclei(own.maps, strict)))


def test_coarse_images_are_read_at_the_pixel_size_of_the_network(tissue, tiny_model):
    rgb, truth = tissue
    coarse = rgb.reshape(128, 2, 128, 2, 3).mean((1, 3)).astype(np.uint8)
    image = TissueImage.from_array(coarse, pixel_size=0.5)

    result = finish(segment(image, tiny_model, CPU))

    assert score_labels(truth[::2, ::2], result.labels).dice > 0.7


def test_progress_counts_windows_and_ends_complete(tissue, tiny_model):
    image = TissueImage.from_array(np.tile(tissue[0], (2, 2, 1)))
    options = SegmentOptions(device="cpu", window=256)

    steps = list(segment(image, tiny_model, options))

    counted = [step for step in steps if step.message == "Finding nuclei"]
    assert counted[-1].done == counted[-1].total == len(counted) - 1
    assert counted[-1].total > 4


@pytest.mark.parametrize("shape", [(32, 32, 3), (33, 100, 3), (257, 41, 3)])
def test_sides_of_any_length_from_32_px(shape, tiny_model, tissue):
    rgb = np.tile(tissue[0], (2, 1, 1))[: shape[0], : shape[1]]

    result = finish(segment(TissueImage.from_array(rgb), tiny_model, CPU))

    assert result.labels.shape == shape[:2]


def test_colours_that_a_model_never_learned_are_doubted(
    tissue, tiny_model, monkeypatch
):
    rgb, _ = tissue
    inverted = TissueImage.from_array(255 - rgb, name="night", pixel_size=0.25)
    usual = TissueImage.from_array(rgb, pixel_size=0.25)
    stains = StainReference(mean=(0.5, 0.9, 0.5), spread=(0.3, 0.5, 0.3), strength=0.7)
    place = Place(image="night", image_shape=(9, 9), offset=(0, 0))
    taught = Learned.of(place, np.ones((9, 9), bool))

    def doubt(image, **about):
        info = replace(read_info(tiny_model), **about)
        monkeypatch.setattr(segment_module, "read_info", lambda _: info)
        return finish(segment(image, tiny_model, CPU)).doubt

    said = doubt(inverted, stains=stains)
    assert said.startswith("The colours of night are not those of H&E, from which tiny")
    assert doubt(usual, stains=stains) == ""
    # Who taught it may have shown it such tissue.
    assert doubt(inverted, stains=stains, learned=(taught,)) == ""
    assert doubt(inverted, stains=None) == ""
    # It has learned from what cannot be H&E itself.
    brown = StainReference(mean=(0.4, 0.5, 0.7), spread=(0.2, 0.3, 0.5), strength=0.7)
    assert doubt(inverted, stains=brown) == ""


def test_refuses_images_too_small_to_show_a_nucleus(tiny_model):
    image = TissueImage.from_array(np.zeros((20, 900, 3), np.uint8))

    with pytest.raises(ImageError, match="image is 20×900 px; nuclei can be found"):
        finish(segment(image, tiny_model, CPU))


@pytest.mark.parametrize("pixel_size", [0.01, 4.0])
def test_refuses_pixel_sizes_at_which_nuclei_cannot_be_told(
    pixel_size, tissue, tiny_model
):
    image = TissueImage.from_array(tissue[0], pixel_size=pixel_size)

    with pytest.raises(ImageError, match="must lie between"):
        finish(segment(image, tiny_model, CPU))


def test_refuses_devices_this_machine_lacks(tissue, tiny_model):
    image = TissueImage.from_array(tissue[0])

    with pytest.raises(DeviceError, match="no device 'cuda:99'; choose auto"):
        finish(segment(image, tiny_model, SegmentOptions(device="cuda:99")))


def test_missing_models_are_named():
    with pytest.raises(CheckpointError, match="There is no model 'resnet'"):
        find_model("resnet")


def test_smaller_windows_when_memory_runs_out(tissue, tiny_model, monkeypatch):
    windows = []
    predict = segment_module.predict

    def scarce(*arguments, options, **others):
        windows.append(options.window)
        if options.window is None or options.window > 256:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return (yield from predict(*arguments, options=options, **others))

    monkeypatch.setattr(segment_module, "predict", scarce)
    image = TissueImage.from_array(tissue[0])

    steps = segment(image, tiny_model, SegmentOptions(device="cpu", window=1024))
    messages = []
    while True:
        try:
            messages.append(next(steps).message)
        except StopIteration as finished:
            labels = finished.value.labels
            break

    assert windows == [1024, 512, 256]
    assert labels.any()
    assert any("Out of memory" in message for message in messages)


def test_says_so_when_even_small_windows_do_not_fit(tissue, tiny_model, monkeypatch):
    def never(*_, **__):
        raise RuntimeError("out of memory")
        yield

    monkeypatch.setattr(segment_module, "predict", never)
    image = TissueImage.from_array(tissue[0])

    with pytest.raises(DeviceError, match="memory is too small"):
        finish(segment(image, tiny_model, CPU))


def test_other_runtime_errors_are_bugs_and_stay_what_they_are(
    tissue, tiny_model, monkeypatch
):
    def broken(*_, **__):
        raise RuntimeError("shape mismatch")
        yield

    monkeypatch.setattr(segment_module, "predict", broken)

    with pytest.raises(RuntimeError, match="shape mismatch"):
        finish(segment(TissueImage.from_array(tissue[0]), tiny_model, CPU))
