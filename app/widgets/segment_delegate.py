"""How a segment looks in the transcript, and how its text is edited."""

from __future__ import annotations

import math

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QHelpEvent, QKeyEvent, QPainter, QTextCursor, QTextLayout
from PySide6.QtWidgets import (
    QAbstractItemView,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from app.document.doubtful import Place
from app.widgets.appearance import Appearance
from app.widgets.segment_layouts import LINE_HEIGHT, SegmentLayouts, lay_out
from app.widgets.texts import percent, translate
from app.widgets.transcript_model import Column, TranscriptModel, shown_text
from gpu.types import Segment

MARGIN_X = 16
MARGIN_Y = 6
HEARD_WIDTH = 4


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


def sureness(segment: Segment, place: Place) -> str:
    """Of a word: how probable the model found it."""
    word = segment.text.strip()[place.start : place.end]
    return translate("Transcript", "“{word}”: {percent} sure").format(word=word, percent=percent(place.probability))


def _segment(index: QModelIndex | QPersistentModelIndex) -> Segment:
    model = index.model()
    assert isinstance(model, TranscriptModel)
    return model.segment(index.row())


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
        self.layouts = SegmentLayouts()

    def height_of(self, segment: Segment, font: QFont, width: int) -> int:
        layout = lay_out(shown_text(segment), font, width - 2 * MARGIN_X)
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
            self._layout_of(index, font, content.width()).draw(painter, QPointF(content.topLeft()))
        painter.restore()

    def helpEvent(  # noqa: N802
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        """How sure the model was of the word below the mouse, and what speaks against the segment."""
        if event.type() is not QEvent.Type.ToolTip or index.column() != Column.TEXT:
            return super().helpEvent(event, view, option, index)
        content = option.rect.adjusted(MARGIN_X, MARGIN_Y, -MARGIN_X, 0)
        layout = self._layout_of(index, view.font(), content.width())
        segment = _segment(index)
        place = self.layouts.word_at(segment, layout, QPointF(event.pos() - content.topLeft()))
        doubts = index.data(Qt.ItemDataRole.ToolTipRole)
        lines = [sureness(segment, place)] if place is not None else []
        QToolTip.showText(event.globalPos(), "\n".join([*lines, *([doubts] if doubts else [])]), view)
        return True

    def _layout_of(self, index: QModelIndex | QPersistentModelIndex, font: QFont, width: int) -> QTextLayout:
        return self.layouts.of(index.row(), _segment(index), font, width, self._appearance.colors)

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
