"""Named sets of options: how recordings are recognised and saved, for one kind of work each. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from app.document.auto_save import PatternError, SaveRule, parse_pattern
from app.document.export import FORMATS
from gpu.types import TranscribeOptions

# What a profile keeps of the options: all that the window lets choose.
OPTIONS = (
    "language", "task", "beam_size", "initial_prompt", "hotwords",
    "vad", "multilingual", "split_channels", "word_timestamps",
)  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """`highlight_words`: in subtitles. `rule`: what is saved by itself."""

    options: TranscribeOptions = field(default_factory=TranscribeOptions)
    highlight_words: bool = False
    rule: SaveRule = field(default_factory=SaveRule)

    def to_json(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "options": {name: getattr(self.options, name) for name in OPTIONS},
            "highlight_words": self.highlight_words,
            "save": {
                "formats": list(rule.formats),
                "folder": str(rule.folder or ""),
                "pattern": rule.pattern,
                "replace": rule.replace,
            },
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Profile:
        """What is not there, or nonsense, is as it comes."""
        defaults = {option.name: option.default for option in fields(TranscribeOptions)}
        found = values.get("options")
        kept = found if isinstance(found, dict) else {}
        options = {name: _like(kept.get(name, defaults[name]), defaults[name]) for name in OPTIONS}
        if options["task"] not in ("transcribe", "translate"):
            options["task"] = "transcribe"
        return cls(TranscribeOptions(**options), bool(values.get("highlight_words", False)), _rule(values.get("save")))


def _like(value: Any, default: Any) -> Any:
    """A value of the kind that an option has; beams are counted, the other optional ones are texts."""
    if isinstance(default, bool | str):
        return value if isinstance(value, type(default)) else default
    return value if isinstance(value, str | int) and not isinstance(value, bool) else default


def _rule(values: Any) -> SaveRule:
    if not isinstance(values, dict):
        return SaveRule()
    try:
        pattern = parse_pattern(str(values.get("pattern", SaveRule.pattern)))
    except PatternError:
        pattern = SaveRule.pattern
    wanted = values.get("formats")
    formats = tuple(name for name in FORMATS if isinstance(wanted, list) and name in wanted)
    folder = str(values.get("folder") or "")
    return SaveRule(formats, Path(folder) if folder else None, pattern, bool(values.get("replace", False)))
