"""What the engine says, in the language of the interface.

The engine speaks English and knows no Qt; its `Words` carry what a translation needs. Errors come with a kind, which
has a headline here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QCoreApplication

from gpu import errors
from gpu.types import Words

# By `kind`, the name of a class in gpu/errors.py or app/models/errors.py, or of the service.
_HEADLINES = {
    "ModelNotFoundError": Words("The model file cannot be read"),
    "UnknownModelFormatError": Words("This file is not a Whisper model"),
    "UnknownTensorTypeError": Words("The model is quantized in a way that is not supported"),
    "QuantizationVersionError": Words("The model file is of an outdated form"),
    "DamagedModelError": Words("The model file is damaged"),
    "ModelArchitectureError": Words("The file holds another kind of model"),
    "ModelFileError": Words("The model file cannot be used"),
    "UnsafeModelError": Words("The model file wants to run code"),
    "ConversionError": Words("The model cannot be written in this way"),
    "OutputFileError": Words("The file could not be written"),
    "ModelNotLoaded": Words("No model is loaded"),
    "AudioNotFoundError": Words("Recording not found or not readable"),
    "AudioGoneError": Words("The recording is gone"),
    "NoAudioStreamError": Words("No sound in this file"),
    "UndecodableAudioError": Words("Not a playable recording"),
    "AudioError": Words("The recording cannot be read"),
    "DeviceUnavailableError": Words("The device cannot be used"),
    "DeviceMemoryError": Words("There is not enough memory on the device"),
    "DeviceFailedError": Words("The device stopped working"),
    "KernelError": Words("The device cannot run this program"),
    "DeviceError": Words("The device stopped working"),
    "OptionsError": Words("The model cannot do this"),
    "MemoryError": Words("There is not enough memory"),
    "InternalError": Words("The program made a mistake"),
    "OSError": Words("The file could not be written"),
    "CatalogueError": Words("The list of published models cannot be read"),
    "UnknownModelError": Words("There is no such model"),
    "SettingsError": Words("The settings cannot be used"),
    "NetworkOffError": Words("The network is switched off"),
    "UnreachableError": Words("The server cannot be reached"),
    "ProxyUnusableError": Words("The proxy cannot be used"),
    "CertificateError": Words("The server's certificate is not trusted"),
    "ConnectionLostError": Words("The connection was lost"),
    "ServerBusyError": Words("The server is busy"),
    "RefusedByServerError": Words("The server does not give the file"),
    "RedirectError": Words("The server leads nowhere"),
    "WrongLengthError": Words("The server offers another file"),
    "WrongHashError": Words("What arrived is not the published file"),
    "NoRoomError": Words("There is not enough room on the disk"),
    "CannotWriteError": Words("The folder cannot be written"),
    "AlreadyDownloadingError": Words("The model is being downloaded already"),
    "NotRemovableError": Words("The model cannot be removed"),
    "NoGpuPackError": Words("There is no GPU support for this system"),
    "DamagedPackageError": Words("A package cannot be unpacked"),
}


@dataclass(frozen=True)
class Problem:
    """An error as the user reads it: what is wrong, the particulars, what to do."""

    headline: str
    detail: str
    remedy: str

    def headline_for(self, name: str) -> str:
        """What is wrong, and with which file."""
        return QCoreApplication.translate("Problems", "{name}: {headline}").format(name=name, headline=self.headline)


def problem(kind: str, message: str, remedy: str) -> Problem:
    """An error in the language of the interface."""
    headline = _HEADLINES.get(kind, _HEADLINES["InternalError"])
    return Problem(translated(headline), translated(message), translated(remedy))


def known_kinds() -> frozenset[str]:
    return frozenset(_HEADLINES)


def concerns_model(kind: str) -> bool:
    """Whether another model file is what helps."""
    error = getattr(errors, kind, None)
    return kind == "ModelNotLoaded" or (isinstance(error, type) and issubclass(error, errors.ModelFileError))


def translated(text: str) -> str:
    """`Words` in the language of the interface; other texts as they are."""
    if not isinstance(text, Words):
        return text
    values = {name: _value(name, value) for name, value in text.values.items()}
    return QCoreApplication.translate("", text.template).format(**values)


def _value(name: str, value: str) -> str:
    return QCoreApplication.translate("Languages", value) if name == "language" else translated(value)


class Explained(Protocol):
    """An error, or anything else that says what is wrong and what to do."""

    @property
    def message(self) -> str: ...
    @property
    def remedy(self) -> str: ...


def explained(problem: Explained) -> str:
    """Both sentences."""
    return f"{translated(problem.message)} {translated(problem.remedy)}"
