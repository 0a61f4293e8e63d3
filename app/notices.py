"""What the window tells about the program: problems with their remedies, and what was done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine.messages import JobFailed, ModelFailed
from app.paths import log_file
from app.session import Recording
from app.store.errors import StoreError
from app.widgets import engine_texts
from app.widgets.message_bar import MessageBar, Saying
from gpu.errors import ExplainedError, reason
from gpu.types import Words

N_NAMED = 5  # of many files


class Notices(QObject):
    """The one place that words what is said in the message bar, in the language that is chosen then.

    Signals:
        report_requested: about a mistake of the program's, in words: the user wants to see what there is to report.
        last_report_requested: the same about the last start.
    """

    report_requested = Signal(str)
    last_report_requested = Signal()

    def __init__(self, message_bar: MessageBar) -> None:
        super().__init__(message_bar)
        self._bar = message_bar

    def warn(self, words: Words) -> None:
        self._bar.say("warning", lambda: Saying(engine_texts.translated(words)))

    def tell_problem(self, path: Path, kind: str, message: str, remedy: Words) -> None:
        """What went wrong with a file; `kind`: the name of the exception."""
        is_ours = kind == "InternalError"

        def compose() -> Saying:
            problem = engine_texts.problem(kind, message, remedy)
            text = f"{problem.detail}\n{problem.remedy}"
            return Saying(problem.headline_for(path.name), text, self._show_report() if is_ours else "")

        self._bar.say("error", compose, partial(self.report_requested.emit, message) if is_ours else None)

    def tell_job_failed(self, path: Path, message: JobFailed) -> None:
        self.tell_problem(path, message.kind, message.message, message.remedy)

    def tell_several_failed(self, recordings: Sequence[Recording]) -> None:
        def compose() -> Saying:
            names = [recording.path.name for recording in recordings[:N_NAMED]]
            more = [f"+{len(recordings) - N_NAMED}"] if len(recordings) > N_NAMED else []
            headline = self.tr("Recordings that could not be transcribed: {n}").format(n=len(recordings))
            where = self.tr("The list says why of each.")
            return Saying(headline, f"{', '.join([*names, *more])}\n{where}")

        self._bar.say("error", compose)

    def tell_model_failed(self, message: ModelFailed) -> None:
        def compose() -> Saying:
            problem = engine_texts.problem(message.kind, message.message, message.remedy)
            text = f"{problem.detail}\n{problem.remedy}"
            return Saying(problem.headline_for(message.path.name), text, self.tr("Choose model file…"))

        self._bar.say("error", compose)

    def tell_copied(self) -> None:
        self._bar.say("info", lambda: Saying(self.tr("The text was copied")))

    def tell_nothing_doubtful(self) -> None:
        def compose() -> Saying:
            text = self.tr(
                "The model was sure of all words whose times are known, and nothing speaks against a segment."
            )
            return Saying(self.tr("Nothing doubtful was found"), text)

        self._bar.say("info", compose)

    def tell_no_notifications(self) -> None:
        def compose() -> Saying:
            text = self.tr("When all is done, the window's entry in the task bar flashes instead.")
            return Saying(self.tr("This desktop shows no notifications"), text)

        self._bar.say("warning", compose)

    def tell_folder_lost(self, folder: Path, why: str) -> None:
        def compose() -> Saying:
            text = self.tr("{path}: {reason}. It is tried again and again.").format(path=folder, reason=why)
            return Saying(self.tr("The watched folder is not there"), text)

        self._bar.say("warning", compose)

    def tell_folder_found(self, folder: Path) -> None:
        self._bar.say("info", lambda: Saying(self.tr("The watched folder is there again: {path}").format(path=folder)))

    def tell_saved(self, paths: Sequence[Path]) -> None:
        names = ", ".join([_from_home(paths[0]), *(path.name for path in paths[1:])])
        self._bar.say("info", lambda: Saying(self.tr("Saved as {path}").format(path=names)))

    def tell_not_saved(self, path: Path, error: Exception) -> None:
        """Args:
        path: of the recording; an error of the system knows better which file it was.
        """
        if isinstance(error, ExplainedError):
            self.tell_problem(path, type(error).__name__, error.message, error.remedy)
            return
        why = reason(error) if isinstance(error, OSError) else str(error)
        path = Path(error.filename) if isinstance(error, OSError) and error.filename else path
        self.tell_problem(path, "OSError", why, Words("Choose another folder, or make room on the disk."))

    def tell_not_kept(self, error: StoreError) -> None:
        """The queue will be lost with the program."""

        def compose() -> Saying:
            told = map(engine_texts.translated, (error.message, error.remedy))
            return Saying(self.tr("The list of recordings is not kept"), "\n".join(told))

        self._bar.say("error", compose)

    def tell_kept_again(self) -> None:
        self._bar.say("info", lambda: Saying(self.tr("The list of recordings is kept again")))

    def tell_settings_aside(self, path: Path) -> None:
        """The settings are those of a first start."""
        self._bar.say(
            "warning",
            lambda: Saying(
                self.tr("The settings could not be understood"),
                self.tr("They are kept in {path}; those of a first start are used.").format(path=path),
            ),
        )

    def tell_failure(self, error: Exception) -> None:
        """An exception nobody foresaw."""
        self.tell_unexpected(f"{type(error).__name__}: {error}")

    def tell_unexpected(self, words: str) -> None:
        def compose() -> Saying:
            remedy = Words("Please report it with the log file {path}.", path=log_file())
            problem = engine_texts.problem("InternalError", words, remedy)
            return Saying(problem.headline, f"{problem.detail}\n{problem.remedy}", self._show_report())

        self._bar.say("error", compose, partial(self.report_requested.emit, words))

    def tell_bad_end(self) -> None:
        """The last start did not come to its end."""

        def compose() -> Saying:
            text = self.tr("Texts up to that moment are in the list, and what was not done goes on.")
            return Saying(self.tr("The program did not end properly the last time"), text, self._show_report())

        self._bar.say("warning", compose, self.last_report_requested.emit)

    def _show_report(self) -> str:
        return self.tr("Show report")


def _from_home(path: Path) -> str:
    """As people write it: "~/Recordings/talk.srt"; whole on Windows, which knows no "~"."""
    home = Path.home()
    if os.name != "nt" and path.is_relative_to(home):
        return str("~" / path.relative_to(home))
    return str(path)
