"""How a segment looks in the transcript, and how its text is edited."""

from __future__ import annotations

import math

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCursor, QTextLayout, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.widgets.appearance import Appearance
from app.widgets.texts import translate
from app.widgets.transcript_model import Column

MARGIN_X = 16
MARGIN_Y = 6
HEARD_WIDTH = 4
LINE_HEIGHT = 1.2  # of the font's own


def lay_out(text: str, font: QFont, width: float) -> QTextLayout:
    """`text` wrapped to `width` pixels; right-to-left scripts run from the right."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    layout.setTextOption(option)
    layout.beginLayout()
    y = 0.0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(width, 1.0))
        line.setPosition(QPointF(0.0, y))
        y += LINE_HEIGHT * line.height()
    layout.endLayout()
    return layout


class SegmentEdit(QPlainTextEdit):
    """The text of a segment while it is edited. Enter ends it, Escape gives it up; it has no lines of its own.

    Signals:
        split_wanted: the text is to be two segments from here on (Ctrl+Enter): what was typed, and the position.
        done: Enter.
    """

    split_wanted = Signal(str, int)
    done = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("segment")  # the style sheet shows that this is being edited
        self.setTabChangesFocus(True)
        self.setAccessibleName(translate("Transcript", "Text of the segment"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.split_wanted.emit(self.toPlainText(), self.textCursor().position())
        else:
            self.done.emit()


class SegmentDelegate(QStyledItemDelegate):
    """Paints a segment; `height_of` is what it needs at a given width.

    Signals:
        split_wanted: of a row: its new text, and the position in it.
    """

    split_wanted = Signal(int, str, int)

    def __init__(self, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.heard_row = -1  # what is played now; -1: nothing

    def height_of(self, text: str, font: QFont, width: int) -> int:
        layout = lay_out(text, font, width - 2 * MARGIN_X)
        return math.ceil(LINE_HEIGHT * layout.lineCount() * layout.lineAt(0).height()) + 2 * MARGIN_Y

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = self._appearance.colors
        rect, font = option.rect, option.font
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selected))
        elif index.row() == self.heard_row:
            painter.fillRect(rect, QColor(colors.hover))
        if index.row() == self.heard_row and index.column() == Column.TIME:
            painter.fillRect(rect.left() + 4, rect.top() + 2, HEARD_WIDTH, rect.height() - 4, QColor(colors.accent))
        content = rect.adjusted(MARGIN_X, MARGIN_Y, -MARGIN_X, 0)
        painter.save()
        painter.setFont(font)
        if index.column() == Column.TIME:
            painter.setPen(QColor(colors.muted))
            painter.drawText(content, Qt.TextFlag.TextDontClip, str(index.data()))
        else:
            painter.setPen(QColor(colors.text))
            lay_out(str(index.data()), font, content.width()).draw(painter, QPointF(content.topLeft()))
        painter.restore()

    def createEditor(  # noqa: N802
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        edit = SegmentEdit(parent)
        row = index.row()

        def end() -> None:
            self.commitData.emit(edit)
            self.closeEditor.emit(edit)

        def split(text: str, position: int) -> None:
            self.closeEditor.emit(edit)
            self.split_wanted.emit(row, text, position)

        edit.done.connect(end)
        edit.split_wanted.connect(split)
        return edit

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:  # noqa: N802
        assert isinstance(editor, SegmentEdit)
        editor.setPlainText(index.data(Qt.ItemDataRole.EditRole))
        editor.moveCursor(QTextCursor.MoveOperation.End)

    def setModelData(  # noqa: N802
        self, editor: QWidget, model: QAbstractItemModel, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        assert isinstance(editor, SegmentEdit)
        model.setData(index, editor.toPlainText(), Qt.ItemDataRole.EditRole)

    def updateEditorGeometry(  # noqa: N802
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        editor.setGeometry(option.rect.adjusted(MARGIN_X - 6, 1, -4, -1))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Qt would take Enter for itself; Escape and the loss of focus are left to it."""
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        return super().eventFilter(watched, event)
