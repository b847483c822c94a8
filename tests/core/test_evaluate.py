"""A model's scores over a folder: every image tried, every failure told."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import CheckpointError, DeviceError, ExportError
from napari_monuseg.core.evaluate import Evaluation, evaluate
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.scores import mean_scores, score_labels
from napari_monuseg.core.segment import SegmentOptions

OPTIONS = SegmentOptions()
MODEL = SimpleNamespace(name="unet", info=SimpleNamespace(pixel_size=0.25))


@pytest.fixture
def samples(tmp_path, tissue):
    """Three samples of the same tissue, ``a``, ``b`` and ``c``."""
    rgb, labels = tissue
    for folder, array in [("images", rgb), ("labels", labels.astype(np.uint16))]:
        (tmp_path / folder).mkdir()
        for name in "abc":
            tifffile.imwrite(tmp_path / folder / f"{name}.tif", array)
    return find_samples(tmp_path)


@pytest.fixture
def predicted(tissue):
    return np.roll(tissue[1], 2, axis=0)


@pytest.fixture
def segmenter(predicted):
    """A segmenter that finds the nuclei two pixels too low."""

    def segment(image, model, options):
        yield Progress(message="Looking", done=1, total=7)
        return SimpleNamespace(
            labels=predicted,
            maps=SimpleNamespace(pixel_size=image.pixel_size),
            guessed_pixel_size=0.5 if image.name == "b" else None,
            doubt="a is grey" if image.name == "a" else "",
        )

    return segment


def run(steps):
    """Return what a generator yields, and what it returns."""
    yielded = []
    while True:
        try:
            yielded.append(next(steps))
        except StopIteration as finished:
            return yielded, finished.value


def test_what_was_guessed_or_assumed_of_an_image_is_told(samples, segmenter):
    known = [replace(samples[0], pixel_size=0.25), *samples[1:]]

    _, evaluation = run(evaluate(known, MODEL, OPTIONS, segmenter=segmenter))

    assert evaluation.guesses == {"b": 0.5}
    assert evaluation.assumed == {"c": 0.25}
    assert evaluation.as_dict()["guessed_pixel_sizes"] == evaluation.guesses
    assert evaluation.as_dict()["assumed_pixel_sizes"] == evaluation.assumed
    assert evaluation.as_dict()["doubts"] == evaluation.doubts == {"a": "a is grey"}


def test_every_image_is_scored_whole(samples, segmenter, tissue, predicted):
    _, evaluation = run(evaluate(samples, MODEL, OPTIONS, segmenter=segmenter))

    expected = score_labels(tissue[1], predicted)
    assert evaluation.rows == [(name, expected) for name in "abc"]
    assert evaluation.failures == []
    assert asdict(evaluation.mean) == pytest.approx(asdict(expected))


def test_model_and_options_reach_the_segmenter(samples, segmenter):
    given = []

    def remember(image, model, options):
        given.append((image.height, model, options))
        return (yield from segmenter(image, model, options))

    options = SegmentOptions(augment=True, instances={"seed_prominence": 0.3})
    _, evaluation = run(evaluate(samples[:1], MODEL, options, segmenter=remember))

    assert given == [(256, MODEL, options)]
    assert evaluation.asked == {"augment": True, "seed_prominence": 0.3}


def test_progress_counts_images_and_names_them(samples, segmenter):
    progress, _ = run(evaluate(samples, MODEL, OPTIONS, segmenter=segmenter))

    assert "b: Looking" in [step.message for step in progress]
    assert {step.total for step in progress} == {3}
    done = [step.done for step in progress]
    assert done == sorted(done)
    assert done[-1] == 3


def test_a_failing_image_is_told_and_the_others_go_on(samples, segmenter):
    samples[0].truth_path.write_bytes(b"broken")

    def fail_on_the_second(image, model, options):
        if image.name.startswith("b"):
            raise DeviceError("The device is gone; choose another.")
        return (yield from segmenter(image, model, options))

    _, evaluation = run(evaluate(samples, MODEL, OPTIONS, segmenter=fail_on_the_second))

    assert [name for name, _ in evaluation.rows] == ["c"]
    assert [name for name, _ in evaluation.failures] == ["a", "b"]
    assert "a.tif cannot be read" in evaluation.failures[0][1]
    assert evaluation.failures[1][1] == "The device is gone; choose another."
    assert evaluation.mean.dice == evaluation.rows[0][1].dice


def test_truth_is_read_before_the_network_is_run(samples):
    samples[0].truth_path.write_bytes(b"broken")

    def never(image, model, options):
        raise AssertionError("the network ran for an image that cannot be scored")
        yield

    _, evaluation = run(evaluate(samples[:1], MODEL, OPTIONS, segmenter=never))

    assert len(evaluation.failures) == 1


def test_a_broken_model_stops_the_evaluation(samples):
    def broken(image, model, options):
        raise CheckpointError("The model is broken; get it again.")
        yield

    with pytest.raises(CheckpointError, match="get it again"):
        run(evaluate(samples, MODEL, OPTIONS, segmenter=broken))


def test_a_bug_is_not_taken_for_a_failing_image(samples):
    def buggy(image, model, options):
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError):
        run(evaluate(samples, MODEL, OPTIONS, segmenter=buggy))


def test_a_visitor_is_shown_each_image_that_was_scored(samples, segmenter, tissue):
    samples[0].truth_path.write_bytes(b"broken")
    seen = []

    def visit(scored):
        rgb = scored.image.read(slice(0, 256), slice(0, 256))
        seen.append((scored.name, scored.scores))
        np.testing.assert_array_equal(rgb, tissue[0])
        np.testing.assert_array_equal(scored.truth, tissue[1])
        assert scored.segmentation.labels.shape == scored.truth.shape

    _, evaluation = run(
        evaluate(samples, MODEL, OPTIONS, segmenter=segmenter, visitor=visit)
    )

    assert seen == evaluation.rows
    assert [name for name, _ in seen] == ["b", "c"]


def test_a_visitor_that_cannot_write_stops_the_evaluation(samples, segmenter):
    def full(scored):
        raise ExportError("The disk is full; make room.")

    with pytest.raises(ExportError, match="make room"):
        run(evaluate(samples, MODEL, OPTIONS, segmenter=segmenter, visitor=full))


def test_cancelling_closes_the_segmenter(samples):
    closed = []

    def segment(image, model, options):
        try:
            while True:
                yield Progress(message="Looking")
        finally:
            closed.append(image.name)

    steps = evaluate(samples, MODEL, OPTIONS, segmenter=segment)
    for _ in range(4):
        next(steps)
    steps.close()

    assert len(closed) == 1


def test_nothing_scored_has_no_mean(samples):
    evaluation = Evaluation(model="unet", rows=[], failures=[("a", "It is broken.")])

    assert evaluation.mean is None
    assert evaluation.as_dict()["mean"] is None
    assert "mean" not in evaluation.as_table()


def test_json_holds_all_of_it(samples, segmenter):
    samples[0].truth_path.write_bytes(b"broken")
    _, evaluation = run(evaluate(samples, MODEL, OPTIONS, segmenter=segmenter))

    read = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))

    assert read["model"] == "unet"
    assert [row["name"] for row in read["images"]] == ["b", "c"]
    assert read["images"][0]["aji_plus"] == evaluation.rows[0][1].aji_plus
    assert read["mean"]["pq"] == pytest.approx(evaluation.mean.pq)
    assert [failure["name"] for failure in read["failures"]] == ["a"]


def test_the_table_lines_up_and_ends_with_the_mean():
    good = score_labels(np.array([[1, 1, 0, 2]]), np.array([[1, 1, 0, 2]]))
    bad = score_labels(np.array([[1, 1, 0, 2]]), np.array([[0, 0, 3, 0]]))
    rows = [("a-long-name-of-a-slide", good), ("b", bad)]

    table = Evaluation(model="unet", rows=rows, failures=[]).as_table().splitlines()

    assert len({len(line) for line in table}) == 1
    headings, _, first, _, _, last = (line.split() for line in table)
    assert headings[:3] == ["image", "true", "found"]
    assert first == ["a-long-name-of-a-slide", "2", "2"] + ["1.000"] * 9
    mean = dict(zip(headings, last, strict=True))
    assert (mean["image"], mean["true"], mean["found"]) == ("mean", "2.0", "1.5")
    assert mean["AJI"] == f"{mean_scores([good, bad]).aji:.3f}"
