"""A model's robustness: every disturbance scored, and its cost in AJI."""

import json
from dataclasses import replace

import pytest
import robustness
from disturbances import AS_IT_IS, DISTURBANCES
from robustness import as_table, disturb, lost, measure

from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.scores import score_labels

TOLD, UNTOLD = DISTURBANCES[-2:]


@pytest.fixture
def perfect(tissue):
    return score_labels(tissue[1], tissue[1])


def test_every_disturbance_is_scored_on_the_whole_grid(tiny_model, tissue_folder):
    samples = find_samples(tissue_folder)[:1]

    means = finish(measure(find_model(tiny_model), samples, "cpu"))

    assert list(means) == [way.name for way in (AS_IT_IS, *DISTURBANCES)]
    assert means[AS_IT_IS.name].dice > 0.5
    assert {one.true_nuclei for one in means.values()} == {samples[0].labels().max()}


def test_a_coarser_image_says_its_pixel_size_only_if_it_is_told(tissue):
    image = TissueImage.from_array(tissue[0], pixel_size=0.3)

    assert disturb(image, AS_IT_IS).pixel_size == pytest.approx(0.3)
    assert disturb(image, TOLD).pixel_size == pytest.approx(0.6)
    assert disturb(image, UNTOLD).pixel_size is None
    assert disturb(image, UNTOLD).height == 128


def test_the_table_says_what_is_lost_and_whether_that_is_too_much(perfect):
    worse = replace(perfect, aji=0.85)

    table = as_table({AS_IT_IS.name: perfect, "a": worse, "b": perfect})

    assert "15.0%  NOT met" in table
    assert "0.0%  met" in table


def test_nothing_can_be_lost_where_nothing_was_found(perfect):
    nothing = replace(perfect, aji=0.0)

    assert lost(nothing, nothing) == 0


def test_the_command_prints_and_writes(
    tiny_model, tissue_folder, tmp_path, monkeypatch, capsys
):
    report = tmp_path / "report.json"
    arguments = [tissue_folder, "--model", tiny_model, "--json", report]
    monkeypatch.setattr("sys.argv", ["robustness.py", *map(str, arguments)])
    monkeypatch.setattr(robustness, "DISTURBANCES", DISTURBANCES[:1])

    assert robustness.main() == 0

    assert "tiny, 3 images" in capsys.readouterr().out
    (written,) = json.loads(report.read_text())
    assert "aji_lost" in written["scores"]["stains of Ruifrok"]


def test_a_missing_model_is_one_sentence(tissue_folder, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["robustness.py", str(tissue_folder), "--model", "nobody"]
    )

    assert robustness.main() == 1
    assert "There is no model 'nobody'" in capsys.readouterr().err
