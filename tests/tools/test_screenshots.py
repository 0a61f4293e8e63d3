"""The pictures of docs/screenshots, made anew; every state of the window is looked at for what people cannot use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.screenshots import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"


@pytest.mark.long
@pytest.mark.parametrize("scale", [1, 2])
def test_every_screen_is_legible_and_named(scale: int) -> None:
    tool = [sys.executable, str(ROOT / "tests" / "tools" / "screenshots.py"), str(FOLDER), "--published"]
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [*tool, "--scale", str(scale)], env=offscreen, capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    for state in PUBLISHED:
        taken = {path.name for path in FOLDER.glob(f"{state}-*-{100 * scale}.webp")}
        kinds = [f"{language}-{theme}" for language in ("en", "zh_CN") for theme in ("light", "dark")]
        assert taken == {f"{state}-{kind}-{100 * scale}.webp" for kind in kinds}
