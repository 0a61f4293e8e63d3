"""The first start: what this machine has, said in the window, and offered; later where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer

from app.capture.microphone import LevelMeter, Microphone, microphones
from app.engine.background import Background
from app.engine.gpu import GpuOverview, gpu_overview
from app.models.overview import Overview, overview
from app.notices import Notices
from app.playback.errors import PlaybackError
from app.settings import Settings
from app.widgets import engine_texts
from app.widgets.main_window import MainWindow
from app.widgets.texts import data_size
from app.widgets.welcome_panel import WelcomeDialog, WelcomePanel
from gpu.errors import ExplainedError

TICK_MS = 50
T = TypeVar("T")


class Welcome(QObject):
    """Shows the panel until it is skipped, one at a time. What it says is found out in the background."""

    def __init__(self, window: MainWindow, settings: Settings, notices: Notices) -> None:
        super().__init__(window)
        self._window, self._settings, self._notices = window, settings, notices
        self._background = Background(self)
        self._microphones: list[Microphone] = []
        self._said: dict[str, Callable[[], None]] = {}  # to be said again in another language
        self._meter = LevelMeter()
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._show_level)
        self.panel: WelcomePanel | None = None
        self.dialog: WelcomeDialog | None = None
        window.actions_.welcome.triggered.connect(self.show)
        window.closing.connect(self._close)

    def start(self) -> None:
        """At a first start, where recordings are dropped."""
        if self.panel is None and not self._settings.welcomed:
            panel = WelcomePanel()
            self._window.drop_area.add_below(panel)
            panel.skipped.connect(self._skip)
            self._fill(panel)

    def show(self) -> None:
        """In a window of its own: whoever asks may have recordings in the other."""
        if self.dialog is None:
            self._skip()
            self.dialog = WelcomeDialog(self._window)
            self.dialog.finished.connect(self._forget)
            self._fill(self.dialog.panel)
            self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def stop(self) -> None:
        """Give the microphone back."""
        self._tick.stop()
        self._meter.close()

    def _fill(self, panel: WelcomePanel) -> None:
        self.panel = panel
        panel.retranslated.connect(self._say_again)
        panel.gpu_wanted.connect(self._window.gpu_requested)
        panel.models_wanted.connect(self._window.models_requested)
        panel.test_toggled.connect(self._listen)
        panel.microphone_chosen.connect(self._listen_elsewhere)
        panel.show_gpu(self.tr("Looking…"), can_enable=False)
        panel.show_model(self.tr("Looking…"))
        panel.show_microphones((), self.tr("Looking…"))
        self._find(gpu_overview, self._show_gpu)
        self._find(overview, self._show_model)
        self._background.run(microphones, self._show_microphones, self._show_no_microphones)

    def _find(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._background.run(work, done, self._notices.tell_failure)

    def _say_again(self) -> None:
        for say in list(self._said.values()):
            say()

    def _show_gpu(self, seen: GpuOverview) -> None:
        self._said["gpu"] = partial(self._show_gpu, seen)
        if self.panel is None:
            return
        if seen.is_ready or seen.lacks_packages:
            text = self.tr("{name} was found: with it recordings are through several times as fast.")
            self.panel.show_gpu(text.format(name=seen.gpus[0].name), can_enable=True)
        else:
            text = self.tr("The processor does the work. {cause}")
            self.panel.show_gpu(text.format(cause=engine_texts.translated(seen.cause)), can_enable=False)

    def _show_model(self, seen: Overview) -> None:
        self._said["model"] = partial(self._show_model, seen)
        if self.panel is None:
            return
        best = seen.recommendation
        if best is None or best.model.name == "base-q5_1":
            text = self.tr("The one that came along suits this computer. There are others for when it mishears.")
        else:
            text = self.tr("{name} ({size}) would hear better here.").format(
                name=best.model.name, size=data_size(best.model.n_bytes)
            )
        self.panel.show_model(text)

    def _show_microphones(self, found: list[Microphone]) -> None:
        self._microphones = found
        self._said["microphone"] = partial(self._show_microphones, found)
        if self.panel is None:
            return
        text = self.tr("Is it heard? The bar moves when you speak.") if found else self.tr("None is connected.")
        self.panel.show_microphones([microphone.name for microphone in found], text)

    def _show_no_microphones(self, error: Exception) -> None:
        if self.panel is not None and isinstance(error, ExplainedError):
            told = map(engine_texts.translated, (error.message, error.remedy))
            self.panel.show_microphones((), " ".join(told))
        elif not isinstance(error, ExplainedError):
            self._notices.tell_failure(error)

    def _listen(self, wanted: bool) -> None:
        if not wanted or self.panel is None:
            self.stop()
            if self.panel is not None:
                self.panel.show_level(-1000.0)
            return
        microphone = self._microphones[self.panel.microphones.currentIndex()]
        self._background.run(
            partial(self._meter.open, microphone), partial(self._follow, self.panel), self._on_not_heard
        )

    def _follow(self, panel: WelcomePanel, _none: None) -> None:
        if self.panel is panel and panel.test.isChecked():
            self._tick.start()
        else:  # it was closed while the device was opened
            self._meter.close()

    def _listen_elsewhere(self) -> None:
        if self.panel is not None and self.panel.test.isChecked():
            self._listen(True)

    def _on_not_heard(self, error: Exception) -> None:
        if self.panel is None or not isinstance(error, PlaybackError):
            self._notices.tell_failure(error)
            return
        self.panel.test.setChecked(False)
        told = map(engine_texts.translated, (error.message, error.remedy))
        self.panel.microphone_text.setText(" ".join(told))

    def _show_level(self) -> None:
        if self.panel is not None:
            self.panel.show_level(self._meter.level_db)

    def _skip(self) -> None:
        self._settings.welcomed = True
        self.stop()
        if self.panel is not None:
            self.panel.hide()
            self.panel.deleteLater()
        self._forget()

    def _forget(self) -> None:
        self.stop()
        self.panel = self.dialog = None

    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.close()
