"""What the engine says, in the language of the interface.

The engine speaks English and knows no Qt. Errors come with a kind, which has a headline and a remedy here; the
engine's own sentence, with its figures and names, stays as the detail. Notes and warnings are matched by their words;
one that is not known here is shown as the engine says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QLocale

from gpu import errors

# Headline and remedy by `kind`, the name of a class in gpu/errors.py or of the service.
_PROBLEMS: dict[str, tuple[object, object]] = {
    "ModelNotFoundError": (
        QT_TRANSLATE_NOOP("Problems", "The model file cannot be read"),
        QT_TRANSLATE_NOOP("Problems", "Choose a model file that is there and may be read."),
    ),
    "UnknownModelFormatError": (
        QT_TRANSLATE_NOOP("Problems", "This file is not a Whisper model"),
        QT_TRANSLATE_NOOP("Problems", "Choose a Whisper model in ggml (.bin) or GGUF form."),
    ),
    "UnknownTensorTypeError": (
        QT_TRANSLATE_NOOP("Problems", "The model is quantized in a way that is not supported"),
        QT_TRANSLATE_NOOP("Problems", "Choose a model in another quantization, such as Q5_1 or Q8_0."),
    ),
    "QuantizationVersionError": (
        QT_TRANSLATE_NOOP("Problems", "The model file is of an outdated form"),
        QT_TRANSLATE_NOOP("Problems", "Download a current version of the model."),
    ),
    "DamagedModelError": (
        QT_TRANSLATE_NOOP("Problems", "The model file is damaged"),
        QT_TRANSLATE_NOOP("Problems", "Download or copy the model file again, or choose another one."),
    ),
    "ModelArchitectureError": (
        QT_TRANSLATE_NOOP("Problems", "The file holds another kind of model"),
        QT_TRANSLATE_NOOP("Problems", "Choose a Whisper model in ggml (.bin) or GGUF form."),
    ),
    "ModelFileError": (
        QT_TRANSLATE_NOOP("Problems", "The model file cannot be used"),
        QT_TRANSLATE_NOOP("Problems", "Choose another model file."),
    ),
    "UnsafeModelError": (
        QT_TRANSLATE_NOOP("Problems", "The model file wants to run code"),
        QT_TRANSLATE_NOOP("Problems", "Nothing of it was run. Do not trust the file; get the model elsewhere."),
    ),
    "ConversionError": (
        QT_TRANSLATE_NOOP("Problems", "The model cannot be written in this way"),
        QT_TRANSLATE_NOOP("Problems", "Choose another type of weights."),
    ),
    "OutputFileError": (
        QT_TRANSLATE_NOOP("Problems", "The file could not be written"),
        QT_TRANSLATE_NOOP("Problems", "Choose another folder, or make room on the disk."),
    ),
    "ModelNotLoaded": (
        QT_TRANSLATE_NOOP("Problems", "No model is loaded"),
        QT_TRANSLATE_NOOP("Problems", "Choose a model file."),
    ),
    "AudioNotFoundError": (
        QT_TRANSLATE_NOOP("Problems", "Recording not found or not readable"),
        QT_TRANSLATE_NOOP("Problems", "Check the file's name, its folder and your permission to read it."),
    ),
    "NoAudioStreamError": (
        QT_TRANSLATE_NOOP("Problems", "No sound in this file"),
        QT_TRANSLATE_NOOP("Problems", "Choose a file with an audio track."),
    ),
    "UndecodableAudioError": (
        QT_TRANSLATE_NOOP("Problems", "Not a playable recording"),
        QT_TRANSLATE_NOOP("Problems", "Check that it plays in a media player; copy or download it again."),
    ),
    "AudioError": (
        QT_TRANSLATE_NOOP("Problems", "The recording cannot be read"),
        QT_TRANSLATE_NOOP("Problems", "Check that it plays in a media player."),
    ),
    "DeviceUnavailableError": (
        QT_TRANSLATE_NOOP("Problems", "The device cannot be used"),
        QT_TRANSLATE_NOOP("Problems", "Use the processor (CPU) instead."),
    ),
    "DeviceMemoryError": (
        QT_TRANSLATE_NOOP("Problems", "There is not enough memory on the device"),
        QT_TRANSLATE_NOOP("Problems", "Close other programs, or choose a smaller model."),
    ),
    "DeviceError": (
        QT_TRANSLATE_NOOP("Problems", "The device stopped working"),
        QT_TRANSLATE_NOOP("Problems", "Start the program again; if that does not help, restart the computer."),
    ),
    "OptionsError": (
        QT_TRANSLATE_NOOP("Problems", "The model cannot do this"),
        QT_TRANSLATE_NOOP("Problems", "Choose another language or task, or a multilingual model."),
    ),
    "MemoryError": (
        QT_TRANSLATE_NOOP("Problems", "There is not enough memory"),
        QT_TRANSLATE_NOOP("Problems", "Close other programs, or choose a smaller model."),
    ),
    "InternalError": (
        QT_TRANSLATE_NOOP("Problems", "The program made a mistake"),
        QT_TRANSLATE_NOOP("Problems", "Please report it with the log file; Help > About shows where it is."),
    ),
    "OSError": (
        QT_TRANSLATE_NOOP("Problems", "The file could not be written"),
        QT_TRANSLATE_NOOP("Problems", "Choose another folder, or make room on the disk."),
    ),
}

# Notes and warnings of the engine: the groups of the pattern fill the gaps of the text.
_SENTENCES: list[tuple[str, object]] = [
    (r"as requested", QT_TRANSLATE_NOOP("Engine", "As requested")),
    (r"No NVIDIA driver was found", QT_TRANSLATE_NOOP("Engine", "No NVIDIA driver was found")),
    (
        r"The NVIDIA driver was updated and waits for a restart",
        QT_TRANSLATE_NOOP("Engine", "The NVIDIA driver was updated and waits for a restart"),
    ),
    (
        r"The NVIDIA driver does not start \(CUDA error (.*)\)",
        QT_TRANSLATE_NOOP("Engine", "The NVIDIA driver does not start (CUDA error {0})"),
    ),
    (
        r"An NVIDIA driver was found, but no NVIDIA GPU",
        QT_TRANSLATE_NOOP("Engine", "An NVIDIA driver was found, but no NVIDIA GPU"),
    ),
    (
        r"NVIDIA driver (.*)found, which supports CUDA (.*); CUDA (.*) is needed \(driver (.*) or newer\)",
        QT_TRANSLATE_NOOP(
            "Engine",
            "NVIDIA driver {0}found, which supports CUDA {1}; CUDA {2} is needed (driver {3} or newer)",
        ),
    ),
    (
        r"(.*) found, whose compute capability (.*) is too old; (.*) is needed",
        QT_TRANSLATE_NOOP("Engine", "{0} found, whose compute capability {1} is too old; {2} is needed"),
    ),
    (r"(.*) found", QT_TRANSLATE_NOOP("Engine", "{0} found")),
    (
        r"the GPU engine is not part of this version",
        QT_TRANSLATE_NOOP("Engine", "the GPU engine is not part of this version"),
    ),
]


@dataclass(frozen=True)
class Problem:
    """An error as the user reads it: what is wrong, the particulars, what to do."""

    headline: str
    detail: str
    remedy: str


def problem(kind: str, message: str, remedy: str = "") -> Problem:
    """An error in the language of the interface; `remedy` is the engine's own, if it gave one."""
    headline_source, remedy_source = _PROBLEMS.get(kind, _PROBLEMS["InternalError"])
    headline = QCoreApplication.translate("Problems", str(headline_source))
    if remedy and QLocale().language() is QLocale.Language.English:
        return Problem(headline, message, remedy)  # the engine's own remedy is more specific
    return Problem(headline, message, QCoreApplication.translate("Problems", str(remedy_source)))


def known_kinds() -> frozenset[str]:
    return frozenset(_PROBLEMS)


def concerns_model(kind: str) -> bool:
    """Whether another model file is what helps."""
    error = getattr(errors, kind, None)
    return kind == "ModelNotLoaded" or (isinstance(error, type) and issubclass(error, errors.ModelFileError))


def sentence(text: str) -> str:
    """A note or warning of the engine, translated part by part ("cause: consequence") as far as it is known."""
    translated = _sentence(text)
    if translated is not None:
        return translated
    cause, colon, consequence = text.partition(": ")
    parts = [_sentence(cause) or cause, _sentence(consequence) or consequence]
    return QCoreApplication.translate("Engine", "{0}: {1}").format(*parts) if colon else text


def _sentence(text: str) -> str | None:
    for pattern, template in _SENTENCES:
        if match := re.fullmatch(pattern, text):
            return QCoreApplication.translate("Engine", str(template)).format(*match.groups())
    return None
