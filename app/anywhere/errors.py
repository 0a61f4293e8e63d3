"""Why dictation does not reach other programs."""

from __future__ import annotations

from gpu.errors import ExplainedError


class AnywhereError(ExplainedError):
    """Something about the hotkey, or the way to the cursor. `str` says why, `remedy` what to do."""


class HotkeyError(AnywhereError):
    """The hotkey cannot be had."""


class KeyboardError(AnywhereError):
    """Nothing can be typed into other programs."""


class ClipboardError(AnywhereError):
    """What is on the clipboard cannot be kept."""
