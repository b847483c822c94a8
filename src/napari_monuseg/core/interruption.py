"""Stop a network in the middle of a window.

A generator of core stops where it yields, which is between windows. On a slow CPU
a window takes seconds, and eight times that with test-time augmentation. Whoever
steps through a generator may therefore say how to ask whether to stop; networks
that were made interruptible ask before each layer. One network may run in several
threads at once: each asks for itself alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_monuseg.core.torch_import import nn

_asked: ContextVar[Callable[[], bool] | None] = ContextVar("asked", default=None)


class Interrupted(GeneratorExit):
    """Raised in the middle of a window; to a generator it is as being closed."""


@contextmanager
def interruptible_by(asked: Callable[[], bool]) -> Iterator[None]:
    """Let interruptible networks in this thread stop as soon as `asked` is true."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def make_interruptible(network: "nn.Module") -> None:
    """Let a network's forward pass raise `Interrupted` before a layer, once asked to.

    Nothing is asked outside `interruptible_by`.
    """
    for module in network.modules():
        if not any(module.children()):
            module.register_forward_pre_hook(_look)


def _look(*_: Any) -> None:
    asked = _asked.get()
    if asked is not None and asked():
        raise Interrupted
