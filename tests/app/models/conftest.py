"""Homes of their own for tests about models: no test sees, or leaves, anything in the user's folders."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.downloads import CONTENT
from tests.support.file_server import FileServer, serving


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, folder in {
        "XDG_DATA_HOME": ".local/share",
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_STATE_HOME": ".local/state",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "BUZZ_MODEL_ROOT"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server
