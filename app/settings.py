"""What the window remembers from one start to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.document.auto_save import PatternError, SaveRule, parse_pattern
from app.document.export import FORMATS
from app.document.subtitles import Layout
from app.log import LOG_LEVELS, LogLevel
from app.watched_folder import WatchRule
from app.widgets.appearance import THEMES, ThemeChoice
from gpu.types import TranscribeOptions

_OPTIONS = (
    "language", "task", "beam_size", "initial_prompt", "hotwords",
    "vad", "multilingual", "split_channels", "word_timestamps",
)  # fmt: skip


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
        for name in _OPTIONS:
            chosen = getattr(value, name)
            self._store.setValue(name, "" if chosen is None else chosen)

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
