"""What is chosen for dictation, kept from one start to the next. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Source = Literal["microphone", "system"]


@dataclass(frozen=True)
class DictationSettings:
    """
    Attributes:
        microphone: its key (`app.capture.microphone.Microphone`); "" for the system's choice.
        microphone_name: how people know it, to be shown while it is not there.
        source: "system": what the computer plays.
        language: a code, or None: it is detected.
        keep_sound: after the text is complete.
        append: all text goes to a file, too: `append_to`, "" while none is chosen.
    """

    microphone: str = ""
    microphone_name: str = ""
    source: Source = "microphone"
    language: str | None = None
    keep_sound: bool = True
    append: bool = False
    append_to: str = ""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What is nonsense counts as the default."""
        standard = cls()
        known: dict[str, Any] = {
            name: value
            for name, default in asdict(standard).items()
            if isinstance(value := values.get(name, default), bool if isinstance(default, bool) else str)
        }
        if known.get("source") not in ("microphone", "system"):
            known.pop("source", None)
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
