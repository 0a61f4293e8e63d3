"""Downloads from a real server that behaves as servers and networks do."""

import hashlib
import random
from pathlib import Path

import pytest

from app.models.download import Backoff, Finished, NextMirror, Progress, Resumed, Waiting
from app.models.errors import (
    ConnectionLostError,
    RedirectError,
    RefusedByServerError,
    ServerBusyError,
    UnreachableError,
    WrongHashError,
    WrongLengthError,
)
from app.models.part_file import RemoteFile
from tests.support.downloads import CONTENT, Waits, abandon, assert_is_there, download, of
from tests.support.file_server import FileServer, Turn, serving


class TestWhole:
    def test_a_file_arrives(self, server: FileServer, tmp_path: Path) -> None:
        events = list(download(server.file(), tmp_path / "new" / "folder").run())
        assert events[-1] == Finished(tmp_path / "new" / "folder" / "model.bin", was_there=False)
        assert_is_there(tmp_path / "new" / "folder")
        assert server.ranges == [""]
        [(_, headers)] = server.requests
        assert headers["accept-encoding"] == "identity"

    def test_what_is_there_and_right_is_not_fetched(self, server: FileServer, tmp_path: Path) -> None:
        (tmp_path / "model.bin").write_bytes(CONTENT)
        assert list(download(server.file(), tmp_path).run()) == [Finished(tmp_path / "model.bin", was_there=True)]
        assert server.requests == []

    def test_what_is_there_and_wrong_is_replaced(self, server: FileServer, tmp_path: Path) -> None:
        (tmp_path / "model.bin").write_bytes(bytes(len(CONTENT)))
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert_is_there(tmp_path)

    def test_progress_ends_at_all_of_it(self, server: FileServer, tmp_path: Path) -> None:
        progress = of(Progress, list(download(server.file(), tmp_path).run()))
        assert [event.n_bytes for event in progress] == sorted(event.n_bytes for event in progress)
        assert progress[-1] == Progress(len(CONTENT), len(CONTENT))

    def test_a_redirect_is_followed_with_the_range(self, server: FileServer, tmp_path: Path) -> None:
        elsewhere = Turn(status=302, headers={"Location": "/elsewhere"})
        server.turns.extend([elsewhere, Turn(cut_after=1000), elsewhere])
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert [path for path, _ in server.requests] == ["/model.bin", "/elsewhere"] * 2
        assert server.ranges == ["", "", "bytes=1000-", "bytes=1000-"]
        assert_is_there(tmp_path)


class TestCuts:
    def test_60_mb_cut_five_times_arrive_complete_and_verified(self, tmp_path: Path) -> None:
        content = random.Random(2).randbytes(60_000_000)
        with serving(content) as server:
            server.turns.extend(Turn(cut_after=n) for n in (7_000_001, 11_000_000, 3, 15_999_999, 20_000_000))
            events = list(download(server.file(), tmp_path).run())
        assert_is_there(tmp_path, content)
        assert len(of(Waiting, events)) == 5
        assert server.ranges == [
            "", "bytes=7000001-", "bytes=18000001-", "bytes=18000004-", "bytes=34000003-", "bytes=54000003-",
        ]  # fmt: skip

    @pytest.mark.parametrize("at", [1, 999_999, len(CONTENT) - 1])
    def test_what_was_left_is_not_fetched_again(self, server: FileServer, tmp_path: Path, at: int) -> None:
        server.turns.append(Turn(cut_after=at))
        abandon(download(server.file(), tmp_path), Waiting)
        events = list(download(server.file(), tmp_path).run())
        assert events[0] == Resumed(at)
        assert server.requests[-1][1]["if-range"] == '"one"'
        assert server.ranges == ["", f"bytes={at}-"]
        assert_is_there(tmp_path)

    def test_a_stall_counts_as_a_cut(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.append(Turn(stall_after=1_000_000))
        events = list(download(server.file(), tmp_path, read_timeout_s=0.2).run())
        [waiting] = of(Waiting, events)
        assert "Nothing came" in waiting.cause
        assert server.ranges == ["", "bytes=1000000-"]
        assert_is_there(tmp_path)

    def test_a_body_without_length_that_ends_early_counts_as_a_cut(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.append(Turn(length=0, cut_after=1_000_000))
        [waiting] = of(Waiting, list(download(server.file(), tmp_path).run()))
        assert "1,000,000 of 3,000,000 bytes" in waiting.cause
        assert_is_there(tmp_path)

    def test_cuts_without_progress_are_given_up_and_the_part_is_kept(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.append(Turn(cut_after=500_000))
        server.every_turn = Turn(cut_after=0)
        fetching = download(server.file(), tmp_path)
        with pytest.raises(ConnectionLostError) as caught:
            list(fetching.run())
        assert "kept" in caught.value.remedy
        assert len(server.requests) == 1 + 4 - 1  # the first made progress: it is the first failure of a row
        assert (tmp_path / "model.bin.part").read_bytes() == CONTENT[:500_000]


class TestServersThatMisbehave:
    def test_a_file_that_changes_between_two_attempts_is_begun_anew(self, server: FileServer, tmp_path: Path) -> None:
        new = random.Random(3).randbytes(len(CONTENT))
        old, server.content, server.etag = server.content, new, '"two"'
        wanted = server.file()
        server.content, server.etag = old, '"one"'
        server.turns.extend([Turn(cut_after=1_000_000), Turn(content=new, etag='"two"')])
        assert of(Finished, list(download(wanted, tmp_path).run()))
        assert server.ranges == ["", "bytes=1000000-"]  # If-Range made it a whole answer
        assert_is_there(tmp_path, new)

    def test_a_changed_file_that_is_continued_all_the_same_is_noticed(self, server: FileServer, tmp_path: Path) -> None:
        server.content = random.Random(3).randbytes(len(CONTENT))
        wanted = RemoteFile("model.bin", server.file().urls, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        server.turns.extend([Turn(cut_after=1_000_000), Turn(content=CONTENT, etag='"2"', ignores_if_range=True)])
        assert of(Finished, list(download(wanted, tmp_path).run()))
        assert server.ranges == ["", "bytes=1000000-", ""]  # mixed, thrown away, and once more from the beginning
        assert_is_there(tmp_path)

    def test_a_server_without_ranges_is_begun_anew(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.extend([Turn(cut_after=1_000_000), Turn(ignores_range=True)])
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert_is_there(tmp_path)

    def test_another_range_than_asked_for_is_not_appended(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.extend([Turn(cut_after=1_000_000), Turn(start=999_999)])
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert server.ranges[-1] == ""
        assert_is_there(tmp_path)

    def test_a_server_that_finds_no_such_range_is_begun_anew(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.extend([Turn(cut_after=1_000_000), Turn(status=416, headers={"Content-Length": "0"})])
        assert of(Finished, list(download(server.file(), tmp_path).run()))
        assert_is_there(tmp_path)

    @pytest.mark.parametrize(
        "turn", [Turn(length=2_999_999), Turn(length=3_000_001), Turn(content=CONTENT[:-1]), Turn(content=CONTENT * 2)]
    )
    def test_another_length_is_refused_before_anything_is_written(
        self, server: FileServer, tmp_path: Path, turn: Turn
    ) -> None:
        wanted = server.file()
        server.every_turn = turn
        with pytest.raises(WrongLengthError, match=r"expected 3,000,000 bytes"):
            list(download(wanted, tmp_path).run())
        assert list(tmp_path.iterdir()) == []

    def test_more_than_the_file_is_refused(self, server: FileServer, tmp_path: Path) -> None:
        wanted = server.file()
        server.every_turn = Turn(content=CONTENT + b"more", length=0)
        with pytest.raises(WrongLengthError):
            list(download(wanted, tmp_path).run())
        assert list(tmp_path.iterdir()) == []

    def test_a_login_page_does_not_cost_the_part(self, server: FileServer, tmp_path: Path) -> None:
        wanted = server.file()
        server.turns.append(Turn(cut_after=1_000_000))
        page = {"Content-Type": "text/html; charset=x"}
        server.every_turn = Turn(content=b"<html>" * 100, length=0, headers=page, ignores_range=True)
        with pytest.raises(WrongLengthError, match="text/html") as caught:
            list(download(wanted, tmp_path).run())
        assert "log in" in caught.value.remedy
        assert (tmp_path / "model.bin.part").stat().st_size == 1_000_000

    def test_a_wrong_hash_is_never_accepted(self, server: FileServer, tmp_path: Path) -> None:
        wanted = server.file()
        server.every_turn = Turn(content=CONTENT[:-1] + b"!", etag='"1"')
        with pytest.raises(WrongHashError, match=wanted.sha256[:16]):
            list(download(wanted, tmp_path).run())
        assert list(tmp_path.iterdir()) == []
        assert len(server.requests) == 1  # asking again would give the same

    def test_a_redirect_without_end(self, server: FileServer, tmp_path: Path) -> None:
        server.every_turn = Turn(status=302, headers={"Location": "/model.bin"})
        with pytest.raises(RedirectError):
            list(download(server.file(), tmp_path).run())

    @pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
    def test_a_redirect_away_from_the_web(self, server: FileServer, tmp_path: Path, address: str) -> None:
        server.every_turn = Turn(status=302, headers={"Location": address})
        with pytest.raises(RedirectError):
            list(download(server.file(), tmp_path).run())

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    def test_a_refusal_is_final(self, server: FileServer, tmp_path: Path, status: int) -> None:
        server.every_turn = Turn(status=status)
        with pytest.raises(RefusedByServerError, match=str(status)):
            list(download(server.file(), tmp_path).run())
        assert len(server.requests) == 1


class TestPatience:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_busy_server_is_asked_again(self, server: FileServer, tmp_path: Path, status: int) -> None:
        server.turns.extend([Turn(status=status)] * 3)
        waits = Waits()
        assert of(Finished, list(download(server.file(), tmp_path, wait=waits).run()))
        assert waits.seconds == [1.0, 2.0, 4.0]

    def test_pauses_have_jitter_and_a_limit(self) -> None:
        error = ServerBusyError("", remedy="")
        assert Backoff(random=lambda: 0.0).pause(3, error) == 2.0
        assert Backoff(random=lambda: 1.0).pause(3, error) == 4.0
        assert Backoff(random=lambda: 1.0).pause(50, error) == 60.0

    def test_retry_after_is_honoured_as_a_number_and_as_a_date(self, server: FileServer, tmp_path: Path) -> None:
        date = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2015 07:29:30 GMT"}
        server.turns.extend([Turn(status=503, headers={"Retry-After": "17"}), Turn(status=429, headers=date)])
        waits = Waits()
        assert of(Finished, list(download(server.file(), tmp_path, wait=waits).run()))
        assert waits.seconds == [17.0, 90.0]

    @pytest.mark.parametrize("nonsense", ["soon", "-3", "", "Wed, 99 Oct 2015 07:28:00 GMT", "1e9"])
    def test_a_retry_after_that_says_nothing(self, server: FileServer, tmp_path: Path, nonsense: str) -> None:
        server.turns.append(Turn(status=503, headers={"Retry-After": nonsense}))
        waits = Waits()
        assert of(Finished, list(download(server.file(), tmp_path, wait=waits).run()))
        assert waits.seconds == [1.0]

    def test_an_hour_is_not_waited_for(self, server: FileServer, tmp_path: Path) -> None:
        server.every_turn = Turn(status=429, headers={"Retry-After": "3600"})
        waits = Waits()
        with pytest.raises(ServerBusyError, match="asks to wait 3600 s"):
            list(download(server.file(), tmp_path, wait=waits).run())
        assert waits.seconds == []

    def test_nobody_at_home(self, tmp_path: Path) -> None:
        with serving(CONTENT) as server:
            wanted = server.file()
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
            list(download(wanted, tmp_path).run())
        assert list(tmp_path.iterdir()) == []


class TestMirrors:
    def test_the_next_is_asked_when_one_fails_and_the_part_is_continued(
        self, server: FileServer, tmp_path: Path
    ) -> None:
        with serving(CONTENT) as mirror:
            server.turns.append(Turn(cut_after=1_000_000))
            server.every_turn = Turn(status=404)
            wanted = server.file("model.bin", f"{server.address}/a", f"{mirror.address}/b")
            events = list(download(wanted, tmp_path).run())
            assert [event.url for event in of(NextMirror, events)] == [f"{mirror.address}/b"]
            assert mirror.ranges == ["bytes=1000000-"]
            assert "if-range" not in mirror.requests[0][1]  # the validator is the other server's
        assert_is_there(tmp_path)

    def test_a_mirror_with_another_file_does_not_win(self, server: FileServer, tmp_path: Path) -> None:
        with serving(bytes(len(CONTENT))) as mirror:
            wanted = server.file("model.bin", f"{mirror.address}/b", f"{server.address}/a")
            assert of(NextMirror, list(download(wanted, tmp_path).run()))
        assert_is_there(tmp_path)

    def test_when_all_fail_the_first_cause_is_told(self, server: FileServer, tmp_path: Path) -> None:
        server.turns.append(Turn(status=403))
        server.every_turn = Turn(status=404)
        with pytest.raises(RefusedByServerError, match="403"):
            list(download(server.file("m", f"{server.address}/a", f"{server.address}/b"), tmp_path).run())
