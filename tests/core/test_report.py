"""A report in its folder: tables, figures and the page that links them."""

import csv
import json
import os
import re
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import tifffile
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_monuseg.core import figures
from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.map_scores import score_maps
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.report import ReportOptions, former_figures, write_report
from napari_monuseg.core.report_tables import Groups
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.segment import Segmentation, SegmentOptions

HISTORY = [
    {"step": 10.0, "loss": 0.9, "aji": 0.4},
    {"step": 20.0, "loss": 0.7, "aji": 0.6},
]
RECIPE = {"crop": 64}


INFO = ModelInfo(name="unet", network="unet", history=HISTORY, recipe=RECIPE)
GROUPS = Groups(organs={"a": "liver"}, parts={"test": ["b"]})


@pytest.fixture(autouse=True, scope="module")
def _small_figures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FIGURE_DPI", 25)
        yield


def make_samples(folder):
    """Two samples, ``a`` and ``b``."""
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for seed, name in enumerate("ab"):
        rgb, labels = synthetic_tissue((96, 120), seed=seed)
        tifffile.imwrite(folder / "images" / f"{name}.tif", rgb)
        tifffile.imwrite(folder / "labels" / f"{name}.tif", labels.astype(np.uint16))
    return find_samples(folder)


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "data").mkdir()
    return make_samples(tmp_path / "data")


@pytest.fixture(scope="module")
def model():
    return ModelEntry("unet", Path("unet.safetensors"), INFO, shipped=False)


@pytest.fixture
def options(tmp_path):
    return options_for(tmp_path / "out" / "report")


def options_for(folder):
    return ReportOptions(folder=folder, segment=SegmentOptions(), groups=GROUPS)


def segmenter(image, model, options):
    """Find the nuclei two pixels too low, with a probability of 0.9."""
    yield Progress(message="Looking", done=1, total=7)
    labels = too_low(synthetic_tissue((96, 120), seed="ab".index(image.name))[1])
    return Segmentation(
        maps=maps_of(labels), labels=labels, instances=InstanceOptions(), device="CPU"
    )


def too_low(labels):
    return np.roll(labels, 2, axis=0)


def maps_of(labels):
    said = (0.9 * (labels > 0)).astype(np.float16)
    return NucleusMaps(foreground=said, distance=said)


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    """The folder of a report on two models; one has no history and an odd name."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "data").mkdir()
    samples = make_samples(folder / "data")
    other = replace(model, name="net (own)", info=replace(INFO, history=[]))
    options = options_for(folder / "report")
    finish(write_report(samples, [model, other], options, segmenter=segmenter))
    return options.folder


def files(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_folder_holds_tables_and_all_figures(report):
    per_model = {
        "patch.png",
        *(f"{kind}/{name}.png" for kind in ("panels", "nuclei") for name in "ab"),
        *(f"probability/{name}.png" for name in "ab"),
    }
    assert files(report) == {
        *("report.md", "scores.csv", "scores.json", "counts.png"),
        *(f"unet/{name}" for name in per_model | {"training.png"}),
        *(f"net (own)/{name}" for name in per_model),
    }
    for path in report.rglob("*.png"):
        picture = imread(path)[..., :3]
        assert min(picture.shape[:2]) > 100, path
        assert picture.std() > 0.05, path


def test_the_tables_hold_the_scores_of_labels_and_of_maps(report):
    truth = synthetic_tissue((96, 120), seed=0)[1]
    found = too_low(truth)
    maps = score_maps(truth, maps_of(found))
    expected = asdict(score_labels(truth, found)) | asdict(maps)

    read = json.loads((report / "scores.json").read_text())["models"][0]
    image, _ = read["images"]
    assert {key: image[key] for key in expected} == pytest.approx(expected)
    assert image["organ"] == "liver"
    assert read["organs"] == [
        {"name": "liver", "images": 1}
        | {key: pytest.approx(value) for key, value in expected.items()}
    ]
    assert read["parts"][0]["name"] == "test"
    with (report / "scores.csv").open(newline="") as file:
        rows = {tuple(row.values())[:3]: row for row in csv.DictReader(file)}
    assert float(rows["unet", "image", "a"]["F1"]) == pytest.approx(expected["dice"])
    assert rows["unet", "part", "test"]["PQ"] == rows["unet", "image", "b"]["PQ"]


def test_the_page_has_the_tables_and_links_only_what_is_there(report):
    page = (report / "report.md").read_text()
    links = {unquote(link) for link in re.findall(r"\]\(([^)]*)\)", page)}
    pictures = {name for name in files(report) if name.endswith(".png")}
    assert links == pictures
    assert page.count("| organ liver (1) |") == 2
    assert page.count("| part test (1) |") == 2
    assert "for comparison only" in page
    assert "## net (own)" in page
    assert "no history of its training" in page.partition("## net (own)")[2]
    assert "Not in its history" in page.partition("## net (own)")[0]


def test_names_of_files_that_are_no_unicode_are_reported(samples, model, options):
    named = [replace(samples[0], name=os.fsdecode(b"Pr\xe4parat"))]

    finish(write_report(named, [model], options, segmenter=segmenter))

    page = (options.folder / "report.md").read_text()
    links = re.findall(r"\]\(([^)]*Pr[^)]*)\)", page)
    assert links
    for link in links:
        assert (options.folder / unquote(link, errors="surrogateescape")).is_file()
    assert "Pr?parat" in (options.folder / "scores.csv").read_text()


def test_a_name_of_any_characters_is_linked(samples, model, options):
    odd = replace(model, name="net 50%20 (own)")
    named = [replace(samples[0], name="a|b]%20[*c__d__")]

    finish(write_report(named, [odd], options, segmenter=segmenter))

    page = (options.folder / "report.md").read_text()
    links = re.findall(r"\]\(([^)]*(?:\(own\))?[^)]*\.png)\)", page)
    assert {unquote(link) for link in links} == {
        name for name in files(options.folder) if name.endswith(".png")
    }
    shown = r"a\|b\]%20\[\*c\_\_d\_\_"
    assert f"| {shown} |" in page
    assert f"![{shown}: tissue and probability](" in page


def test_what_the_scores_depend_on_is_told(samples, model, options):
    def guessing(image, model, given):
        found = yield from segmenter(image, model, given)
        size = {"a": None, "b": 0.5}[image.name]
        doubt = {"a": "", "b": "b is grey."}[image.name]
        return replace(found, guessed_pixel_size=size, doubt=doubt)

    asked = SegmentOptions(instances={"foreground_threshold": 0.3})
    finish(
        write_report(
            samples, [model], replace(options, segment=asked), segmenter=guessing
        )
    )

    page = (options.folder / "report.md").read_text()
    assert "Pixel sizes that were not known but guessed, µm/px: b 0.5." in page
    assert "Pixel sizes that were not known but assumed, µm/px: a 0.25." in page
    assert "\nb is grey.\n" in page
    assert "but with foreground_threshold 0.3" in page
    (told,) = json.loads((options.folder / "scores.json").read_text())["models"]
    assert told["guessed_pixel_sizes"] == {"b": 0.5}
    assert told["assumed_pixel_sizes"] == {"a": 0.25}
    assert told["doubts"] == {"b": "b is grey."}
    assert told["asked"] == {"foreground_threshold": 0.3}


def test_figures_of_an_earlier_report_are_found(samples, model, options):
    other = replace(model, name="segnet")
    finish(write_report(samples, [model, other], options, segmenter=segmenter))

    evaluations = finish(
        write_report(samples[:1], [model], options, segmenter=segmenter)
    )

    former = former_figures(options.folder, evaluations)
    kinds = ("nuclei", "panels", "probability")
    assert [path.relative_to(options.folder).as_posix() for path in former] == [
        *(f"segnet/{kind}/{name}.png" for kind in kinds for name in "ab"),
        *(f"unet/{kind}/b.png" for kind in kinds),
    ]


def test_names_in_any_script_are_drawn_without_a_warning(samples, model, options):
    odd = replace(model, name="組織")

    finish(write_report(samples[:1], [odd], options, segmenter=segmenter))

    assert (options.folder / "組織" / "panels" / "a.png").exists()


def test_an_image_that_fails_is_told_on_the_page(samples, model, options):
    samples[0].truth_path.write_bytes(b"broken")

    (evaluation,) = finish(write_report(samples, [model], options, segmenter=segmenter))

    assert [name for name, _ in evaluation.failures] == ["a"]
    page = (options.folder / "report.md").read_text()
    assert "- a: The labels a.tif cannot be read" in page
    assert "liver" not in page
    read = json.loads((options.folder / "scores.json").read_text())["models"][0]
    assert read["failures"][0]["name"] == "a"
    assert page.count("](unet/panels/b.png)") == 2  # linked, and shown once
    assert "unet/patch.png" in files(options.folder)


def test_where_every_image_fails_the_page_tells_that(samples, model, options):
    for sample in samples:
        sample.truth_path.write_bytes(b"broken")

    finish(write_report(samples, [model], options, segmenter=segmenter))

    page = (options.folder / "report.md").read_text()
    assert page.count("cannot be read") == 2
    assert "patch.png" not in page
    read = json.loads((options.folder / "scores.json").read_text())["models"][0]
    assert (read["images"], read["mean"]) == ([], None)


def test_whenever_it_stops_there_are_complete_files_only(samples, model, options):
    seen = [0]
    for _ in write_report(samples, [model], options, segmenter=segmenter):
        for path in options.folder.rglob("*.png"):
            assert imread(path).ndim == 3
            assert not path.name.startswith(".")
        seen.append(len(files(options.folder)))

    # The figures of an image are there before the next one is read.
    assert sorted(set(seen)) == [0, 1, 2, 5, 8]
    assert len(files(options.folder)) == 12


def test_an_interrupted_figure_is_not_left_behind(samples, model, options, monkeypatch):
    def interrupt(self, path, **_):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", interrupt)

    with pytest.raises(KeyboardInterrupt):
        finish(write_report(samples, [model], options, segmenter=segmenter))

    assert files(options.folder) == set()


def test_a_folder_that_cannot_be_made_is_told_before_any_work(samples, model, options):
    options.folder.parent.write_text("a file")

    with pytest.raises(ExportError, match="cannot be made"):
        next(write_report(samples, [model], options, segmenter=segmenter))


def test_a_figure_that_cannot_be_written_stops_the_report(samples, model, options):
    (options.folder / "unet" / "panels" / "a.png").mkdir(parents=True)

    with pytest.raises(ExportError, match=r"a\.png cannot be written"):
        finish(write_report(samples, [model], options, segmenter=segmenter))


@pytest.mark.parametrize("name", ["scores.csv", "scores.json", "counts.png"])
def test_files_of_a_report_s_names_are_spared(name, samples, model, options):
    options.folder.mkdir(parents=True)
    (options.folder / name).write_text("mine")

    with pytest.raises(ExportError, match=f"{name} is there already and is of no"):
        next(write_report(samples, [model], options, segmenter=segmenter))

    assert files(options.folder) == {name}
    assert (options.folder / name).read_text() == "mine"


@pytest.mark.parametrize("notes", ["my own notes\n", "\n  \n# My notes\n"])
def test_a_page_that_is_no_report_is_spared(notes, samples, model, options):
    options.folder.mkdir(parents=True)
    page = options.folder / "report.md"
    page.write_text(notes)

    with pytest.raises(ExportError, match="is of no report; choose another folder"):
        next(write_report(samples, [model], options, segmenter=segmenter))

    assert page.read_text() == notes
    page.unlink()
    for _ in range(2):  # its own page it replaces
        finish(write_report(samples[:1], [model], options, segmenter=segmenter))


def test_two_models_of_one_name_are_refused(samples, model, options):
    with pytest.raises(ExportError, match="Two models are named unet"):
        next(write_report(samples, [model, model], options, segmenter=segmenter))
