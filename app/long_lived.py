"""Texts of hours as the garbage collector should see them: not at all."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

TOGETHER = 2000  # segments: ten times as many objects, which take the collector 10 ms


def long_lived(items: Iterable[T]) -> Iterator[T]:
    """What is made elsewhere and stays. It goes when nobody has it any more, but is not looked through for cycles.

    Nor is what else is there by then; so this is for very many at once.
    """
    for n, item in enumerate(items, 1):
        yield item
        if n % TOGETHER == 0:
            gc.freeze()
