"""What helps when something goes wrong: the log and the problem report, each a window made when it is wanted first."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices

from app.crash import BadEnd
from app.engine.background import Background
from app.log import LogLevel, set_log_level
from app.log_tail import LogEntry, LogTail
from app.notices import Notices
from app.paths import log_file
from app.problem_report import Facts, Report, make_report
from app.session import Session
from app.settings import Settings
from app.widgets import dialogs, engine_texts
from app.widgets.appearance import Appearance
from app.widgets.front import bring_forward
from app.widgets.help_menu import HelpMenu
from app.widgets.log_window import LogWindow
from app.widgets.main_window import MainWindow
from app.widgets.message_bar import Saying
from app.widgets.report_window import ReportWindow
from gpu.errors import reason
from gpu.types import TranscribeOptions

LOOK_MS = 500
REPORT_NAME = "whisperdesktop-problem.txt"

_log = logging.getLogger(__name__)


class HelpDesk(QObject):
    """Opens both windows for the menu and the messages of the main window, and closes them with that."""

    def __init__(
        self, window: MainWindow, session: Session, settings: Settings, appearance: Appearance, notices: Notices
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings, self._appearance = window, session, settings, appearance
        self._bad_end: BadEnd | None = None
        self._background = Background(self)
        self._notices = notices
        self.log: LogWindow | None = None
        self.report: ReportWindow | None = None
        self._tail = LogTail(log_file())
        self._is_looking = False
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self._look)
        self.menu = HelpMenu(window.actions_.help_menu)
        self.menu.log.triggered.connect(self.show_log)
        self.menu.report.triggered.connect(partial(self.show_report, ""))
        notices.report_requested.connect(self.show_report)
        notices.last_report_requested.connect(self._show_last_report)
        window.closing.connect(self._close)
        set_log_level(settings.log_level)

    def take_bad_end(self, bad_end: BadEnd) -> None:
        """The last start did not come to its end: say so."""
        self._bad_end = bad_end
        self._notices.tell_bad_end()

    def show_log(self) -> None:
        if self.log is None:
            self.log = LogWindow(log_file(), self._settings.log_level, self._appearance)
            self.log.level_chosen.connect(self._choose_level)
            self.log.folder_wanted.connect(self._open_folder)
            self.log.report_wanted.connect(partial(self.show_report, ""))
            self.log.shown.connect(self._start_looking)
            self.log.closing.connect(self._clock.stop)
        bring_forward(self.log)
        self.log.search.setFocus()

    def show_report(self, what: str = "") -> None:
        """With what is known of the last start's end, if that was bad.

        Args:
            what: happened, in words; "": nothing in particular.
        """
        if self.report is None:
            self.report = ReportWindow(self._appearance)
            self.report.save_wanted.connect(self._ask_where_to_save)
        self.report.show_report(None)
        bring_forward(self.report)
        facts = self._facts(what)
        self._background.run(partial(make_report, facts), self._take_report, self._notices.tell_failure)

    def _show_last_report(self) -> None:
        self.show_report("The program did not end properly the last time.")

    def _take_report(self, report: Report) -> None:
        if self.report is not None:
            self.report.show_report(report)
            self.report.copy.setFocus()

    def _facts(self, what: str) -> Facts:
        counts = Counter(recording.state.name.lower() for recording in self._session)
        return Facts(
            status=self._window.status_panel.lines,
            counts=sorted(counts.items()),
            options=self._window.options.apply_to(TranscribeOptions()),
            paths=[recording.path for recording in self._session],
            what=what,
            bad_end=self._bad_end,
        )

    def _ask_where_to_save(self, text: str) -> None:
        assert self.report is not None
        dialogs.ask_text_path(self.report, self._settings.folder / REPORT_NAME, partial(self._save, text))

    def _save(self, text: str, name: str) -> None:
        path = Path(name)
        self._background.run(
            partial(path.write_text, text, encoding="utf-8"),
            lambda _n: self._tell_saved(path),
            self._tell_not_saved,
            must_finish=True,
        )

    def _tell_saved(self, path: Path) -> None:
        if self.report is not None:
            self.report.message_bar.say("info", lambda: Saying(self.tr("Saved as {path}").format(path=path)))

    def _tell_not_saved(self, error: Exception) -> None:
        why = reason(error) if isinstance(error, OSError) else str(error)
        if self.report is not None:
            self.report.message_bar.say(
                "error", lambda: Saying(self.tr("The report could not be written"), engine_texts.translated(why))
            )

    def _start_looking(self) -> None:
        self._clock.start()
        self._look()

    def _look(self) -> None:
        """One look at a time: a disk may be slow."""
        if not self._is_looking:
            self._is_looking = True
            self._background.run(self._tail.read, self._take_entries, self._tell_no_log)

    def _take_entries(self, entries: list[LogEntry]) -> None:
        self._is_looking = False
        if self.log is not None and entries:
            self.log.add(entries)

    def _tell_no_log(self, error: Exception) -> None:
        self._is_looking = False
        if self.log is not None:
            why = engine_texts.translated(reason(error) if isinstance(error, OSError) else str(error))
            self.log.show_problem(self.tr("The log cannot be read: {reason}.").format(reason=why))

    def _choose_level(self, level: LogLevel) -> None:
        self._settings.log_level = level
        set_log_level(level)
        _log.info("the log has lines of level %s and above", level)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file().parent)))

    def _close(self) -> None:
        self._clock.stop()
        for window in (self.log, self.report):
            if window is not None:
                window.close()
