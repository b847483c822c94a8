"""What the time of a window is made of."""

from window_time import seconds_by_window

from napari_monuseg.core.registry import find_model


def test_every_window_is_timed(installed_model):
    seconds = seconds_by_window(find_model("tiny"), 300, (256, 320), rounds=1)

    assert set(seconds) == {256, 320}
    assert min(seconds.values()) > 0
