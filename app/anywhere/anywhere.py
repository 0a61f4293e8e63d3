"""Dictation into other programs put together: the hotkey starts it, and what is said goes to the cursor."""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError
from app.anywhere.hotkey_mode import HotkeyMeaning
from app.anywhere.insertion import Inserter
from app.anywhere.interfaces import Hotkey
from app.anywhere.rules import Rules
from app.anywhere.spoken import Action, SpokenText
from gpu.types import Words

_log = logging.getLogger(__name__)


class DictationState(Protocol):
    @property
    def is_active(self) -> bool: ...


class Dictation(Protocol):
    """What is needed of `app.dictation.Dictation`."""

    committed: Any
    utterance_ended: Any
    finished: Any

    @property
    def state(self) -> DictationState: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Anywhere(QObject):
    """Args:
        hotkey: None where this system has none.

    Signals:
        active_changed: what is said goes to other programs now.
        hotkey_changed: a `HotkeyError`, or None: it can be used now, or none is wanted.
    """

    active_changed = Signal(bool)
    hotkey_changed = Signal(object)
    _pressed = Signal()
    _released = Signal()
    _lost = Signal(object)

    def __init__(
        self, dictation: Dictation, inserter: Inserter, hotkey: Hotkey | None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._dictation, self.inserter, self._hotkey = dictation, inserter, hotkey
        self._rules = Rules()
        self._meaning = HotkeyMeaning(self._rules.mode)
        self._spoken: SpokenText | None = None  # while text goes to other programs
        self._waiting: list[Action] = []
        self.hotkey_problem: HotkeyError | None = None
        self._pressed.connect(self._on_pressed)  # from the hotkey's thread
        self._released.connect(self._on_released)
        self._lost.connect(self._set_problem)
        dictation.committed.connect(self._on_committed)
        dictation.utterance_ended.connect(self._on_utterance_ended)
        dictation.finished.connect(self._on_finished)

    @property
    def is_active(self) -> bool:
        return self._spoken is not None

    @property
    def rules(self) -> Rules:
        return self._rules

    def use(self, rules: Rules) -> None:
        """From now on, or from the next dictation."""
        before, self._rules = self._rules, rules
        self._meaning = HotkeyMeaning(rules.mode)
        if rules.hotkey != before.hotkey or self.hotkey_problem is not None:
            self._hold_hotkey()

    def toggle(self) -> None:
        """As the hotkey does that is tapped."""
        if self.is_active:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """A dictation that runs already goes to other programs from now on."""
        if self._spoken is not None:
            return
        self._spoken, self._waiting = SpokenText(self._rules.wording), []
        self.inserter.begin(self._rules)
        self.active_changed.emit(True)
        self._dictation.start()

    def stop(self) -> None:
        """What was said comes still."""
        if self._spoken is not None:
            self._dictation.stop()

    def close(self) -> None:
        if self._hotkey is not None:
            self._hotkey.let_go()

    # ------------------------------------------------------------- the hotkey

    def pause_hotkey(self, paused: bool) -> None:
        """While another one is being chosen, whose keys are to reach the field."""
        if self._hotkey is None:
            return
        if paused:
            self._hotkey.let_go()
        else:
            self._hold_hotkey()

    def _hold_hotkey(self) -> None:
        problem: HotkeyError | None = None
        if self._hotkey is not None:
            self._hotkey.let_go()
        if self._rules.hotkey:
            try:
                if self._hotkey is None:
                    words = Words("This desktop lets no program have a hotkey.")
                    remedy = Words("Give a shortcut of the desktop this command: whisperdesktop --toggle-dictation.")
                    raise HotkeyError(words, remedy=remedy)
                keys = Combination.parse(self._rules.hotkey)
                self._hotkey.hold(keys, self._pressed.emit, self._released.emit, self._lost.emit)
            except HotkeyError as e:
                problem = e
        self._set_problem(problem)

    def _set_problem(self, problem: HotkeyError | None) -> None:
        if problem is not None:
            _log.warning("no hotkey: %s", problem)
        self.hotkey_problem = problem
        self.hotkey_changed.emit(problem)

    def _on_pressed(self) -> None:
        self.inserter.hotkey_is_held = True
        self._do(self._meaning.press(time.monotonic(), is_active=self.is_active))

    def _on_released(self) -> None:
        self.inserter.hotkey_is_held = False
        self._do(self._meaning.release(time.monotonic()))

    def _do(self, wish: str | None) -> None:
        if wish == "start":
            self.start()
        elif wish == "stop":
            self.stop()

    # ------------------------------------------------------------- words

    def _on_committed(self, words: str) -> None:
        if self._spoken is not None:
            self._waiting += self._spoken.feed(words)
            if self._rules.pace == "words":
                self._hand_on()

    def _on_utterance_ended(self, _text: str) -> None:
        if self._spoken is not None:
            self._waiting += self._spoken.settle()
            if self._rules.pace != "end":
                self._hand_on()

    def _on_finished(self, _text: str) -> None:
        if self._spoken is not None:
            self._waiting += self._spoken.end()
            self._hand_on()
            self._spoken = None
            self.active_changed.emit(False)

    def _hand_on(self) -> None:
        actions, self._waiting = self._waiting, []
        self.inserter.add(actions)
