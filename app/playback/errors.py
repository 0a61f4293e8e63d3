"""What can be wrong when a recording is to be heard."""

from __future__ import annotations

from gpu.errors import ExplainedError


class PlaybackError(ExplainedError):
    """It cannot be played, or not heard. `str` says why, `remedy` what to do."""
