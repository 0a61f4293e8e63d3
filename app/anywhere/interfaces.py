"""What each system has to give: the keyboard of other programs, a hotkey, and what is on the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError

Selection = Literal["clipboard", "primary"]  # the second, of X11, holds what is selected


@dataclass(frozen=True)
class Program:
    """The one that has the keyboard.

    Args:
        names: by which it may be told: of X11's WM_CLASS, of an executable; small letters.
        window: tells its windows apart.
    """

    names: tuple[str, ...]
    window: int


class Keyboard(Protocol):
    """Keys for other programs. Raises `KeyboardError`.

    Attributes:
        pastes: `press` works, and so text can be pasted.
    """

    pastes: bool

    def focused(self) -> Program | None: ...

    def is_key_held(self) -> bool:
        """By the user: what is pressed now would make another combination of it."""

    def press(self, keys: Combination) -> None: ...

    def erase(self, n_characters: int) -> None: ...

    def type(self, text: str) -> None:
        """Takes its time, on any thread. May lose characters in programs that are slow to learn what a key means."""


class Hotkey(Protocol):
    """A key that is heeded whatever program has the keyboard."""

    def hold(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        """Ask for it, in place of another. Raises `HotkeyError`.

        Args:
            pressed, released: called on any thread; the second never without the first.
            lost: likewise: it cannot be had after all, or no longer.
        """

    def let_go(self) -> None: ...


class ClipboardReader(Protocol):
    def read(self, selection: Selection) -> Mapping[str, bytes]:
        """All that is there by its MIME type, on any thread. Raises `ClipboardError`."""
