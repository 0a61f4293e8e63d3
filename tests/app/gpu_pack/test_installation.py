"""GPU support fetched from a real server, unpacked, found by Python, and taken away."""

import hashlib
import importlib.util
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.gpu_pack.installation import DamagedPackageError, GpuPack, Installed, Unpacking
from app.gpu_pack.packages import Package, activate
from app.models.download import Backoff, Progress, Resumed
from app.models.errors import CannotWriteError, ConnectionLostError, WrongHashError
from app.models.network import Network
from app.models.part_file import RemoteFile
from app.models.settings import NetworkSettings
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from tests.support.file_server import FileServer, Turn, serving

NETWORK = Network(NetworkSettings)
IMPATIENT = Backoff(tries=1)


def wheel(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text * 1000)
    return stream.getvalue()


CUPY = wheel(cupy__init="number = 14\n", cupy__cuda="")
FINDER = wheel(finder__init="")


@pytest.fixture
def servers() -> Iterator[list[FileServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(content)) for content in (CUPY, FINDER)]


@pytest.fixture
def pack(servers: list[FileServer], tmp_path: Path) -> GpuPack:
    packages = [
        Package(name, "1", "MIT", server.file(f"{name}-1-py3-none-any.whl"))
        for name, server in zip(("cupy", "finder"), servers, strict=True)
    ]
    return GpuPack(packages, tmp_path / "g p u 显卡")


def test_fetched_unpacked_and_tidied_up(pack: GpuPack) -> None:
    (pack.home / "pack-of-yesterday").mkdir(parents=True)
    events = list(pack.install(CancelToken(), NETWORK))
    assert events[-1] == Installed(pack.folder, was_there=False)
    assert [e.name for e in events if isinstance(e, Unpacking)] == ["cupy", "finder"]
    progress = [e for e in events if isinstance(e, Progress)]
    assert [e.n_bytes for e in progress] == sorted(e.n_bytes for e in progress)
    assert progress[-1] == Progress(pack.n_bytes, len(CUPY) + len(FINDER))
    assert (pack.folder / "cupy" / "init.py").read_text() == "number = 14\n" * 1000
    assert list(pack.home.iterdir()) == [pack.folder]
    assert list(pack.install(CancelToken(), NETWORK)) == [Installed(pack.folder, was_there=True)]


def test_cancelled_between_two_wheels_and_gone_on_with(pack: GpuPack, servers: list[FileServer]) -> None:
    token = CancelToken()
    run = pack.install(token, NETWORK)
    assert Progress(len(CUPY), pack.n_bytes) in run
    token.cancel()
    with pytest.raises(Cancelled):
        list(run)
    assert not pack.is_installed
    events = list(pack.install(CancelToken(), NETWORK))
    assert isinstance(events[-1], Installed)
    assert len(servers[0].requests) == 1


def test_cut_off_and_resumed(pack: GpuPack, servers: list[FileServer]) -> None:
    servers[1].turns.append(Turn(cut_after=40))
    with pytest.raises(ConnectionLostError):
        list(pack.install(CancelToken(), NETWORK, IMPATIENT))
    events = list(pack.install(CancelToken(), NETWORK, IMPATIENT))
    assert [e.n_bytes for e in events if isinstance(e, Resumed)] == [len(CUPY) + 40]
    assert pack.is_installed


def test_another_file_than_the_published_one(pack: GpuPack, servers: list[FileServer]) -> None:
    servers[0].every_turn = Turn(content=bytes(len(CUPY)))
    with pytest.raises(WrongHashError):
        list(pack.install(CancelToken(), NETWORK, IMPATIENT))
    assert not pack.is_installed


@pytest.mark.parametrize("content", [b"no wheel at all", wheel(**{"..__..__outside": "x"})])
def test_wheels_that_cannot_be_unpacked(content: bytes, tmp_path: Path) -> None:
    """Published so, and still no wheel: nothing is left of it, and nothing outside its folder is touched."""
    with serving(content) as server:
        file = RemoteFile("a.whl", (f"{server.address}/a.whl",), len(content), hashlib.sha256(content).hexdigest())
        pack = GpuPack([Package("a", "1", "MIT", file)], tmp_path / "home")
        with pytest.raises(DamagedPackageError, match=r"a\.whl cannot be unpacked"):
            list(pack.install(CancelToken(), NETWORK, IMPATIENT))
    assert not pack.is_installed
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == []


def test_no_folder_can_be_made(pack: GpuPack) -> None:
    pack.home.write_text("a file where the folder should be")
    with pytest.raises(CannotWriteError):
        list(pack.install(CancelToken(), NETWORK, IMPATIENT))


def test_found_by_python_and_removed(pack: GpuPack) -> None:
    """In a process of its own, without site packages: a CuPy of the environment goes before."""
    list(pack.install(CancelToken(), NETWORK))
    (pack.folder / "cupy" / "init.py").rename(pack.folder / "cupy" / "__init__.py")
    code = """
import sys
from pathlib import Path
from app.gpu_pack.packages import activate
print(activate(Path(sys.argv[1])), activate(Path(sys.argv[1])))
import cupy
print(cupy.__file__)
"""
    done = subprocess.run([sys.executable, "-c", code, pack.folder], capture_output=True, encoding="utf-8", check=True)
    lines = done.stdout.splitlines()
    assert lines in (["True False", str(pack.folder / "cupy" / "__init__.py")], ["False False", lines[1]])
    pack.remove()
    assert list(pack.home.iterdir()) == []
    assert not pack.is_installed


def test_what_a_program_holds_on_to_goes_at_the_next_start(pack: GpuPack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does it: some of the files are gone by then, so that nothing may count as installed."""
    list(pack.install(CancelToken(), NETWORK))

    def in_use(folder: Path) -> None:
        (folder / "cupy" / "init.py").unlink()
        raise PermissionError(13, "in use", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("app.gpu_pack.installation.shutil.rmtree", in_use)
        with pytest.raises(CannotWriteError) as caught:
            pack.remove()
        assert "the next time" in caught.value.remedy
    assert pack.has_files
    assert not pack.is_installed
    GpuPack(pack.packages, pack.home).finish_removal()
    assert list(pack.home.iterdir()) == []
    list(pack.install(CancelToken(), NETWORK))
    assert pack.is_installed


def test_fetched_again_after_half_of_it_was_removed(pack: GpuPack, monkeypatch: pytest.MonkeyPatch) -> None:
    list(pack.install(CancelToken(), NETWORK))
    (pack.home / "to-be-removed").touch()
    (pack.folder / "cupy" / "init.py").unlink()
    list(pack.install(CancelToken(), NETWORK))
    assert pack.is_installed
    assert (pack.folder / "cupy" / "init.py").exists()


def test_a_pack_beside_a_cupy_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's own goes before; without need the pack stays out of the way."""
    own, folder = tmp_path / "own", tmp_path / "pack"
    for place in (own, folder):
        (place / "cupy").mkdir(parents=True)
        (place / "cupy" / "__init__.py").touch()
    (folder / "nvidia" / "cu13").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(own)])
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    assert not activate(folder)
    assert activate(folder, for_its_compiler=True)
    assert not activate(folder, for_its_compiler=True)
    spec, nvidia = importlib.util.find_spec("cupy"), importlib.util.find_spec("nvidia")
    assert spec is not None
    assert spec.origin == str(own / "cupy" / "__init__.py")
    assert nvidia is not None
    assert list(nvidia.submodule_search_locations or ()) == [str(folder / "nvidia")]
