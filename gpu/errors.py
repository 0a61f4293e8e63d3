"""Every error the engine raises on purpose: one type each, with the cause and what to do about it.

An `EngineError` is made where the problem is found and shown in one place (`app.engine.service` turns it
into a message). `str(error)` is the cause in one line; `error.remedy` is one sentence that says what the
user can do. Both begin with a capital letter or a file's name, end with a full stop, and can be translated.
"""

import errno
import stat
from pathlib import Path

from gpu.types import Words


class ExplainedError(Exception):
    """Something the user can be told about; also the base of the application's own.

    Args:
        message: the cause in one line, with got/expected where there is such a pair.
        remedy: one sentence: what to do about it.
    """

    def __init__(self, message: Words, *, remedy: Words) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class EngineError(ExplainedError):
    """Something about a recording, a model, a device or the options."""


class ModelFileError(EngineError):
    """The model file cannot be used."""


class ModelNotFoundError(ModelFileError):
    """There is no such model file, or it may not be read."""


class UnknownModelFormatError(ModelFileError):
    """The file is not a Whisper model in a container we read."""


class UnknownTensorTypeError(ModelFileError):
    """A tensor is stored in a type we do not read."""


class QuantizationVersionError(ModelFileError):
    """The file was quantized with another block layout than today's."""


class DamagedModelError(ModelFileError):
    """The file is cut short or contradicts itself."""


class ModelArchitectureError(ModelFileError):
    """A readable file, but not the Whisper architecture: wrong dimensions, missing tensors."""


class UnsafeModelError(ModelFileError):
    """The file asks for code to be run when it is read. None was."""


class ConversionError(EngineError):
    """A model cannot be written as asked: rows that do not divide, weights beyond the type."""


class OutputFileError(EngineError):
    """The result cannot be written: no space, no such folder, no permission."""


class AudioError(EngineError):
    """The recording cannot be read."""


class AudioNotFoundError(AudioError):
    """There is no such file, or it may not be read."""


class AudioGoneError(AudioError):
    """The recording was there when it was opened: a drive was taken out, a connection broke."""


class NoAudioStreamError(AudioError):
    """A readable file without any sound in it (a silent video, a picture)."""


class UndecodableAudioError(AudioError):
    """The file is empty, is not audio, or is damaged from its first packet on."""


class DeviceError(EngineError):
    """The device cannot do the work."""


class DeviceUnavailableError(DeviceError):
    """The device that was asked for is not there or not usable."""


class DeviceMemoryError(DeviceError):
    """Not enough memory on the device."""


class DeviceFailedError(DeviceError):
    """The device stopped working in the middle of something; only a restart of the program brings it back."""


class KernelError(DeviceError):
    """The kernels cannot be compiled or loaded for this device."""


class OptionsError(EngineError):
    """The options contradict each other or the model (an unknown language, translate with an English-only model)."""


class Cancelled(Exception):  # noqa: N818 - a request that was granted, not an error
    """The run was stopped on request. What was yielded before stands."""


# What files, disks and networks do, in the system's own words (which Python leaves in English).
_SYSTEM_ERRORS = {
    errno.EACCES: Words("Permission denied"),
    errno.EPERM: Words("Operation not permitted"),
    errno.ENOENT: Words("No such file or directory"),
    errno.ENOTDIR: Words("Not a directory"),
    errno.EISDIR: Words("Is a directory"),
    errno.EEXIST: Words("File exists"),
    errno.ENAMETOOLONG: Words("File name too long"),
    errno.ELOOP: Words("Too many levels of symbolic links"),
    errno.EIO: Words("Input/output error"),
    errno.ENODEV: Words("No such device"),
    errno.ESTALE: Words("Stale file handle"),
    errno.ETIMEDOUT: Words("Connection timed out"),
    errno.EMFILE: Words("Too many open files"),
    errno.ENOSPC: Words("No space left on device"),
    errno.EDQUOT: Words("Disk quota exceeded"),
    errno.EFBIG: Words("File too large"),
    errno.EROFS: Words("Read-only file system"),
    errno.ENOMEM: Words("Cannot allocate memory"),
    errno.ECONNREFUSED: Words("Connection refused"),
    errno.ECONNRESET: Words("Connection reset by peer"),
    errno.ENETUNREACH: Words("Network is unreachable"),
    errno.EHOSTUNREACH: Words("No route to host"),
    errno.EPIPE: Words("Broken pipe"),
}


def reason(error: OSError) -> str:
    """Why the system could not do it, as a part of a sentence."""
    return _SYSTEM_ERRORS.get(error.errno or 0, error.strerror or str(error))


def no_file(path: Path, mode: int) -> Words:
    """What stands at a path where an ordinary file should; `mode` as in `os.stat_result`."""
    if stat.S_ISDIR(mode):
        return Words("{path} is a folder.", path=path)
    return Words("{path} is not an ordinary file.", path=path)
