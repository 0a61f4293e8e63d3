"""What the user is told when all recordings are through and the window is not in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from app.recordings import Recordings
from app.session import Recording
from app.settings import Settings
from app.widgets.main_window import MainWindow

if TYPE_CHECKING:
    from app.desktop_notifications import DesktopNotifications


class Completion(QObject):
    """Counts what becomes of recordings, and tells it once none is left; nothing while the user looks at the window.

    Signals:
        raise_wanted: the notification was clicked.
        several_failed: recordings, a list, since nothing was left to do before.
        unavailable: the user wants them, and the desktop shows none.
    """

    raise_wanted = Signal()
    several_failed = Signal(list)
    unavailable = Signal()

    def __init__(self, recordings: Recordings, window: MainWindow, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self._done: list[Recording] = []
        self._failed: list[Recording] = []
        self._notifications: DesktopNotifications | None = None
        self._asked = False  # the user has just switched them on
        action: QAction = window.actions_.notify
        action.setChecked(settings.notify)
        action.toggled.connect(self._choose)
        recordings.finished.connect(lambda recording, _message: self._done.append(recording))
        recordings.failed.connect(lambda recording, _message: self._failed.append(recording))
        recordings.idle.connect(self._tell)
        window.installEventFilter(self)

    @property
    def notifications(self) -> DesktopNotifications:
        """Made when they are wanted first: it looks for the desktop's service."""
        if self._notifications is None:
            from app.desktop_notifications import DesktopNotifications, session_bus  # takes its time

            self.use(DesktopNotifications(self._window.windowIcon(), session_bus(), self))
        assert self._notifications is not None
        return self._notifications

    def use(self, notifications: DesktopNotifications) -> None:
        self._notifications = notifications
        notifications.clicked.connect(self.raise_wanted)
        notifications.unavailable.connect(self._on_unavailable)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.WindowActivate and self._notifications is not None:
            self._notifications.hide()
        return super().eventFilter(watched, event)

    def _tell(self) -> None:
        done, failed = self._done, self._failed
        self._done, self._failed = [], []
        if len(failed) > 1:
            self.several_failed.emit(failed)
        if self._window.isActiveWindow() or not (done or failed):
            return
        QApplication.alert(self._window)  # flashes in the task bar
        if self._settings.notify:
            self.notifications.show(*self._words(done, failed))

    def _words(self, done: list[Recording], failed: list[Recording]) -> tuple[str, str]:
        """Title and text."""
        if len(done) + len(failed) == 1:
            [recording] = done + failed
            title = self.tr("The text is done") if done else self.tr("The recording could not be transcribed")
            return title, recording.path.name
        title = self.tr("All recordings are through")
        if failed:
            return title, self.tr("Done: {n_done} · failed: {n_failed}").format(n_done=len(done), n_failed=len(failed))
        return title, self.tr("Done: {n_done}").format(n_done=len(done))

    def _choose(self, wanted: bool) -> None:
        """The first is shown at once: so it is seen whether this desktop can."""
        self._settings.notify = wanted
        if wanted:
            self._asked = True
            self.notifications.show(self.tr("Notifications are on"), self.tr("You are told here when all is done."))

    def _on_unavailable(self) -> None:
        if self._asked:
            self.unavailable.emit()
        self._asked = False
