"""Small text grows with napari's own."""

import pytest
from napari.settings import get_settings
from qtpy.QtGui import QFontInfo

from napari_monuseg.docks.key_button import KeyButton


@pytest.fixture
def small(dock):
    """Give a note and a key of the dock."""
    button = dock.results.corrections.findChildren(KeyButton)[0]
    return (dock.results.note, button.key), button


def sizes(labels):
    return [QFontInfo(label.font()).pixelSize() for label in labels]


def test_it_is_smaller_than_what_is_beside_it_and_grows_with_that(
    qtbot, small, monkeypatch
):
    labels, button = small
    before = sizes(labels)
    assert all(size < QFontInfo(button.font()).pixelSize() for size in before)

    monkeypatch.setattr(get_settings().appearance, "font_size", 16)

    qtbot.waitUntil(lambda: sizes(labels)[0] > 1.5 * before[0])
    assert sizes(labels)[1] > 1.5 * before[1]
    assert all(size < QFontInfo(button.font()).pixelSize() for size in sizes(labels))
