"""A real HTTP server on this machine that serves one file, as badly as a test wants."""

import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from app.models.part_file import RemoteFile


@dataclass
class Turn:
    """How one request is answered. Without anything: correctly, ranges and If-Range included.

    Attributes:
        status: an error's, sent instead of the file; headers: sent besides.
        content, etag: another file from now on.
        cut_after: bytes of the body after which the connection is closed.
        stall_after: bytes of the body after which nothing comes any more, until the server stops.
        ignores_range, ignores_if_range: as some servers do.
        length: what Content-Length claims; 0 for no such header (the connection's end is the body's).
        start: where a range begins, instead of where it should.
        silent: no answer at all, until the server stops.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    etag: str | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    ignores_range: bool = False
    ignores_if_range: bool = False
    length: int | None = None
    start: int | None = None
    silent: bool = False


class FileServer:
    """Answers each request with the next of `turns`, then correctly. Notes the requests' heads."""

    def __init__(self, content: bytes, etag: str = '"one"') -> None:
        self.content = content
        self.etag = etag
        self.turns: deque[Turn] = deque()
        self.every_turn = Turn()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.stopping = threading.Event()
        self.stalled = threading.Event()
        self.address = ""

    def file(self, name: str = "model.bin", *urls: str) -> RemoteFile:
        """What a client should expect to find here, now."""
        urls = urls or (f"{self.address}/{name}",)
        return RemoteFile(name, urls, len(self.content), hashlib.sha256(self.content).hexdigest())

    @property
    def ranges(self) -> list[str]:
        """The Range header of each request; "" without."""
        return [headers.get("range", "") for _, headers in self.requests]


@contextmanager
def serving(content: bytes, tls: SSLContext | None = None) -> Iterator[FileServer]:
    """A server that runs while the block does."""
    server = FileServer(content)

    class Handler(_Handler):
        files = server

    http = _Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    server.address = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    files: FileServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        files = self.files
        headers = {name.lower(): value for name, value in self.headers.items()}
        files.requests.append((self.path, headers))
        turn = files.turns.popleft() if files.turns else files.every_turn
        files.content, files.etag = turn.content or files.content, turn.etag or files.etag
        self.close_connection = True
        if turn.silent:
            files.stalled.set()
            files.stopping.wait()
            return
        if turn.status is not None:
            self._head(turn.status, {"Content-Length": "0"} | turn.headers)
            return
        first = self._first(headers, turn)
        if first is not None and first >= len(files.content):
            self._head(416, {"Content-Range": f"bytes */{len(files.content)}", "Content-Length": "0"})
            return
        body = files.content[first or 0 :]
        own = {"ETag": files.etag, "Content-Length": str(turn.length or len(body))}
        if turn.length == 0:
            del own["Content-Length"]
        if first is not None:
            own["Content-Range"] = f"bytes {first}-{len(files.content) - 1}/{len(files.content)}"
        self._head(200 if first is None else 206, own | turn.headers)
        self._body(body, turn)

    def _first(self, headers: dict[str, str], turn: Turn) -> int | None:
        """The first byte asked for; None for all of them."""
        if "range" not in headers or turn.ignores_range:
            return None
        if headers.get("if-range", self.files.etag) != self.files.etag and not turn.ignores_if_range:
            return None
        return turn.start if turn.start is not None else int(headers["range"].removeprefix("bytes=").rstrip("-"))

    def _head(self, status: int, headers: dict[str, str]) -> None:
        (self.send_response_only if "Date" in headers else self.send_response)(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _body(self, body: bytes, turn: Turn) -> None:
        if turn.stall_after is not None:
            self.wfile.write(body[: turn.stall_after])
            self.files.stalled.set()
            self.files.stopping.wait()
            return
        self.wfile.write(body[: turn.cut_after])
