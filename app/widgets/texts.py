"""Figures, states and errors in the user's words. Functions, so that a change of language shows at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QObject

from app.document.transcript import clock
from gpu.types import Doubt

translate = QCoreApplication.translate


def time_span(start_s: float, end_s: float) -> str:
    return f"{clock(start_s)} – {clock(end_s)}"


def time_left(seconds: float) -> str:
    """A rounded promise: nobody needs the seconds of half an hour."""
    if seconds < 1.5:
        return translate("Texts", "almost done")
    if seconds < 59.5:
        return translate("Texts", "about {n} s left").format(n=round(seconds))
    if seconds < 3570:
        return translate("Texts", "about {n} min left").format(n=round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return translate("Texts", "about {h} h {m} min left").format(h=hours, m=minutes)


def data_size(n_bytes: int) -> str:
    """In MB of 1,000,000 bytes, as the command line and most file managers do."""
    decimals = 1 if n_bytes >= 1_000_000_000 else 0
    size = QLocale().formattedDataSize(n_bytes, decimals, QLocale.DataSizeFormat.DataSizeSIFormat)
    return size.replace(" ", "\N{NO-BREAK SPACE}")


def percent(fraction: float) -> str:
    return translate("Texts", "{n} %").format(n=int(100 * fraction))


def real_time_factor(factor: float) -> str:
    """Our figure, and the inverse that other programs print, in words."""
    if factor <= 0:
        return "–"
    locale = QLocale()
    shown = locale.toString(factor, "f", 2)
    if factor < 1:
        speed = locale.toString(1 / factor, "f", 1)
        return translate("Texts", "{rtf} ({speed}× faster than real time)").format(rtf=shown, speed=speed)
    speed = locale.toString(factor, "f", 1)
    return translate("Texts", "{rtf} ({speed}× slower than real time)").format(rtf=shown, speed=speed)


def model_name(path: Path) -> str:
    """As models are called: "large-v3-turbo-q5_0"."""
    return path.stem.removeprefix("ggml-")


def format_name(name: str) -> str:
    """A file format of `app.document.export.FORMATS` in words."""
    names = {
        "txt": translate("Texts", "Plain text"),
        "times.txt": translate("Texts", "Plain text with times"),
        "srt": translate("Texts", "SubRip subtitles"),
        "vtt": translate("Texts", "WebVTT subtitles"),
        "words.vtt": translate("Texts", "WebVTT, word by word"),
        "tsv": translate("Texts", "Tab-separated table"),
        "json": translate("Texts", "JSON with all details"),
        "lrc": translate("Texts", "Lyrics with times"),
        "ass": translate("Texts", "Advanced SubStation Alpha subtitles"),
        "csv": translate("Texts", "Comma-separated table"),
        "md": translate("Texts", "Markdown"),
        "html": translate("Texts", "Web page"),
        "docx": translate("Texts", "Word document"),
        "pdf": translate("Texts", "PDF document"),
    }
    return names[name]


def format_use(name: str) -> str:
    """What such a file is for."""
    uses = {
        "txt": translate("Texts", "A line for each segment"),
        "times.txt": translate("Texts", "A line for each segment, with its time before it"),
        "srt": translate("Texts", "For almost every player and video editor"),
        "vtt": translate("Texts", "For videos on web pages"),
        "words.vtt": translate("Texts", "Words appear as they are spoken; needs the time of every word"),
        "lrc": translate("Texts", "For music players"),
        "ass": translate("Texts", "With a style of their own, and karaoke"),
        "tsv": translate("Texts", "Times in milliseconds and text, for programs"),
        "csv": translate("Texts", "Times in milliseconds and text, for spreadsheets"),
        "json": translate("Texts", "All that is known of each segment and word, for programs"),
        "md": translate("Texts", "With times, for notes"),
        "html": translate("Texts", "To read in a browser; doubtful text is marked"),
        "docx": translate("Texts", "To edit in Word, LibreOffice or Pages"),
        "pdf": translate("Texts", "To print"),
    }
    return uses[name]


def speaker_name(speaker: int | str) -> str:
    """The name a person gave, or the number of a channel."""
    if isinstance(speaker, str):
        return speaker
    number = speaker
    return translate("Texts", "Speaker {n}").format(n=number)


def doubt_words(doubt: Doubt) -> str:
    """What speaks against a segment's text."""
    match doubt:
        case "improbable":
            return translate("Texts", "The model was not sure of this text.")
        case "repetitive":
            return translate("Texts", "This text repeats itself.")
        case "repeated":
            return translate("Texts", "The same text comes several times in a row.")
        case "no speech":
            return translate("Texts", "Nobody is heard speaking here.")
        case "stock phrase":
            return translate("Texts", "A phrase that the model likes to make up where hardly anybody speaks.")


def on_language_change(watched: QObject, retranslate: Callable[[], None]) -> None:
    """Has the texts of somebody who is no widget renewed, when those of this window or menu are."""
    _LanguageWatch(watched, retranslate)


class _LanguageWatch(QObject):
    """Ends with what it watches."""

    def __init__(self, watched: QObject, retranslate: Callable[[], None]) -> None:
        super().__init__(watched)
        self._retranslate = retranslate
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        return super().eventFilter(watched, event)
