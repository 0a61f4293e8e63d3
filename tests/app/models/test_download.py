"""Downloads from a real server that behaves as servers and networks do."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.models.download import Backoff, Download, Event, Finished, Resumed, Waiting
from app.models.network import Network, NetworkSettings
from app.models.part_file import RemoteFile
from gpu.cancel import CancelToken
from tests.support.file_server import FileServer, Turn, serving

CONTENT = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


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


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


def assert_is_there(folder: Path, content: bytes = CONTENT) -> None:
    """The file, whole, and nothing else."""
    assert [path.name for path in folder.iterdir()] == ["model.bin"]
    assert hashlib.sha256((folder / "model.bin").read_bytes()).digest() == hashlib.sha256(content).digest()


def test_a_file_arrives(server: FileServer, tmp_path: Path) -> None:
    events = list(download(server.file(), tmp_path).run())
    assert events[-1] == Finished(tmp_path / "model.bin", was_there=False)
    assert_is_there(tmp_path)
    assert server.ranges == [""]


def test_60_mb_cut_five_times_arrive_complete_and_verified(tmp_path: Path) -> None:
    content = random.Random(2).randbytes(60_000_000)
    with serving(content) as server:
        server.turns.extend(Turn(cut_after=n) for n in (7_000_001, 11_000_000, 3, 15_999_999, 20_000_000))
        events = list(download(server.file(), tmp_path).run())
    assert_is_there(tmp_path, content)
    assert len(of(Waiting, events)) == 5
    assert server.ranges[:3] == ["", "bytes=7000001-", "bytes=18000001-"]
    assert len(server.requests) == 6


def test_what_was_left_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    server.turns.append(Turn(cut_after=1_000_000))
    first = download(server.file(), tmp_path)
    for event in first.run():
        if isinstance(event, Waiting):
            break
    events = list(download(server.file(), tmp_path).run())
    assert of(Resumed, events) == [Resumed(1_000_000)]
    assert server.requests[-1][1]["if-range"] == '"one"'
    assert_is_there(tmp_path)
