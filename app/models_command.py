"""The command `models`: what may be typed behind it. Each subcommand is added by a function of `_SUBCOMMANDS`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.argument_types import Subparsers
from app.engine.model_jobs import WEIGHT_TYPES

_DESCRIPTION = """\
Find, fetch and remove models; work on model files.

  {program} models list                        published models, and those on this disk
  {program} models download NAME               fetch a published model
  {program} models remove NAME                 delete a downloaded model
  {program} models folders [add|remove DIR]    other folders to look for models in
  {program} models network [--off] ...         whether and how to use the network

  {program} models import SOURCE OUTPUT        other programs' models to ggml or GGUF
  {program} models quantize INPUT OUTPUT TYPE  a model in another type: q5_1, q8_0, ...
  {program} models verify FILE                 look at every tensor of a model

{program} models COMMAND --help says more about a command.
"""

_LIST = """\
Show the published models with what they need, and the models that are on this
disk already.
"""

_DOWNLOAD = """\
Fetch a published model and check that it is the published one. Stopped with
Ctrl-C (or cut off), it goes on from there when started again.
"""

_REMOVE = """\
Delete a model from the program's own folder, or what has arrived of one.
"""

_FOLDERS = """\
Show the folders that are looked into besides the usual places, or add or remove
one. The window looks there too. Removing one from the list deletes nothing.
"""

_NETWORK = """\
Show how the network is used, or change it: for the window too, and for good.
Off means that no request is made at all. An empty value takes a setting back:
  models network --proxy ""
"""

_IMPORT = """\
Turn a model into one file that this program and whisper.cpp read. SOURCE is
OpenAI's .pt, Hugging Face's model.safetensors or pytorch_model.bin and the
folder it lies in, a faster-whisper folder (CTranslate2), ggml .bin, or GGUF of
any dialect; it is told by its content. OUTPUT is ggml if its name ends in
.bin, GGUF if it ends in .gguf. Weights become F16, or stay as they are where
SOURCE is ggml or GGUF.

  models import large-v3.pt ggml-large-v3.bin
  models import ~/.cache/huggingface/my-whisper my-whisper.gguf
"""

_QUANTIZE = """\
Write a model with weights of another type: {types}.
INPUT is anything that import reads; OUTPUT's format follows its name. What is
written is what whisper.cpp's quantize writes. Quantizing what is quantized
already loses more than quantizing the original.

  models quantize ggml-base.bin ggml-base-q5_1.bin q5_1
"""

_VERIFY = """\
Look at every tensor of a ggml or GGUF model: type, shape, least and largest
weight, mean, standard deviation, weights that are no numbers; and compare what
each backend computes with the definition of the format. The table goes to
standard output.
"""

_NOTES = """\
exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C
"""

_FILE_NOTES = f"""\
A file that exists is replaced once the new one is complete. Ctrl-C leaves
nothing behind.

{_NOTES}"""

_VERIFY_NOTES = """\
exit codes: 0 all is well, 1 not a usable model, weights that are no numbers,
  or a backend off by more than 1e-6; 2 wrong usage, 130 stopped by Ctrl-C
"""


def add_models(commands: Subparsers[Any], program: str) -> None:
    """Add `models` and everything behind it to the program's commands. `program` is what the user typed."""
    parser = commands.add_parser(
        "models",
        usage=f"{program} models COMMAND ...",
        description=_DESCRIPTION.format(program=program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser, takes_files=False)
    subcommands = parser.add_subparsers(
        prog=f"{program} models", metavar="COMMAND", help=argparse.SUPPRESS, required=True
    )
    for add in _SUBCOMMANDS:
        add(subcommands)


def _add_subcommand(
    subcommands: Subparsers[Any],
    name: str,
    run: Callable[[argparse.Namespace], int],
    description: str,
    notes: str,
) -> argparse.ArgumentParser:
    """A subcommand of `models`, to be given its arguments. `run` does it and returns the exit code."""
    parser: argparse.ArgumentParser = subcommands.add_parser(
        name,
        description=description,
        epilog=notes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=run, parser=parser)
    return parser


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress: errors only")


def _add_list(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "list", _list, _LIST, _NOTES)
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    parser.add_argument(
        "--verify", action="store_true", help="hash the files on this disk and say which are the published ones"
    )
    parser.add_argument(
        "--folder",
        dest="folders",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look into this folder too; may be repeated",
    )


def _add_download(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "download", _download, _DOWNLOAD, _NOTES)
    parser.add_argument("name", metavar="NAME", help="as in the list: base-q5_1, large-v3-turbo-q5_0, ...")
    parser.add_argument("--output", "-o", type=Path, metavar="DIR", help="folder (default: the program's own)")
    _add_network_options(parser.add_argument_group("network", "for this run, instead of what models network says"))
    _add_quiet(parser)


def _add_remove(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "remove", _remove, _REMOVE, _NOTES)
    parser.add_argument("name", metavar="NAME", help="as in the list, or the file's name")


def _add_folders(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "folders", _folders, _FOLDERS, _NOTES)
    parser.add_argument("action", choices=("list", "add", "remove"), nargs="?", default="list", help="(default: list)")
    parser.add_argument("folder", metavar="DIR", nargs="?", help="to add or remove")


def _add_network(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "network", _network, _NETWORK, _NOTES)
    switch = parser.add_mutually_exclusive_group()
    unchanged = argparse.SUPPRESS
    switch.add_argument("--off", action="store_true", default=unchanged, help="make no request")
    switch.add_argument("--on", dest="off", action="store_false", default=unchanged, help="allow requests")
    _add_network_options(parser)


def _add_network_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """What is given becomes an attribute named as the field of `NetworkSettings`."""
    for option, name, metavar, text in (
        ("--proxy", "proxy", "URL", "go through this proxy: http://host:port (default: HTTPS_PROXY and NO_PROXY)"),
        ("--ca", "ca_file", "FILE", "trust the certificates in this PEM file too"),
        ("--mirror", "mirror", "URL", "fetch from this mirror of huggingface.co first (default: HF_ENDPOINT)"),
    ):
        parser.add_argument(
            option, dest=name, type=_setting(name), default=argparse.SUPPRESS, metavar=metavar, help=text
        )


def _setting(name: str) -> Callable[[str], Any]:
    """Understands what is given for a field of `NetworkSettings`."""

    def convert(text: str) -> Any:
        from app.models import settings
        from app.models.errors import SettingsError

        parse = {"proxy": settings.parse_proxy, "ca_file": settings.parse_ca_file, "mirror": settings.parse_mirror}
        try:
            return parse[name](text)
        except SettingsError as e:
            raise argparse.ArgumentTypeError(f"{e} {e.remedy}") from e

    return convert


def _network_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those that were given."""
    return {name: value for name, value in vars(arguments).items() if name in ("off", "proxy", "ca_file", "mirror")}


def _add_import(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "import", _convert, _IMPORT, _FILE_NOTES)
    parser.add_argument("source", metavar="SOURCE", type=Path, help="model file, or the folder that it lies in")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="file to write: .bin or .gguf")
    parser.set_defaults(type=None)
    _add_quiet(parser)


def _add_quantize(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(
        subcommands, "quantize", _convert, _QUANTIZE.format(types=", ".join(WEIGHT_TYPES)), _FILE_NOTES
    )
    parser.add_argument("source", metavar="INPUT", type=Path, help="model file, or the folder that it lies in")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="file to write: .bin or .gguf")
    parser.add_argument("type", metavar="TYPE", help=f"one of {', '.join(WEIGHT_TYPES)}")
    _add_quiet(parser)


def _add_verify(subcommands: Subparsers[Any]) -> None:
    parser = _add_subcommand(subcommands, "verify", _verify, _VERIFY, _VERIFY_NOTES)
    parser.add_argument("file", metavar="FILE", type=Path, help="ggml .bin or GGUF")
    _add_quiet(parser)


_SUBCOMMANDS: list[Callable[[Subparsers[Any]], None]] = [
    _add_list,
    _add_download,
    _add_remove,
    _add_folders,
    _add_network,
    _add_import,
    _add_quantize,
    _add_verify,
]


# What the commands are made of is imported where it is used: `--help` needs none of it.


def _list(arguments: argparse.Namespace) -> int:
    from app.model_catalogue_commands import list_models

    return list_models(arguments.folders, verify=arguments.verify, as_json=arguments.json)


def _download(arguments: argparse.Namespace) -> int:
    from app.model_catalogue_commands import download

    return download(arguments.name, arguments.output, _network_options(arguments), quiet=arguments.quiet)


def _remove(arguments: argparse.Namespace) -> int:
    from app.model_catalogue_commands import remove

    return remove(arguments.name)


def _folders(arguments: argparse.Namespace) -> int:
    from app.model_settings_commands import change_folders, list_folders

    if arguments.action == "list":
        if arguments.folder is not None:
            arguments.parser.error(f"not understood: {arguments.folder}")
        return list_folders()
    if arguments.folder is None:
        arguments.parser.error(f"say which folder: {arguments.action} DIR")
    return change_folders(arguments.action, arguments.folder)


def _network(arguments: argparse.Namespace) -> int:
    from app.model_settings_commands import network

    return network(_network_options(arguments))


def _convert(arguments: argparse.Namespace) -> int:
    from app.model_file_commands import convert

    return convert(arguments.source, arguments.output, arguments.type, quiet=arguments.quiet)


def _verify(arguments: argparse.Namespace) -> int:
    from app.model_file_commands import verify

    return verify(arguments.file, quiet=arguments.quiet)
