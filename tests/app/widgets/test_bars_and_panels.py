"""The message bar, the options, the status panel and the drop area: what they show and what they emit."""

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QComboBox, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.engine.messages import (
    JobLanguage,
    JobStarted,
    JobStats,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
)
from app.i18n import Translation
from app.languages import LANGUAGE_NAMES
from app.paths import default_model
from app.session import Session
from app.widgets.appearance import Appearance
from app.widgets.drop_area import DropArea
from app.widgets.message_bar import MessageBar, Saying
from app.widgets.options_bar import OptionsBar
from app.widgets.status_panel import StatusPanel
from gpu.types import DeviceInfo, ModelInfo, TranscribeOptions, Words
from tests.support.engine_messages import MEMORY, make_recording, make_stats

LOADED = ModelLoaded(
    ModelInfo("ggml-base-q5_1", "base", "Q5_1", 59_707_625, is_multilingual=True, load_s=0.5),
    DeviceInfo("cpu", "Intel Xeon", Words("No NVIDIA driver was found")),
)


@pytest.fixture
def bar(qtbot: QtBot, appearance: Appearance, translation: Translation) -> MessageBar:
    bar = MessageBar(appearance)
    qtbot.addWidget(bar)
    return bar


def test_an_error_stays_until_it_is_closed(bar: MessageBar, qtbot: QtBot) -> None:
    bar.say("error", lambda: Saying("What is wrong", "What to do", "Do it"))
    assert bar.isVisible()
    assert bar.text == "What is wrong\nWhat to do"
    assert bar.accessibleName() == bar.text
    assert not bar._timer.isActive()
    with qtbot.waitSignal(bar.action_requested):
        qtbot.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(bar.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_information_goes_by_itself(bar: MessageBar, qtbot: QtBot) -> None:
    bar._timer.setInterval(10)
    bar.say("info", lambda: Saying("Saved"))
    assert bar.isVisible()
    assert not bar.findChild(QPushButton).isVisible()
    qtbot.waitUntil(lambda: not bar.isVisible())


def test_an_error_after_information_stays(bar: MessageBar) -> None:
    bar.say("info", lambda: Saying("Saved"))
    bar.say("error", lambda: Saying("Wrong"))
    assert not bar._timer.isActive()


def test_a_message_changes_its_language(bar: MessageBar, translation: Translation) -> None:
    bar.say("info", lambda: Saying(bar.tr("Close this message")))
    translation.use("zh_CN")
    bar.changeEvent(language_change())
    assert bar.text == "关闭此消息"


def language_change():  # type: ignore[no-untyped-def]
    from PySide6.QtCore import QEvent

    return QEvent(QEvent.Type.LanguageChange)


@pytest.fixture
def options(qtbot: QtBot, translation: Translation) -> OptionsBar:
    options = OptionsBar()
    qtbot.addWidget(options)
    return options


def test_the_default_is_to_detect_and_transcribe(options: OptionsBar) -> None:
    assert (options.language, options.task) == (None, "transcribe")
    assert options.apply_to(TranscribeOptions(best_of=3)) == TranscribeOptions(best_of=3)


def test_every_language_can_be_chosen_once(options: OptionsBar) -> None:
    box = options.findChild(QComboBox)
    codes = [box.itemData(i) for i in range(box.count()) if box.itemData(i)]
    assert sorted(codes) == sorted(LANGUAGE_NAMES)
    for code in LANGUAGE_NAMES:
        wanted = TranscribeOptions(language=code, task="translate", beam_size=5)
        options.choose(wanted)
        assert options.apply_to(TranscribeOptions()) == wanted
    options.choose(TranscribeOptions(language="no such code"))
    assert options.language is None


def test_a_choice_survives_another_language_of_the_interface(options: OptionsBar, translation: Translation) -> None:
    options.choose(TranscribeOptions(language="de", task="translate"))
    translation.use("zh_CN")
    options.changeEvent(language_change())
    assert (options.language, options.task) == ("de", "translate")
    assert options.findChild(QComboBox).currentText() == "德语"


def test_a_language_is_found_by_typing(options: OptionsBar, qtbot: QtBot) -> None:
    box = options.findChild(QComboBox)
    options.show()
    with qtbot.waitSignal(options.changed):
        qtbot.keyClicks(box, "Germ")
        qtbot.keyClick(box, Qt.Key.Key_Down)
        qtbot.keyClick(box, Qt.Key.Key_Up)
    assert options.language == "de"


@pytest.fixture
def panel(qtbot: QtBot, translation: Translation) -> StatusPanel:
    panel = StatusPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_the_panel_before_during_and_after_loading(panel: StatusPanel) -> None:
    assert panel.device.text() == panel.model.text() == panel.memory.text() == "–"
    panel.show_model(ModelLoading(default_model()))
    assert panel.model.text() == "Loading ggml-base-q5_1…"
    panel.show_model(LOADED)
    panel.show_memory(MEMORY)
    assert panel.device.text() == "CPU · Intel Xeon"
    assert panel.note.text() == "No NVIDIA driver was found"
    assert panel.model.text() == "ggml-base-q5_1 · Q5_1 · 60\N{NO-BREAK SPACE}MB"
    assert panel.memory.text().replace("\N{NO-BREAK SPACE}", " ") == "400 MB used · peak 450 MB\n7.8 GB of 16.0 GB free"
    panel.show_model(ModelFailed(default_model(), "cause", "remedy", "DamagedModelError"))
    assert panel.model.text() == "ggml-base-q5_1.bin could not be loaded"
    assert not panel.note.isVisible()


def test_a_custom_model_shows_its_size(panel: StatusPanel) -> None:
    model = ModelInfo("my-model", "small", "Q8_0", 256_000_000, is_multilingual=True, load_s=1.0)
    panel.show_model(ModelLoaded(model, DeviceInfo("cuda", "RTX 4090", "")))
    assert panel.model.text().startswith("my-model · small · Q8_0 · 256")
    assert panel.device.text() == "GPU · RTX 4090"


def test_figures_of_a_run(panel: StatusPanel) -> None:
    session = Session()
    recording = make_recording(session=session)
    session.apply(JobStarted(recording.job_id, recording.path))
    panel.show_recording(recording)
    assert panel.speed.text() == panel.language.text() == "–"
    session.apply(JobLanguage(recording.job_id, "de", 0.987))
    session.apply(JobStats(recording.job_id, make_stats(40.0)))
    panel.show_recording(recording)
    assert panel.speed.text() == "0.25 (4.0× faster than real time)"
    assert panel.language.text() == "German (detected, 98 %)"
    assert "400" in panel.memory.text()
    assert "Below 1 is faster than real time" in panel.speed.toolTip()
    session.apply(JobLanguage(recording.job_id, "de", None))
    panel.show_recording(recording)
    assert panel.language.text() == "German (chosen)"
    panel.show_recording(None)
    assert panel.speed.text() == "–"


def test_the_panel_speaks_chinese(panel: StatusPanel, translation: Translation) -> None:
    panel.show_model(LOADED)
    translation.use("zh_CN")
    panel.changeEvent(language_change())
    assert panel.note.text() == "未找到 NVIDIA 驱动程序"
    assert QLocale().name() == "zh_CN"


def test_the_drop_area_offers_two_buttons_and_shows_a_drag(
    qtbot: QtBot, appearance: Appearance, translation: Translation
) -> None:
    area = DropArea(appearance)
    qtbot.addWidget(area)
    area.resize(600, 500)
    area.show()
    files, folder = area.findChildren(QPushButton)
    with qtbot.waitSignal(area.files_wanted):
        qtbot.mouseClick(files, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(area.folder_wanted):
        qtbot.keyClick(folder, Qt.Key.Key_Space)
    assert area.accessibleName() == "Drop recordings here"
    quiet = area.grab().toImage()
    area.set_active(True)
    assert area.accessibleName() == "Release to transcribe"
    assert area.grab().toImage() != quiet
