"""A loudspeaker that keeps what is played."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.playback import portaudio
from tests.support.sound_server import SoundServer, missing_programs


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """The only sound server this process knows meanwhile; not started yet."""
    if missing := missing_programs():
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path / "sound"
    folder.mkdir()
    server = SoundServer(folder)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()
    monkeypatch.undo()
    if "sounddevice" in sys.modules:
        portaudio.renew()
