"""A window of GPU support, and the hands of its user; the driver's words are made up, all else is real."""

import dataclasses
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.engine.gpu import GpuFacts, GpuOverview
from app.gpu_manager import GpuManager
from app.gpu_pack.installation import GpuPack
from app.gpu_pack.packages import Package
from app.gpu_work import GpuSight
from app.models.network import Network
from app.models.settings import NetworkSettings
from app.widgets.appearance import Appearance
from gpu.types import Words
from tests.support.file_server import FileServer

TIMEOUT_MS = 120_000

NO_DRIVER = GpuOverview(
    Words("{cause}.", cause=Words("No NVIDIA driver was found")),
    Words("If there is an NVIDIA GPU, install its driver, version {release} or newer.", release="580"),
)
_CARD = Words("{name} ({memory} GB, compute capability {capability})", name="RTX", memory=8, capability="8.6")
_GPUS = (
    GpuFacts(0, "NVIDIA GeForce RTX 3060", "8.6", 12_884_901_888, has_passed=False),
    GpuFacts(1, "NVIDIA GeForce GTX 1080", "6.1", 8_589_934_592, has_passed=False),
)
LACKS_CUPY = GpuOverview(
    Words("{cause}.", cause=Words("{gpu} found, but the package CuPy is not installed", gpu=_CARD)),
    Words("Install the package cupy-cuda13x."),
    _GPUS,
    lacks_packages=True,
)
READY = GpuOverview(
    Words("{cause}.", cause=Words("{gpu} found", gpu=_CARD)), Words("Nothing needs to be done."), _GPUS, is_ready=True
)
PASSED = dataclasses.replace(READY, gpus=(dataclasses.replace(_GPUS[0], has_passed=True), _GPUS[1]))


def wheel(**files: bytes) -> bytes:
    """Of modules by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.py", content)
    return stream.getvalue()


WHEELS = (wheel(first=bytes(200_000)), wheel(second=bytes(100_000)))


def pack_of(servers: list[FileServer], home: Path) -> GpuPack:
    """A pack of one wheel from each server."""
    packages = [
        Package(name, "1.0", licence, server.file(f"{name}-1.0-py3-none-any.whl"))
        for name, licence, server in zip(("CuPy", "NVRTC"), ("MIT", "NVIDIA"), servers, strict=True)
    ]
    return GpuPack(packages, home)


class GpuDesk:
    """A manager and the hands of its user. `overview` is what the driver says when it is asked the next time."""

    def __init__(self, appearance: Appearance, pack: GpuPack, qtbot: QtBot) -> None:
        self.pack = pack
        self.qtbot = qtbot
        self.overview = LACKS_CUPY
        self.network = Network(NetworkSettings)
        self.manager = GpuManager(appearance, self._look, lambda: self.network)
        self.window = self.manager.window

    def open(self) -> None:
        self.manager.show()
        self.wait(lambda: self.window._sight is not None)

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def wait_for_message(self, start: str) -> None:
        bar = self.window.message_bar
        self.wait(lambda: bar.isVisible() and bar.text.startswith(start))

    def rows(self) -> list[tuple[str, ...]]:
        """Of the self-test's table."""
        table = self.window.checks
        return [tuple(str(table.index(row, column).data()) for column in range(3)) for row in range(table.rowCount())]

    def _look(self) -> GpuSight:
        return GpuSight(self.overview, self.pack, None, self.pack.is_installed, self.pack.has_files)
