"""A download that is killed, at several points: the next start goes on, and ends with the right file."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.models.download import Download, Finished, Resumed
from app.models.network import Network
from app.models.settings import NetworkSettings
from gpu.cancel import CancelToken
from tests.support.file_server import Turn, serving
from tests.support.program import ROOT

pytestmark = pytest.mark.slow

CONTENT = random.Random(4).randbytes(2_000_000)

FETCH = """
import os, sys
from pathlib import Path
from app.models import part_file
from app.models.download import Download, Progress
from app.models.network import Network
from app.models.part_file import RemoteFile
from app.models.settings import NetworkSettings
from gpu.cancel import CancelToken

url, n_bytes, sha256, folder, point = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), 9)
match point:
    case "before the description": part_file.PartFile.describe = die
    case "in the description": Path.replace = die
    case "before the end": part_file.PartFile.finish = die
    case "at the end": os.fsync = die
    case "after the end":
        replace = Path.replace
        Path.replace = lambda draft, path: (replace(draft, path), path.suffix == ".bin" and die())
file = RemoteFile("model.bin", (url,), int(n_bytes), sha256)
for event in Download(file, Path(folder), CancelToken(), Network(NetworkSettings)).run():
    if isinstance(event, Progress) and point.isdecimal() and event.n_bytes >= int(point):
        die()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(
    ("point", "resumes"),
    [
        ("before the description", False),
        ("in the description", False),
        ("1", True),
        ("1000000", True),
        ("before the end", True),
        ("at the end", True),
        ("after the end", False),
    ],
)
def test_killed_then_started_again(tmp_path: Path, point: str, resumes: bool) -> None:
    with serving(CONTENT) as server:
        file = server.file()
        command = [sys.executable, "-c", FETCH, file.urls[0], str(file.n_bytes), file.sha256, str(tmp_path), point]
        killed = subprocess.run(command, cwd=ROOT, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert (tmp_path / "model.bin").exists() == (point == "after the end")

        events = list(Download(file, tmp_path, CancelToken(), Network(NetworkSettings)).run())
        assert isinstance(events[-1], Finished)
        assert any(isinstance(event, Resumed) for event in events) == resumes
        assert (tmp_path / "model.bin").read_bytes() == CONTENT
        if resumes and len(server.requests) > 1:
            assert server.ranges[1].startswith("bytes=")
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_from_outside_again_and_again(tmp_path: Path) -> None:
    """Each life gets a little further: the server stalls, and the process is killed then."""
    with serving(CONTENT) as server:
        file = server.file()
        command = [sys.executable, "-c", FETCH, file.urls[0], str(file.n_bytes), file.sha256, str(tmp_path), "never"]
        part = tmp_path / "model.bin.part"
        for life in range(1, 4):
            server.turns.append(Turn(stall_after=600_000))
            process = subprocess.Popen(command, cwd=ROOT)
            while not part.exists() or part.stat().st_size < life * 600_000:  # what was sent has arrived
                assert process.poll() is None
            process.kill()
            assert process.wait() == -signal.SIGKILL
        events = list(Download(file, tmp_path, CancelToken(), Network(NetworkSettings)).run())
    assert isinstance(events[0], Resumed)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]
