"""What can be wrong when something is to be recorded."""

from __future__ import annotations

from gpu.errors import ExplainedError


class CaptureError(ExplainedError):
    """It cannot be heard, or not be kept. `str` says why, `remedy` what to do."""


class NeverHeardError(CaptureError):
    """Waiting does not help: what was chosen cannot be heard at all."""
