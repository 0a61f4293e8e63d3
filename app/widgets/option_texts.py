"""Names and explanations of the options, by their names in `TranscribeOptions`, in the words of the panel for all."""

from __future__ import annotations

from app.widgets.texts import translate
from gpu.types import TranscribeOptions

_DEFAULTS = TranscribeOptions()


def switch_texts() -> dict[str, tuple[str, str]]:
    return {
        "vad": (
            translate("OptionsPanel", "Leave out what is not speech"),
            translate("OptionsPanel", "Only what is heard as speech is recognised; switch it off for singing."),
        ),
        "multilingual": (
            translate("OptionsPanel", "Several languages"),
            translate("OptionsPanel", "Listens for the language again and again, unless one is chosen above."),
        ),
        "split_channels": (
            translate("OptionsPanel", "A speaker on each channel"),
            translate("OptionsPanel", "One person on the left, one on the right: the text says who speaks."),
        ),
        "beam_size": (
            translate("OptionsPanel", "Search more thoroughly"),
            translate("OptionsPanel", "Weighs five readings: leaves fewer words out, takes half as long again."),
        ),
        "word_timestamps": (
            translate("OptionsPanel", "Time every word"),
            translate("OptionsPanel", "Subtitles begin and end with their words; JSON files hold all times."),
        ),
    }


def line_texts() -> dict[str, tuple[str, str]]:
    return {
        "initial_prompt": (
            translate("OptionsPanel", "Context"),
            translate("OptionsPanel", "Names, terms or style to expect, told to the beginning of a recording."),
        ),
        "hotwords": (
            translate("OptionsPanel", "Likely words"),
            translate("OptionsPanel", "Names and terms that may occur; told to every part of a recording."),
        ),
    }


def chosen_texts(options: TranscribeOptions) -> list[str]:
    """What is not as it comes, but for language and task: a line each."""
    lines = []
    for name, (text, _explanation) in switch_texts().items():
        value = getattr(options, name)
        if value != getattr(_DEFAULTS, name):
            lines.append(text if value else translate("Recordings", "{option}: no").format(option=text))
    for name, (text, _explanation) in line_texts().items():
        if value := getattr(options, name):
            lines.append(translate("Recordings", "{option}: {value}").format(option=text, value=value))
    return lines
