"""The list of recordings: name, state and progress of each."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QDropEvent, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.session import Recording, State
from app.widgets.appearance import Appearance, Colors
from app.widgets.recordings_model import RecordingsModel, status_text
from app.widgets.selection import selected_rows

MARGIN = 10
ICON_SIZE = 20
BAR_HEIGHT = 4
LINE_GAP = 3
TEXT_FLAGS = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip  # other scripts may be higher

_ICONS = {
    State.WAITING: "waiting",
    State.RUNNING: "running",
    State.PAUSED: "pause",
    State.DONE: "done",
    State.FAILED: "error",
    State.CANCELLED: "cancelled",
    State.LIVE: "microphone",
}


def state_color(state: State, colors: Colors) -> str:
    return {
        State.WAITING: colors.muted,
        State.RUNNING: colors.accent,
        State.PAUSED: colors.muted,
        State.DONE: colors.success,
        State.FAILED: colors.danger,
        State.CANCELLED: colors.warning,
        State.LIVE: colors.accent,
    }[state]


class RecordingDelegate(QStyledItemDelegate):
    """Two lines beside an icon, and a bar while the recording runs."""

    def __init__(self, model: RecordingsModel, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._appearance = appearance

    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        line = option.fontMetrics.height()
        return QSize(120, 2 * MARGIN + 2 * line + LINE_GAP + BAR_HEIGHT + 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        recording = self._model.recording(index.row())
        colors = self._appearance.colors
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_background(painter, option)
        content = option.rect.adjusted(MARGIN + 4, MARGIN, -MARGIN - 4, -MARGIN)
        color = state_color(recording.state, colors)
        icon = self._appearance.icon(_ICONS[recording.state], color, ICON_SIZE)
        icon.paint(painter, QRect(content.x(), content.y(), ICON_SIZE, content.height()))
        content.setLeft(content.left() + ICON_SIZE + MARGIN)
        self._paint_lines(painter, content, recording, option.font)
        painter.restore()

    def _paint_background(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        colors = self._appearance.colors
        rect = option.rect.adjusted(4, 2, -4, -2)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(colors.selected))
            painter.drawRoundedRect(rect, 6, 6)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(colors.hover))
            painter.drawRoundedRect(rect, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(colors.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect, 6, 6)

    def _paint_lines(self, painter: QPainter, content: QRect, recording: Recording, font: QFont) -> None:
        colors = self._appearance.colors
        metrics = QFontMetrics(font)
        running = recording.state is State.RUNNING
        height = 2 * metrics.height() + LINE_GAP + (LINE_GAP + BAR_HEIGHT if running else 0)
        line = QRect(content.x(), content.center().y() - height // 2, content.width(), metrics.height())
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        name = metrics.elidedText(recording.path.name, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, TEXT_FLAGS, name)
        line.translate(0, metrics.height() + LINE_GAP)
        is_wrong = recording.state in (State.FAILED, State.CANCELLED)
        painter.setPen(QColor(state_color(recording.state, colors) if is_wrong else colors.muted))
        status = metrics.elidedText(status_text(recording), Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, TEXT_FLAGS, status)
        if running:
            bar = QRect(content.x(), line.bottom() + LINE_GAP + 1, content.width(), BAR_HEIGHT)
            self._paint_bar(painter, bar, recording.progress or 0.0)

    def _paint_bar(self, painter: QPainter, bar: QRect, progress: float) -> None:
        colors = self._appearance.colors
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.border))
        painter.drawRoundedRect(bar, BAR_HEIGHT / 2, BAR_HEIGHT / 2)
        painter.setBrush(QColor(colors.accent))
        bar.setWidth(round(bar.width() * progress))
        painter.drawRoundedRect(bar, BAR_HEIGHT / 2, BAR_HEIGHT / 2)


class RecordingsView(QListView):
    """Several recordings may be selected; the one with the focus among them is `current`.

    Signals:
        selection_changed: others are selected.
        dropped: the selected recordings, a list, were dragged before a row.
        menu_wanted: at a `QPoint` of the screen.
    """

    selection_changed = Signal()
    dropped = Signal(list, int)
    menu_wanted = Signal(object)

    def __init__(self, model: RecordingsModel, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recordings = model
        self.setModel(model)
        self.setItemDelegate(RecordingDelegate(model, appearance, self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        appearance.changed.connect(self._update_viewport)
        self._retranslate()

    @property
    def current(self) -> Recording | None:
        index = self.currentIndex()
        return self._recordings.recording(index.row()) if index.isValid() else None

    def select(self, recording: Recording) -> None:
        """It alone, whatever keys are held: with Ctrl, Qt would add it or take it away."""
        index = self._recordings.index(self._recordings.row_of(recording))
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    @property
    def selected(self) -> list[Recording]:
        """In the order of the list; what is current counts where nothing is selected."""
        rows = selected_rows(self.selectionModel())
        if not rows and self.currentIndex().isValid():
            rows = [self.currentIndex().row()]
        return [self._recordings.recording(row) for row in rows]

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:  # noqa: N802
        super().selectionChanged(selected, deselected)
        self.selection_changed.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """By the mouse where it points; by the key below the current row."""
        position = event.globalPos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            rect = self.visualRect(self.currentIndex())
            position = self.viewport().mapToGlobal(rect.bottomLeft() + QPoint(MARGIN, -MARGIN))
        if self._recordings.rowCount():
            self.menu_wanted.emit(position)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        if event.source() is not self:
            event.ignore()
            return
        self.dropped.emit(self.selected, self._drop_row(event.position().toPoint()))
        event.setDropAction(Qt.DropAction.IgnoreAction)  # Qt would remove what was moved away
        event.accept()
        self.stopAutoScroll()
        self.setState(QAbstractItemView.State.NoState)
        self._update_viewport()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _drop_row(self, position: QPoint) -> int:
        """Before which row it is that something is let go."""
        index = self.indexAt(position)
        if not index.isValid():
            return self._recordings.rowCount()
        return index.row() + int(position.y() > self.visualRect(index).center().y())

    def _retranslate(self) -> None:
        self.setAccessibleName(self.tr("Recordings"))
        self.setAccessibleDescription(
            self.tr("What waits is done in this order. Rows can be dragged; the menu key shows what can be done.")
        )
        self._update_viewport()

    def _update_viewport(self) -> None:
        self.viewport().update()
