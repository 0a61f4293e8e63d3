"""What can go wrong with what the program keeps."""

from __future__ import annotations

from gpu.errors import ExplainedError


class StoreError(ExplainedError):
    """The file of recordings cannot be used."""
