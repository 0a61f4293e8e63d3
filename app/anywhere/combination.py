"""A key with its modifiers, as Qt writes it: "Ctrl+Shift+V"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

MODIFIERS = ("Ctrl", "Shift", "Alt", "Meta")
_EXTENDED = {"Insert": "Ins", "Delete": "Del", "Escape": "Esc", "Enter": "Return"}


@dataclass(frozen=True)
class Combination:
    """Args:
    key: Qt's name: "V", "F9", "Space", "Ins".
    """

    modifiers: frozenset[str]
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ValueError` for what is none."""
        head, _, key = text.strip().rpartition("+")
        if not key and (text.strip() == "+" or head.endswith("+")):  # the key is the plus itself
            head, key = head.removesuffix("+"), "+"
        given = [part.strip().capitalize() for part in head.split("+")] if head else []
        key = key.strip()
        if not key or any(part not in MODIFIERS for part in given):
            raise ValueError(f"got {text!r}, expected keys such as Ctrl+Shift+V")
        key = key.upper() if len(key) == 1 else key
        return cls(frozenset(given), _EXTENDED.get(key, key))

    def __str__(self) -> str:
        return "+".join([name for name in MODIFIERS if name in self.modifiers] + [self.key])
