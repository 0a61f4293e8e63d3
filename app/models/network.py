"""The one place that talks to the network: the switch, and GET requests. Nothing else imports the library.

Every request reads the settings anew, so that the switch holds from the next request on, also within a download.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
    ProxyUnusableError,
    RedirectError,
    RefusedByServerError,
    ServerBusyError,
    SettingsError,
    UnreachableError,
)
from app.models.settings import NetworkSettings, SharedSettings
from app.paths import APP_ID
from gpu.cancel import CancelToken
from gpu.errors import reason
from gpu.types import Words

_CONNECT_TIMEOUT_S = 20.0
_READ_TIMEOUT_S = 30.0
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_PROXY_AUTHENTICATION = 407
_ERRORS_FROM = 400
_RANGE_NOT_SATISFIABLE = 416

# Why a server's name was not found, in the system's own words.
_NAME_ERRORS = {
    socket.EAI_NONAME: Words("Name or service not known"),
    socket.EAI_AGAIN: Words("Temporary failure in name resolution"),
}


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
        self.settings = settings or (lambda: SharedSettings.load().network)
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
                Words("The network is switched off in the settings: nothing was fetched."),
                remedy=Words('Switch it on in the network settings, or with "models network --on".'),
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
        except (ValueError, httpx2.InvalidURL, ImportError) as e:  # the last: SOCKS, which needs one more library
            proxy = settings.proxy or Words("of the environment")
            cause = Words("SOCKS is not supported") if isinstance(e, ImportError) else str(e).rstrip(".")
            raise SettingsError(
                Words("The proxy address {proxy} cannot be used: {cause}.", proxy=proxy, cause=cause),
                remedy=Words("Give one of the form http://host:port in the network settings or in HTTPS_PROXY."),
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
        path = ca_file or cert_file or cert_dir
        raise SettingsError(
            Words("No certificates can be read from {path}: {cause}.", path=path, cause=reason(e)),
            remedy=Words("Name a PEM file in the network settings or in SSL_CERT_FILE, or none."),
        ) from e
    return context


def _check_safety(response: httpx2.Response) -> None:
    """Raise `RedirectError` where a redirect led from https to http."""
    schemes = [step.url.scheme for step in (*response.history, response)]
    if "https" in schemes and "http" in schemes[schemes.index("https") :]:
        raise RedirectError(
            Words(
                "{host} redirects to {target} without encryption.",
                host=response.history[0].url.host,
                target=response.url.host,
            ),
            remedy=Words("Name another mirror in the network settings, or ask the network's administrator."),
        )


def _check_status(response: httpx2.Response) -> None:
    status, host = response.status_code, response.url.host
    said = f"{status} {response.reason_phrase}".rstrip()
    if status in _BUSY:
        raise _busy_error(host, said, _retry_after(response.headers))
    if status == _PROXY_AUTHENTICATION:
        cause = Words("{host} answers {status}", host=host, status=said)
        raise _proxy_error(cause)
    if status >= _ERRORS_FROM and status != _RANGE_NOT_SATISFIABLE:
        raise RefusedByServerError(
            Words("{host} answers {status}.", host=host, status=said),
            remedy=Words("Try again later or name another mirror: the file may have been moved or be restricted."),
        )


def _busy_error(host: str, status: str, wait_s: float | None) -> ServerBusyError:
    message = Words("{host} answers {status}.", host=host, status=status)
    if wait_s:
        message = Words(
            "{host} answers {status} and asks to wait {seconds} s.", host=host, status=status, seconds=f"{wait_s:.0f}"
        )
    remedy = Words("Try again later; what has arrived is kept.")
    return ServerBusyError(message, remedy=remedy, retry_after_s=wait_s)


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
    host, cause = urlsplit(url).hostname or url, _root(error)
    said = _cause(cause)
    again = Words("Try again; what has arrived is kept.")
    match error:
        case httpx2.ProxyError():
            return _proxy_error(said)
        case httpx2.TooManyRedirects() | httpx2.UnsupportedProtocol():
            return RedirectError(
                Words("{host} redirects without end or to no web address.", host=host),
                remedy=Words("Name another mirror in the network settings."),
            )
        case httpx2.ConnectError() if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                Words("The certificate of {host} is not trusted: {cause}.", host=host, cause=cause.verify_message),
                remedy=Words(
                    "If your network inspects connections, name its certificate in the network settings or in "
                    "SSL_CERT_FILE."
                ),
            )
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            if proxy := proxy_for(url, settings):
                said = Words("{address}: {cause}", address=proxy.rpartition("@")[2], cause=said)
                return _proxy_error(said)
            return UnreachableError(
                Words("There is no connection to {host}: {cause}.", host=host, cause=said),
                remedy=Words("Check the connection to the internet."),
            )
        case httpx2.ReadTimeout():
            return ConnectionLostError(Words("Nothing came from {host} for too long.", host=host), remedy=again)
    return ConnectionLostError(Words("The connection to {host} broke: {cause}.", host=host, cause=said), remedy=again)


def _cause(error: BaseException) -> str:
    """What the system or the library says, without a full stop."""
    if isinstance(error, socket.gaierror):
        return _NAME_ERRORS.get(error.errno or 0, error.strerror or str(error))
    said = reason(error) if isinstance(error, OSError) else str(error)
    return said if isinstance(said, Words) else said.rstrip(".") or type(error).__name__


def _proxy_error(cause: str) -> ProxyUnusableError:
    return ProxyUnusableError(
        Words("The proxy cannot be used: {cause}.", cause=cause),
        remedy=Words(
            "Correct its address (http://user:password@host:port if it asks for one) in the network settings or in "
            "HTTPS_PROXY."
        ),
    )


def proxy_for(url: str, settings: NetworkSettings) -> str:
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
