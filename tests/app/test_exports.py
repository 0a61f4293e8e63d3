"""Copying in other formats, and the layout of subtitles that is remembered."""

from pathlib import Path

import docx
import pypdf
import pysubs2
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.document.subtitles import PRESETS
from app.exports import COPIED
from app.settings import Settings
from app.widgets.subtitle_dialog import SubtitleDialog
from tests.support.engine_messages import SENTENCE, make_segment


def show_text(application: Application) -> None:
    recording = application.session.add(Path("/recordings/talk.mp3"), application._options())
    application.recordings.model.layoutChanged.emit()
    recording.transcript.append(make_segment(0, SENTENCE))
    application.window.recordings_view.select(recording)
    application.window.update_state()


def test_copied_in_each_format(application: Application, qtbot: QtBot) -> None:
    show_text(application)
    clipboard = QGuiApplication.clipboard()
    assert [action.data() for action in application.exports.copy_menu.actions()] == list(COPIED)
    for action in application.exports.copy_menu.actions():
        clipboard.setText("before")
        with qtbot.waitSignal(clipboard.dataChanged):
            action.trigger()
        data = clipboard.mimeData()
        assert SENTENCE[:20] in (data.html() if action.data() == "html" else data.text()).replace("\\", "")


def test_subtitles_are_written_as_chosen(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    show_text(application)
    application.window.actions_.subtitles.trigger()
    dialog = application.window.findChild(SubtitleDialog)
    dialog.chosen.emit(PRESETS["standard"])
    dialog.reject()
    [recording] = application.session.recordings
    application.save(recording, tmp_path / "talk.srt", "srt")
    qtbot.waitUntil((tmp_path / "talk.srt").exists)
    events = pysubs2.load(str(tmp_path / "talk.srt"))
    assert all(len(line) <= 42 for event in events for line in event.plaintext.splitlines())
    assert " ".join(event.plaintext for event in events).split() == SENTENCE.split()


def test_documents_are_written_beside_the_window(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    """On a thread of their own, as everything that takes its time."""
    show_text(application)
    [recording] = application.session.recordings
    for name in ("pdf", "docx"):
        application.save(recording, tmp_path / f"talk.{name}", name)
        qtbot.waitUntil((tmp_path / f"talk.{name}").exists)
    [page] = pypdf.PdfReader(tmp_path / "talk.pdf").pages
    assert "".join(SENTENCE.split()) in "".join(page.extract_text().split())
    assert docx.Document(str(tmp_path / "talk.docx")).paragraphs[-1].text == f"0:00\t{SENTENCE}"


def test_the_layout_is_remembered(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    assert settings.subtitle_layout == PRESETS["spoken"]
    for layout in PRESETS.values():
        settings.subtitle_layout = layout
        assert Settings(tmp_path / "settings.ini").subtitle_layout == layout
    (tmp_path / "bad.ini").write_text("[General]\nsubtitle_line_count=2\nsubtitle_gap_ms=x\nsubtitle_cjk_width=-3\n")
    assert Settings(tmp_path / "bad.ini").subtitle_layout == PRESETS["spoken"]
