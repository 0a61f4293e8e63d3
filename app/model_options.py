"""The options that say which model works on which device."""

from __future__ import annotations

import argparse
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
    group.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="(default: auto)")
    group.add_argument(
        "--threads", type=whole_number(0), default=0, metavar="N", help="CPU threads (default: one a core)"
    )


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
