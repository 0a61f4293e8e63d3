"""The window of settings put together: what is chosen there, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from app.document.auto_save import SaveRule
from app.engine.background import Background
from app.engine.gpu import GpuOverview, gpu_overview
from app.models.errors import SettingsError
from app.models.settings import SharedSettings
from app.notices import Notices
from app.profiles import Profile
from app.settings import FONT_PERCENTS, Settings
from app.widgets import dialogs
from app.widgets.appearance import Appearance
from app.widgets.front import bring_forward
from app.widgets.main_window import MainWindow
from app.widgets.settings_window import SettingsWindow
from gpu.types import TranscribeOptions


class SettingsDesk(QObject):
    """Opens the window, which is made when it is wanted first, and keeps the shortcuts as the user has them.

    Args:
        owners: of actions, by the name that their keys are kept under.

    Signals:
        engine_changed: device or threads: the model is to be loaded again.
        subtitles_wanted: to say how they are made; a `QWidget` to ask over.
        options_changed: recordings that are added next are recognised another way.
        window_made: a `SettingsWindow`, to which pages may be added.
        was_reset: everything is as it comes.
    """

    engine_changed = Signal()
    options_changed = Signal()
    window_made = Signal(object)
    was_reset = Signal()
    subtitles_wanted = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        settings: Settings,
        appearance: Appearance,
        notices: Notices,
        owners: Mapping[str, QObject],
    ) -> None:
        super().__init__(window)
        self._main, self._settings, self._appearance, self._notices = window, settings, appearance, notices
        self._background = Background(self)
        self._actions = {
            f"{owner_name}.{name}": action
            for owner_name, owner in owners.items()
            for name, action in vars(owner).items()
            if isinstance(action, QAction)
        }
        self._first_keys = {name: action.shortcut() for name, action in self._actions.items()}
        self._use_shortcuts()
        self.window: SettingsWindow | None = None
        window.settings_requested.connect(self.show)
        window.closing.connect(self._close)
        if settings.set_aside is not None:
            notices.tell_settings_aside(settings.set_aside)

    def show(self) -> None:
        if self.window is None:
            self.window = SettingsWindow(self._actions, FONT_PERCENTS, self._main)
            self._connect(self.window)
            self.window_made.emit(self.window)
        self._show_all(self.window)
        bring_forward(self.window)

    # ------------------------------------------------------------- inside

    def _connect(self, window: SettingsWindow) -> None:
        main = self._main
        window.language_chosen.connect(main.actions_.language_chosen)
        window.theme_chosen.connect(main.actions_.theme_chosen)
        main.actions_.language_chosen.connect(self._show_looks)
        main.actions_.theme_chosen.connect(self._show_looks)
        main.actions_.notify.toggled.connect(window.notify.setChecked)
        window.font_chosen.connect(self._choose_font)
        window.notify_chosen.connect(self._choose_notify)
        window.network_off_chosen.connect(self._choose_network)
        window.device_chosen.connect(self._choose_device)
        window.threads_chosen.connect(self._choose_threads)
        window.options_changed.connect(self._choose_options)
        window.models_wanted.connect(main.models_requested)
        window.network_wanted.connect(main.models_requested)
        window.rule_chosen.connect(self._choose_rule)
        window.subtitles_wanted.connect(partial(self.subtitles_wanted.emit, window))
        window.came_forward.connect(self._show_shared)
        window.watch_wanted.connect(main.actions_.watch.trigger)
        window.reset_wanted.connect(self._ask_reset)
        main.options.changed.connect(self._show_options)
        window.shortcuts.changed.connect(self._keep_shortcut)
        window.shortcuts.reset_wanted.connect(self._reset_shortcuts)
        profiles = window.profiles
        profiles.keep_wanted.connect(self._keep_profile)
        profiles.take_wanted.connect(self._take_profile)
        profiles.rename_wanted.connect(self._rename_profile)
        profiles.delete_wanted.connect(self._delete_profile)

    def _show_all(self, window: SettingsWindow) -> None:
        settings = self._settings
        self._show_looks()
        window.notify.setChecked(settings.notify)
        window.threads.setValue(settings.threads or 0)
        window.show_devices((), settings.device)
        self._background.run(gpu_overview, self._show_devices, self._notices.tell_failure)
        self._show_shared()
        window.files.show_rule(settings.save_rule)
        window.shortcuts.fill()
        window.profiles.show_profiles(sorted(settings.profiles))
        self._show_options()

    def _show_looks(self) -> None:
        """Also those that were chosen in the menus."""
        if self.window is not None:
            settings, window = self._settings, self.window
            for box, value in (
                (window.language, settings.interface_language),
                (window.theme, settings.theme),
                (window.text_size, settings.font_percent),
            ):
                box.setCurrentIndex(max(box.findData(value), 0))

    def _show_shared(self) -> None:
        """What the window of models may change too."""
        assert self.window is not None
        try:
            self.window.network_off.setChecked(SharedSettings.load().network.off)
        except SettingsError as e:
            self._notices.tell_failure(e)

    def show_rule(self) -> None:
        """It was chosen elsewhere."""
        if self.window is not None:
            self.window.files.show_rule(self._settings.save_rule)

    def _show_devices(self, seen: GpuOverview) -> None:
        if self.window is not None:
            gpus = [(f"cuda:{gpu.ordinal}", gpu.name) for gpu in seen.gpus]
            self.window.show_devices(gpus, self._settings.device)

    def _show_options(self) -> None:
        """What was chosen in the main window."""
        if self.window is not None:
            main = self._main.options
            self.window.options.choose(
                main.apply_to(TranscribeOptions()), highlight_words=main.panel.highlight.isChecked()
            )

    def _choose_options(self) -> None:
        assert self.window is not None
        chosen = self.window.options
        self._main.options.choose(
            chosen.apply_to(TranscribeOptions()), highlight_words=chosen.panel.highlight.isChecked()
        )
        self.options_changed.emit()

    def _choose_rule(self, rule: SaveRule) -> None:
        self._settings.save_rule = rule

    def _choose_font(self, percent: int) -> None:
        self._settings.font_percent = percent
        self._appearance.set_font_percent(percent)

    def _choose_notify(self, wanted: bool) -> None:
        if self._main.actions_.notify.isChecked() != wanted:
            self._main.actions_.notify.trigger()

    def _choose_network(self, off: bool) -> None:
        try:
            shared = SharedSettings.load()
            replace(shared, network=replace(shared.network, off=off)).save()
        except SettingsError as e:
            self._notices.tell_failure(e)

    def _choose_device(self, device: str) -> None:
        if device != self._settings.device:
            self._settings.device = device
            self.engine_changed.emit()

    def _choose_threads(self, threads: int) -> None:
        if (threads or None) != self._settings.threads:
            self._settings.threads = threads or None
            self.engine_changed.emit()

    # ------------------------------------------------------------- shortcuts

    def _use_shortcuts(self) -> None:
        chosen = self._settings.shortcuts
        for name, action in self._actions.items():
            keys = QKeySequence(chosen[name]) if name in chosen else self._first_keys[name]
            action.setShortcut(keys)

    def _keep_shortcut(self, name: str, keys: str) -> None:
        chosen = self._settings.shortcuts | {name: keys}
        if QKeySequence(keys) == self._first_keys[name]:
            del chosen[name]
        self._settings.shortcuts = chosen
        self._use_shortcuts()

    def _reset_shortcuts(self) -> None:
        self._settings.shortcuts = {}
        self._use_shortcuts()
        if self.window is not None:
            self.window.shortcuts.fill()

    # ------------------------------------------------------------- profiles

    def _keep_profile(self, name: str) -> None:
        options = self._main.options
        profile = Profile(
            options.apply_to(TranscribeOptions()), options.panel.highlight.isChecked(), self._settings.save_rule
        )
        self._settings.profiles = self._settings.profiles | {name: profile.to_json()}
        self._show_profiles(name)

    def _take_profile(self, name: str) -> None:
        profile = Profile.from_json(self._settings.profiles.get(name, {}))
        self._main.options.choose(profile.options, highlight_words=profile.highlight_words)
        self._settings.save_rule = profile.rule
        self.show_rule()
        self._show_options()
        self.options_changed.emit()

    def _rename_profile(self, name: str, new: str) -> None:
        profiles = self._settings.profiles
        profiles[new] = profiles.pop(name)
        self._settings.profiles = profiles
        self._show_profiles(new)

    def _delete_profile(self, name: str) -> None:
        self._settings.profiles = {n: values for n, values in self._settings.profiles.items() if n != name}
        self._show_profiles()

    def _show_profiles(self, current: str = "") -> None:
        if self.window is not None:
            self.window.profiles.show_profiles(sorted(self._settings.profiles), current)

    # ------------------------------------------------------------- reset

    def _ask_reset(self) -> None:
        assert self.window is not None
        question = dialogs.Question(
            self.tr("Reset all settings?"),
            self.tr("Profiles and keys go too. Recordings, texts and models stay."),
            self.tr("Reset"),
            self.tr("Keep them"),
        )
        dialogs.confirm(self.window, question, self._reset)

    def _reset(self) -> None:
        engine = self._settings.device, self._settings.threads
        self._settings.reset()
        self._appearance.set_font_percent(self._settings.font_percent)
        self._main.actions_.theme_chosen.emit(self._settings.theme)
        self._main.actions_.language_chosen.emit(self._settings.interface_language)
        self._main.options.choose(TranscribeOptions())
        self._choose_notify(self._settings.notify)
        self._use_shortcuts()
        self.options_changed.emit()
        self.was_reset.emit()
        if self.window is not None:
            self._show_all(self.window)
        if engine != (self._settings.device, self._settings.threads):
            self.engine_changed.emit()

    def _close(self) -> None:
        if self.window is not None:
            self.window.close()
