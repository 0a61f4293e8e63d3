"""The bundle: its desktop entry, and (long) the whole of it frozen, started and opened."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import build_installer
from tests.support.screen import start_screen


def entry_of(bundle: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(bundle / "whisperdesktop-ng.desktop", encoding="utf-8")
    return parser["Desktop Entry"]


def program_of(entry: configparser.SectionProxy) -> str:
    """The program in the Exec key as a launcher reads it: the string's escapes, the quoting, the field codes."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)" open %F', entry["Exec"].replace("\\\\", "\\"))
    assert found
    return re.sub(r"\\(.)", r"\1", found[1]).replace("%%", "%")


@pytest.mark.parametrize("folder", ["plain", "带 空格", "100%", 'a"b`c$d', "back\\slash"])
def test_the_entry_starts_the_bundle_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    bundle = tmp_path / folder
    bundle.mkdir()
    monkeypatch.setattr(build_installer, "BUNDLE", bundle)
    build_installer.write_desktop_entry()
    assert program_of(entry_of(bundle)) == str(bundle / "whisperdesktop-ng")


def test_the_entry_opens_sound_and_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_installer, "BUNDLE", tmp_path)
    build_installer.write_desktop_entry()
    types = entry_of(tmp_path)["MimeType"].split(";")
    assert {"audio/mpeg", "audio/x-wav", "video/mp4", "video/x-matroska"} <= set(types)


@pytest.mark.long
@pytest.mark.needs_display
@pytest.mark.skipif(sys.platform != "linux", reason="desktop entries are Linux's")
def test_the_frozen_program_hears_its_sample_and_its_entry_opens_a_window(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(build_installer.ROOT / "build_installer.py")], check=True)
    entry = entry_of(build_installer.BUNDLE)
    assert Path(entry["Icon"]).is_file()
    with start_screen() as screen:
        home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
        with subprocess.Popen([program_of(entry), "open"], env=screen.environment | home) as window:
            try:
                assert screen.wait_for_window("WhisperDesktop NG")
            finally:
                window.terminate()
