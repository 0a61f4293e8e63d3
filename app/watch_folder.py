"""A folder that is watched: its new recordings are queued by themselves."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from app.engine.background import Background
from app.engine.service import recording_suffixes
from app.recordings import Recordings
from app.settings import Settings
from app.watched_folder import STEADY_S, Facts, Look, WatchedFolder, WatchRule
from app.widgets.main_window import MainWindow
from app.widgets.watch_dialog import WatchDialog
from gpu.errors import reason

SOON_MS = 300  # after the system has said that something changed
GROWING_MS = round(STEADY_S * 1000) + 100
IDLE_MS = 10_000  # network drives say nothing
SHARE = 20  # of the time goes into looking, at most one part
N_TOLD = 500  # folders the system is asked to tell of: each takes one of its few thousand watches

_log = logging.getLogger(__name__)


class WatchFolder(QObject):
    """Asks what is to be watched, keeps it in the settings, and looks.

    Signals:
        found: recordings that were queued, a list.
        lost: the folder cannot be looked at: a `Path` and the reason; told once.
        found_again: it can again: a `Path`.
        failed: an exception nobody foresaw.
    """

    found = Signal(list)
    lost = Signal(object, str)
    found_again = Signal(object)
    failed = Signal(Exception)

    def __init__(self, settings: Settings, recordings: Recordings, window: MainWindow) -> None:
        super().__init__(window)
        self._settings, self._recordings, self._window = settings, recordings, window
        self._background = Background(self)
        self._watched: WatchedFolder | None = None
        self._is_looking = self._is_lost = self._look_again = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        self._system = QFileSystemWatcher(self)
        self._system.directoryChanged.connect(self._look_soon)
        window.watch_requested.connect(self.ask)

    @property
    def is_watching(self) -> bool:
        return self._watched is not None

    def start(self, _opened: object = None) -> None:
        """Go on with the folder of the last start; the list of recordings must have been opened."""
        if self._watched is None and (rule := self._settings.watch_rule) is not None:
            self._watch(rule)

    def ask(self) -> None:
        dialog = WatchDialog(self._settings.watch_rule, self._settings.save_rule, self._window)
        dialog.chosen.connect(self.choose)
        dialog.save_rule_wanted.connect(self._window.auto_save_requested)
        dialog.open()

    def choose(self, rule: WatchRule | None, with_present: bool = True) -> None:
        """Watch another folder, or none.

        Args:
            with_present: what is in it already is wanted, too.
        """
        if rule is not None and self._watched is not None and rule == self._watched.rule and not with_present:
            return
        self._settings.watch_rule = rule
        self._stop()
        if rule is not None:
            self._watch(rule, with_present=with_present)

    def look(self) -> None:
        """Once, in the background; the next one follows by itself."""
        watched = self._watched
        if watched is None:
            return
        if self._is_looking:
            self._look_again = True
            return
        self._is_looking = True
        self._background.run(partial(_look, watched), partial(self._take, watched), self._fail)

    def _stop(self) -> None:
        self._watched = None
        self._is_lost = False
        self._timer.stop()
        if folders := self._system.directories():
            self._system.removePaths(folders)
        self._window.watch_indicator.show_folder(None)

    def _watch(self, rule: WatchRule, *, with_present: bool = True) -> None:
        self._window.watch_indicator.show_folder(rule.folder)
        work = partial(_begin, rule, dict(self._recordings.taken), with_present)
        self._background.run(work, self._begin, self._fail)

    def _begin(self, begun: tuple[WatchedFolder, dict[Path, Facts]]) -> None:
        watched, left = begun
        if watched.rule == self._settings.watch_rule:  # no other one has been chosen meanwhile
            self._watched = watched
            self._recordings.leave(left)
            self.look()

    def _take(self, watched: WatchedFolder, outcome: tuple[Look, float]) -> None:
        self._is_looking = False
        if watched is not self._watched:
            return
        look, took_s = outcome
        self._tell_lost(look, watched.rule.folder)
        if look.ready:
            options = self._window.chosen_options
            self.found.emit(self._recordings.add_taken(look.ready, options))
        told = set(self._system.directories())
        if new := [str(folder) for folder in look.folders[:N_TOLD] if str(folder) not in told]:
            self._system.addPaths(new)
        wait_ms = GROWING_MS if look.is_growing else IDLE_MS
        if self._look_again:
            self._look_again, wait_ms = False, SOON_MS
        self._timer.start(max(wait_ms, round(took_s * 1000 * SHARE)))

    def _tell_lost(self, look: Look, folder: Path) -> None:
        if look.error is not None and not self._is_lost:
            _log.warning("the watched folder %s cannot be looked at: %s", folder, look.error)
            self.lost.emit(folder, reason(look.error))
        elif look.error is None and self._is_lost:
            self.found_again.emit(folder)
        self._is_lost = look.error is not None
        self._window.watch_indicator.show_folder(folder, is_lost=self._is_lost)

    def _fail(self, error: Exception) -> None:
        self._is_looking = False
        self._timer.start(IDLE_MS)
        self.failed.emit(error)

    def _look_soon(self) -> None:
        if self._is_looking:
            self._look_again = True
        elif not self._timer.isActive() or self._timer.remainingTime() > SOON_MS:
            self._timer.start(SOON_MS)


def _begin(rule: WatchRule, taken: dict[Path, Facts], with_present: bool) -> tuple[WatchedFolder, dict[Path, Facts]]:
    """And what is left alone, as it was there before."""
    watched = WatchedFolder(rule, recording_suffixes(), taken)
    return watched, {} if with_present else watched.skip_present()


def _look(watched: WatchedFolder) -> tuple[Look, float]:
    """And the seconds that it took."""
    begun_s = time.monotonic()
    look = watched.look(begun_s)
    return look, time.monotonic() - begun_s
