"""The self-test's outcome as a file to send."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from pathlib import Path

from app import __version__
from gpu.types import Check


def write_report(path: Path, model: Path, checks: Iterable[Check]) -> None:
    """One JSON object: version, system, model and all checks, with their figures. Raises `OSError`."""
    rows = [
        {"what": check.what, "outcome": check.outcome, "detail": check.detail, **check.figures}
        | ({"kernels": check.kernels} if check.kernels else {})
        for check in checks
    ]
    report = {"version": __version__, "system": platform.platform(), "model": model.name, "checks": rows}
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
