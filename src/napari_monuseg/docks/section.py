"""Part of a dock below a heading that folds it away."""

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible


def section(title: str, content: QWidget, *, unfolded: bool = False) -> QCollapsible:
    """Put a widget below a heading that folds it away."""
    nothing = QIcon()  # superqt's arrows are black, whatever the theme
    folding = QCollapsible(f"▸ {title}", expandedIcon=nothing, collapsedIcon=nothing)
    folding.toggled.connect(
        lambda open_: folding.setText(f"{'▾' if open_ else '▸'} {title}")
    )
    folding.toggleButton().setStyleSheet(
        "text-align: left; border: none; background: transparent; padding: 0px;"
    )
    folding.layout().setContentsMargins(0, 0, 0, 0)
    folding.content().layout().setContentsMargins(0, 0, 0, 0)
    folding.addWidget(content)
    folding.setDuration(0)  # what is revealed has its height at once
    # Folded away it is still there for the keyboard, unless it is disabled.
    folding.content().setEnabled(False)
    folding.toggled.connect(folding.content().setEnabled)
    if unfolded:
        folding.expand(animate=False)
    return folding
