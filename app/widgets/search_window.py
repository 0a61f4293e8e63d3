"""What was said, wherever it was said: the places in all transcripts that hold a text. Displays and emits."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QKeySequence, QPainter, QShortcut, QTextLayout
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.document.search import Hit
from app.document.transcript import clock
from app.session import Recording
from app.utf16 import n_units
from app.widgets.appearance import Appearance
from app.widgets.text_label import TextLabel

MARGIN = 12
TYPING_MS = 150  # one searches when nothing is typed for so long
_RECORDING, _SEGMENT, _PLACES = (Qt.ItemDataRole.UserRole + i for i in range(3))


class SearchWindow(QMainWindow):
    """A line to type in, and what is found below it.

    Signals:
        wanted: what to look for, "": nothing; what was found before is forgotten.
        opened: a `Recording` and its `Segment`.
    """

    wanted = Signal(str)
    opened = Signal(object, object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLineEdit(clearButtonEnabled=True)
        self.found = QListWidget()
        self._hint, self._count = TextLabel(), QLabel()
        self._n_hits = self._n_recordings = 0
        self._has_ended, self._are_all = True, True
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self.found.setItemDelegate(_HitDelegate(appearance, self.found))
        self._arrange()
        self._connect()
        self._retranslate()
        self.setMinimumSize(480, 320)
        self.resize(820, 560)

    def ask(self) -> None:
        """Something else may be typed, or what was found looked at again."""
        self.text.setFocus()
        self.text.selectAll()
        self._begin()  # texts may have changed since

    @property
    def is_done(self) -> bool:
        """What is typed has been looked for everywhere."""
        return self._has_ended and not self._typing.isActive()

    def add(self, recording: Recording, hit: Hit) -> None:
        """One more, behind the others."""
        last = self.found.item(self.found.count() - 1)
        if last is None or last.data(_RECORDING) is not recording:
            self._n_recordings += 1
            name = QListWidgetItem(recording.path.name)
            name.setData(_RECORDING, recording)
            name.setFlags(Qt.ItemFlag.ItemIsEnabled)
            name.setToolTip(str(recording.path))
            font = QFont(self.found.font())
            font.setBold(True)
            name.setFont(font)
            self.found.addItem(name)
        time = clock(hit.segment.start) + "  "
        item = QListWidgetItem(time + hit.text)
        item.setData(_RECORDING, recording)
        item.setData(_SEGMENT, hit.segment)
        item.setData(_PLACES, [(first + len(time), end + len(time)) for first, end in hit.places])
        item.setToolTip(hit.segment.text.strip())
        self.found.addItem(item)
        self._n_hits += 1
        if self._n_hits == 1:
            self.found.setCurrentItem(item)
        self._update()

    def show_end(self, *, are_all: bool) -> None:
        """Nothing more is looked for."""
        self._has_ended, self._are_all = True, are_all
        self._update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """The line keeps the focus; these keys are for what is found."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._n_hits:
            self.found.setFocus()
            self._step(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        row = self.found.currentRow() + by
        while 0 <= row < self.found.count() and self.found.item(row).data(_SEGMENT) is None:
            row += by
        if 0 <= row < self.found.count():
            self.found.setCurrentRow(row)

    def _arrange(self) -> None:
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.addWidget(self._hint)
        inside.addWidget(self.found, 1)
        self.found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.found.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self._count.setProperty("muted", True)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(self.text)
        layout.addWidget(card, 1)
        layout.addWidget(self._count)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        self.text.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._begin)
        self.text.returnPressed.connect(self._open_current)
        self.found.itemActivated.connect(self._open)
        for keys in ("Ctrl+W", "Escape"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self).activated.connect(self.ask)

    def _begin(self) -> None:
        self._typing.stop()
        self.found.clear()
        self._n_hits = self._n_recordings = 0
        text = self.text.text().strip()
        self._has_ended, self._are_all = not text, True
        self._update()
        self.wanted.emit(text)

    def _open_current(self) -> None:
        if self._typing.isActive():
            self._begin()
        if (item := self.found.currentItem()) is not None:
            self._open(item)

    def _open(self, item: QListWidgetItem) -> None:
        if (segment := item.data(_SEGMENT)) is not None:
            self.opened.emit(item.data(_RECORDING), segment)

    def _update(self) -> None:
        hint = ""
        if not self.text.text().strip():
            hint = self.tr("Type what was said: it is looked for in the texts of all recordings in the list.")
        elif self._has_ended and not self._n_hits:
            hint = self.tr("No recording in the list has this text.")
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        n, m = self._n_hits, self._n_recordings
        if not n:
            count = self.tr("Searching…") if not self._has_ended else ""
        elif self._are_all:
            count = self.tr("Places: {n}, in recordings: {m}").format(n=n, m=m)
        else:
            count = self.tr("The first {n} places, in recordings: {m}. Type more to find others.").format(n=n, m=m)
        self._count.setText(count)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Search all transcripts"))
        self.text.setPlaceholderText(self.tr("Search all transcripts"))
        self.text.setAccessibleName(self.tr("Text to look for"))
        self.text.setToolTip(self.tr("Case does not count. Enter shows the selected place; the arrow keys choose it."))
        self.found.setAccessibleName(self.tr("What was found"))
        self.found.setAccessibleDescription(self.tr("Recordings, and below each its places; Enter shows one"))
        self._update()


class _HitDelegate(QStyledItemDelegate):
    """A line, with what was looked for in bold and underlined."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        return QSize(0, round(1.8 * option.fontMetrics.height()))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        places = index.data(_PLACES)
        if places is None:
            super().paint(painter, option, index)
            return
        colors, rect = self._appearance.colors, option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selected))
        bold = QFont(option.font)
        bold.setBold(True)  # as wide as it can get
        text = QFontMetrics(bold).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, rect.width() - 3 * MARGIN)
        layout = QTextLayout(text, option.font)
        layout.setFormats([_range(text, first, end) for first, end in places if end <= len(text)])
        layout.beginLayout()
        line = layout.createLine()
        line.setNumColumns(n_units(text))
        layout.endLayout()
        painter.setPen(QColor(colors.text))
        painter.setClipRect(rect)
        layout.draw(painter, QPointF(rect.left() + 2 * MARGIN, rect.top() + (rect.height() - line.height()) / 2))
        painter.restore()


def _range(text: str, first: int, end: int) -> QTextLayout.FormatRange:
    found = QTextLayout.FormatRange()
    found.start, found.length = n_units(text[:first]), n_units(text[first:end])
    found.format.setFontWeight(QFont.Weight.Bold)
    found.format.setFontUnderline(True)
    return found
