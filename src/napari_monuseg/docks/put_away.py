"""Earlier nuclei that a run hides; they come back when its own are removed."""

from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary, WeakSet

from napari.experimental import unlink_layers

from napari_monuseg.docks.result import Result

_put_away: WeakKeyDictionary[Result, WeakSet[Result]] = WeakKeyDictionary()
"""By the result of a run, in any dock: one that opens later goes on with them."""


def put_away(
    result: Result,
    others: Iterable[Result],
    may_go: Callable[[Result], bool] = lambda _: True,
) -> WeakSet[Result]:
    """Hide what lies where a new result lies.

    Below the new nuclei earlier ones would shine through, erased ones too.

    Parameters
    ----------
    result : Result
        Of a run or restored, shown.
    others : iterable of Result
        All there are.
    may_go : callable, optional
        Tells of one that would be hidden whether it may be.

    Returns
    -------
    WeakSet of Result
        What is hidden by that and was not before.
    """
    hidden = WeakSet(
        one
        for one in others
        if one is not result
        and (one.covers(result) or (result.contains(one) and one.knows_hand_work))
        and one.layer is not None
        and one.layer.visible
        and may_go(one)
    )
    for one in hidden:
        _show(one, visible=False)
    _put_away[result] = hidden
    return hidden


def bring_back(result: Result) -> None:
    """Show again what was hidden for a result, whose layer is gone.

    If that was hidden for another one itself, they stay so for that.
    """
    hidden = _put_away.pop(result, WeakSet())
    for others in _put_away.values():
        if result in others:
            others.update(hidden)
            return
    for one in hidden:
        _show(one, visible=True)


def _show(result: Result, *, visible: bool) -> None:
    if result.layer is not None:
        # Linked with napari's "Link layers", its image would be hidden with it.
        unlink_layers([result.layer], attributes=["visible"])
        result.layer.visible = visible
