r"""The language of the interface: English, or a translation in resources/i18n.

Texts of the window are marked as Qt does; those of the engine, which knows no Qt, are templates of `gpu.types.Words`.
After a change of either, in the repository's root (a test tells when it was forgotten):

    pyside6-lupdate -tr-function-alias tr+=Words -extensions py -locations none -no-obsolete app gpu \
        -ts resources/i18n/whisperdesktop_zh_CN.ts
    (translate what is "unfinished")
    pyside6-lrelease resources/i18n/whisperdesktop_zh_CN.ts
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

# By code, each in its own language.
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}

ENVIRONMENT_VARIABLE = "WHISPERDESKTOP_LANG"


def choose_language(chosen: str) -> str:
    """A code of `LANGUAGES`: the environment's, else the user's choice, else the first of the system's there is."""
    wanted = [os.environ.get(ENVIRONMENT_VARIABLE, ""), chosen, *QLocale.system().uiLanguages()]
    return next((code for name in wanted if (code := _match(name))), "en")


class Translation:
    """The translators in force."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._translators: list[QTranslator] = []

    def use(self, code: str) -> None:
        """Switch the interface to a code of `LANGUAGES`. Widgets receive `LanguageChange`."""
        QLocale.setDefault(QLocale(code))  # first: whoever is told of the change formats figures with it
        for translator in self._translators:
            QCoreApplication.removeTranslator(translator)
        self._translators = []
        if code == "en":
            return
        qt_folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        for name, folder in ((f"qtbase_{code}", qt_folder), (f"whisperdesktop_{code}", str(self._folder))):
            translator = QTranslator()
            if translator.load(name, folder):
                QCoreApplication.installTranslator(translator)
                self._translators.append(translator)


def _match(name: str) -> str | None:
    """The code for a locale's name ("en_GB", "zh-Hans-SG"); traditional Chinese is served by simplified."""
    language = name.replace("-", "_").split("_")[0].lower()
    return {"en": "en", "zh": "zh_CN"}.get(language)
