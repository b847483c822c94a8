"""A report in its folder: tables, figures and the page that links them."""

import csv
import json
import re
from dataclasses import asdict, replace
from urllib.parse import unquote

import numpy as np
import pytest
import tifffile
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_monuseg.core import figures
from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.map_scores import score_maps
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.report import ReportOptions, write_report
from napari_monuseg.core.report_tables import Groups
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import Segmentation, SegmentOptions

HISTORY = [
    {"step": 10.0, "loss": 0.9, "aji": 0.4},
    {"step": 20.0, "loss": 0.7, "aji": 0.6},
]
RECIPE = {"crop": 64}


@pytest.fixture(autouse=True)
def _small_figures(monkeypatch):
    monkeypatch.setattr(figures, "FIGURE_DPI", 25)


@pytest.fixture
def samples(tmp_path):
    """Two samples, ``a`` and ``b``."""
    for part in ("images", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for seed, name in enumerate("ab"):
        rgb, labels = synthetic_tissue((96, 120), seed=seed)
        tifffile.imwrite(tmp_path / "data" / "images" / f"{name}.tif", rgb)
        path = tmp_path / "data" / "labels" / f"{name}.tif"
        tifffile.imwrite(path, labels.astype(np.uint16))
    return find_samples(tmp_path / "data")


@pytest.fixture
def model(tmp_path):
    info = ModelInfo(name="unet", network="unet", history=HISTORY, recipe=RECIPE)
    return ModelEntry("unet", tmp_path / "unet.safetensors", info, shipped=False)


@pytest.fixture
def other(model):
    """A model without a history, with a name that is no address."""
    return replace(model, name="net (own)", info=replace(model.info, history=[]))


@pytest.fixture
def options(tmp_path):
    groups = Groups(organs={"a": "liver"}, parts={"test": ["b"]})
    return ReportOptions(
        folder=tmp_path / "out" / "report", segment=SegmentOptions(), groups=groups
    )


@pytest.fixture
def segmenter(samples):
    """A segmenter that finds the nuclei two pixels too low."""
    truths = {sample.name: sample.labels() for sample in samples}

    def segment(image, model, options):
        yield Progress(message="Looking", done=1, total=7)
        labels = np.roll(truths[image.name], 2, axis=0)
        said = (0.9 * (labels > 0)).astype(np.float16)
        maps = NucleusMaps(foreground=said, distance=said)
        return Segmentation(maps=maps, labels=labels, instances=None, device="CPU")

    return segment


def files(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_folder_holds_tables_and_all_figures(
    samples, model, other, options, segmenter
):
    finish(write_report(samples, [model, other], options, segmenter=segmenter))

    per_model = {
        "patch.png",
        *(f"{kind}/{name}.png" for kind in ("panels", "nuclei") for name in "ab"),
        *(f"probability/{name}.png" for name in "ab"),
    }
    assert files(options.folder) == {
        *("report.md", "scores.csv", "scores.json", "counts.png"),
        *(f"unet/{name}" for name in per_model | {"training.png"}),
        *(f"net (own)/{name}" for name in per_model),
    }
    for path in options.folder.rglob("*.png"):
        picture = imread(path)[..., :3]
        assert min(picture.shape[:2]) > 100, path
        assert picture.std() > 0.05, path


def test_the_tables_hold_the_scores_of_labels_and_of_maps(
    samples, model, options, segmenter
):
    (evaluation,) = finish(write_report(samples, [model], options, segmenter=segmenter))

    truth = samples[0].labels()
    found = np.roll(truth, 2, axis=0)
    said = (0.9 * (found > 0)).astype(np.float16)
    maps = score_maps(truth, NucleusMaps(foreground=said, distance=said))
    expected = asdict(score_labels(truth, found)) | asdict(maps)
    assert evaluation.rows[0] == ("a", score_labels(truth, found))
    read = json.loads((options.folder / "scores.json").read_text())["models"][0]
    image, _ = read["images"]
    assert {key: image[key] for key in expected} == pytest.approx(expected)
    assert image["organ"] == "liver"
    assert read["organs"] == [
        {"name": "liver", "images": 1}
        | {key: pytest.approx(value) for key, value in expected.items()}
    ]
    assert read["parts"][0]["name"] == "test"
    with (options.folder / "scores.csv").open(newline="") as file:
        rows = {(row["level"], row["name"]): row for row in csv.DictReader(file)}
    assert float(rows["image", "a"]["F1"]) == pytest.approx(expected["dice"])
    assert rows["part", "test"]["loss"] == rows["image", "b"]["loss"]


def test_the_page_has_the_tables_and_links_only_what_is_there(
    samples, model, other, options, segmenter
):
    finish(write_report(samples, [model, other], options, segmenter=segmenter))

    page = (options.folder / "report.md").read_text()
    links = {unquote(link) for link in re.findall(r"\]\(([^)]*)\)", page)}
    pictures = {name for name in files(options.folder) if name.endswith(".png")}
    assert links == pictures
    assert page.count("| organ liver (1) |") == 2
    assert page.count("| part test (1) |") == 2
    assert "for comparison only" in page
    assert "## net (own)" in page
    assert "no history of its training" in page.partition("## net (own)")[2]
    assert "Not in its history" in page.partition("## net (own)")[0]


def test_an_image_that_fails_is_told_on_the_page(samples, model, options, segmenter):
    samples[0].truth_path.write_bytes(b"broken")

    (evaluation,) = finish(write_report(samples, [model], options, segmenter=segmenter))

    assert [name for name, _ in evaluation.failures] == ["a"]
    page = (options.folder / "report.md").read_text()
    assert "- a: The labels a.tif cannot be read" in page
    assert "liver" not in page
    read = json.loads((options.folder / "scores.json").read_text())["models"][0]
    assert read["failures"][0]["name"] == "a"
    assert "unet/panels/b.png" in files(options.folder)
    assert "unet/patch.png" in files(options.folder)


def test_where_every_image_fails_the_page_tells_that(
    samples, model, options, segmenter
):
    for sample in samples:
        sample.truth_path.write_bytes(b"broken")

    finish(write_report(samples, [model], options, segmenter=segmenter))

    page = (options.folder / "report.md").read_text()
    assert page.count("cannot be read") == 2
    assert "patch.png" not in page
    read = json.loads((options.folder / "scores.json").read_text())["models"][0]
    assert (read["images"], read["mean"]) == ([], None)


def test_whenever_it_stops_there_are_complete_files_only(
    samples, model, options, segmenter
):
    seen = [0]
    for _ in write_report(samples, [model], options, segmenter=segmenter):
        for path in options.folder.rglob("*.png"):
            assert imread(path).ndim == 3
            assert not path.name.startswith(".")
        seen.append(len(files(options.folder)))

    # The figures of an image are there before the next one is read.
    assert sorted(set(seen)) == [0, 1, 2, 5, 8]
    assert len(files(options.folder)) == 12


def test_an_interrupted_figure_is_not_left_behind(
    samples, model, options, segmenter, monkeypatch
):
    def interrupt(self, path, **_):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", interrupt)

    with pytest.raises(KeyboardInterrupt):
        finish(write_report(samples, [model], options, segmenter=segmenter))

    assert files(options.folder) == set()


def test_a_folder_that_cannot_be_made_is_told_before_any_work(
    samples, model, options, segmenter
):
    options.folder.parent.write_text("a file")

    with pytest.raises(ExportError, match="cannot be made"):
        next(write_report(samples, [model], options, segmenter=segmenter))


def test_a_figure_that_cannot_be_written_stops_the_report(
    samples, model, options, segmenter
):
    (options.folder / "unet" / "panels" / "a.png").mkdir(parents=True)

    with pytest.raises(ExportError, match=r"a\.png cannot be written"):
        finish(write_report(samples, [model], options, segmenter=segmenter))


def test_two_models_of_one_name_are_refused(samples, model, options, segmenter):
    with pytest.raises(ExportError, match="Two models are named unet"):
        next(write_report(samples, [model, model], options, segmenter=segmenter))
