"""The options that say which model works on which device."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from app.argument_types import whole_number
from app.paths import default_model


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model`, `--device` and `--threads`."""
    group = parser.add_argument_group("model and device")
    group.add_argument(
        "--model",
        metavar="MODEL",
        help="Whisper model: a path (ggml .bin or .gguf) or the name of one that was downloaded (default: the one that "
        "comes with the program, base Q5_1)",
    )
    group.add_argument(
        "--device",
        type=_device,
        default="auto",
        metavar="DEVICE",
        help="auto, cpu, cuda (the best GPU) or cuda:1 (default: auto, a GPU that has passed the self-test or the CPU)",
    )
    group.add_argument(
        "--threads", type=whole_number(0), default=0, metavar="N", help="CPU threads (default: one a core)"
    )


def _device(text: str) -> str:
    if re.fullmatch(r"auto|cpu|cuda(:\d+)?", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, cpu, cuda, cuda:1")
    return text


def chosen_model(arguments: argparse.Namespace) -> Path | None:
    """What `--model` means; None, and said so, if it means nothing."""
    if not arguments.model:
        return default_model()
    from app.models.catalogue import load_catalogue
    from app.models.errors import ModelsError
    from app.models.library import model_path

    try:
        return model_path(arguments.model, load_catalogue())
    except ModelsError as e:
        print(f"error: --model: {e} {e.remedy}", file=sys.stderr)
        return None
