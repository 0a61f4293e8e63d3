"""Downloads that are stopped, run out of disk, or find what an earlier one left."""

import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from app.models.download import Finished, Progress, Resumed, Waiting, wait
from app.models.errors import (
    AlreadyDownloadingError,
    CannotWriteError,
    NoRoomError,
)
from app.models.part_file import RemoteFile
from gpu.errors import Cancelled
from tests.support.downloads import CONTENT, abandon, assert_is_there, download, of
from tests.support.file_server import FileServer, Turn


class TestStopping:
    def test_a_token_stops_between_chunks_and_the_part_is_kept(self, server: FileServer, tmp_path: Path) -> None:
        fetching = download(server.file(), tmp_path)
        running = fetching.run()
        assert isinstance(next(running), Progress)
        fetching.token.cancel()
        with pytest.raises(Cancelled):
            list(running)
        assert 0 < (tmp_path / "model.bin.part").stat().st_size < len(CONTENT)
        assert len(of(Resumed, list(download(server.file(), tmp_path).run()))) == 1
        assert_is_there(tmp_path)

    @pytest.mark.parametrize("after", [None, 500_000])
    def test_a_token_ends_a_wait_for_a_silent_server(
        self, server: FileServer, tmp_path: Path, after: int | None
    ) -> None:
        """Before its answer and within it; the time-out is 30 s."""
        server.turns.append(Turn(stall_after=after) if after else Turn(silent=True))
        fetching = download(server.file(), tmp_path)
        stopper = threading.Thread(target=lambda: (server.stalled.wait(), fetching.token.cancel()))
        stopper.start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            list(fetching.run())
        assert time.monotonic() - started < 10
        stopper.join()

    def test_a_token_ends_a_pause(self, server: FileServer, tmp_path: Path) -> None:
        server.every_turn = Turn(status=503, headers={"Retry-After": "200"})
        fetching = download(server.file(), tmp_path, wait=wait)
        running = fetching.run()
        assert isinstance(next(running), Waiting)
        threading.Timer(0.01, fetching.token.cancel).start()
        with pytest.raises(Cancelled):
            list(running)

    def test_nothing_is_left_of_a_download_that_brought_nothing(self, server: FileServer, tmp_path: Path) -> None:
        fetching = download(server.file(), tmp_path)
        fetching.token.cancel()
        with pytest.raises(Cancelled):
            list(fetching.run())
        assert list(tmp_path.iterdir()) == []

    def test_cancelled_while_looking_at_the_part_keeps_it(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.append(Turn(cut_after=1_000_000))
        abandon(download(server.file(), tmp_path), Waiting)
        fetching = download(server.file(), tmp_path)
        fetching.token.cancel()
        with pytest.raises(Cancelled):
            list(fetching.run())
        assert (tmp_path / "model.bin.part").stat().st_size == 1_000_000


class TestDisk:
    def test_a_full_disk_is_known_before(self, server: FileServer, tmp_path: Path) -> None:
        wanted = RemoteFile("model.bin", server.file().urls, shutil.disk_usage(tmp_path).free + 1, "0" * 64)
        with pytest.raises(NoRoomError, match="MB free"):
            list(download(wanted, tmp_path).run())
        assert server.requests == []
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="limits of another kind")
    def test_a_disk_that_fills_up_keeps_what_fitted(self, server: FileServer, tmp_path: Path) -> None:
        import resource

        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        try:
            with pytest.raises(NoRoomError, match="full"):
                list(download(server.file(), tmp_path).run())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        part = (tmp_path / "model.bin.part").read_bytes()
        assert 0 < len(part) <= 1_000_000
        assert part == CONTENT[: len(part)]
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert_is_there(tmp_path)

    def test_a_folder_that_is_a_file(self, server: FileServer, tmp_path: Path) -> None:
        (tmp_path / "x").touch()
        with pytest.raises(CannotWriteError, match="cannot be written"):
            list(download(server.file(), tmp_path / "x" / "y").run())

    def test_two_downloads_of_one_file_do_not_mix(self, server: FileServer, tmp_path: Path) -> None:
        first = download(server.file(), tmp_path).run()
        next(first)
        with pytest.raises(AlreadyDownloadingError):
            list(download(server.file(), tmp_path).run())
        assert isinstance(list(first)[-1], Finished)
        assert_is_there(tmp_path)


class TestParts:
    """What earlier times left is believed only as far as it can be checked."""

    def leave(self, server: FileServer, folder: Path) -> tuple[Path, Path]:
        server.turns.append(Turn(cut_after=1_000_000))
        abandon(download(server.file(), folder), Waiting)
        server.requests.clear()
        return folder / "model.bin.part", folder / "model.bin.part.json"

    def test_of_another_file(self, server: FileServer, tmp_path: Path) -> None:
        _, state = self.leave(server, tmp_path)
        state.write_text(state.read_text().replace(server.file().sha256, "0" * 64))
        assert of(Resumed, list(download(server.file(), tmp_path).run())) == []
        assert_is_there(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 1}', "\0" * 100])
    def test_with_a_description_that_is_none(self, server: FileServer, tmp_path: Path, text: str) -> None:
        _, state = self.leave(server, tmp_path)
        state.write_text(text)
        assert of(Resumed, list(download(server.file(), tmp_path).run())) == []
        assert_is_there(tmp_path)

    def test_damaged_by_a_crash(self, server: FileServer, tmp_path: Path) -> None:
        """Zeros where the disk had not written yet."""
        part, _ = self.leave(server, tmp_path)
        part.write_bytes(CONTENT[:500_000] + bytes(500_000))
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert server.ranges == ["bytes=1000000-", ""]
        assert_is_there(tmp_path)

    @pytest.mark.parametrize("content", [CONTENT, bytes(len(CONTENT)), CONTENT + b"more"])
    def test_complete_or_longer(self, server: FileServer, tmp_path: Path, content: bytes) -> None:
        part, _ = self.leave(server, tmp_path)
        part.write_bytes(content)
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert len(server.requests) == (0 if content == CONTENT else 1)
        assert_is_there(tmp_path)
