"""The one place that talks to the network: settings, the switch, and GET requests. Nothing else imports the library.

Every request reads the settings anew, so that the switch holds from the next request on, also within a download.
"""

from __future__ import annotations

import configparser
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from app import __version__
from app.models.errors import (
    CertificateError,
    ConnectionLostError,
    ModelsError,
    NetworkOffError,
    NetworkSettingsError,
    ProxyUnusableError,
    RedirectError,
    RefusedByServerError,
    ServerBusyError,
    UnreachableError,
)
from app.paths import APP_ID, network_file
from gpu.cancel import CancelToken

_CONNECT_TIMEOUT_S = 20.0
_READ_TIMEOUT_S = 30.0
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_PROXY_AUTHENTICATION = 407
_ERRORS_FROM = 400
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class NetworkSettings:
    """What the user decides about the network.

    Attributes:
        off: the switch: no request is made at all.
        proxy: address of a proxy ("http://host:port"); empty: what the environment says (HTTPS_PROXY, NO_PROXY).
        ca_file: PEM file of certificates to trust besides the system's (or SSL_CERT_FILE's); None for these alone.
        mirror: address to fetch models from first ("https://host"); empty: what HF_ENDPOINT says, else the usual ones.
    """

    off: bool = False
    proxy: str = ""
    ca_file: Path | None = None
    mirror: str = ""

    @classmethod
    def load(cls, path: Path) -> NetworkSettings:
        """Read an INI file with a section [network]; the defaults where there is none.

        Raises:
            NetworkSettingsError: there is one and it cannot be understood. To take it for "on" would be wrong.
        """
        parser = configparser.ConfigParser(interpolation=None)
        try:
            if not path.exists():
                return cls()
            parser.read_string(path.read_text(encoding="utf-8"))
            section = parser["network"] if parser.has_section("network") else parser["DEFAULT"]
            ca_file = section.get("ca_file", "")
            return cls(
                off=section.getboolean("off", fallback=False),
                proxy=section.get("proxy", ""),
                ca_file=Path(ca_file) if ca_file else None,
                mirror=section.get("mirror", ""),
            )
        except (OSError, ValueError, configparser.Error) as e:
            cause = " ".join(str(e).split())
            raise NetworkSettingsError(
                f"cannot read the network settings {path}: {cause}", remedy="Correct this file, or delete it."
            ) from e

    def save(self, path: Path) -> None:
        """Write the file, at once or not at all. Raises `OSError`."""
        parser = configparser.ConfigParser(interpolation=None)
        parser["network"] = {
            "off": "yes" if self.off else "no",
            "proxy": self.proxy,
            "ca_file": str(self.ca_file or ""),
            "mirror": self.mirror,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            parser.write(file)
        draft.replace(path)


class Response:
    """The head of an answer that is no error, and its body as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers  # any case

    def chunks(self) -> Iterator[bytes]:
        """The body as it was sent. Errors of the connection come out of `Network.get`."""
        return self._response.iter_raw()


class Network:
    """Makes requests, if it may.

    Args:
        settings: read before each request.
        read_timeout_s: seconds of silence after which a connection counts as lost.
    """

    def __init__(
        self, settings: Callable[[], NetworkSettings] | None = None, read_timeout_s: float = _READ_TIMEOUT_S
    ) -> None:
        self.settings = settings or (lambda: NetworkSettings.load(network_file()))
        self._timeout = httpx2.Timeout(read_timeout_s, connect=min(_CONNECT_TIMEOUT_S, read_timeout_s))

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], token: CancelToken) -> Iterator[Response]:
        """Ask for `url`; the answer's status is below 400 or 416. Redirects are followed, never to less safety.

        Raises:
            NetworkOffError: the switch is off: nothing was sent.
            ModelsError: one of its subclasses says what went wrong, also while the body is read within the block.
            Cancelled: the token was set; this ends a read that waits.
        """
        settings = self.settings()
        if settings.off:
            raise NetworkOffError(
                "the network is switched off in the settings, nothing was fetched",
                remedy=f"To allow downloads, set off = no in {network_file()}.",
            )
        connection = _Connection(token)
        try:
            with (
                token.interrupting(connection.shut_down),
                self._client(settings) as client,
                client.stream("GET", url, headers=headers, extensions={"trace": connection.trace}) as response,
            ):
                _check_safety(response)
                _check_status(response)
                yield Response(response)
        except httpx2.HTTPError as e:
            token.check()
            raise _in_words(e, url, settings) from e

    def _client(self, settings: NetworkSettings) -> httpx2.Client:
        try:
            return httpx2.Client(
                verify=_ssl_context(settings.ca_file, *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR"))),
                proxy=settings.proxy or None,
                timeout=self._timeout,
                follow_redirects=True,
                headers={"User-Agent": f"{APP_ID}/{__version__}", "Accept-Encoding": "identity"},
            )
        except (ValueError, httpx2.InvalidURL) as e:
            address = settings.proxy or "of the environment"
            raise NetworkSettingsError(
                f"the proxy address {address} is none: {e}", remedy=f"Correct it in {network_file()} or in HTTPS_PROXY."
            ) from e


class _Connection:
    """The socket in use, so that another thread (or a signal) can end what waits for it."""

    def __init__(self, token: CancelToken) -> None:
        self._token = token
        self._socket: socket.socket | None = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by the library at each of its steps."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._token.check()
            self._socket = info["return_value"].get_extra_info("socket")

    def shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # SSLSocket's own changes what the reader uses


@cache  # reading all the system's certificates takes a tenth of a second
def _ssl_context(ca_file: Path | None, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Trusts the system's certificates, or those the environment names instead, and besides them `ca_file`."""
    try:
        context = httpx2.create_ssl_context()  # looks at the environment itself
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
    except OSError as e:  # ssl.SSLError is one
        raise NetworkSettingsError(
            f"cannot read certificates from {ca_file or cert_file or cert_dir}: {e.strerror or e}",
            remedy=f"Give a PEM file as ca_file in {network_file()} or in SSL_CERT_FILE, or none.",
        ) from e
    return context


def _check_safety(response: httpx2.Response) -> None:
    """Raise `RedirectError` where a redirect led from https to http."""
    schemes = [step.url.scheme for step in (*response.history, response)]
    if "https" in schemes and "http" in schemes[schemes.index("https") :]:
        raise RedirectError(
            f"{response.history[0].url.host} redirects to {response.url.host} without encryption",
            remedy="Choose another mirror, or ask the network's administrator.",
        )


def _check_status(response: httpx2.Response) -> None:
    status, host = response.status_code, response.url.host
    said = f"{host} answers {status} {response.reason_phrase}".rstrip()
    if status in _BUSY:
        wait_s = _retry_after(response.headers)
        asks = f" and asks to wait {wait_s:.0f} s" if wait_s else ""
        raise ServerBusyError(said + asks, remedy="Try again later; what has arrived is kept.", retry_after_s=wait_s)
    if status == _PROXY_AUTHENTICATION:
        raise _proxy_error(said)
    if status >= _ERRORS_FROM and status != _RANGE_NOT_SATISFIABLE:
        remedy = "Try again later or choose another mirror; the file may have been moved or access be restricted."
        raise RefusedByServerError(said, remedy=remedy)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a number or a date (by the server's clock where it tells it)."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        then = parsedate_to_datetime(value).timestamp()
        date = headers.get("date")
        now = parsedate_to_datetime(date).timestamp() if date else time.time()
    except ValueError:  # neither, or an impossible date
        return None
    return max(0.0, then - now)


def _in_words(error: httpx2.HTTPError, url: str, settings: NetworkSettings) -> ModelsError:
    host = urlsplit(url).hostname or url
    cause = _root(error)
    said = (
        (cause.strerror if isinstance(cause, OSError) else "") or " ".join(str(cause).split()) or type(cause).__name__
    )
    match error:
        case httpx2.ProxyError():
            return _proxy_error(said)
        case httpx2.TooManyRedirects() | httpx2.UnsupportedProtocol():
            return RedirectError(f"{host} redirects without end or to no web address", remedy="Choose another mirror.")
        case httpx2.ConnectError() if isinstance(cause, ssl.SSLCertVerificationError):
            remedy = (
                "If your network inspects connections, name its certificate as ca_file in "
                f"{network_file()} or in SSL_CERT_FILE."
            )
            return CertificateError(f"the certificate of {host} is not trusted: {said}", remedy=remedy)
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            if proxy := _proxy_for(url, settings):
                return _proxy_error(f"{proxy.rpartition('@')[2]}: {said}")
            return UnreachableError(f"no connection to {host}: {said}", remedy="Check the connection to the internet.")
        case httpx2.ReadTimeout():
            return ConnectionLostError(
                f"nothing came from {host} for too long", remedy="Try again; what has arrived is kept."
            )
    return ConnectionLostError(f"the connection to {host} broke: {said}", remedy="Try again; what has arrived is kept.")


def _proxy_error(said: str) -> ProxyUnusableError:
    return ProxyUnusableError(
        f"the proxy cannot be used: {said}",
        remedy=f"Correct its address (with user:password@ if it asks) in {network_file()} or in HTTPS_PROXY.",
    )


def _proxy_for(url: str, settings: NetworkSettings) -> str:
    """The proxy a request to `url` goes through, or ""."""
    if settings.proxy:
        return settings.proxy
    parts, proxies = urlsplit(url), getproxies()
    if proxy_bypass(parts.hostname or ""):
        return ""
    return proxies.get(parts.scheme) or proxies.get("all") or ""


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
