"""What the window remembers from one start to the next."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from app.anywhere.rules import Rules
from app.dictation_settings import DictationSettings
from app.document.auto_save import PatternError, SaveRule, parse_pattern
from app.document.export import FORMATS
from app.document.subtitles import Layout
from app.log import LOG_LEVELS, LogLevel
from app.profiles import OPTIONS
from app.watched_folder import WatchRule
from app.widgets.appearance import THEMES, ThemeChoice
from gpu.types import TranscribeOptions

_KEPT = {"schema", "geometry", "models_geometry", "folder", "model", "welcomed", "status_details", "log_level"}
THEME_VARIABLE = "WHISPERDESKTOP_THEME"
SCHEMA = 1  # of the file; one without a number is of this one
FONT_PERCENTS = (80, 90, 100, 110, 125, 150, 175, 200)


class Settings:
    """Typed access to an INI file. What is not there, or nonsense, counts as the default."""

    def __init__(self, path: Path) -> None:
        """Nothing is lost of a file that this version does not understand: it is kept under another name."""
        self.set_aside: Path | None = None
        self._store = QSettings(str(path), QSettings.Format.IniFormat)
        damaged = self._store.status() is not QSettings.Status.NoError
        if damaged or (self._number("schema") or SCHEMA) > SCHEMA:
            self.set_aside = path.with_name(f"{path.stem}.{'damaged' if damaged else 'newer'}{path.suffix}")
            try:
                path.replace(self.set_aside)
            except OSError:
                self.set_aside = None
            else:
                self._store = QSettings(str(path), QSettings.Format.IniFormat)
        self._store.setValue("schema", SCHEMA)

    @property
    def theme(self) -> ThemeChoice:
        value = self._text("theme")
        return next((choice for choice in THEMES if choice == value), "system")

    @theme.setter
    def theme(self, value: ThemeChoice) -> None:
        self._store.setValue("theme", value)

    @property
    def theme_now(self) -> ThemeChoice:
        """What the environment says, else what is chosen."""
        return next((choice for choice in THEMES if choice == os.environ.get(THEME_VARIABLE)), self.theme)

    @property
    def interface_language(self) -> str:
        """A code of `app.i18n.LANGUAGES`; "" follows the system."""
        return self._text("interface_language")

    @interface_language.setter
    def interface_language(self, value: str) -> None:
        self._store.setValue("interface_language", value)

    @property
    def options(self) -> TranscribeOptions:
        """What the window lets choose of them."""
        return TranscribeOptions(
            language=self._text("language") or None,
            task="translate" if self._text("task") == "translate" else "transcribe",
            beam_size=self._number("beam_size"),
            initial_prompt=self._text("initial_prompt") or None,
            hotwords=self._text("hotwords") or None,
            vad=self._flag("vad"),
            multilingual=self._flag("multilingual"),
            split_channels=self._flag("split_channels"),
            word_timestamps=self._flag("word_timestamps"),
        )

    @options.setter
    def options(self, value: TranscribeOptions) -> None:
        for name in OPTIONS:
            chosen = getattr(value, name)
            self._store.setValue(name, "" if chosen is None else chosen)

    @property
    def dictation(self) -> DictationSettings:
        return DictationSettings.from_json(self._json("dictation"))

    @dictation.setter
    def dictation(self, value: DictationSettings) -> None:
        self._store.setValue("dictation", json.dumps(value.to_json()))

    @property
    def device(self) -> str:
        """What the engine is to run on: "auto", "cpu", or "cuda:0" for a certain GPU."""
        return self._text("device") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._store.setValue("device", value)

    @property
    def threads(self) -> int | None:
        """Of the CPU; None leaves it to the engine."""
        return self._number("threads")

    @threads.setter
    def threads(self, value: int | None) -> None:
        self._store.setValue("threads", value or "")

    @property
    def font_percent(self) -> int:
        """Of the system's size."""
        return min(max(self._number("font_percent") or 100, FONT_PERCENTS[0]), FONT_PERCENTS[-1])

    @font_percent.setter
    def font_percent(self, value: int) -> None:
        self._store.setValue("font_percent", value)

    @property
    def shortcuts(self) -> dict[str, str]:
        """Those that the user has changed, by the names of their actions, as portable text."""
        return {name: keys for name, keys in self._json("shortcuts").items() if isinstance(keys, str)}

    @shortcuts.setter
    def shortcuts(self, value: dict[str, str]) -> None:
        self._store.setValue("shortcuts", json.dumps(value, ensure_ascii=False))

    @property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """Sets of options by their names, as `app.profiles` writes them."""
        return {name: values for name, values in self._json("profiles").items() if isinstance(values, dict)}

    @profiles.setter
    def profiles(self, value: dict[str, dict[str, Any]]) -> None:
        self._store.setValue("profiles", json.dumps(value, ensure_ascii=False))

    @property
    def anywhere(self) -> Rules:
        """How dictation reaches other programs."""
        return Rules.from_json(self._text("anywhere"))

    @anywhere.setter
    def anywhere(self, value: Rules) -> None:
        self._store.setValue("anywhere", value.to_json())

    @property
    def portal_token(self) -> str:
        """What the desktop gave when it allowed keys for other programs, so that it need not ask again (Wayland)."""
        return self._text("portal_token")

    @portal_token.setter
    def portal_token(self, value: str) -> None:
        self._store.setValue("portal_token", value)

    @property
    def welcomed(self) -> bool:
        """The user has seen what the program can do at its first start."""
        return self._flag("welcomed")

    @welcomed.setter
    def welcomed(self, value: bool) -> None:
        self._store.setValue("welcomed", value)

    @property
    def options_shown(self) -> bool:
        """The panel with all options is open."""
        return self._flag("options_shown")

    @options_shown.setter
    def options_shown(self, value: bool) -> None:
        self._store.setValue("options_shown", value)

    @property
    def notify(self) -> bool:
        """By the desktop, when all recordings are through."""
        return str(self._store.value("notify", True)).lower() != "false"

    @notify.setter
    def notify(self, value: bool) -> None:
        self._store.setValue("notify", value)

    @property
    def mark_words(self) -> bool:
        """Those the model was not sure of."""
        return str(self._store.value("mark_words", True)).lower() != "false"

    @mark_words.setter
    def mark_words(self, value: bool) -> None:
        self._store.setValue("mark_words", value)

    @property
    def volume(self) -> int:
        """Of playback, 0 to 100."""
        text = str(self._store.value("volume", ""))
        return min(int(text), 100) if text.isdecimal() else 100

    @volume.setter
    def volume(self, value: int) -> None:
        self._store.setValue("volume", value)

    @property
    def highlight_words(self) -> bool:
        """In the subtitles that are saved."""
        return self._flag("highlight_words")

    @highlight_words.setter
    def highlight_words(self, value: bool) -> None:
        self._store.setValue("highlight_words", value)

    @property
    def subtitle_layout(self) -> Layout:
        """How subtitles are made; `highlight_words` is kept for itself."""
        width = self._number("subtitle_line_width")
        return Layout(
            max_line_width=width,
            max_line_count=self._number("subtitle_line_count") if width else None,
            max_cjk_width=self._number("subtitle_cjk_width") if width else None,
            max_speed=self._number("subtitle_speed"),
            max_cjk_speed=self._number("subtitle_cjk_speed"),
            min_gap_ms=self._number("subtitle_gap_ms") or 0,
        )

    @subtitle_layout.setter
    def subtitle_layout(self, value: Layout) -> None:
        for key, number in (
            ("line_width", value.max_line_width),
            ("line_count", value.max_line_count),
            ("cjk_width", value.max_cjk_width),
            ("speed", value.max_speed),
            ("cjk_speed", value.max_cjk_speed),
            ("gap_ms", value.min_gap_ms),
        ):
            self._store.setValue(f"subtitle_{key}", int(number or 0))

    @property
    def save_rule(self) -> SaveRule:
        """What is saved by itself."""
        wanted = self._text("save_formats").split()
        folder = self._text("save_folder")
        try:
            pattern = parse_pattern(self._text("save_pattern"))
        except PatternError:
            pattern = SaveRule.pattern
        formats = tuple(name for name in FORMATS if name in wanted)
        return SaveRule(formats, Path(folder) if folder else None, pattern, self._flag("save_replace"))

    @save_rule.setter
    def save_rule(self, value: SaveRule) -> None:
        self._store.setValue("save_formats", " ".join(value.formats))
        self._store.setValue("save_folder", str(value.folder or ""))
        self._store.setValue("save_pattern", value.pattern)
        self._store.setValue("save_replace", value.replace)

    @property
    def watch_rule(self) -> WatchRule | None:
        """The folder that is watched, if one is."""
        folder = Path(self._text("watch_folder"))
        recursive = str(self._store.value("watch_recursive", True)).lower() != "false"
        return WatchRule(folder, recursive) if folder.is_absolute() else None

    @watch_rule.setter
    def watch_rule(self, value: WatchRule | None) -> None:
        self._store.setValue("watch_folder", str(value.folder) if value is not None else "")
        if value is not None:
            self._store.setValue("watch_recursive", value.recursive)

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
    def status_details(self) -> bool:
        """The status panel shows them."""
        return self._flag("status_details")

    @status_details.setter
    def status_details(self, value: bool) -> None:
        self._store.setValue("status_details", value)

    @property
    def log_level(self) -> LogLevel:
        value = self._text("log_level")
        return next((level for level in LOG_LEVELS if level == value), "info")

    @log_level.setter
    def log_level(self, value: LogLevel) -> None:
        self._store.setValue("log_level", value)

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

    def reset(self) -> None:
        """Everything is as it comes, but for what is no choice: where windows are, and which model was used last."""
        for key in self._store.allKeys():
            if key not in _KEPT:
                self._store.remove(key)

    def _json(self, key: str) -> dict[str, Any]:
        with suppress(ValueError):
            found = json.loads(self._text(key) or "{}")
            if isinstance(found, dict):
                return found
        return {}

    def _number(self, key: str) -> int | None:
        text = str(self._store.value(key, ""))
        return int(text) if text.isdecimal() and int(text) > 0 else None

    def _flag(self, key: str) -> bool:
        default = getattr(TranscribeOptions(), key, False)
        value = self._store.value(key, default)
        return {"true": True, "false": False}.get(str(value).lower(), default)

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def _text(self, key: str) -> str:
        value = self._store.value(key, "")
        return value if isinstance(value, str) else ""
