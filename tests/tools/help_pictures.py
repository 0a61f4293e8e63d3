"""What helps when something went wrong, for `screenshots.py`: after a crash, the log, the problem report."""

from __future__ import annotations

import logging

from app.crash import BadEnd
from app.log import start_logging
from tests.tools.photographer import Photographer

TRACE = """Fatal Python error: Segmentation fault

Thread 0x00007f1c2b7fe6c0 [engine] (most recent call first):
  File "app/engine/service.py", line 121 in run
  File "app/engine/thread.py", line 203 in _run"""


class HelpPictures(Photographer):
    """The last start ended badly, and the user looks into it."""

    def run(self) -> None:
        window, desk = self._app.window, self._app.help
        start_logging()
        log = logging.getLogger("app.engine.service")
        log.info("job 1 begins: '/home/anna/interviews/first.mp3'")
        log.warning("job 1 failed: AudioGoneError: first.mp3 was taken away while it was read: Input/output error.")
        try:
            {}["model"]
        except KeyError:
            log.exception("unexpected error")
        window.status_panel.details.click()
        desk.take_bad_end(BadEnd("2026-05-04T10:11:12+02:00", "0.1.0", TRACE))
        self._shoot("22-bad-end", window)
        window.status_panel.details.click()
        desk.show_log()
        self._wait(lambda: desk.log is not None and "KeyError" in desk.log.model.text)
        assert desk.log is not None
        self._shoot("23-log", desk.log)
        desk.log.close()
        desk._show_last_report()
        self._wait(lambda: desk.report is not None and "Segmentation" in desk.report.text.toPlainText())
        assert desk.report is not None
        self._shoot("24-report", desk.report)
        desk.report.close()
        window.message_bar.hide()
