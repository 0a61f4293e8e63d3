"""The queue with twenty recordings, and its dialogs, for `screenshots.py`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, Qt

from app.paths import default_model, models_dir
from app.session import State
from app.watched_folder import WatchRule
from app.widgets.recording_options_dialog import RecordingOptionsDialog
from app.widgets.watch_dialog import WatchDialog
from tests.support.mixed_recordings import BAD, GOOD, make_mixed_files
from tests.tools.photographer import Photographer


class QueuePictures(Photographer):
    """Some have failed, some are done, one runs, the others wait: two of them with options of their own."""

    def run(self, folder: Path) -> None:
        app, window = self._app, self._app.window
        app.recordings.remove(*app.session)
        window.message_bar.hide()
        app.choose_model(default_model())
        watched = folder / "recorder"
        watched.mkdir()
        app.watch.choose(WatchRule(watched))
        make_mixed_files(folder)
        app.add([folder / name for name in (*list(BAD)[:3], *GOOD)])
        self._wait(lambda: sum(recording.state is State.DONE for recording in app.session) >= 3)
        waiting = [recording for recording in app.session if recording.state is State.WAITING]
        options = replace(waiting[1].options, language="fr", task="translate", hotwords="Norland Park")
        model = models_dir() / "ggml-small-q5_1.bin"
        model.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(default_model(), model)
        app.recordings.set_options([(waiting[1], options, None), (waiting[2], options, model)])
        view = window.recordings_view
        view.select(waiting[1])
        for recording in waiting[2:4]:
            index = app.recordings.model.index(app.recordings.model.row_of(recording))
            view.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
        window.message_bar.hide()
        view.scrollTo(
            app.recordings.model.index(app.recordings.model.row_of(waiting[2])), view.ScrollHint.PositionAtCenter
        )
        self._shoot("25-queue", window)
        window.actions_.recording_options.trigger()
        [of_some] = window.findChildren(RecordingOptionsDialog)
        self._wait(lambda: of_some.model.findText("small", Qt.MatchFlag.MatchStartsWith) > 0)
        self._shoot("26-recording-options", of_some)
        of_some.close()
        window.actions_.watch.trigger()
        [watch] = window.findChildren(WatchDialog)
        self._shoot("27-watch-folder", watch)
        watch.close()
        app.watch.choose(None)
        app.recordings.cancel_all()
        self._wait(lambda: not app.session.is_busy)
        self._selection()

    def _selection(self) -> None:
        """Of a text, transcribed again."""
        app, page = self._app, self._app.window.page
        done = [recording for recording in app.session if recording.state is State.DONE]
        app.window.recordings_view.select(next(recording for recording in done if recording.transcript.segments))
        page.view.selectRow(0)
        app.window.edit_menu.again.trigger()
        dialog = app.again.dialog
        assert dialog is not None
        self._shoot("28-selection-again", dialog)
        dialog.close()
        app.again.bar.begin("talk.wav", 3.0, 725.0)
        app.again.bar.show_progress(0.4)
        self._shoot("29-selection-running", app.window)
        app.again.bar.hide()
