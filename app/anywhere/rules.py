"""How dictation reaches other programs, as the user has it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from app.anywhere.combination import Combination
from app.anywhere.interfaces import Program
from app.anywhere.spoken import Wording

HotkeyMode = Literal["hybrid", "toggle", "hold"]
Way = Literal["paste", "type", "clipboard"]
Pace = Literal["words", "utterances", "end"]

HOTKEY_MODES: tuple[HotkeyMode, ...] = get_args(HotkeyMode)
WAYS: tuple[Way, ...] = get_args(Way)
PACES: tuple[Pace, ...] = get_args(Pace)

# By WM_CLASS, on Windows by the executable. A terminal hands Ctrl+V on to what runs in it; these paste what is
# selected, by Shift+Ins ...
_PRIMARY = frozenset({"xterm", "uxterm", "urxvt", "rxvt", "rxvt-unicode", "mlterm"})
# ... and these the clipboard, by Ctrl+Shift+V.
_TERMINALS = frozenset(
    {
        "alacritty", "com.mitchellh.ghostty", "cool-retro-term", "deepin-terminal", "foot", "ghostty",
        "gnome-terminal", "gnome-terminal-server", "guake", "hyper", "kitty", "konsole", "lxterminal", "mate-terminal",
        "org.gnome.console", "org.gnome.ptyxis", "org.wezfurlong.wezterm", "ptyxis", "qterminal", "sakura", "st",
        "st-256color", "tabby",
        "terminator", "terminology", "tilix", "wezterm", "xfce4-terminal", "yakuake",
    }
)  # fmt: skip
_SHIFT_INSERT = frozenset({"emacs", "gvim", "mintty.exe", "putty.exe"})

_TYPED = frozenset({"Space", "Return", "Tab", "Backspace", "Del", "Left", "Right", "Up", "Down", "Home", "End", "Esc"})
PASTE = Combination.parse("Ctrl+V")
_PASTE_IN_TERMINALS, _PASTE_ELSEWHERE = Combination.parse("Ctrl+Shift+V"), Combination.parse("Shift+Ins")


@dataclass(frozen=True)
class Insertion:
    """How text gets into a program.

    Args:
        keys: for pasting.
        primary: what is selected is pasted, not the clipboard.
    """

    way: Way
    keys: Combination = PASTE
    primary: bool = False


@dataclass(frozen=True)
class Rules:
    """Args:
    hotkey: as Qt writes it; "": none.
    pace: when text is put in: as soon as words are settled, at every pause, or at the end.
    programs: names, each with its way: keys for pasting, "type" or "clipboard".
    replacements: what is heard, and what is written for it.
    """

    hotkey: str = ""
    mode: HotkeyMode = "hybrid"
    way: Way = "paste"
    pace: Pace = "words"
    programs: tuple[tuple[str, str], ...] = ()
    commands: bool = True
    tidy: bool = False
    space_behind: bool = True
    replacements: tuple[tuple[str, str], ...] = ()
    overlay: bool = True
    tray: bool = False

    @property
    def wording(self) -> Wording:
        return Wording(self.commands, self.replacements, self.tidy, self.space_behind)

    def insertion(self, program: Program) -> Insertion:
        names = set(program.names)
        for name, how in self.programs:
            if name.strip().lower() in names:
                if how == "type":
                    return Insertion("type")
                if how == "clipboard":
                    return Insertion("clipboard")
                try:
                    keys = Combination.parse(how)
                except ValueError:
                    continue  # what a person has written into the file
                return Insertion("paste", keys, primary=keys == _PASTE_ELSEWHERE and bool(names & _PRIMARY))
        if self.way != "paste":
            return Insertion(self.way)
        if names & _PRIMARY:
            return Insertion("paste", _PASTE_ELSEWHERE, primary=True)
        if names & _TERMINALS:
            return Insertion("paste", _PASTE_IN_TERMINALS)
        if names & _SHIFT_INSERT:
            return Insertion("paste", _PASTE_ELSEWHERE)
        return Insertion("paste")

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What is not there, or nonsense, is as it comes."""
        try:
            found = json.loads(text or "{}")
        except ValueError:
            found = {}
        values = found if isinstance(found, dict) else {}
        kept = {f.name: read for f in fields(cls) if (read := _read(f.name, values.get(f.name))) is not None}
        return cls(**kept)


def steals(hotkey: Combination) -> bool:
    """Whether as a hotkey it would take from all programs what is typed, or what this one pastes with."""
    if hotkey in (PASTE, _PASTE_IN_TERMINALS, _PASTE_ELSEWHERE):
        return True
    types = len(hotkey.key) == 1 or hotkey.key in _TYPED
    return types and not hotkey.modifiers - {"Shift"}


def _read(name: str, value: Any) -> Any:
    """None for what cannot be taken."""
    choices: dict[str, tuple[str, ...]] = {"mode": HOTKEY_MODES, "way": WAYS, "pace": PACES}
    if name in choices:
        return value if value in choices[name] else None
    if name in ("programs", "replacements"):
        return _pairs(value)
    if name == "hotkey":
        return value if isinstance(value, str) and _is_combination(value) else None
    return value if isinstance(value, bool) else None


def _pairs(value: Any) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(value, list):
        return None
    pairs = [pair for pair in value if isinstance(pair, list) and len(pair) == 2]
    return tuple((a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str) and a.strip())


def _is_combination(text: str) -> bool:
    if not text:
        return True
    try:
        Combination.parse(text)
    except ValueError:
        return False
    return True
