"""The command line: what may be typed, and what it means. Option names are those of openai/whisper."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NoReturn

from app import __version__
from app.argument_types import Subparsers, optional, real_number, seconds_list, true_or_false, whole_number
from app.bench_arguments import add_bench
from app.console import prepare_streams
from app.dictate_arguments import add_dictate
from app.document.export import FORMATS
from app.engine.service import language_code, languages
from app.gpu_commands import add_gpu
from app.model_options import add_model_options, chosen_model
from app.models_command import add_models
from app.paths import APP_NAME
from app.selftest_command import add_selftest
from app.subtitle_arguments import add_word_options, layout
from gpu.errors import OptionsError
from gpu.types import TranscribeOptions

_COMMANDS = ("transcribe", "dictate", "open", "models", "gpu", "bench", "selftest")
_DEFAULTS = TranscribeOptions()
_SWITCHES = ("--word-timestamps", "--highlight-words")  # alone they mean True
_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")

_Add = Callable[[str, Callable[[str], object], object, str, str], None]  # name, type, default, metavar, text

_ABOUT = """\
{app}: speech to text on your own machine.

  {program}                      open the window
  {program} open FILE...         open the window with files
  {program} transcribe FILE...   print the text of recordings
  {program} dictate              print words while they are spoken
  {program} --toggle-dictation   begin or end dictation into the program in front
  {program} models COMMAND       list, download, import, quantize, check and remove models
  {program} gpu enable           use an NVIDIA GPU; gpu status: what is missing for it
  {program} bench [FILE]         measure how fast this machine is
  {program} selftest             check that this machine computes what it should

{program} COMMAND --help says more about a command.
"""

_DESCRIPTION = """\
Turn recordings into text: audio or video files of any usual kind, or folders
of them. The text goes to standard output as it is recognised; progress,
statistics, warnings and errors go to standard error.

  transcribe interview.mp3                     print the text
  transcribe talk.mp4 --format srt             ... and write talk.srt
  transcribe recordings --output-dir texts     a folder, into all formats
  transcribe rede.mp3 --language German --task translate --beam-size 5
"""

_NOTES = """\
Files that exist are replaced. The real-time factor is processing time by
length: below 1 is faster than real time. Ctrl-C keeps the text so far.

exit codes: 0 all files done, 1 some failed and the others are done,
  2 wrong usage, 130 stopped by Ctrl-C
"""


def run(args: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    prepare_streams()
    parser = _parser()
    if args and args[0] not in _COMMANDS and Path(args[0]).exists():
        parser.error(f"{args[0]} is no command; to transcribe it: {_program()} transcribe {args[0]}")
    arguments, unknown = parser.parse_known_args(_hyphenated(args))
    if any(word.startswith("-") for word in unknown):
        arguments.parser.error(f"unknown option: {' '.join(unknown)}")
    if unknown and not arguments.takes_files:
        arguments.parser.error(f"not understood: {' '.join(unknown)}")
    arguments.files.extend(map(Path, unknown))  # files that stand behind options
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in two lines, not after a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\nSee {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=_program(),
        usage=f"{_program()} [COMMAND] ...",
        description=_ABOUT.format(app=APP_NAME, program=_program()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{APP_NAME} {__version__}")
    parser.add_argument(
        "--toggle-dictation", dest="command", action="store_const", const=_toggle_dictation, help=argparse.SUPPRESS
    )
    parser.set_defaults(command=_open_window, parser=parser, files=[], takes_files=True)
    commands = parser.add_subparsers(prog=_program(), metavar="COMMAND", help=argparse.SUPPRESS)
    _add_transcribe(commands)
    add_dictate(commands, _program())
    open_ = commands.add_parser("open", description="Open the window with files.", allow_abbrev=False)
    open_.set_defaults(parser=open_)
    open_.add_argument("files", metavar="FILE", nargs="*", type=Path, help="recordings, or folders of them")
    add_models(commands, _program())
    add_gpu(commands, _program())
    add_bench(commands, _program())
    add_selftest(commands, _program())
    return parser


def _add_transcribe(commands: Subparsers[_Parser]) -> None:
    parser = commands.add_parser(
        "transcribe",
        usage=f"{_program()} transcribe [options] FILE [FILE ...]",
        description=_DESCRIPTION,
        epilog=_NOTES + _language_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=_transcribe, parser=parser)
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="recordings, or folders of them")
    _add_output_options(parser)
    add_word_options(parser)
    add_model_options(parser)
    _add_decoding_options(parser)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format",
        "--output-format",
        "-f",
        dest="formats",
        action="append",
        choices=[*FORMATS, "all"],
        metavar="FORMAT",
        help=f"also write a file: {', '.join(FORMATS)}, or all, which is all but pdf; may be repeated "
        "(default with --output-dir: all)",
    )
    group.add_argument(
        "--output-dir", "-o", type=Path, metavar="DIR", help="folder for these files (default: the current one)"
    )
    group.add_argument(
        "--stats-json",
        type=Path,
        metavar="FILE",
        help="write statistics to FILE, one JSON object a line for each recording: times in seconds, memory in bytes",
    )
    group.add_argument(
        "--quiet", "-q", action="store_true", help="no progress and no statistics: errors and warnings only"
    )


def _add_decoding_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("decoding")

    def add(name: str, kind: Callable[[str], object], default: object, metavar: str, text: str) -> None:
        group.add_argument(
            f"--{name}", type=kind, default=default, metavar=metavar, help=f"{text} (default: {default})"
        )

    add("language", str, "auto", "LANGUAGE", "language spoken, by name or code; auto listens for it")
    group.add_argument(
        "--task",
        choices=["transcribe", "translate"],
        default=_DEFAULTS.task,
        help="keep the language, or translate into English (default: transcribe)",
    )
    _add_what_is_heard(add)
    _add_how_it_is_decoded(add)
    _add_when_a_window_is_poor(add)


def _add_what_is_heard(add: _Add) -> None:
    add("multilingual", true_or_false, False, "True|False", "several languages: listen for it in every window")
    add("vad", true_or_false, True, "True|False", "recognise only where somebody is heard speaking (not: singing)")
    add("split-channels", true_or_false, False, "True|False", "each channel is a speaker: recognise it for itself")
    clips_text = "parts to be heard in seconds, start,end,start,end,...; the last one may do without its end"
    add("clip-timestamps", seconds_list, "0", "S,S,...", clips_text)
    add("initial-prompt", str, None, "TEXT", "names, terms or style to expect, as context of the first window")
    add("hotwords", str, None, "WORDS", "names and terms that are likely, told to every window")
    add("condition-on-previous-text", true_or_false, False, "True|False", "give each window the text before it")


def _add_how_it_is_decoded(add: _Add) -> None:
    whole, positive = whole_number(1), real_number(above=0)
    penalty_text = "exponent of the length penalty; None divides by the length"
    batch_text = "windows decoded at once, if greedily; 1: one after the other, as openai/whisper"
    repeat_text = "no run of so many tokens twice in a window; 0: as it comes"
    add("beam-size", optional(whole), None, "N", "beam search with N beams; None is greedy, 5 more accurate and slower")
    add("patience", positive, _DEFAULTS.patience, "P", "beam search goes on until P x N beams have ended")
    add("best-of", whole, _DEFAULTS.best_of, "N", "samples drawn where the temperature is above 0")
    add("length-penalty", optional(real_number()), None, "A", penalty_text)
    add("batch-size", optional(whole), None, "N", batch_text)
    add("repetition-penalty", positive, 1.0, "X", "divides the logits of tokens that were there before")
    add("no-repeat-ngram-size", whole_number(0), 0, "N", repeat_text)
    add("suppress-blank", true_or_false, True, "True|False", "no blank at the beginning of a window")


def _add_when_a_window_is_poor(add: _Add) -> None:
    number = optional(real_number())
    hotter_text = "how much hotter a poor window is tried again, up to 1.0; None: never"
    add("temperature", real_number(0), 0.0, "T", "0 takes the likeliest text, above 0 draws samples")
    add("temperature-increment-on-fallback", optional(real_number(above=0)), 0.2, "T", hotter_text)
    add("compression-ratio-threshold", number, 2.4, "R", "a window more repetitive than this is poor")
    add("logprob-threshold", number, -1.0, "P", "a window less probable than this is poor")
    add("no-speech-threshold", number, 0.6, "P", "a poor window with more no-speech probability is silence")


def _transcribe(arguments: argparse.Namespace) -> int:
    from app.transcribe_command import TranscribeCommand

    try:
        options = _transcribe_options(arguments)
    except OptionsError as e:
        print(f"error: --language: {e} {e.remedy}", file=sys.stderr)
        return 2
    model = chosen_model(arguments)
    if model is None:
        return 2
    formats = arguments.formats or (["all"] if arguments.output_dir else [])
    return TranscribeCommand(
        paths=arguments.files,
        options=options,
        model=model,
        device=arguments.device,
        threads=arguments.threads or None,
        formats=_formats(formats),
        layout=layout(arguments),
        output_dir=arguments.output_dir or Path(),
        stats_json=arguments.stats_json,
        quiet=arguments.quiet,
    ).run()


def _formats(names: Sequence[str]) -> tuple[str, ...]:
    """In the order in which they were named; PDF only if it was, since it needs Qt's libraries."""
    everything = [name for name in FORMATS if name != "pdf"]
    return tuple(dict.fromkeys(each for name in names for each in (everything if name == "all" else [name])))


def _transcribe_options(arguments: argparse.Namespace) -> TranscribeOptions:
    return TranscribeOptions(
        language=language_code(arguments.language),
        task=arguments.task,
        temperature=_ladder(arguments.temperature, arguments.temperature_increment_on_fallback),
        beam_size=arguments.beam_size,
        batch_size=arguments.batch_size,
        vad=arguments.vad,
        multilingual=arguments.multilingual,
        split_channels=arguments.split_channels,
        hotwords=arguments.hotwords,
        repetition_penalty=arguments.repetition_penalty,
        no_repeat_ngram_size=arguments.no_repeat_ngram_size,
        best_of=arguments.best_of,
        patience=arguments.patience,
        length_penalty=arguments.length_penalty,
        initial_prompt=arguments.initial_prompt,
        condition_on_previous_text=arguments.condition_on_previous_text,
        compression_ratio_threshold=arguments.compression_ratio_threshold,
        logprob_threshold=arguments.logprob_threshold,
        no_speech_threshold=arguments.no_speech_threshold,
        suppress_blank=arguments.suppress_blank,
        word_timestamps=arguments.word_timestamps,
        clip_timestamps=arguments.clip_timestamps,
    )


def _open_window(arguments: argparse.Namespace) -> int:
    from app.log import start_logging

    start_logging()
    try:
        from app.run_window import run_window
    except ImportError as e:  # Qt lacks a library of the system
        return _no_window(str(e))
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _DISPLAY_VARIABLES):
        return _no_window("there is no screen")  # Qt would abort
    return run_window(arguments.files)


def _toggle_dictation(_arguments: argparse.Namespace) -> int:
    """For a shortcut of the desktop, where the program can have no hotkey of its own."""
    try:
        from app.run_window import toggle_dictation
    except ImportError as e:
        return _no_window(str(e))
    return toggle_dictation()


def _no_window(cause: str) -> int:
    remedy = f"Recordings can be transcribed without it: {_program()} transcribe FILE..."
    print(f"error: the window cannot be opened: {cause}. {remedy}", file=sys.stderr)
    return 1


def _program() -> str:
    """What the user typed to get here."""
    name = Path(sys.argv[0]).name
    return "python -m app" if name == "__main__.py" else name


def _hyphenated(args: Sequence[str]) -> list[str]:
    """`--beam_size`, as openai/whisper spells it, becomes `--beam-size`, and a switch without a value means True."""
    end = args.index("--") if "--" in args else len(args)
    hyphenated = []
    for arg, following in zip_longest(args[:end], args[1:end], fillvalue=""):
        name, equals, value = arg.partition("=")
        name = name.replace("_", "-") if name.startswith("--") else name
        if name in _SWITCHES and not equals and following not in ("True", "False"):
            equals, value = "=", "True"
        hyphenated.append(name + equals + value)
    return [*hyphenated, *args[end:]]


def _ladder(temperature: float, increment: float | None) -> tuple[float, ...]:
    """The temperatures to try in turn, as openai/whisper counts them: up to 1.0."""
    if increment is None:
        return (temperature,)
    n_more = max(0, int((1.0 - temperature + 1e-6) / increment))
    return tuple(round(temperature + i * increment, 6) for i in range(n_more + 1))


def _language_list() -> str:
    names = ", ".join(f"{code}~{name.title()}" for code, name in sorted(languages().items()))
    return "\n" + textwrap.fill(f"languages: {names}", 78, subsequent_indent="  ").replace("~", " ")
