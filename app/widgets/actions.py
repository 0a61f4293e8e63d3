"""The menus: every command of the window with its shortcut."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from app.i18n import LANGUAGES
from app.widgets.texts import translate


class Actions(QObject):
    """Owns the actions and fills the menu bar; the window connects them.

    Signals:
        theme_chosen: "system", "light" or "dark".
        language_chosen: a code of `app.i18n.LANGUAGES`, or "" for the system's.
    """

    theme_chosen = Signal(str)
    language_chosen = Signal(str)

    def __init__(self, menu_bar: QMenuBar, parent: QObject) -> None:
        super().__init__(parent)
        self.add_files = self._action("Ctrl+O")
        self.add_folder = self._action("Ctrl+Shift+O")
        self.paste = self._action("Ctrl+V")
        self.save = self._action("Ctrl+S")
        self.auto_save = self._action("Ctrl+Shift+S")
        self.subtitles = self._action()
        self.watch = self._action()
        self.models = self._action("Ctrl+M")
        self.choose_model = self._action()
        self.built_in_model = self._action()
        self.settings = self._action("Ctrl+,")
        self.settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        self.quit = self._action("Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.copy = self._action("Ctrl+Shift+C")
        self.pause = self._action("Ctrl+P")
        self.resume = self._action("Ctrl+Shift+P")
        self.cancel = self._action("Ctrl+.")
        self.cancel_all = self._action()
        self.retry = self._action("Ctrl+R")
        self.retry_failed = self._action("Ctrl+Shift+R")
        self.recording_options = self._action("Ctrl+I")
        self.remove = self._action("Ctrl+D")
        self.remove_done = self._action("Ctrl+Shift+D")
        self.move_up = self._action("Alt+Up")
        self.move_down = self._action("Alt+Down")
        self.options = self._action("Ctrl+T")
        self.options.setCheckable(True)
        self.notify = self._action()
        self.notify.setCheckable(True)
        self.gpu = self._action()
        self.self_test = self._action()
        self.welcome = self._action()
        self.about = self._action()
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        self._themes = self._group(("system", "light", "dark"))
        self._languages = self._group(("", *LANGUAGES))
        self._themes.triggered.connect(self._on_theme)
        self._languages.triggered.connect(self._on_language)
        self._file, self._recording, self._view, self._help = (menu_bar.addMenu("") for _ in range(4))
        self._theme_menu, self._language_menu = QMenu(menu_bar), QMenu(menu_bar)
        self._fill_menus()
        self.retranslate()
        self.theme_chosen.connect(partial(_check, self._themes))  # wherever it was chosen
        self.language_chosen.connect(partial(_check, self._languages))

    def check(self, theme: str, language: str) -> None:
        """Show which choices are in force."""
        _check(self._themes, theme)
        _check(self._languages, language)

    @property
    def view_menu(self) -> QMenu:
        return self._view

    @property
    def recording_menu(self) -> QMenu:
        return self._recording

    @property
    def help_menu(self) -> QMenu:
        return self._help

    def retranslate(self) -> None:
        texts = {
            self.add_files: translate("Menus", "&Add recordings…"),
            self.add_folder: translate("Menus", "Add a &folder…"),
            self.paste: translate("Menus", "&Paste files"),
            self.save: translate("Menus", "&Save transcript as…"),
            self.auto_save: translate("Menus", "Save a&utomatically…"),
            self.subtitles: translate("Menus", "Su&btitles…"),
            self.watch: translate("Menus", "&Watch a folder…"),
            self.models: translate("Menus", "M&odels…"),
            self.choose_model: translate("Menus", "Choose &model file…"),
            self.built_in_model: translate("Menus", "Use the &built-in model"),
            self.settings: translate("Menus", "Se&ttings…"),
            self.quit: translate("Menus", "&Quit"),
            self.copy: translate("Menus", "&Copy transcript"),
            self.pause: translate("Menus", "&Pause"),
            self.resume: translate("Menus", "Resu&me"),
            self.cancel: translate("Menus", "Ca&ncel"),
            self.cancel_all: translate("Menus", "Cance&l all"),
            self.retry: translate("Menus", "&Transcribe again"),
            self.retry_failed: translate("Menus", "Transcribe all that &failed again"),
            self.recording_options: translate("Menus", "Opt&ions of these recordings…"),
            self.move_up: translate("Menus", "Move &up"),
            self.move_down: translate("Menus", "Move &down"),
            self.remove: translate("Menus", "&Remove from the list"),
            self.remove_done: translate("Menus", "Remove all that are &done"),
            self.options: translate("Menus", "&Options"),
            self.notify: translate("Menus", "&Notify when all is done"),
            self.gpu: translate("Menus", "&GPU support…"),
            self.self_test: translate("Menus", "&Self-test…"),
            self.welcome: translate("Menus", "&Welcome…"),
            self.about: translate("Menus", "&About WhisperDesktop NG"),
        }
        for action, text in texts.items():
            action.setText(text)
        self._file.setTitle(translate("Menus", "&File"))
        self._recording.setTitle(translate("Menus", "&Recording"))
        self._view.setTitle(translate("Menus", "&View"))
        self._help.setTitle(translate("Menus", "&Help"))
        self._theme_menu.setTitle(translate("Menus", "&Theme"))
        self._language_menu.setTitle(translate("Menus", "&Language"))
        themes = [translate("Menus", "As the system"), translate("Menus", "Light"), translate("Menus", "Dark")]
        for action, text in zip(self._themes.actions(), themes, strict=True):
            action.setText(text)
        for action in self._languages.actions():
            action.setText(LANGUAGES.get(action.data(), translate("Menus", "As the system")))

    def _action(self, shortcut: str = "") -> QAction:
        action = QAction(self)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        return action

    def _group(self, values: tuple[str, ...]) -> QActionGroup:
        group = QActionGroup(self)
        for value in values:
            action = group.addAction(QAction(group))
            action.setData(value)
            action.setCheckable(True)
        return group

    def _fill_menus(self) -> None:
        self._file.addActions([self.add_files, self.add_folder, self.paste])
        self._file.addSeparator()
        self._file.addActions([self.save, self.auto_save, self.subtitles, self.watch])
        self._file.addSeparator()
        self._file.addActions([self.models, self.choose_model, self.built_in_model])
        self._file.addSeparator()
        self._file.addActions([self.settings, self.quit])
        self._recording.addActions([self.copy, self.recording_options])
        self._recording.addSeparator()
        self._recording.addActions([self.pause, self.resume, self.cancel, self.cancel_all])
        self._recording.addActions([self.retry, self.retry_failed])
        self._recording.addSeparator()
        self._recording.addActions([self.move_up, self.move_down, self.remove, self.remove_done])
        self._theme_menu.addActions(self._themes.actions())
        self._language_menu.addActions(self._languages.actions())
        self._view.addActions([self.options, self.notify])
        self._view.addSeparator()
        self._view.addMenu(self._theme_menu)
        self._view.addMenu(self._language_menu)
        self._help.addAction(self.welcome)
        self._help.addSeparator()
        self._help.addActions([self.gpu, self.self_test])
        self._help.addSeparator()
        self._help.addAction(self.about)

    def _on_theme(self, action: QAction) -> None:
        self.theme_chosen.emit(action.data())

    def _on_language(self, action: QAction) -> None:
        self.language_chosen.emit(action.data())


def _check(group: QActionGroup, value: str) -> None:
    for action in group.actions():
        action.setChecked(action.data() == value)
