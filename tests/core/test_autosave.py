"""Corrections on the disk: whole or as they were, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from napari_monuseg.core import autosave, files
from napari_monuseg.core.autosave import (
    About,
    SavedCorrections,
    discard,
    load,
    new_path,
    read_about,
    save,
    saved_files,
)
from napari_monuseg.core.errors import AutosaveError, ExportError
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.progress import finish

ABOUT = About(
    image_name="colon",
    image_path="/slides/colon.tif",
    image_shape=(400, 500),
    model_name="unet",
    options=InstanceOptions(seed_prominence=0.2),
    offset=(10, 20),
    shape=(30, 40),
    pixel_size=None,
    assumed_pixel_size=0.5,
    reviewed=(((9.5, 19.5), (9.5, 30.0), (20.0, 30.0)),),
    by_hand=1,
    erased=0,
    date="2026-01-01T12:00:00+00:00",
)


def corrections(number=7, **facts):
    written = np.zeros((30, 40), np.int32)
    written[2:8, 2:8] = 1
    labels = written.copy()
    labels[10:20, 10:20] = number
    return SavedCorrections(
        about=ABOUT,
        labels=labels,
        hand=HandWork.none((30, 40)).gather(labels, written),
        **facts,
    )


@pytest.fixture
def path():
    return new_path("a/b: colon")


def test_corrections_come_back_as_they_were(path):
    mask = np.eye(30, 40, dtype=bool)
    saved = corrections(mask=mask)

    finish(save(path, saved))
    again = finish(load(path))

    assert (again.about, read_about(path)) == (ABOUT, ABOUT)
    assert again.labels.dtype == np.int32
    assert np.array_equal(again.labels, saved.labels)
    assert np.array_equal(again.hand.held, saved.hand.held)
    assert again.hand.used == {7}
    assert np.array_equal(again.mask, mask)
    again.labels[0, 0] = 5  # it can be painted on


def test_files_are_listed_the_newest_first(saved_corrections):
    paths = [new_path(name) for name in ("one", "two")]
    for age, path in zip((100, 50), paths, strict=True):
        finish(save(path, corrections()))
        then = time.time() - age
        os.utime(path, (then, then))
    (saved_corrections / "notes.txt").write_text("mine")

    assert saved_files() == paths[::-1]
    discard(paths[0])
    discard(paths[0])
    assert saved_files() == paths[1:]


@pytest.mark.parametrize(
    ("name", "file", "shape", "fits"),
    [
        ("renamed", "/slides/colon.tif", (400, 500), True),
        ("colon", "/elsewhere/colon.tif", (400, 500), True),
        ("colon", "", (400, 500), True),
        ("other", "", (400, 500), False),
        ("colon", "/slides/colon.tif", (400, 501), False),
    ],
)
def test_corrections_know_their_image(name, file, shape, fits):
    assert ABOUT.fits(name, file, shape) is fits


def test_a_namesake_elsewhere_is_another_image_while_the_first_is_there(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tile.tif").touch()
    one, two = (str(tmp_path / name / "tile.tif") for name in ("one", "two"))
    about = replace(ABOUT, image_name="tile", image_path=one)

    assert about.fits("tile", one, ABOUT.image_shape)
    assert not about.fits("tile", two, ABOUT.image_shape)
    Path(one).unlink()
    assert about.fits("tile", two, ABOUT.image_shape)


def test_a_file_is_known_by_any_of_its_names(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "tile.tif").touch()
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    one, other = (str(tmp_path / name / "tile.tif") for name in ("disk", "link"))

    assert replace(ABOUT, image_path=one).fits("tile", other, ABOUT.image_shape)


def test_an_image_without_a_file_has_none_in_common_with_another():
    assert not replace(ABOUT, image_path="").fits("other", "", (400, 500))


def damaged(path, how):
    content = path.read_bytes()
    if how == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "foreign":
        path.write_bytes(b"PK not a zip at all")
    elif how == "pickled":
        with path.open("wb") as file:
            np.savez(file, about=np.array([ABOUT], object))
    elif how == "of a header without an end":
        header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (5,         \n"
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("about.npy", start + header + b"hello")
    elif how == "of another shape":
        other = replace(ABOUT, shape=(30, 41))
        finish(save(path, replace(corrections(), about=other)))
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b"\0" * 40 + content[middle + 40 :])


@pytest.mark.parametrize(
    "how",
    [
        *("cut short", "emptied", "foreign", "pickled", "of another shape"),
        *("of a header without an end", "overwritten"),
    ],
)
def test_a_damaged_file_is_a_sentence_and_set_aside(path, how):
    finish(save(path, corrections()))
    damaged(path, how)

    with pytest.raises(AutosaveError, match="set aside") as caught:
        finish(load(path))

    assert str(caught.value).count("\n") == 0
    assert saved_files() == []
    assert path.with_name(path.name + ".damaged").is_file()


def test_what_a_later_version_adds_is_no_damage(path, monkeypatch):
    facts = asdict(ABOUT) | {"added_later": 1}
    monkeypatch.setattr(autosave, "asdict", lambda _: facts)
    finish(save(path, corrections()))

    assert read_about(path) == ABOUT
    assert finish(load(path)).about == ABOUT


def test_too_little_memory_is_no_damage(path, monkeypatch):
    finish(save(path, corrections()))

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(HandWork, "restored", full)
    with pytest.raises(AutosaveError, match="not enough memory"):
        finish(load(path))

    assert saved_files() == [path]


def test_a_leftover_that_cannot_be_deleted_is_no_hindrance(path, monkeypatch):
    finish(save(path, corrections()))
    leftover = path.with_name("." + path.name)
    leftover.touch()
    os.utime(leftover, (0, 0))

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)

    assert saved_files() == [path]


def test_a_file_that_is_gone_is_a_sentence(path):
    with pytest.raises(AutosaveError, match="make sure"):
        finish(load(path))


def no_space(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("module", "name"),
    [(np, "savez_compressed"), (files, "_flush"), (Path, "replace"), (os, "fsync")],
)
def test_a_write_that_fails_leaves_what_was_saved(path, monkeypatch, module, name):
    first = corrections(7)
    finish(save(path, first))
    monkeypatch.setattr(module, name, no_space)

    with pytest.raises(ExportError, match="space"):
        finish(save(path, corrections(8)))

    monkeypatch.undo()
    assert np.array_equal(finish(load(path)).labels, first.labels)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_saving_that_is_stopped_at_any_step_leaves_what_was_saved(path):
    first = corrections(7)
    finish(save(path, first))
    steps = sum(1 for _ in save(path, first))

    for stop in range(steps):
        job = save(path, corrections(8))
        for _ in range(stop + 1):
            next(job)
        job.close()
        assert np.array_equal(finish(load(path)).labels, first.labels)
        assert [file.name for file in path.parent.iterdir()] == [path.name]


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_autosave import corrections
from napari_monuseg.core.autosave import save
from napari_monuseg.core.progress import finish

for number in range(2, 100_000):
    print("begin", number, flush=True)
    finish(save(Path(sys.argv[2]), corrections(number)))
    print("saved", number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is none on Windows")
@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.02])
def test_a_killed_process_loses_what_it_had_not_saved_and_no_more(path, delay):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, Path(__file__).parent, path],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        for line in writer.stdout:
            if line.split() == ["begin", "5"]:
                break
        time.sleep(delay)
        writer.kill()  # SIGKILL: nothing of it runs any more
        rest = writer.stdout.read().splitlines()
    assert writer.returncode == -signal.SIGKILL

    said = [int(line.split()[1]) for line in rest if line.startswith("saved ")]
    found = finish(load(path))
    last = int(found.labels.max())
    assert last - max([4, *said]) in (0, 1)  # killed before it could say so
    assert np.array_equal(found.labels, corrections(last).labels)
    assert np.array_equal(found.hand.held, corrections(last).hand.held)
    assert saved_files() == [path]


POINTS = ["np.savez_compressed", "os.fsync", "Path.replace", "after Path.replace"]

DYING_WRITER = """
import os, signal, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_autosave import corrections
from napari_monuseg.core.autosave import save
from napari_monuseg.core.progress import finish

path, point = Path(sys.argv[2]), sys.argv[3]
finish(save(path, corrections(7)))

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def half(file, **arrays):
    Path(file).write_bytes(path.read_bytes()[:300])
    die()

replace = Path.replace

def replace_and_die(self, target):
    replace(self, target)
    die()

if point == "np.savez_compressed":
    np.savez_compressed = half
elif point == "os.fsync":
    os.fsync = die
elif point == "Path.replace":
    Path.replace = die
else:
    Path.replace = replace_and_die
finish(save(path, corrections(8)))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is none on Windows")
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_of_writing_the_file_is_whole(path, point):
    died = subprocess.run(
        [sys.executable, "-c", DYING_WRITER, Path(__file__).parent, path, point],
        check=False,
    )

    assert died.returncode == -signal.SIGKILL
    expected = corrections(8 if point.startswith("after") else 7)
    assert np.array_equal(finish(load(path)).labels, expected.labels)
    assert saved_files() == [path]


def test_what_a_crash_left_half_written_is_cleared_away(path, monkeypatch):
    finish(save(path, corrections()))
    leftover = path.with_name(".colon-1234.npz")
    leftover.write_bytes(b"half")

    assert saved_files() == [path]
    assert leftover.exists()  # it may be being written
    monkeypatch.setattr(autosave, "LEFTOVER_AGE", -1)
    assert saved_files() == [path]
    assert not leftover.exists()


def test_when_it_was_edited_is_known_unless_an_earlier_version_saved_it():
    edited = "2026-01-01T10:00:00+00:00"

    assert replace(ABOUT, edited=edited).last_edited.isoformat() == edited
    assert ABOUT.last_edited.isoformat() == ABOUT.date
