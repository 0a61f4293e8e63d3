"""Lists of languages to choose from."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QComboBox

from app.languages import LANGUAGE_NAMES, language_name, sorted_languages
from app.widgets.texts import translate


def fill_languages(box: QComboBox) -> None:
    """Detection (""), then what this user most likely needs, then all by name; the data are Whisper's codes."""
    box.addItem(translate("OptionsBar", "Detect the language"), "")
    box.insertSeparator(box.count())
    likely = [QLocale(name).name().split("_")[0] for name in QLocale.system().uiLanguages()]
    first = [code for code in dict.fromkeys([*likely, "en", "zh"]) if code in LANGUAGE_NAMES]
    for code in first:
        box.addItem(language_name(code), code)
    box.insertSeparator(box.count())
    for code, name in sorted_languages():
        if code not in first:
            box.addItem(name, code)
    box.view().setTextElideMode(Qt.TextElideMode.ElideRight)
