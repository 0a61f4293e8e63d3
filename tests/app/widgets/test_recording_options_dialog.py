"""Options of some recordings: what they have in common, and what stays different."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.i18n import Translation
from app.session import Recording, Session
from app.widgets.appearance import Appearance
from app.widgets.recording_options_dialog import RecordingOptionsDialog
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.legibility import cut_off, faint

FRENCH = TranscribeOptions(language="fr", hotwords="Dashwood")
OTHER = TranscribeOptions(task="translate", vad=False, beam_size=7, initial_prompt="An interview.", best_of=3)


@pytest.fixture
def recordings(appearance: Appearance, translation: Translation) -> list[Recording]:
    session = Session()
    return [session.add(Path(f"/recordings/{n}.mp3"), options) for n, options in enumerate((FRENCH, OTHER))]


def dialog_of(recordings: list[Recording], qtbot: QtBot) -> RecordingOptionsDialog:
    dialog = RecordingOptionsDialog(recordings)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


@pytest.mark.parametrize("n", [1, 2])
def test_nothing_changes_where_nothing_is_chosen(recordings: list[Recording], n: int, qtbot: QtBot) -> None:
    dialog = dialog_of(recordings[:n], qtbot)
    assert [dialog.apply_to(recording.options) for recording in recordings[:n]] == [FRENCH, OTHER][:n]


def test_what_is_chosen_goes_for_all_of_them(recordings: list[Recording], qtbot: QtBot) -> None:
    dialog = dialog_of(recordings, qtbot)
    chosen: list[list[tuple[Recording, TranscribeOptions, Path | None]]] = []
    dialog.chosen.connect(chosen.append)
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    dialog.switches["word_timestamps"].click()
    dialog.switches["beam_size"].setCheckState(Qt.CheckState.Checked)
    qtbot.keyClicks(dialog.lines["hotwords"], "Norland")
    dialog.accept()
    common = {"language": "de", "word_timestamps": True, "hotwords": "Norland"}
    first, second = recordings
    assert chosen == [
        [(first, replace(FRENCH, beam_size=5, **common), None), (second, replace(OTHER, beam_size=7, **common), None)]
    ]


def test_what_one_has_is_taken_away(recordings: list[Recording], qtbot: QtBot) -> None:
    dialog = dialog_of(recordings[:1], qtbot)
    dialog.lines["hotwords"].clear()
    dialog.language.setCurrentIndex(dialog.language.findData(""))
    assert dialog.apply_to(FRENCH) == TranscribeOptions()


def test_models_that_differ_may_stay_so(recordings: list[Recording], translation: Translation, qtbot: QtBot) -> None:
    large, small, used = (Path(f"/models/ggml-{name}.bin") for name in ("large", "small", "base"))
    recordings[1].model = large
    dialog = RecordingOptionsDialog(recordings, used)
    qtbot.addWidget(dialog)
    assert [dialog.model_of(recording) for recording in recordings] == [None, large]
    dialog.show_models([(used, 60_000_000), (small, 190_000_000)])
    texts = [dialog.model.itemText(row) for row in range(dialog.model.count())]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts] == [
        "As each has it", "The one in use (base)", "small (190 MB)", "large (is gone)",
    ]  # fmt: skip
    assert [dialog.model_of(recording) for recording in recordings] == [None, large]
    dialog.model.setCurrentIndex(2)
    translation.use("zh_CN")
    qtbot.waitUntil(lambda: dialog.model.itemText(1) != texts[1])
    assert [dialog.model_of(recording) for recording in recordings] == [small, small]
    dialog.model.setCurrentIndex(1)
    assert [dialog.model_of(recording) for recording in recordings] == [None, None]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("n", [1, 2])
def test_it_can_be_read_by_everybody(
    recordings: list[Recording], n: int, language: str, translation: Translation, appearance: Appearance, qtbot: QtBot
) -> None:
    translation.use(language)
    for theme in ("light", "dark"):
        appearance.set_choice(theme)
        dialog = dialog_of(recordings[:n], qtbot)
        assert [*missing(dialog), *cut_off(dialog), *faint(dialog)] == []


def test_it_follows_the_language_and_keeps_what_is_chosen(
    recordings: list[Recording], translation: Translation, qtbot: QtBot
) -> None:
    dialog = dialog_of(recordings, qtbot)
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    before = dialog.language.currentText()
    translation.use("zh_CN")
    qtbot.waitUntil(lambda: dialog.language.currentText() != before)
    assert dialog.language.currentData() == "de"
    assert dialog.switches["vad"].text() != "Leave out what is not speech"
    assert dialog.apply_to(FRENCH) == replace(FRENCH, language="de")
