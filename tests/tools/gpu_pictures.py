"""The window of GPU support in its states, for `screenshots.py`. What the driver says is made up, all else is real."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from app.gpu_work import GpuSight
from app.models.network import Network
from app.models.settings import NetworkSettings
from tests.support.file_server import FileServer, Turn
from tests.support.gpu_desk import LACKS_CUPY, NO_DRIVER, PASSED, pack_of
from tests.tools.photographer import Photographer

N_FETCHED = 74_000_000


class GpuPictures(Photographer):
    """Brings the window of GPU support into each state."""

    def run(self, server: FileServer) -> None:
        pack = pack_of([server, server], Path(os.environ["HOME"]) / "gpu")
        sight = GpuSight(NO_DRIVER, pack)
        self._app.gpu.show()
        self._wait(lambda: self._app.gpu.manager is not None and self._app.gpu.manager._sight is not None)
        manager = self._app.gpu.manager
        assert manager is not None
        window = manager.window
        manager._look, manager._network = lambda: sight, lambda: Network(NetworkSettings)

        def look(seen: GpuSight) -> None:
            nonlocal sight
            sight = seen
            manager.refresh()
            self._wait(lambda: manager._sight is seen)

        look(sight)
        self._shoot("17-no-gpu", window)
        window.run.click()
        self._wait(window.save.isEnabled)
        window.view.select(window.checks.key(0))
        self._shoot("18-self-test", window)
        look(GpuSight(LACKS_CUPY, pack))
        self._shoot("19-gpu-to-enable", window)
        server.turns.append(Turn(stall_after=N_FETCHED // 3))
        window.pack_card.enable.click()
        self._wait(lambda: manager._work is not None and manager._work.n_done >= N_FETCHED // 3)
        self._shoot("20-gpu-fetching", window)
        window.pack_card.cancel.click()
        self._wait(window.run.isEnabled)
        look(GpuSight(PASSED, dataclasses.replace(pack), is_installed=True, has_files=True))
        self._shoot("21-gpu-used", window)
