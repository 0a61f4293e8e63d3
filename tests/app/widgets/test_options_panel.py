"""The panel of options: what is chosen there, and how it is told."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.i18n import Translation
from app.widgets.options_panel import OptionsPanel
from gpu.types import TranscribeOptions

DEFAULTS = TranscribeOptions()
EVERYTHING = TranscribeOptions(
    vad=False,
    multilingual=True,
    split_channels=True,
    beam_size=5,
    word_timestamps=True,
    initial_prompt="An interview.",
    hotwords="Norland Park",
)


@pytest.fixture
def panel(qtbot: QtBot, translation: Translation) -> OptionsPanel:
    panel = OptionsPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_as_it_comes_it_changes_nothing(panel: OptionsPanel) -> None:
    options = TranscribeOptions(language="de", task="translate")
    assert panel.apply_to(options) == options
    assert (panel.n_changed, panel.highlight_words) == (0, False)
    assert not panel.reset.isEnabled()


def test_every_option_is_chosen_by_keyboard(panel: OptionsPanel, qtbot: QtBot) -> None:
    counts: list[int] = []
    panel.counted.connect(counts.append)
    for switch in (panel.vad, panel.multilingual, panel.split_channels, panel.accurate, panel.word_timestamps):
        with qtbot.waitSignal(panel.changed):
            qtbot.keyClick(switch, Qt.Key.Key_Space)
    for field, text in ((panel.prompt, "An interview. "), (panel.hotwords, "Norland Park")):
        with qtbot.waitSignal(panel.changed):
            qtbot.keyClicks(field, text)
    assert panel.apply_to(DEFAULTS) == EVERYTHING
    assert list(dict.fromkeys(counts)) == list(range(1, 8))
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClick(panel.reset, Qt.Key.Key_Space)
    assert panel.apply_to(DEFAULTS) == DEFAULTS


def test_what_was_chosen_before_is_shown(panel: OptionsPanel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(panel.changed):
        panel.choose(EVERYTHING, highlight_words=True)
    assert panel.apply_to(DEFAULTS) == EVERYTHING
    assert panel.n_changed == 8


def test_words_are_marked_only_where_they_are_timed(panel: OptionsPanel, qtbot: QtBot) -> None:
    assert not panel.highlight.isEnabled()
    panel.choose(DEFAULTS, highlight_words=True)
    assert not panel.highlight_words
    panel.word_timestamps.click()
    assert panel.highlight.isEnabled()
    assert panel.highlight_words
    assert panel.n_changed == 2


def test_every_option_has_a_name_and_a_sentence(panel: OptionsPanel, translation: Translation) -> None:
    for code, full_stop in (("en", "."), ("zh_CN", "。")):
        translation.use(code)
        panel.changeEvent(QEvent(QEvent.Type.LanguageChange))
        fields = [*panel.findChildren(QCheckBox), *panel.findChildren(QLineEdit)]
        assert len(fields) == 8
        assert all(f.accessibleName() or f.text() for f in fields)
        sentences = {f.accessibleDescription() for f in fields}
        assert len(sentences) == 8
        assert all(sentence.endswith(full_stop) for sentence in sentences)


def test_choices_survive_another_language(panel: OptionsPanel, translation: Translation) -> None:
    panel.choose(EVERYTHING, highlight_words=True)
    translation.use("zh_CN")
    panel.changeEvent(QEvent(QEvent.Type.LanguageChange))
    assert panel.apply_to(DEFAULTS) == EVERYTHING
