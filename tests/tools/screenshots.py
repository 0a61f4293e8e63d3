"""Pictures of the window in its states, both themes and both languages, for looking at. See `--help`.

    python tests/tools/screenshots.py FOLDER
    python tests/tools/screenshots.py docs/screenshots --published --scale 2

It runs the real program with the shipped model in this process, on whatever screen Qt finds
(`QT_QPA_PLATFORM=offscreen` is enough). What is cut off, faint, or nameless for screen readers is printed, and makes it
fail.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AUDIO = ROOT / "tests" / "data" / "audio"
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402
from PySide6.QtCore import QDeadlineTimer, QEventLoop  # noqa: E402
from PySide6.QtGui import QIcon  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402

from app.application import Application  # noqa: E402
from app.document.subtitles import PRESETS  # noqa: E402
from app.paths import APP_ID, APP_NAME, resources_dir  # noqa: E402
from app.session import State  # noqa: E402
from app.settings import Settings  # noqa: E402
from app.widgets.dictation_overlay import DictationOverlay  # noqa: E402
from app.widgets.save_dialog import SaveDialog  # noqa: E402
from app.widgets.subtitle_dialog import SubtitleDialog  # noqa: E402
from app.widgets.times_dialog import TimesDialog  # noqa: E402
from gpu.types import TranscribeOptions, Word  # noqa: E402
from tests.support.accessibility import missing  # noqa: E402
from tests.support.file_server import serving  # noqa: E402
from tests.support.homes import use_home  # noqa: E402
from tests.support.legibility import cut_off, faint  # noqa: E402
from tests.support.speech import ENGLISH, make_reading  # noqa: E402
from tests.tools.dictation_pictures import DictationPictures  # noqa: E402
from tests.tools.gpu_pictures import N_FETCHED, GpuPictures  # noqa: E402
from tests.tools.help_pictures import HelpPictures  # noqa: E402
from tests.tools.model_pictures import N_SERVED, ModelPictures  # noqa: E402
from tests.tools.queue_pictures import QueuePictures  # noqa: E402

TIMEOUT_MS = 120_000

# The states that are shown in docs/screenshots, in every theme, language and scale.
PUBLISHED = (
    "0-first-start", "2-running", "3-done", "3-options", "3-subtitles", "6-error", "8-models",
    "28-settings-recognition", "28-settings-results", "28-settings-keys",
)  # fmt: skip
QUALITY = 85  # of WebP


class Photographer:
    """Brings one window into each state and takes its picture in every theme and language."""

    def __init__(self, folder: Path, scratch: Path, published: Collection[str] | None) -> None:
        self._folder, self._published = folder, published
        self.problems: dict[str, str] = {}  # with the first picture that shows them
        self._scratch = scratch
        self._recordings = scratch / "Recordings"  # as a user has them, at home
        self._recordings.mkdir()
        self._app = Application(Settings(scratch / "window.ini"))
        self._app.window.resize(1080, 720)

    def run(self) -> None:
        self._app.start([])
        self._wait(lambda: self._app.window.status_panel.memory.text() != "–")
        self._first_start()
        self._shoot("1-empty")
        self._running()
        self._done()
        self._options()
        self._settings()
        self._cancelled()
        self._warning()
        self._errors()
        with serving(bytes(N_SERVED)) as server:
            ModelPictures(self._app, self._shoot, self._wait).run(server)
        with serving(bytes(N_FETCHED)) as server:
            GpuPictures(self._app, self._shoot, self._wait).run(server)
            HelpPictures(self._app, self._shoot, self._wait).run()
        QueuePictures(self._app, self._shoot, self._wait).run(self._queue_folder())
        DictationPictures(self._app, self._shoot, self._wait).run()
        self._app.stop()

    def _first_start(self) -> None:
        welcome = self._app.welcome
        welcome.start()
        panel = welcome.panel
        assert panel is not None
        texts = (panel.gpu_text, panel.model_text, panel.microphone_text)
        self._wait(lambda: all(text.text() != "Looking…" for text in texts))
        self._shoot("0-first-start")
        panel.skip.click()
        self._app.window.actions_.welcome.trigger()
        dialog = welcome.dialog
        assert dialog is not None
        self._wait(lambda: dialog.panel.model_text.text() != "Looking…")
        self._shoot("0-welcome", dialog)
        dialog.close()

    def _settings(self) -> None:
        self._app.settings.show()
        window = self._app.settings.window
        assert window is not None
        for row, page in enumerate(("general", "recognition", "results", "network", "keys", "profiles", "dictation")):
            window.list.setCurrentRow(row)
            self._shoot(f"28-settings-{page}", window)
        window.close()
        overlay = DictationOverlay(self._app._appearance)
        overlay.begin()
        overlay.show_state("listening", voice=True, trouble="")
        overlay.add_committed("What is settled is put in at the cursor of another program")
        overlay.show_tentative(" and this may still change")
        self._shoot("29-overlay", overlay)
        overlay.deleteLater()

    def _running(self) -> None:
        app = self._app
        greeting = self._take_along("ast_fr_vm-intro.flac", "Répondeur.flac")
        demo = self._take_along("ast_es_demo-moreinfo.flac", "Demostración.flac")
        app.add([self._long_recording(), greeting, demo])
        self._wait(lambda: len(app.session.recordings) == 3)
        self._wait(lambda: len(app.session.recordings[0].transcript.segments) > 12)
        self._shoot("2-running")
        first = app.session.recordings[0]
        app.recordings.pause(first)
        self._wait(lambda: first.state is State.PAUSED)
        self._shoot("2-paused")

    def _cancelled(self) -> None:
        app = self._app
        first = app.session.recordings[0]
        app.window.recordings_view.select(first)
        self._shoot("4-cancelled")
        app.search.search_all.trigger()
        search = app.search.window
        assert search is not None
        for name, text in (("empty", ""), ("found", "en"), ("nothing", "Rutabaga")):
            search.text.setText(text)
            self._wait(lambda: search.is_done)
            self._shoot(f"27-search-{name}", search)
        search.close()

    def _done(self) -> None:
        app = self._app
        app.recordings.cancel(app.session.recordings[0])
        self._wait(lambda: not app.session.is_busy)
        app.window.recordings_view.select(app.session.recordings[1])
        app.save(app.session.recordings[1], self._recordings / "Répondeur.srt", "srt")
        self._wait(lambda: app.window.message_bar.isVisible())
        app.window.message_bar._timer.stop()  # it would go before the last picture
        self._shoot("3-done")
        app.window.message_bar.hide()
        self._segments()

    def _segments(self) -> None:
        """Words that are unsure, who speaks, and when."""
        app, view = self._app, self._app.window.page.view
        segment = app.window.page.model.segment(0)
        words = segment.text.split()
        times = [segment.start + (segment.end - segment.start) * i / len(words) for i in range(len(words) + 1)]
        sure = [0.9, 0.4, 0.95, 0.15]
        timed = tuple(Word(f" {word}", times[i], times[i + 1], sure[i % len(sure)]) for i, word in enumerate(words))
        app.editor.put(app.session.recordings[1], 0, 1, [replace(segment, words=timed, speaker="Anna")])
        view.select_row(0)
        app.window.message_bar.hide()
        self._shoot("3-unsure-words")
        app.segments.times.trigger()
        times_dialog = app.segments.dialog
        assert isinstance(times_dialog, TimesDialog)
        times_dialog.end.setText("9:59:59")
        self._shoot("3-times", times_dialog)
        times_dialog.close()
        app.segments.speaker.trigger()
        assert app.segments.dialog is not None
        self._shoot("3-speaker", app.segments.dialog)
        app.segments.dialog.close()
        app.window.edit_menu.undo.trigger()

    def _options(self) -> None:
        window = self._app.window
        window.actions_.options.trigger()
        window.options.choose(TranscribeOptions(word_timestamps=True, hotwords="Norland Park"), highlight_words=True)
        self._shoot("3-options")
        window.options.choose(TranscribeOptions())
        window.actions_.options.trigger()
        window.actions_.auto_save.trigger()
        [dialog] = window.findChildren(SaveDialog)
        dialog.form.formats["srt"].click()
        dialog.form.formats["html"].click()
        self._shoot("3-save-automatically", dialog)
        dialog.close()
        window.actions_.subtitles.trigger()
        [subtitles] = window.findChildren(SubtitleDialog)
        subtitles.choose(PRESETS["standard"])
        self._shoot("3-subtitles", subtitles)
        subtitles.close()

    def _warning(self) -> None:
        app = self._app
        cut = self._recordings / "cut off.flac"
        cut.write_bytes((AUDIO / "ast_fr_vm-intro.flac").read_bytes()[:50_000])
        app.add([cut])
        self._wait(lambda: len(app.session.recordings) == 4 and not app.session.is_busy)
        app.window.recordings_view.select(app.session.recordings[3])
        self._shoot("5-warning")

    def _errors(self) -> None:
        app = self._app
        text = self._recordings / "shopping list.wav"
        text.write_text("milk, bread", encoding="utf-8")
        app.add([text, self._recordings / "gone.mp3"])
        self._wait(lambda: len(app.session.recordings) == 6 and not app.session.is_busy)
        app.window.recordings_view.select(app.session.recordings[4])
        self._shoot("6-error")
        damaged = self._recordings / "ggml-half.bin"
        damaged.write_bytes((resources_dir() / "models" / "ggml-base-q5_1.bin").read_bytes()[:10_000_000])
        app.choose_model(damaged)
        app.retry(app.session.recordings[4])
        self._wait(lambda: app.session.recordings[4].state is State.FAILED)
        app.window.recordings_view.select(app.session.recordings[4])
        self._shoot("7-model-error")

    def _queue_folder(self) -> Path:
        folder = self._recordings / "Interviews"
        folder.mkdir()
        return folder

    def _take_along(self, name: str, own_name: str) -> Path:
        """A recording of the tests under a name that people give."""
        path = self._recordings / own_name
        shutil.copy(AUDIO / name, path)
        return path

    def _long_recording(self) -> Path:
        """Some minutes of speech."""
        path = self._recordings / "A longer reading – été 2025 (录音).wav"
        make_reading(path, 3 * ENGLISH)
        return path

    def _shoot(self, name: str, window: QWidget | None = None) -> None:
        """Of the main window, if no other is named."""
        actions = self._app.window.actions_
        for language in ("en", "zh_CN"):
            actions.language_chosen.emit(language)
            for theme in ("light", "dark"):
                actions.theme_chosen.emit(theme)
                for _ in range(3):  # layouts settle over several turns
                    QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 100)
                self._take(f"{name}-{language}-{theme}", window or self._app.window)

    def _take(self, name: str, window: QWidget) -> None:
        picture = window.grab()
        percent = round(100 * picture.devicePixelRatio())
        for problem in (*missing(window), *cut_off(window), *faint(window)):
            self.problems.setdefault(problem, f"{name}-{percent}")
        if self._published is None or name.startswith(tuple(f"{state}-" for state in self._published)):
            picture.save(str(self._folder / f"{name}-{percent}.webp"), quality=QUALITY)

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = QDeadlineTimer(TIMEOUT_MS)
        while not condition():
            if deadline.hasExpired():
                sys.exit("error: a state was not reached in time")
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
        QApplication.processEvents()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--published", action="store_true", help="keep only those that the documentation shows")
    parser.add_argument("--scale", type=float, default=1.0, metavar="N", help="of the screen: 2 is 200 %%")
    args = parser.parse_args()
    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["QT_SCALE_FACTOR"] = str(args.scale)
    for name in ("WHISPERDESKTOP_LANG", "WHISPERDESKTOP_THEME"):
        os.environ.pop(name, None)
    app = QApplication([APP_ID])
    app.setApplicationDisplayName(APP_NAME)
    app.setWindowIcon(QIcon(str(resources_dir() / "icons" / f"{APP_ID}.svg")))
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as environment:
        use_home(Path(scratch), environment)
        photographer = Photographer(folder, Path(scratch), PUBLISHED if args.published else None)
        photographer.run()
    for problem, picture in photographer.problems.items():
        print(f"{picture}: {problem}")
    sys.exit(bool(photographer.problems))


if __name__ == "__main__":
    main()
