"""The PortAudio of a bundle is found where the system has none, and the system's where it has one."""

import ctypes.util
import importlib
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("of_system", [None, "libportaudio.so.2"])
def test_which_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_system: str | None) -> None:
    bundled = tmp_path / "libportaudio.so.2"
    bundled.write_bytes(b"")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", {"portaudio": of_system}.get)
    sys.modules.pop("app.frozen_portaudio", None)
    importlib.import_module("app.frozen_portaudio")
    assert ctypes.util.find_library("portaudio") == (of_system or str(bundled))
    assert ctypes.util.find_library("sndfile") is None
    del sys.modules["app.frozen_portaudio"]
