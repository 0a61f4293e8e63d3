"""A table of `RowsModel`: whole rows are selected, and painted in the colours of the theme."""

from __future__ import annotations

from typing import Generic

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.widgets.appearance import Appearance, Colors
from app.widgets.layouts import show_as_rows
from app.widgets.rows_table import Column, Index, Row, RowsFilter, RowsModel

MARGIN_X = 10
ROW_PADDING = 9
BAR_HEIGHT = 4
BADGE_PADDING = 6
BADGE_GAP = 8
ICON_SIZE = 16
ICON_GAP = 8


class RowsDelegate(QStyledItemDelegate):
    """Text with an icon before it, with a badge behind it, or with a bar below it."""

    def __init__(self, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        column, row = _cell(index)
        metrics = option.fontMetrics
        width = metrics.horizontalAdvance(column.text(row)) + 2 * MARGIN_X + 4
        if badge := column.badge(row):
            width += _badge_metrics(option.font).horizontalAdvance(badge) + 2 * BADGE_PADDING + BADGE_GAP
        if column.icon(row):
            width += ICON_SIZE + ICON_GAP
        return QSize(width, metrics.height() + 2 * ROW_PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        column, row = _cell(index)
        colors = self._appearance.colors
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colors.selected))
        content = option.rect.adjusted(MARGIN_X, 0, -MARGIN_X, 0)
        if badge := column.badge(row):
            content.setRight(self._paint_badge(painter, content, badge, column.text(row), option.font))
        progress = column.progress(row)
        if progress is not None:
            bar = QRect(content.x(), content.bottom() - ROW_PADDING, content.width(), BAR_HEIGHT)
            paint_bar(painter, bar, progress, colors)
            content.translate(0, -BAR_HEIGHT)
        name = column.color(row) or "text"
        if icon := column.icon(row):
            pixmap = self._appearance.pixmap(icon, getattr(colors, name), ICON_SIZE)
            painter.drawPixmap(content.x(), content.center().y() - ICON_SIZE // 2 + 1, pixmap)
            content.setLeft(content.x() + ICON_SIZE + ICON_GAP)
        painter.setFont(option.font)
        painter.setPen(QColor(getattr(colors, name)))
        side = Qt.AlignmentFlag.AlignRight if column.is_figure else Qt.AlignmentFlag.AlignLeft
        text = option.fontMetrics.elidedText(column.text(row), Qt.TextElideMode.ElideMiddle, content.width())
        painter.drawText(content, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
        painter.restore()

    def _paint_badge(self, painter: QPainter, content: QRect, badge: str, text: str, font: QFont) -> int:
        """Paint it behind the text, as far as there is room; where the text's room ends."""
        metrics, colors = _badge_metrics(font), self._appearance.colors
        width = metrics.horizontalAdvance(badge) + 2 * BADGE_PADDING
        x = min(content.x() + QFontMetrics(font).horizontalAdvance(text) + BADGE_GAP, content.right() - width)
        height = metrics.height() + 4
        rect = QRect(x, content.center().y() - height // 2 + 1, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.info_surface))
        painter.drawRoundedRect(rect, height / 2, height / 2)
        painter.setPen(QColor(colors.accent))
        painter.setFont(_badge_font(font))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, badge)
        return x - BADGE_GAP + 2


def paint_bar(painter: QPainter, bar: QRect, progress: float, colors: Colors) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.border))
    painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
    painter.setBrush(QColor(colors.accent))
    painter.drawRoundedRect(bar.adjusted(0, 0, -round(bar.width() * (1 - progress)), 0), 2, 2)


class RowsView(QTableView, Generic[Row]):
    """One row is selected at a time; what is selected stays so while rows come and go.

    Signals:
        row_selected: the selected row is another one, or none.
        row_activated: the return key or a double click.
        menu_wanted: a context menu for the selected row, at a point of the screen.
    """

    row_selected = Signal()
    row_activated = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(
        self, model: RowsModel[Row], appearance: Appearance, stretched: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rows = model
        self._selected_key: object = None
        self._stretched = stretched
        self._is_fit = False
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self._fit_now)
        self.filter = RowsFilter(model, self)
        self.setModel(self.filter)
        self.setItemDelegate(RowsDelegate(appearance, self))
        self._set_up_look()
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.doubleClicked.connect(self.row_activated)
        self.filter.modelReset.connect(self._on_reset)
        appearance.changed.connect(self.fit)

    @property
    def current(self) -> Row | None:
        index = self.filter.mapToSource(self.currentIndex())
        return self._rows.rows[index.row()] if index.isValid() else None

    def select(self, key: object) -> None:
        row = self._rows.row_of(key)
        if row is not None:
            self.setCurrentIndex(self.filter.mapFromSource(self._rows.index(row, 0)))

    def fit(self) -> None:
        """Give each column the width its texts need, and the stretched one the rest: soon, when it is seen."""
        self._fitting.start()

    def _fit_now(self) -> None:
        if not self.isVisible():  # measuring all texts takes its time: `showEvent` comes back to it
            self._is_fit = False
            return
        self._is_fit = True
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * ROW_PADDING)
        for column in range(self.filter.columnCount()):
            if column != self._stretched:
                self.resizeColumnToContents(column)
                if room_for := self._rows.columns[column].room_for:
                    width = self.fontMetrics().horizontalAdvance(room_for()) + 2 * MARGIN_X + 4
                    self.setColumnWidth(column, max(width, self.columnWidth(column)))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if not self._is_fit:
            self._fit_now()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.row_activated.emit()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.FontChange):
            self.fit()
            self.viewport().update()
        super().changeEvent(event)

    def _set_up_look(self) -> None:
        show_as_rows(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(self._stretched, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self._selected_key = self._rows.key(self.filter.mapToSource(current).row())
        self.row_selected.emit()

    def _on_reset(self) -> None:
        self.select(self._selected_key)
        self.fit()
        self.row_selected.emit()

    def _on_menu(self, point: QPoint) -> None:
        if self.indexAt(point).isValid():
            self.menu_wanted.emit(self.viewport().mapToGlobal(point))


def _cell(index: QModelIndex | QPersistentModelIndex) -> tuple[Column[object], object]:
    model = index.model()
    assert isinstance(model, RowsFilter)
    rows = model.sourceModel()
    assert isinstance(rows, RowsModel)
    source = model.mapToSource(index)
    return rows.columns[source.column()], rows.rows[source.row()]


def _badge_font(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(0.85 * font.pointSizeF())
    return small


def _badge_metrics(font: QFont) -> QFontMetrics:
    return QFontMetrics(_badge_font(font))
