"""Dictation into other programs put together: hotkey, text, overlay, tray, and their page of settings."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app.anywhere.anywhere import Anywhere
from app.anywhere.errors import HotkeyError
from app.anywhere.insertion import Inserter
from app.anywhere.rules import Rules
from app.anywhere.system import System, open_system
from app.dictation import Dictation, DictationState
from app.notices import Notices
from app.paths import APP_NAME
from app.settings import Settings
from app.settings_desk import SettingsDesk
from app.widgets.appearance import Appearance
from app.widgets.dictation_overlay import DictationOverlay
from app.widgets.dictation_page import DictationPage
from app.widgets.dictation_tray import DictationTray
from app.widgets.engine_texts import explained, translated
from app.widgets.front import bring_forward
from app.widgets.main_window import MainWindow
from app.widgets.settings_window import SettingsWindow
from gpu.errors import ExplainedError
from gpu.types import Words


class AnywhereDesk(QObject):
    """Nothing listens, and no key is taken, until the user has chosen a hotkey. What it is made of is made when it is
    wanted first."""

    _token_given = Signal(str)

    def __init__(
        self,
        window: MainWindow,
        dictation: Dictation,
        settings: Settings,
        appearance: Appearance,
        notices: Notices,
        settings_desk: SettingsDesk,
    ) -> None:
        super().__init__(window)
        self._window, self._dictation, self._settings, self._appearance = window, dictation, settings, appearance
        self._notices, self._settings_desk = notices, settings_desk
        self._system: System | None = None
        self._anywhere: Anywhere | None = None
        self._told_hidden = False
        self.overlay: DictationOverlay | None = None
        self.tray: DictationTray | None = None
        self.page: DictationPage | None = None
        settings_desk.window_made.connect(self._add_page)
        settings_desk.was_reset.connect(self._follow_settings)
        window.closing.connect(self.close)
        window.installEventFilter(self)
        self._token_given.connect(self._keep_token)

    @property
    def anywhere(self) -> Anywhere:
        if self._anywhere is None:
            platform, token = QGuiApplication.platformName(), self._settings.portal_token
            system = self._system = open_system(platform, token, self._token_given.emit)
            inserter = Inserter(system.keyboard, system.reader, self, blocking_reader=system.blocking_reader)
            self._anywhere = Anywhere(self._dictation, inserter, system.hotkey, self)
            self._connect(self._anywhere, inserter)
        return self._anywhere

    def start(self) -> None:
        """The window is there."""
        rules = self._settings.anywhere
        if rules.hotkey:
            self.anywhere.use(rules)
        self._update_tray()

    def toggle(self) -> None:
        """Begin or end dictation into the program that has the keyboard."""
        rules = self._settings.anywhere
        if rules != self.anywhere.rules:
            self.anywhere.use(rules)
        self.anywhere.toggle()

    def show_settings(self) -> None:
        self._settings_desk.show()
        if self.page is not None and self._settings_desk.window is not None:
            self._settings_desk.window.show_page(self.page)

    def close(self) -> None:
        if self._anywhere is not None:
            self._anywhere.close()
        if self.overlay is not None:
            self.overlay.close()
            self.overlay.deleteLater()
            self.overlay = None
        if self.tray is not None:
            self.tray.close()
            self.tray = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """With an icon in the tray the window only hides when the user closes it."""
        if event.type() is QEvent.Type.Close and event.spontaneous() and self.tray is not None:
            event.ignore()
            QApplication.setQuitOnLastWindowClosed(False)  # others may close now
            self._window.hide()
            if not self._told_hidden:
                self._told_hidden = True
                self.tray.tell(APP_NAME, self.tr("It goes on here. “Quit” in this icon's menu ends it."))
            return True
        if event.type() is QEvent.Type.Show:
            QApplication.setQuitOnLastWindowClosed(True)
        return super().eventFilter(watched, event)

    # ------------------------------------------------------------- dictation

    def _connect(self, anywhere: Anywhere, inserter: Inserter) -> None:
        anywhere.active_changed.connect(self._on_active)
        anywhere.hotkey_changed.connect(self._show_problem)
        inserter.left_on_clipboard.connect(self._on_left)
        inserter.idle.connect(self._on_idle)
        dictation = self._dictation
        dictation.state_changed.connect(self._on_state)
        dictation.tentative_changed.connect(self._on_tentative)
        dictation.committed.connect(self._on_committed)
        dictation.failed.connect(self._on_failed)

    def _on_active(self, active: bool) -> None:
        if self.tray is not None:
            self.tray.show_active(active)
        if active and self.anywhere.rules.overlay:
            self._made_overlay().begin()
            if self._dictation.state.is_active:  # begun in the window
                self._on_state(self._dictation.state)
        elif not active:
            self._on_idle()

    def _on_stop(self) -> None:
        if self.anywhere.is_active:
            self.anywhere.stop()
        elif self.overlay is not None:
            self.overlay.hide()

    def _on_state(self, state: DictationState) -> None:
        if self.overlay is not None and self.anywhere.is_active:
            trouble = state.trouble
            text = explained(trouble) if trouble is not None else ""
            self.overlay.show_state(state.phase, voice=state.voice, trouble=text)

    def _made_overlay(self) -> DictationOverlay:
        if self.overlay is None:
            self.overlay = DictationOverlay(self._appearance)
            self.overlay.stop_wanted.connect(self._on_stop)
        return self.overlay

    def _on_tentative(self, words: str) -> None:
        if self.overlay is not None and self.anywhere.is_active:
            self.overlay.show_tentative(words)

    def _on_committed(self, words: str) -> None:
        if self.overlay is not None and self.anywhere.is_active:
            self.overlay.add_committed(words)

    def _on_left(self, _text: str, why: Words) -> None:
        self._tell(
            self.tr("{why} The text is on the clipboard: paste it where you want it.").format(why=translated(why))
        )

    def _on_failed(self, error: Exception) -> None:
        if self.anywhere.is_active:
            if isinstance(error, ExplainedError):
                self._tell(explained(error))
            else:
                self._tell(str(error))

    def _tell(self, note: str) -> None:
        self._made_overlay().show_note(note)

    def _on_idle(self) -> None:
        if self.overlay is not None and not self.anywhere.is_active and self.anywhere.inserter.is_idle:
            self.overlay.end()

    # ------------------------------------------------------------- settings

    def _add_page(self, window: SettingsWindow) -> None:
        page = self.page = DictationPage()
        window.add_page(page, lambda: self.tr("Dictation"))
        page.changed.connect(self._take_rules)
        page.capturing.connect(self._on_capturing)
        page.show_rules(self._settings.anywhere)
        problem = self.anywhere.hotkey_problem  # the system is known then
        assert self._system is not None
        page.show_system(translated(self._system.note or ""), no_tray=not QSystemTrayIcon.isSystemTrayAvailable())
        self._show_problem(problem)

    def _take_rules(self, rules: Rules) -> None:
        self._settings.anywhere = rules
        self.anywhere.use(rules)
        self._update_tray()

    def _follow_settings(self) -> None:
        """They may have been reset."""
        rules = self._settings.anywhere
        if self.page is not None:
            self.page.show_rules(rules)
        if self._anywhere is not None and rules != self._anywhere.rules:
            self._anywhere.use(rules)
        self._update_tray()

    def _keep_token(self, token: str) -> None:
        self._settings.portal_token = token

    def _on_capturing(self, capturing: bool) -> None:
        self.anywhere.pause_hotkey(capturing)

    def _show_problem(self, problem: HotkeyError | None) -> None:
        text = explained(problem) if problem is not None else ""
        if self.page is not None:
            self.page.show_problem(text)
        elif problem is not None:
            self._notices.warn(Words("{cause} {remedy}", cause=problem.message, remedy=problem.remedy))

    # ------------------------------------------------------------- tray

    def _update_tray(self) -> None:
        wanted = self._settings.anywhere.tray and QSystemTrayIcon.isSystemTrayAvailable()
        if wanted and self.tray is None:
            tray = self.tray = DictationTray(self._window.windowIcon(), self)
            tray.dictate_wanted.connect(self.toggle)
            tray.open_wanted.connect(partial(bring_forward, self._window))
            tray.quit_wanted.connect(self._quit)
            tray.icon.show()
        elif not wanted and self.tray is not None:
            self.tray.close()
            self.tray = None

    def _quit(self) -> None:
        """The window is there again, so that it can ask."""
        bring_forward(self._window)
        self._window.close()
