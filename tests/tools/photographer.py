"""What those who bring a window into its states for `screenshots.py` have in common."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.application import Application


class Photographer:
    """Shows the program in its states.

    Args:
        shoot: takes the pictures of a window under a name.
        wait: lets the program run until something is so.
    """

    def __init__(
        self,
        app: Application,
        shoot: Callable[[str, QWidget], None],
        wait: Callable[[Callable[[], bool]], None],
    ) -> None:
        self._app = app
        self._shoot = shoot
        self._wait = wait
