"""Downloads for tests: from the tests' own server, without waiting."""

import hashlib
import random
from pathlib import Path

from app.models.download import Backoff, Download, Event
from app.models.network import Network
from app.models.part_file import RemoteFile
from app.models.settings import NetworkSettings
from gpu.cancel import CancelToken

CONTENT = random.Random(1).randbytes(3_000_000)


class Waits:
    """Pauses that are noted and not waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float, token: CancelToken) -> None:
        self.seconds.append(seconds)
        token.check()


def download(file: RemoteFile, folder: Path, settings: NetworkSettings | None = None, **backoff: object) -> Download:
    settings = settings or NetworkSettings()
    return Download(
        file,
        folder,
        CancelToken(),
        Network(lambda: settings, read_timeout_s=backoff.pop("read_timeout_s", 30.0)),
        Backoff(**({"wait": Waits(), "random": lambda: 1.0} | backoff)),
    )


def abandon(fetching: Download, at: type) -> None:
    """Run until an event of this kind and leave it there."""
    running = fetching.run()
    assert any(isinstance(event, at) for event in running)
    running.close()


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


def assert_is_there(folder: Path, content: bytes = CONTENT) -> None:
    """The file, whole, and nothing else."""
    assert [path.name for path in folder.iterdir()] == ["model.bin"]
    assert hashlib.sha256((folder / "model.bin").read_bytes()).digest() == hashlib.sha256(content).digest()
