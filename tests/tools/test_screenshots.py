"""Every state of every window is looked at for what people cannot use; docs/screenshots has what it should."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.screenshots import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
KINDS = [f"{language}-{theme}" for language in ("en", "zh_CN") for theme in ("light", "dark")]


def names(states: set[str], percent: int) -> set[str]:
    return {f"{state}-{kind}-{percent}.webp" for state in states for kind in KINDS}


@pytest.mark.parametrize("percent", [100, 200])
def test_the_documentation_has_the_pictures_that_are_published(percent: int) -> None:
    folder = ROOT / "docs" / "screenshots"
    assert {path.name for path in folder.glob(f"*-{percent}.webp")} == names(set(PUBLISHED), percent)


@pytest.mark.long
@pytest.mark.parametrize("percent", [100, 200])
def test_every_state_is_legible_and_named(percent: int, tmp_path: Path) -> None:
    tool = [sys.executable, str(ROOT / "tests" / "tools" / "screenshots.py"), str(tmp_path)]
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [*tool, "--scale", str(percent / 100)], env=offscreen, capture_output=True, text=True, timeout=900, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    taken = {path.name for path in tmp_path.iterdir()}
    states = {name.removesuffix(f"-{KINDS[0]}-{percent}.webp") for name in taken if f"-{KINDS[0]}-" in name}
    assert states > set(PUBLISHED)
    assert taken == names(states, percent)
