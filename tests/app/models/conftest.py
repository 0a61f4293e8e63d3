"""Homes of their own for tests about models: no test sees, or leaves, anything in the user's folders."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.downloads import CONTENT
from tests.support.file_server import FileServer, serving
from tests.support.homes import use_home


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    use_home(home, monkeypatch)
    return home


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server
