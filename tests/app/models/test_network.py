"""The switch, the settings, proxies, certificates, and an error of its own for each cause."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from app.models.errors import (
    CertificateError,
    ModelsError,
    NetworkOffError,
    ProxyUnusableError,
    RedirectError,
    SettingsError,
    UnreachableError,
)
from app.models.network import Network
from app.models.settings import NetworkSettings, SharedSettings
from app.paths import shared_settings_file
from gpu.cancel import CancelToken
from tests.support.file_server import FileServer, Turn, serving

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(b"content") as server:
        yield server


def fetch(url: str, settings: NetworkSettings | None = None) -> bytes:
    network = Network((lambda: settings) if settings else None, read_timeout_s=10)
    with network.get(url, {}, CancelToken()) as response:
        return b"".join(response.chunks())


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class TestSwitch:
    def test_off_means_that_nothing_is_sent(self, server: FileServer) -> None:
        with pytest.raises(NetworkOffError) as caught:
            fetch(server.address, NetworkSettings(off=True))
        assert server.requests == []
        assert "models network --on" in caught.value.remedy

    def test_the_settings_are_read_before_every_request(self, server: FileServer) -> None:
        assert fetch(server.address) == b"content"
        SharedSettings(NetworkSettings(off=True)).save()
        with pytest.raises(NetworkOffError):
            fetch(server.address)
        SharedSettings().save()
        assert fetch(server.address) == b"content"

    def test_settings_that_cannot_be_understood_are_not_taken_for_on(self, server: FileServer) -> None:
        shared_settings_file().parent.mkdir(parents=True)
        shared_settings_file().write_text("off = yes")
        with pytest.raises(SettingsError, match=r"settings\.json"):
            fetch(server.address)
        assert server.requests == []


class TestProxy:
    """The file server is a proxy too: it answers whatever address it is asked for."""

    def test_of_the_settings(self, server: FileServer) -> None:
        assert fetch("http://models.invalid/x", NetworkSettings(proxy=server.address)) == b"content"
        assert server.requests[0][0] == "http://models.invalid/x"

    def test_of_the_environment_and_its_exceptions(self, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", server.address)
        assert fetch("http://models.invalid/x") == b"content"
        monkeypatch.setenv("NO_PROXY", "models.invalid")
        with pytest.raises(UnreachableError, match=r"models\.invalid"):
            fetch("http://models.invalid/x")

    def test_that_is_not_there(self) -> None:
        proxy = f"http://127.0.0.1:{closed_port()}"
        with pytest.raises(ProxyUnusableError, match=r"127\.0\.0\.1"):
            fetch("http://models.invalid/x", NetworkSettings(proxy=proxy))

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_that_wants_a_password(self, server: FileServer, scheme: str) -> None:
        server.every_turn = Turn(status=407)
        with pytest.raises(ProxyUnusableError, match=r"407|501") as caught:
            fetch(f"{scheme}://models.invalid/x", NetworkSettings(proxy=server.address))
        assert "user:password" in caught.value.remedy

    @pytest.mark.parametrize("address", ["proxy", "gopher://proxy:70", "socks5://proxy:70", "http://[", "://"])
    def test_address_that_is_none(self, address: str) -> None:
        with pytest.raises(ModelsError) as caught:
            fetch("http://models.invalid/x", NetworkSettings(proxy=address))
        assert isinstance(caught.value, SettingsError | ProxyUnusableError)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed, with its key, in one PEM file."""
    if which("openssl") is None:
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tls")
    line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext"
    subprocess.run(
        ["openssl", *line.split(), "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[FileServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(b"secret", context) as server:
        yield server


class TestCertificates:
    def test_a_strange_one_is_refused(self, secure_server: FileServer) -> None:
        with pytest.raises(CertificateError, match="not trusted") as caught:
            fetch(secure_server.address)
        assert "SSL_CERT_FILE" in caught.value.remedy
        assert secure_server.requests == []

    def test_of_the_settings(self, secure_server: FileServer, certificate: Path) -> None:
        assert fetch(secure_server.address, NetworkSettings(ca_file=certificate / "cert.pem")) == b"secret"

    def test_of_the_environment(
        self, secure_server: FileServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        assert fetch(secure_server.address) == b"secret"

    @pytest.mark.parametrize("name", ["none.pem", "key.pem"])
    def test_a_file_without_any(self, secure_server: FileServer, certificate: Path, name: str) -> None:
        with pytest.raises(SettingsError, match=name):
            fetch(secure_server.address, NetworkSettings(ca_file=certificate / name))

    def test_a_redirect_to_less_safety_is_refused(
        self, secure_server: FileServer, server: FileServer, certificate: Path
    ) -> None:
        secure_server.turns.append(Turn(status=302, headers={"Location": server.address}))
        with pytest.raises(RedirectError, match="without encryption"):
            fetch(secure_server.address, NetworkSettings(ca_file=certificate / "cert.pem"))

    def test_a_redirect_to_more_safety_is_not(
        self, secure_server: FileServer, server: FileServer, certificate: Path
    ) -> None:
        server.turns.append(Turn(status=302, headers={"Location": secure_server.address}))
        assert fetch(server.address, NetworkSettings(ca_file=certificate / "cert.pem")) == b"secret"

    def test_no_encryption_where_it_was_expected(self, server: FileServer) -> None:
        with pytest.raises(UnreachableError):
            fetch(server.address.replace("http:", "https:"))
