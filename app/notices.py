"""What the window tells about the program: problems with their remedies, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from app.engine.messages import JobFailed, ModelFailed
from app.paths import log_file
from app.store.errors import StoreError
from app.widgets import engine_texts
from app.widgets.message_bar import MessageBar, Saying
from gpu.errors import reason
from gpu.types import Words


class Notices(QObject):
    """The one place that words what is said in the message bar, in the language that is chosen then."""

    def __init__(self, message_bar: MessageBar) -> None:
        super().__init__(message_bar)
        self._bar = message_bar

    def warn(self, words: Words) -> None:
        self._bar.say("warning", lambda: Saying(engine_texts.translated(words)))

    def tell_problem(self, path: Path, kind: str, message: str, remedy: Words) -> None:
        """What went wrong with a file; `kind`: the name of the exception."""

        def compose() -> Saying:
            problem = engine_texts.problem(kind, message, remedy)
            return Saying(problem.headline_for(path.name), f"{problem.detail}\n{problem.remedy}")

        self._bar.say("error", compose)

    def tell_job_failed(self, path: Path, message: JobFailed) -> None:
        self.tell_problem(path, message.kind, message.message, message.remedy)

    def tell_model_failed(self, message: ModelFailed) -> None:
        def compose() -> Saying:
            problem = engine_texts.problem(message.kind, message.message, message.remedy)
            text = f"{problem.detail}\n{problem.remedy}"
            return Saying(problem.headline_for(message.path.name), text, self.tr("Choose model file…"))

        self._bar.say("error", compose)

    def tell_copied(self) -> None:
        self._bar.say("info", lambda: Saying(self.tr("The text was copied")))

    def tell_saved(self, paths: Sequence[Path]) -> None:
        names = ", ".join([str(paths[0]), *(path.name for path in paths[1:])])
        self._bar.say("info", lambda: Saying(self.tr("Saved as {path}").format(path=names)))

    def tell_not_saved(self, path: Path, error: Exception) -> None:
        """Args:
        path: of the recording; an error of the system knows better which file it was.
        """
        why = reason(error) if isinstance(error, OSError) else str(error)
        path = Path(error.filename) if isinstance(error, OSError) and error.filename else path
        self.tell_problem(path, "OSError", why, Words("Choose another folder, or make room on the disk."))

    def tell_not_kept(self, error: StoreError) -> None:
        """The queue will be lost with the program."""

        def compose() -> Saying:
            told = map(engine_texts.translated, (error.message, error.remedy))
            return Saying(self.tr("The list of recordings is not kept"), "\n".join(told))

        self._bar.say("error", compose)

    def tell_failure(self, error: Exception) -> None:
        """An exception nobody foresaw."""
        self.tell_unexpected(f"{type(error).__name__}: {error}")

    def tell_unexpected(self, words: str) -> None:
        def compose() -> Saying:
            remedy = Words("Please report it with the log file {path}.", path=log_file())
            problem = engine_texts.problem("InternalError", words, remedy)
            return Saying(problem.headline, f"{problem.detail}\n{problem.remedy}")

        self._bar.say("error", compose)
