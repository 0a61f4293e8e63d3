"""Text on its way to the cursor of another program, one piece after the other."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTextBoundaryFinder, QTimer, Signal
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication

from app.anywhere.clipboard import BorrowedClipboard
from app.anywhere.errors import AnywhereError
from app.anywhere.interfaces import ClipboardReader, Keyboard, Program, Selection
from app.anywhere.rules import Insertion, Rules
from app.anywhere.spoken import Action, TakeBack, Write
from app.engine.background import Background
from app.utf16 import n_units
from gpu.types import Words

LOOK_MS = 25
LEAST_S = 0.3  # that the text stays on the clipboard
QUIET_S = 0.15  # after it was read last: some programs ask twice
MOST_S = 2.0  # until it is read first

_log = logging.getLogger(__name__)


class Inserter(QObject):
    """Puts text in by pasting it, which is exact where typing is not. Then the clipboard is what it was.

    Nothing is pressed while the user holds a key: the two would make another combination.

    Attributes:
        hotkey_is_held: known also where it is not told which keys are.

    Args:
        keyboard: None where this program may not press keys: all goes to the clipboard.
        blocking_reader: the clipboard is read on a thread of its own.

    Signals:
        idle: all is put in, and the clipboard is what it was.
        left_on_clipboard: text that no program took, and why (`Words`): it is on the clipboard.
        failed: an `AnywhereError`; what it was about is in the next `left_on_clipboard`.
    """

    idle = Signal()
    left_on_clipboard = Signal(str, object)
    failed = Signal(Exception)

    def __init__(
        self,
        keyboard: Keyboard | None,
        reader: ClipboardReader,
        parent: QObject | None = None,
        *,
        blocking_reader: bool = True,
    ) -> None:
        super().__init__(parent)
        self._keyboard, self._reader, self._blocking = keyboard, reader, blocking_reader
        self._background = Background(self)
        self.hotkey_is_held = False
        self._rules = Rules()
        self._queue: deque[Action] = deque()
        self._working = False
        self._waiting: list[Selection] = []  # to be read
        self._collected = ""  # what was put on the clipboard only
        self._wrote_in: Program | None = None
        self._pressed_at = 0.0
        self._borrowed: dict[Selection, BorrowedClipboard] = {
            "clipboard": BorrowedClipboard("clipboard"),
            "primary": BorrowedClipboard("primary"),
        }

    @property
    def is_idle(self) -> bool:
        return not self._working

    def begin(self, rules: Rules) -> None:
        """A new dictation."""
        self._rules = rules
        self._collected = ""

    def add(self, actions: Sequence[Action]) -> None:
        for action in actions:
            last = self._queue[-1] if self._queue else None
            if isinstance(action, Write) and isinstance(last, Write):
                self._queue[-1] = Write(last.text + action.text)
            else:
                self._queue.append(action)
        if self._queue and not self._working:
            self._working = True
            self._go_on()

    # ------------------------------------------------------------- one piece

    def _go_on(self) -> None:
        if not self._queue:
            self._end()
            return
        try:
            if QApplication.activeWindow() is not None:
                self._put_here(self._queue.popleft())
                return
            if self._keyboard is None:
                self._collect(self._queue.popleft())
                return
            if self.hotkey_is_held or self._keyboard.is_key_held():
                QTimer.singleShot(LOOK_MS, self, self._go_on)
                return
            program = self._keyboard.focused()
            if program is None:
                self._leave("", Words("No program has the keyboard."))
                return
            insertion = self._rules.insertion(program)
            if insertion.way == "clipboard":
                self._collect(self._queue.popleft())
            elif isinstance(self._queue[0], TakeBack):
                self._erase(self._take(), program)
            elif insertion.way == "type" or not self._keyboard.pastes:
                self._type(self._take(), program)
            else:
                self._prepare(insertion, program)
        except AnywhereError as e:
            self._fail(e)

    def _put_here(self, action: Action) -> None:
        """Into this program's own field, if the cursor is in one; else it is in the list of recordings, as all is."""
        widget = QApplication.focusWidget()
        if widget is not None and widget.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            event = QInputMethodEvent()
            if isinstance(action, TakeBack):
                length = n_units(action.text)
                event.setCommitString("", -length, length)
            else:
                event.setCommitString(action.text)
            QCoreApplication.sendEvent(widget, event)
        self._go_on()

    def _take(self) -> str:
        return self._queue.popleft().text

    def _erase(self, text: str, program: Program) -> None:
        assert self._keyboard is not None
        if program != self._wrote_in:  # there it would delete what is not ours
            self._go_on()
            return
        erase = partial(self._keyboard.erase, _n_characters(text))
        self._background.run(erase, lambda _none: self._go_on(), self._fail)

    def _type(self, text: str, program: Program) -> None:
        assert self._keyboard is not None
        self._wrote_in = program
        self._background.run(
            partial(self._keyboard.type, text), lambda _none: self._go_on(), partial(self._fail, text=text)
        )

    def _prepare(self, insertion: Insertion, program: Program) -> None:
        """What is on the clipboard is read first."""
        wanted: list[Selection] = ["clipboard"]
        if insertion.primary:
            wanted.append("primary")
        unknown = [s for s in wanted if not self._borrowed[s].has_text and not self._borrowed[s].is_known]
        if not unknown:
            self._paste(insertion, program)
            return
        read = partial(_read_all, self._reader, unknown)
        if self._blocking:
            self._background.run(read, partial(self._take_contents, insertion, program), self._type_instead)
        else:
            self._take_contents(insertion, program, read())

    def _take_contents(
        self, insertion: Insertion, program: Program, contents: Mapping[Selection, Mapping[str, bytes]]
    ) -> None:
        for selection, content in contents.items():
            self._borrowed[selection].take(content)
        assert self._keyboard is not None
        try:
            if self._keyboard.is_key_held() or self._keyboard.focused() != program:
                self._go_on()  # it took a while
            else:
                self._paste(insertion, program)
        except AnywhereError as e:
            self._fail(e)

    def _type_instead(self, error: Exception) -> None:
        """The clipboard cannot be read: it is not touched."""
        assert self._keyboard is not None
        if not isinstance(error, AnywhereError):
            self._fail(error)
            return
        _log.warning("typed, not pasted: %s", error)
        try:
            program = self._keyboard.focused()
            if program is None:
                self._go_on()
            else:
                self._type(self._take(), program)
        except AnywhereError as e:
            self._fail(e)

    def _paste(self, insertion: Insertion, program: Program) -> None:
        assert self._keyboard is not None
        text = self._take()
        selection: Selection = "primary" if insertion.primary else "clipboard"
        self._borrowed["clipboard"].put(text)
        if insertion.primary:
            self._borrowed["primary"].put(text)
        try:
            self._keyboard.press(insertion.keys)
        except AnywhereError as e:
            self._fail(e, text)
            return
        self._wrote_in = program
        self._pressed_at = time.monotonic()
        self._watch(text, selection)

    def _watch(self, text: str, selection: Selection) -> None:
        now, borrowed = time.monotonic(), self._borrowed
        read = [b.read_at for b in borrowed.values() if b.read_at is not None and b.read_at >= self._pressed_at]
        since = now - self._pressed_at
        if read and since >= LEAST_S and (now - max(read) >= QUIET_S or since >= MOST_S):
            self._go_on()  # the latter: somebody reads it again and again
        elif since < MOST_S:
            QTimer.singleShot(LOOK_MS, self, partial(self._watch, text, selection))
        elif not borrowed[selection].has_text:
            _log.info("somebody else used the clipboard meanwhile")
            self._leave(text, Words("Another program used the clipboard at the same moment."))
        else:
            self._leave(text, Words("The program did not take the text."))

    # ------------------------------------------------------------- the end

    def _collect(self, action: Action) -> None:
        if isinstance(action, TakeBack):
            self._collected = self._collected.removesuffix(action.text)
        else:
            self._collected += action.text
        self._borrowed["clipboard"].put(self._collected)
        self._borrowed["clipboard"].keep_text()
        self._go_on()

    def _leave(self, text: str, why: Words) -> None:
        """Nothing is lost: it stays where the user can paste it."""
        rest = text + "".join(action.text for action in self._queue if isinstance(action, Write))
        self._queue.clear()
        self._collected += rest
        if rest:
            self._borrowed["clipboard"].put(self._collected)
            self._borrowed["clipboard"].keep_text()
        self._borrowed["primary"].give_back()
        self._working = False
        if rest:
            self.left_on_clipboard.emit(rest, why)
        self.idle.emit()

    def _fail(self, error: Exception, text: str = "") -> None:
        self.failed.emit(error)
        why = error.message if isinstance(error, AnywhereError) else Words("The text could not be put in.")
        self._leave(text, why)

    def _end(self) -> None:
        for borrowed in self._borrowed.values():
            borrowed.give_back()
        self._working = False
        self.idle.emit()


def _read_all(reader: ClipboardReader, selections: Sequence[Selection]) -> dict[Selection, Mapping[str, bytes]]:
    return {selection: reader.read(selection) for selection in selections}


def _n_characters(text: str) -> int:
    """As a person counts them, and as Backspace does."""
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Grapheme, text)
    n_characters = 0
    while finder.toNextBoundary() > 0:
        n_characters += 1
    return n_characters
