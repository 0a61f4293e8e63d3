"""The way from the menu to the window of GPU support, which is made when it is wanted first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.engine.background import Background
from app.widgets.appearance import Appearance
from app.widgets.main_window import MainWindow

if TYPE_CHECKING:
    from app.gpu_manager import GpuManager


class GpuEntry(QObject):
    """Opens the window of GPU support for the main window's menu, and closes it with that.

    Signals:
        use_changed: other GPUs are used unasked than before: the model is to be loaded again.
        failed: an exception: what went wrong with the program itself.
    """

    use_changed = Signal()
    failed = Signal(Exception)

    def __init__(self, window: MainWindow, appearance: Appearance) -> None:
        super().__init__(window)
        self._appearance = appearance
        self._background = Background(self)
        self.manager: GpuManager | None = None
        window.gpu_requested.connect(self.show)
        window.self_test_requested.connect(partial(self.show, for_test=True))
        window.closing.connect(self._close)

    def show(self, *, for_test: bool = False) -> None:
        """What it is made of takes its time to import: in the background."""
        if self.manager is not None:
            self.manager.show(for_test=for_test)
        else:
            self._background.run(_import_gpu_manager, partial(self._open, for_test), self.failed.emit)

    def stop(self) -> None:
        """Stop what runs and wait for its end."""
        if self.manager is not None:
            self.manager.stop()

    def _open(self, for_test: bool, make: type[GpuManager]) -> None:
        if self.manager is None:
            self.manager = make(self._appearance)
            self.manager.use_changed.connect(self.use_changed)
        self.manager.show(for_test=for_test)

    def _close(self) -> None:
        if self.manager is not None:
            self.manager.window.close()


def _import_gpu_manager() -> type[GpuManager]:
    from app.gpu_manager import GpuManager

    return GpuManager
