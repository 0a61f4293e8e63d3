"""What can go wrong with what the program keeps."""

from __future__ import annotations

from gpu.types import Words


class StoreError(Exception):
    """The file of recordings cannot be used. In words, with what can be done about it."""

    def __init__(self, message: Words, *, remedy: Words) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy
