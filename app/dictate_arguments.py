"""What may be typed behind `dictate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from app.argument_types import Subparsers, real_number
from app.engine.service import language_code
from app.interruption import EXIT_USAGE
from app.model_options import add_model_options, chosen_model
from gpu.errors import OptionsError
from gpu.types import TranscribeOptions

_DESCRIPTION = """\
Words while they are spoken. Text that is printed does not change any more;
it follows the speech by a second or two.

  dictate                                       until Ctrl-C
  dictate --language de --save-audio talk.flac  keep the sound, too
  dictate --source system --format jsonl        what the computer plays
"""

_NOTES = """\
jsonl: {"type": "state|tentative|committed|final|gap", "text": ..., "start": s,
"end": s, "time": s}; committed and final hold the new words only, tentative
replaces the one before; start and end are of the sound, time is since its
first sample. state: speaking, silent, language xx, or "microphone stalled"
(gone, muted, silent, suspended; listening when all is well), then with
message and remedy; gap: silence is in the place of sound that was lost.

exit codes: 0 ended, also by Ctrl-C, 1 failed, 2 wrong usage
"""


def add_dictate(commands: Subparsers[Any], program: str) -> None:
    """Add `dictate` to the program's commands. `program` is what the user typed."""
    parser = commands.add_parser(
        "dictate",
        usage=f"{program} dictate [options]",
        description=_DESCRIPTION,
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=_dictate, parser=parser, takes_files=False)
    parser.add_argument("--input", default="", metavar="NAME", help="a microphone, by a part of its name")
    parser.add_argument(
        "--source",
        choices=["microphone", "system"],
        default="microphone",
        help="system: what the computer plays, such as a call (default: microphone)",
    )
    parser.add_argument(
        "--language", default="auto", metavar="LANG", help="code or name, or auto: decided once (default: auto)"
    )
    parser.add_argument("--duration", type=real_number(above=0), metavar="S", help="end by itself after S seconds")
    parser.add_argument(
        "--format", choices=["text", "jsonl"], default="text", help="jsonl: an event a line (default: text)"
    )
    parser.add_argument("--save-audio", type=Path, metavar="FILE", help="keep what is heard, as FLAC")
    parser.add_argument("--hotwords", metavar="TEXT", help="names and terms that are likely")
    add_model_options(parser)


def _dictate(arguments: argparse.Namespace) -> int:
    from app.dictate_command import DictateCommand  # with what hears and converts sound

    try:
        language = None if arguments.language == "auto" else language_code(arguments.language)
    except OptionsError as e:
        print(f"error: --language: {e} {e.remedy}", file=sys.stderr)
        return EXIT_USAGE
    model = chosen_model(arguments)
    if model is None:
        return EXIT_USAGE
    return DictateCommand(
        options=TranscribeOptions(language=language, hotwords=arguments.hotwords),
        model=model,
        device=arguments.device,
        threads=arguments.threads or None,
        input_name=arguments.input,
        source=arguments.source,
        duration_s=arguments.duration,
        format=arguments.format,
        save_audio=arguments.save_audio,
    ).run()
