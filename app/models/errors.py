"""Every error of fetching and keeping models: one type each, with the cause and what to do about it.

As in `gpu.errors`: `str(error)` is the cause in one line, `error.remedy` one sentence that says what the user can do,
true at the window and at the command line; both are whole sentences and can be translated.
"""

from gpu.errors import ExplainedError
from gpu.types import Words


class ModelsError(ExplainedError):
    """Something about models that the user can be told."""


class CatalogueError(ModelsError):
    """The catalogue that comes with the program cannot be read."""


class UnknownModelError(ModelsError):
    """There is no model of this name."""


class SettingsError(ModelsError):
    """The settings, or the certificates they name, cannot be read, written or used."""


class NetworkOffError(ModelsError):
    """A request was about to be made while the network is switched off."""


class UnreachableError(ModelsError):
    """No connection to the server: no network, no such name, refused, or no answer."""


class ProxyUnusableError(ModelsError):
    """The proxy does not answer, or does not let us through."""


class CertificateError(ModelsError):
    """The server's certificate is not trusted."""


class ConnectionLostError(ModelsError):
    """The connection was cut, or nothing came over it for too long."""


class ServerBusyError(ModelsError):
    """The server asks to come back later (429, 503), or fails for the moment (5xx).

    Args:
        retry_after_s: seconds the server asks to wait, if it says so.
    """

    def __init__(self, message: Words, *, remedy: Words, retry_after_s: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class RefusedByServerError(ModelsError):
    """The server does not give the file (401, 403, 404, 410, ...)."""


class RedirectError(ModelsError):
    """The server sends us round in circles, or to an address that is not safe."""


class WrongLengthError(ModelsError):
    """What the server offers has not the file's length."""


class WrongHashError(ModelsError):
    """What arrived is not the published file: its SHA-256 is another one."""


class NoRoomError(ModelsError):
    """The disk has not enough room for the file."""


class CannotWriteError(ModelsError):
    """The folder or a file in it cannot be written."""


class AlreadyDownloadingError(ModelsError):
    """Another download of the same file into the same folder is at work."""


class NotRemovableError(ModelsError):
    """The model is not one of those that may be removed, or the system does not let us."""


# Worth trying again at the same address, after a pause.
TRANSIENT = (UnreachableError, ConnectionLostError, ServerBusyError)
# Of one address only: another one may do better.
OF_ONE_ADDRESS = (*TRANSIENT, CertificateError, RefusedByServerError, RedirectError, WrongLengthError, WrongHashError)
