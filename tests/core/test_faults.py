"""Stopped or broken at any of its steps, long work leaves nothing behind."""

import tempfile

import numpy as np
import pytest

from napari_monuseg.core import lessons, predict
from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.finetuning_options import FinetuneOptions
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.lessons import Lesson
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.segment import SegmentOptions, segment

SEGMENTING = SegmentOptions(device="cpu", window=256)


class BrokenError(Exception):
    """Something nobody thought of."""


def cancel(steps):
    steps.close()


def fail(steps):
    with pytest.raises(BrokenError):
        steps.throw(BrokenError)


def taken(steps, number):
    """Take a number of steps; tell whether that many there were."""
    return all(next(steps, None) is not None for _ in range(number))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keep the maps in files, in a folder for temporary ones that can be looked at."""
    monkeypatch.setattr(predict, "LARGEST_IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("stop", [cancel, fail])
def test_segmentation(tiny_model, folder, stop):
    image = TissueImage.from_array(synthetic_tissue((96, 800), seed=1)[0])
    whole = finish(segment(image, tiny_model, SEGMENTING)).labels

    number = 0
    while taken(steps := segment(image, tiny_model, SEGMENTING), number):
        stop(steps)
        assert next(steps, None) is None
        number += 1

    assert number > 6
    assert not list(folder.iterdir())
    again = finish(segment(image, tiny_model, SEGMENTING)).labels
    assert np.array_equal(again, whole)


@pytest.fixture(scope="module")
def corrections():
    rgb, labels = synthetic_tissue((256, 192), seed=11)
    image = TissueImage.from_array(rgb, name="tissue")
    reviewed = np.ones(labels.shape, bool)
    return [Corrections(image=image, labels=labels, reviewed=reviewed)]


@pytest.mark.parametrize("stop", [cancel, fail])
def test_a_lesson_keeps_what_it_has_learned(
    installed_model, corrections, monkeypatch, stop
):
    small = corrections[0].image.read(slice(0, 96), slice(0, 96))
    monkeypatch.setattr(lessons, "immunohistochemistry_restained", lambda: small)
    recipe = FinetuneOptions(steps=2, looks=2, batch=2, crop=96, device="cpu")

    def steps_of(lesson):
        tuned = yield from lesson.train()
        yield from lesson.judge(tuned)

    before = installed_model.read_bytes()
    learned = []
    number = 0
    while taken(
        steps := steps_of(lesson := Lesson(find_model("tiny"), corrections, recipe)),
        number,
    ):
        stop(steps)
        best = lesson.result()
        learned.append(best.step if best else 0)
        number += 1

    assert learned == sorted(learned)
    assert learned[0] == 0
    assert learned[-1] > 0
    assert installed_model.read_bytes() == before
