import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.document.export import FORMATS
from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
)
from app.i18n import Translation
from app.session import Recording, Session
from app.widgets.appearance import Appearance
from app.widgets.transcript_page import TranscriptPage
from tests.support.engine_messages import make_recording, make_segment, make_stats


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def recording(session: Session) -> Recording:
    return make_recording("talk.mp3", session)


@pytest.fixture
def page(qtbot: QtBot, appearance: Appearance, translation: Translation, recording: Recording) -> TranscriptPage:
    page = TranscriptPage(appearance)
    qtbot.addWidget(page)
    page.resize(800, 500)
    page.show_recording(recording)
    page.show()
    qtbot.waitExposed(page)
    return page


def placeholder(page: TranscriptPage) -> str:
    return page._placeholder.headline.text() if page._placeholder.isVisible() else ""


def test_a_run_as_it_is_seen(page: TranscriptPage, session: Session, recording: Recording) -> None:
    job = recording.job_id
    assert placeholder(page) == "Waiting for its turn"
    assert page.cancel.isVisible()
    assert not page.retry.isVisible()
    assert not page.save.isEnabled()
    session.apply(JobStarted(job, recording.path))
    page.refresh()
    assert placeholder(page) == "The text appears here as it is recognised"
    assert page.progress.maximum() == 0  # busy, of unknown length
    session.apply(JobSegment(job, make_segment(0)))
    session.apply(JobStats(job, make_stats(30.0)))
    page.refresh()
    assert placeholder(page) == ""
    assert page.model.rowCount() == 1
    assert page.progress.value() == page.progress.maximum() // 2
    assert page._progress_text.text() == "50 % · 0:30 of 1:00 · about 10 s left"
    assert page.save.isEnabled()
    session.apply(JobFinished(job, make_stats(60.0)))
    page.refresh()
    assert not page.progress.isVisible()
    assert not page.cancel.isVisible()
    assert page.retry.isVisible()
    assert not page._badge.isVisible()
    assert not page.notice.isVisible()


def test_partial_text_is_marked(page: TranscriptPage, session: Session, recording: Recording) -> None:
    session.apply(JobStarted(recording.job_id, recording.path))
    session.apply(JobSegment(recording.job_id, make_segment(14)))
    session.apply(JobCancelled(recording.job_id, None))
    page.refresh()
    assert page._badge.isVisible()
    assert page.notice.text == "Cancelled: the text ends at 0:45 of the recording."
    page.notice.hide()
    page.refresh()
    assert not page.notice.isVisible()  # what was closed stays closed


def test_a_failure_explains_itself(page: TranscriptPage, session: Session, recording: Recording, qtbot: QtBot) -> None:
    failed = JobFailed(recording.job_id, recording.path, "NoAudioStreamError", "talk.mp3 is silent.", "Choose another.")
    session.apply(failed)
    page.refresh()
    assert placeholder(page) == "No sound in this file"
    assert page._placeholder.detail.text() == "talk.mp3 is silent."
    assert page._placeholder.remedy.text() == "Choose another."
    buttons = [button for button in page._placeholder.findChildren(QPushButton) if button.isVisible()]
    assert [button.text() for button in buttons] == ["Try again"]
    with qtbot.waitSignal(page.retry_requested):
        qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)


def test_a_model_failure_offers_another_model(
    page: TranscriptPage, session: Session, recording: Recording, qtbot: QtBot
) -> None:
    session.apply(JobFailed(recording.job_id, recording.path, "DamagedModelError", "cause", "remedy"))
    page.refresh()
    choose = page._placeholder.findChildren(QPushButton)[1]
    assert choose.text() == "Choose model file…"
    with qtbot.waitSignal(page.model_wanted):
        qtbot.mouseClick(choose, Qt.MouseButton.LeftButton)


def test_a_failure_on_the_way_keeps_the_text(page: TranscriptPage, session: Session, recording: Recording) -> None:
    session.apply(JobSegment(recording.job_id, make_segment(0)))
    session.apply(JobFailed(recording.job_id, recording.path, "DeviceMemoryError", "cause", "remedy"))
    page.refresh()
    assert page.view.isVisible()
    assert page.notice.severity == "error"
    assert page.notice.text.splitlines()[1:] == ["cause", "remedy"]


def test_warnings_and_silence(page: TranscriptPage, session: Session, recording: Recording) -> None:
    session.apply(JobWarning(recording.job_id, "The file is cut off."))
    session.apply(JobFinished(recording.job_id, make_stats(60.0)))
    page.refresh()
    assert placeholder(page) == "No speech was found in this recording"
    assert page.notice.text == "The file is cut off."


def test_the_newest_text_is_one_press_away(
    page: TranscriptPage, session: Session, recording: Recording, qtbot: QtBot
) -> None:
    session.apply(JobStarted(recording.job_id, recording.path))
    for number in range(100):
        session.apply(JobSegment(recording.job_id, make_segment(number)))
    page.refresh()
    qtbot.waitUntil(lambda: page.view.verticalScrollBar().maximum() > 0)
    assert not page.jump.isVisible()
    page.view.verticalScrollBar().setValue(0)
    assert page.jump.isVisible()
    qtbot.mouseClick(page.jump, Qt.MouseButton.LeftButton)
    assert not page.jump.isVisible()
    assert page.view.following


def test_every_format_can_be_chosen(page: TranscriptPage, qtbot: QtBot) -> None:
    actions = page.save.menu().actions()
    assert [action.data() for action in actions] == list(FORMATS)
    for action in actions:
        with qtbot.waitSignal(page.save_requested) as signal:
            action.trigger()
        assert signal.args == [action.data()]


def test_the_page_speaks_chinese(page: TranscriptPage, translation: Translation) -> None:
    translation.use("zh_CN")
    page.changeEvent(QEvent(QEvent.Type.LanguageChange))
    assert placeholder(page) == "正在排队等待"
    assert page.cancel.text() == "取消"
