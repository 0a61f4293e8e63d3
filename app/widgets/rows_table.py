"""Tables whose rows are values: what each column shows is a function of the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex

_NOWHERE = QModelIndex()


def _nothing(_row: Any) -> str:
    return ""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. All of it functions, so that a change of language shows at once.

    Attributes:
        title, hint: of the header.
        text: what a cell shows; sort_key: what it is sorted by, its text if None.
        color: name of a colour of `Colors`, "" for the text's; badge: a mark behind the text, "" for none.
        icon: name of one, in that colour, before the text; "" for none.
        progress: of a bar below the text; None for none.
        room_for: a text that has room even while no cell shows it.
        is_figure: stands at the right.
    """

    title: Callable[[], str]
    text: Callable[[Row], str]
    sort_key: Callable[[Row], Any] | None = None
    hint: Callable[[], str] | None = None
    color: Callable[[Row], str] = _nothing
    badge: Callable[[Row], str] = _nothing
    icon: Callable[[Row], str] = _nothing
    progress: Callable[[Row], float | None] = lambda _row: None
    room_for: Callable[[], str] | None = None
    is_figure: bool = False


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows in the order given.

    Args:
        columns: what is shown of a row.
        key: what tells a row from the others, also when its value changes.
    """

    def __init__(
        self, columns: Sequence[Column[Row]], key: Callable[[Row], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: list[Row] = []
        self._key = key

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows, or the same in another state: then selections and places stay."""
        if [*map(self._key, rows)] == [*map(self._key, self.rows)]:
            changed = [i for i, (old, new) in enumerate(zip(self.rows, rows, strict=True)) if old != new]
            self.rows = list(rows)
            for i in changed:
                self.refresh(i)
            return
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def append(self, rows: Sequence[Row]) -> None:
        if rows:
            self.beginInsertRows(_NOWHERE, len(self.rows), len(self.rows) + len(rows) - 1)
            self.rows += rows
            self.endInsertRows()

    def refresh(self, row: int) -> None:
        """What the row shows has changed although its value is the same."""
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def row_of(self, key: object) -> int | None:
        return next((i for i, row in enumerate(self.rows) if self._key(row) == key), None)

    def key(self, row: int) -> object:
        return self._key(self.rows[row])

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(row)
            case Qt.ItemDataRole.ToolTipRole:
                return self.tool_tip(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                said = (column.text(row), column.badge(row))
                return f"{column.title()}: {', '.join(part for part in said if part) or '–'}"
        return None

    def tool_tip(self, row: Row) -> str | None:
        """For all cells of a row."""
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title()
            case Qt.ItemDataRole.ToolTipRole if column.hint is not None:
                return column.hint()
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.is_figure else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None


class RowsFilter(QSortFilterProxyModel, Generic[Row]):
    """The rows that hold all words of a filter anywhere, sorted as the user wants; unsorted they stand as given."""

    def __init__(self, model: RowsModel[Row], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self._words: list[str] = []
        self.setSourceModel(model)

    def set_filter(self, text: str) -> None:
        self._words = text.casefold().split()
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        row = self._rows.rows[source_row]
        text = " ".join(f"{column.text(row)} {column.badge(row)}" for column in self._rows.columns).casefold()
        return all(word in text for word in self._words)

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802
        column = self._rows.columns[left.column()]
        key = column.sort_key or column.text
        return bool(key(self._rows.rows[left.row()]) < key(self._rows.rows[right.row()]))
