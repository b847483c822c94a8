"""Readers, writer, samples and commands, as napari finds them in the manifest."""

import shutil

import dask.array as da
import imagecodecs
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from npe2 import PluginManager, PluginManifest
from npe2.manifest.utils import import_python_name

from napari_monuseg.contributions import readers
from napari_monuseg.contributions.readers import annotations_reader, labels_reader
from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff import read_labels
from napari_monuseg.core.tiff_writing import write_labels
from napari_monuseg.docks import device_choice
from napari_monuseg.docks.bindings import image_of
from napari_monuseg.layers import calibration

PLUGIN = "napari-monuseg"

XML = """<Annotations MicronsPerPixel="0.25"><Annotation><Regions>
<Region Id="1"><Vertices>
<Vertex X="11" Y="21"/><Vertex X="31" Y="21"/><Vertex X="31" Y="41"/>
<Vertex X="11" Y="41"/></Vertices></Region></Regions></Annotation></Annotations>"""


@pytest.fixture
def manifest():
    return PluginManifest.from_distribution(PLUGIN)


@pytest.fixture
def viewer():
    manager = PluginManager.instance()
    if PLUGIN not in manager._manifests:
        manager.discover()
    return ViewerModel()


@pytest.fixture
def in_window(viewer, monkeypatch):
    """Let readers see the viewer, which has no window here."""
    monkeypatch.setattr(readers, "current_viewer", lambda: viewer)


@pytest.fixture
def shown():
    sentences = []

    def remember(notification):
        sentences.append(notification.message)

    notification_manager.notification_ready.connect(remember)
    yield sentences
    notification_manager.notification_ready.disconnect(remember)


@pytest.fixture
def nuclei():
    labels = np.zeros((60, 80), np.int32)
    labels[10:20, 30:50] = 70_000
    return labels


def test_every_command_is_there(manifest):
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name)), command.id


@pytest.mark.parametrize("sample", ["restained", "synthetic"])
def test_samples_open(viewer, sample):
    layers = viewer.open_sample(PLUGIN, sample)

    assert layers[0].rgb
    assert layers[0].data.dtype == np.uint8


def test_the_true_nuclei_lie_on_the_synthetic_tissue(viewer):
    image, truth = viewer.open_sample(PLUGIN, "synthetic")

    assert isinstance(truth, Labels)
    assert truth.data.shape == image.data.shape[:2]
    assert np.allclose(truth.scale, image.scale)
    assert truth.units == image.units


def test_labels_come_back_as_they_were_written(viewer, nuclei, tmp_path):
    path = tmp_path / "colon_nuclei.tif"
    write_labels(path, nuclei, pixel_size=0.25, offset=(40, 60))

    (layer,) = viewer.open(path, plugin=PLUGIN)

    assert isinstance(layer, Labels)
    assert np.array_equal(layer.data, nuclei)
    assert np.allclose(layer.scale, 0.25)
    assert np.allclose(layer.translate, (10, 15))
    assert str(layer.units[0]) == "micrometer"


def test_labels_without_a_pixel_size_come_back_in_pixels(viewer, nuclei, tmp_path):
    path = tmp_path / "nuclei.tif"
    write_labels(path, nuclei, offset=(40, 60))

    (layer,) = viewer.open(path, plugin=PLUGIN)

    assert np.allclose(layer.scale, 1)
    assert np.allclose(layer.translate, (40, 60))
    assert str(layer.units[0]) == "pixel"


def test_a_pixel_size_that_is_set_after_opening_is_written(viewer, nuclei, tmp_path):
    write_labels(tmp_path / "nuclei.tif", nuclei)
    (layer,) = viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)
    layer.scale, layer.units = (0.5, 0.5), ("µm", "µm")

    layer.save(str(tmp_path / "again.tif"), plugin=PLUGIN)

    assert read_labels(tmp_path / "again.tif").pixel_size == 0.5


def test_a_stack_of_labels_comes_back(viewer, nuclei, tmp_path):
    stack = np.stack([nuclei, nuclei.T.reshape(60, 80), nuclei[::-1]])
    path = tmp_path / "nuclei.tif"
    write_labels(path, stack, pixel_size=0.5)

    (layer,) = viewer.open(path, plugin=PLUGIN)

    assert np.array_equal(layer.data, stack)
    assert np.allclose(layer.scale, (1, 0.5, 0.5))


def test_the_reader_declines_what_others_wrote(nuclei, tmp_path):
    tifffile.imwrite(tmp_path / "nuclei.tif", nuclei.astype(np.uint16))

    assert labels_reader(str(tmp_path / "nuclei.tif")) is None
    assert labels_reader(str(tmp_path / "missing.tif")) is None
    assert labels_reader([str(tmp_path / "nuclei.tif")]) is None


def test_tissue_is_opened_without_a_question(viewer, tissue, tmp_path):
    tifffile.imwrite(tmp_path / "tissue.tif", tissue[0])

    (layer,) = viewer.open(tmp_path / "tissue.tif", plugin=None)

    assert layer.rgb


def test_the_pixel_size_of_an_opened_file_is_known(viewer, tissue, tmp_path):
    tifffile.imwrite(
        tmp_path / "tissue.tif",
        tissue[0],
        photometric="rgb",
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )
    (layer,) = viewer.open(tmp_path / "tissue.tif", plugin=None)

    known = calibration(layer)

    assert known.pixel_size == pytest.approx(0.5)
    assert known.source.startswith("the file")


@pytest.mark.parametrize("folder", [".", "Tissue Images", "images"])
def test_annotations_take_the_shape_of_their_image(viewer, tmp_path, tissue, folder):
    annotations = tmp_path / "Annotations"
    annotations.mkdir()
    (annotations / "one.xml").write_text(XML)
    images = annotations if folder == "." else tmp_path / folder
    images.mkdir(exist_ok=True)
    tifffile.imwrite(images / "one.tif", tissue[0][:200])

    (layer,) = viewer.open(annotations / "one.xml", plugin=None)

    assert isinstance(layer, Labels)
    assert layer.data.shape == (200, 256)
    assert np.argwhere(layer.data).min(axis=0).tolist() == [21, 11]
    assert layer.name == "one annotations"


@pytest.mark.parametrize("ending", ["TIF", "webp"])
def test_annotations_find_their_image_by_any_ending(viewer, tmp_path, tissue, ending):
    (tmp_path / "one.xml").write_text(XML)
    (tmp_path / "one.txt").write_text("a note")
    write = tifffile.imwrite if ending == "TIF" else imagecodecs.imwrite
    write(tmp_path / f"one.{ending}", tissue[0][:200])

    (layer,) = viewer.open(tmp_path / "one.xml", plugin=PLUGIN)

    assert layer.data.shape == (200, 256)


@pytest.fixture
def annotated(tmp_path, tissue):
    """Give annotations, beside the image that they belong to."""
    (tmp_path / "one.xml").write_text(XML)
    tifffile.imwrite(tmp_path / "one.tif", tissue[0])
    return tmp_path / "one.xml"


@pytest.mark.usefixtures("in_window")
def test_annotations_lie_on_their_image_if_that_is_open(viewer, annotated, tissue):
    place = {"scale": (0.5, 0.5), "translate": (3, 4), "units": ("µm", "µm")}
    viewer.add_image(tissue[0], rgb=True, name="another")
    image = viewer.add_image(tissue[0], rgb=True, name="one", **place)

    (layer,) = viewer.open(annotated, plugin=PLUGIN)

    assert image_of(layer, viewer.layers) is image
    assert np.allclose(layer.extent.world, image.extent.world)
    assert layer.units == image.units


def test_annotations_are_nobody_else_s_nuclei(viewer, annotated, tissue):
    viewer.add_image(tissue[0], rgb=True, name="another")

    (layer,) = viewer.open(annotated, plugin=PLUGIN)

    assert image_of(layer, viewer.layers) is None
    assert np.allclose(layer.scale, 1)


def test_saved_annotations_say_where_they_come_from(viewer, annotated, tmp_path):
    (layer,) = viewer.open(annotated, plugin=PLUGIN)

    layer.save(str(tmp_path / "one_nuclei.tif"), plugin=PLUGIN)

    written = read_labels(tmp_path / "one_nuclei.tif")
    origin = Origin(image="one", image_shape=(256, 256), model="annotations")
    assert written.origin == origin
    assert (written.pixel_size, written.offset) == (None, (0, 0))


def test_what_was_painted_in_one_number_is_saved_as_it_is_exported(viewer, tmp_path):
    labels = np.zeros((40, 60), np.int32)
    labels[5:15, 5:15] = labels[5:15, 30:50] = 3
    facts = {"image": "one", "image_shape": (40, 60), "model": "any"}
    ours = viewer.add_labels(labels, metadata={"napari-monuseg": facts})
    others = viewer.add_labels(labels)

    ours.save(str(tmp_path / "ours.tif"), plugin=PLUGIN)
    others.save(str(tmp_path / "others.tif"), plugin=PLUGIN)

    assert count_nuclei(read_labels(tmp_path / "ours.tif").labels) == 2
    assert np.array_equal(read_labels(tmp_path / "others.tif").labels, labels)


def test_annotations_without_an_image_are_a_sentence(viewer, tmp_path, shown):
    (tmp_path / "one.xml").write_text(XML)

    assert viewer.open(tmp_path / "one.xml", plugin=PLUGIN) == []
    assert "one.xml has no image: put one.tif beside it" in shown[0]


def test_broken_annotations_are_a_sentence(viewer, tmp_path, tissue, shown):
    (tmp_path / "one.xml").write_text(XML[:200])
    tifffile.imwrite(tmp_path / "one.tif", tissue[0])

    assert viewer.open(tmp_path / "one.xml", plugin=PLUGIN) == []
    assert "one.xml" in shown[0]


@pytest.mark.parametrize(
    "xml",
    ["<Annotations></Annotations>", XML.replace('X="', 'X="9')],
    ids=["none", "none on the image"],
)
def test_annotations_without_a_nucleus_say_so(viewer, annotated, shown, xml):
    annotated.write_text(xml)

    (layer,) = viewer.open(annotated, plugin=PLUGIN)

    assert not layer.data.any()
    assert "one.xml has no nucleus on its image of 256 x 256 px" in shown[0]


def test_other_xml_is_declined(tmp_path):
    (tmp_path / "other.xml").write_text("<html></html>")

    assert annotations_reader(str(tmp_path / "other.xml")) is None


def test_real_annotations_give_the_known_labels(viewer, monuseg, tmp_path):
    xml = sorted((monuseg / "annotations").glob("*.xml"))[0]
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    shutil.copy(xml, tmp_path / "annotations")
    image = tmp_path / "images" / f"{xml.stem}.tif"
    shutil.copy(monuseg / "images" / image.name, image)

    (layer,) = viewer.open(tmp_path / "annotations" / xml.name, plugin=PLUGIN)

    truth = tifffile.imread(monuseg / "labels" / image.name)
    assert np.array_equal(layer.data > 0, truth > 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32, np.int64])
def test_any_labels_layer_is_saved_without_loss(viewer, tmp_path, dtype):
    data = np.arange(2 * 30 * 40).reshape(2, 30, 40).astype(dtype)
    layer = viewer.add_labels(data)
    path = tmp_path / "stack.tif"

    assert layer.save(str(path), plugin=PLUGIN) == [str(path)]

    assert np.array_equal(read_labels(path).labels, data)


def test_a_saved_layer_keeps_pixel_size_and_place(viewer, nuclei, tmp_path):
    path = tmp_path / "area_nuclei.tif"
    layer = viewer.add_labels(
        nuclei, scale=(0.5, 0.5), translate=(20, 30), units=("µm", "µm")
    )

    layer.save(str(path), plugin=PLUGIN)

    written = read_labels(path)
    assert written.pixel_size == pytest.approx(0.5)
    assert written.offset == (40, 60)
    (again,) = viewer.open(path, plugin=PLUGIN)
    assert np.allclose(again.extent.world, layer.extent.world)


@pytest.mark.parametrize(("known", "written_size"), [(0.25, 0.25), (None, 0.5)])
def test_labels_of_a_run_keep_what_the_run_knew(
    viewer, nuclei, tmp_path, known, written_size
):
    origin = {"pixel_size": known, "offset": (7, 8)}
    layer = viewer.add_labels(
        nuclei, scale=(0.5, 0.5), metadata={"napari-monuseg": origin}
    )

    layer.save(str(tmp_path / "nuclei.tif"), plugin=PLUGIN)

    written = read_labels(tmp_path / "nuclei.tif")
    assert (written.pixel_size, written.offset) == (written_size, (7, 8))


def test_lazy_labels_and_pyramids_are_saved(viewer, nuclei, tmp_path):
    lazy = da.from_array(nuclei, chunks=(20, 20))
    layer = viewer.add_labels([lazy, lazy[::2, ::2]], multiscale=True)

    layer.save(str(tmp_path / "nuclei.tif"), plugin=PLUGIN)

    assert np.array_equal(read_labels(tmp_path / "nuclei.tif").labels, nuclei)


@pytest.fixture
def app(make_napari_viewer, mock_app_model, monkeypatch):
    """The commands of a napari with a window."""
    monkeypatch.setattr(device_choice, "_found", [("cpu", "CPU")])
    make_napari_viewer()
    return mock_app_model


def palette(app):
    """Give our commands in the palette that can be chosen."""
    items = app.menus.get_menu(app.menus.COMMAND_PALETTE_ID)
    ours = [item.command for item in items if item.command.id.startswith(PLUGIN)]
    return [
        command
        for command in ours
        if command.enablement is None or command.enablement.eval({})
    ]


def test_nothing_in_the_command_palette_fails(app):
    commands = palette(app)

    assert len(commands) == 4  # two docks and two samples
    for command in commands:
        app.commands.execute_command(command.id).result()


def test_every_command_can_be_called_without_arguments(manifest):
    for command in manifest.contributions.commands:
        if command.id.startswith((f"{PLUGIN}.read", f"{PLUGIN}.write")):
            assert not import_python_name(command.python_name)()


def test_the_docks_are_in_the_plugins_menu(app):
    items = app.menus.get_menu(f"napari/plugins/{PLUGIN}")

    titles = [item.command.title for item in items if hasattr(item, "command")]
    assert titles == ["Segment nuclei", "Train on corrections"]
