"""The selected rows of a list or table by their ranges: Qt asks the model about each cell of `selectedRows`."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QItemSelectionRange


def selected_rows(model: QItemSelectionModel) -> list[int]:
    """From the top."""
    return sorted({row for part in _ranges(model) for row in range(part.top(), part.bottom() + 1)})


def n_selected(model: QItemSelectionModel) -> int:
    """How many rows, without a look at each of them; whole rows are selected."""
    return sum(part.height() for part in _ranges(model) if part.left() == 0)


def _ranges(model: QItemSelectionModel) -> list[QItemSelectionRange]:
    selection = model.selection()
    return [selection.at(place) for place in range(selection.count())]
