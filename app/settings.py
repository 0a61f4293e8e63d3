"""What the window remembers from one start to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.widgets.appearance import THEMES, ThemeChoice
from gpu.types import Task


class Settings:
    """Typed access to an INI file. What is not there, or nonsense, counts as the default."""

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeChoice:
        value = self._text("theme")
        return next((choice for choice in THEMES if choice == value), "system")

    @theme.setter
    def theme(self, value: ThemeChoice) -> None:
        self._store.setValue("theme", value)

    @property
    def interface_language(self) -> str:
        """A code of `app.i18n.LANGUAGES`; "" follows the system."""
        return self._text("interface_language")

    @interface_language.setter
    def interface_language(self, value: str) -> None:
        self._store.setValue("interface_language", value)

    @property
    def language(self) -> str | None:
        """Of the recordings; None to detect it."""
        return self._text("language") or None

    @language.setter
    def language(self, value: str | None) -> None:
        self._store.setValue("language", value or "")

    @property
    def task(self) -> Task:
        return "translate" if self._text("task") == "translate" else "transcribe"

    @task.setter
    def task(self, value: Task) -> None:
        self._store.setValue("task", value)

    @property
    def model(self) -> Path | None:
        """The model file the user chose; None for the one that comes with the program."""
        text = self._text("model")
        return Path(text) if text else None

    @model.setter
    def model(self, value: Path | None) -> None:
        self._store.setValue("model", str(value or ""))

    @property
    def folder(self) -> Path:
        """Where recordings were last picked."""
        text = self._text("folder")
        return Path(text) if text else Path.home()

    @folder.setter
    def folder(self, value: Path) -> None:
        self._store.setValue("folder", str(value))

    @property
    def geometry(self) -> QByteArray:
        return self._bytes("geometry")

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def models_geometry(self) -> QByteArray:
        """Of the window of models."""
        return self._bytes("models_geometry")

    @models_geometry.setter
    def models_geometry(self, value: QByteArray) -> None:
        self._store.setValue("models_geometry", value)

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def _text(self, key: str) -> str:
        value = self._store.value(key, "")
        return value if isinstance(value, str) else ""
