"""What a hotkey that goes down and up means."""

from __future__ import annotations

from typing import Literal

from app.anywhere.rules import HotkeyMode

HOLD_S = 0.4  # a key that is down for longer was held, not tapped

Wish = Literal["start", "stop"]


class HotkeyMeaning:
    """Args:
    mode: "toggle": each press starts or stops. "hold": as long as it is down. "hybrid": tapped it toggles, held it
        ends when it goes up.
    """

    def __init__(self, mode: HotkeyMode) -> None:
        self._mode = mode
        self._started_at: float | None = None  # by the press that is under way

    def press(self, now: float, *, is_active: bool) -> Wish | None:
        self._started_at = None
        if is_active:
            return "stop" if self._mode != "hold" else None
        self._started_at = now
        return "start"

    def release(self, now: float) -> Wish | None:
        started, self._started_at = self._started_at, None
        if started is None or self._mode == "toggle":
            return None
        return "stop" if self._mode == "hold" or now - started >= HOLD_S else None
