"""A home of its own for a test: nothing is read from, or left in, the user's folders."""

import os
from pathlib import Path

import pytest

HOMES = {
    "HOME": ".",
    "USERPROFILE": ".",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_STATE_HOME": ".local/state",
}


def window_environment(home: Path) -> dict[str, str]:
    """For the window program as a process of its own, drawn nowhere."""
    homes = {name: str(home / folder) for name, folder in HOMES.items()}
    root = str(Path(__file__).parents[2])
    return os.environ | homes | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": root, "WHISPERDESKTOP_LANG": "en"}


def use_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in HOMES.items():
        monkeypatch.setenv(name, str(home / folder))
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "BUZZ_MODEL_ROOT"):
        monkeypatch.delenv(name, raising=False)
