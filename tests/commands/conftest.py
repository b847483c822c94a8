"""What the tests of the command line share."""

import signal

import pytest


@pytest.fixture
def ctrl_c():
    """Let Ctrl-C raise an error, which it does not in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
