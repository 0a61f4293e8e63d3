"""What may be typed about words and subtitles."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.argument_types import optional, real_number, true_or_false, whole_number
from app.document.subtitles import PRESETS, Layout

_PRESETS = """how subtitles are made: spoken (one for each segment; the default), standard (42 x 2 characters, 16 x 2
Chinese, Japanese or Korean ones, 17 and 9 of them a second), children (the same, 13 and 7 a second), upright (one short
line, for phones); what follows changes single values of it"""


def add_word_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("words and subtitles")
    whole = optional(whole_number(1))
    speed = optional(real_number(above=0))
    for name, text in (
        ("--word-timestamps", "time every word: in json, and for subtitles, which else share out the time of segments"),
        ("--highlight-words", "karaoke: mark each word in srt, vtt, lrc and ass (needs --word-timestamps)"),
    ):
        group.add_argument(name, type=true_or_false, default=False, metavar="True|False", help=text)
    group.add_argument("--subtitles", choices=PRESETS, default="spoken", help=_PRESETS)
    for name, kind, metavar, text in (
        ("--max-line-width", whole, "N", "characters of a line of a subtitle"),
        ("--max-cjk-width", whole, "N", "the same for Chinese, Japanese and Korean (None: as the others)"),
        ("--max-line-count", whole, "N", "lines of a subtitle (with --max-line-width)"),
        ("--max-words-per-line", whole, "N", "words of a subtitle"),
        ("--max-speed", speed, "N", "characters a second that can be read: subtitles stand longer where there is time"),
        ("--max-cjk-speed", speed, "N", "the same for Chinese, Japanese and Korean"),
        ("--min-gap-ms", whole_number(0), "N", "milliseconds from the end of a subtitle to the next one"),
    ):
        group.add_argument(name, type=kind, metavar=metavar, help=text, default=argparse.SUPPRESS)


def layout(arguments: argparse.Namespace) -> Layout:
    """How subtitles are to look; ends the program where that makes no sense."""
    preset = PRESETS[arguments.subtitles]
    chosen = {name: getattr(arguments, name, value) for name, value in vars(preset).items()}
    wanted = replace(preset, **chosen)
    if wanted.highlight_words and not arguments.word_timestamps:
        arguments.parser.error("--highlight-words needs --word-timestamps")
    for name in ("max_line_count", "max_cjk_width"):
        if getattr(wanted, name) and not wanted.max_line_width:
            arguments.parser.error(f"--{name.replace('_', '-')} needs --max-line-width")
    return wanted
