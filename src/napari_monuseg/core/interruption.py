"""Stop a network in the middle of a window.

A generator of core stops where it yields, which is between windows. On a slow CPU
a window takes seconds, and eight times that with test-time augmentation. Whoever
steps through a generator may therefore say how to ask whether to stop; networks
that run under `heeding_interruption` ask before each layer.
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
    """Let networks in this thread stop as soon as `asked` is true."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def heeding_interruption(network: "nn.Module") -> Iterator[None]:
    """Stop the network before its next layer once that is asked for.

    Raises
    ------
    Interrupted
        From the network's forward pass.
    """
    asked = _asked.get()
    if asked is None:
        yield
        return

    def look(*_: Any) -> None:
        if asked():
            raise Interrupted

    layers = [module for module in network.modules() if not any(module.children())]
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
