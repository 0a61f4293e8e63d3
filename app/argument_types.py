"""What a word of the command line may be: functions for argparse's `type`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

Subparsers = argparse._SubParsersAction  # argparse names no public type for it


def whole_number(least: int) -> Callable[[str], int]:
    """Decimal digits, `least` or more."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return convert


def real_number(least: float = float("-inf"), above: float = float("-inf")) -> Callable[[str], float]:
    """Any finite number, `least` or more and larger than `above`."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not (number >= least and number > above and math.isfinite(number)):
            raise argparse.ArgumentTypeError(f"{text} is out of range")
        return number

    return convert


def optional(convert: Callable[[str], T]) -> Callable[[str], T | None]:
    """What `convert` takes, or the word None."""
    return lambda text: None if text == "None" else convert(text)


def true_or_false(text: str) -> bool:
    """The word True or the word False, as in openai/whisper."""
    if text not in ("True", "False"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return text == "True"


def seconds_list(text: str) -> tuple[float, ...]:
    """Seconds with commas between them."""
    return tuple(map(real_number(0), text.split(",")))
