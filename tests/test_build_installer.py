"""The bundle: its desktop entry, and (long) the whole of it frozen, started and opened."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import build_installer
import gpu.kernels.build
from gpu.errors import KernelError
from gpu.kernels import MANIFEST, source_hash
from gpu.types import Words
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


@pytest.fixture
def cubins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the compiled kernels are taken from; there are none yet."""
    monkeypatch.setattr(build_installer, "ROOT", tmp_path)
    return tmp_path / "resources" / "cubins"


def write_manifest(cubins: Path, sources: str) -> None:
    cubins.mkdir(parents=True, exist_ok=True)
    (cubins / MANIFEST).write_text(f'{{"sources": "{sources}"}}', encoding="utf-8")


def test_current_compiled_kernels_are_taken_along(cubins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.kernels.build, "build", lambda folder: pytest.fail("compiled again"))
    write_manifest(cubins, source_hash())
    sources, headers, compiled = build_installer.kernels()
    assert sources == (str(cubins.parents[1] / "gpu/kernels/*.cu"), "gpu/kernels")
    assert headers == (str(cubins.parents[1] / "gpu/kernels/*.cuh"), "gpu/kernels")
    assert compiled == (str(cubins), "resources/cubins")


def test_kernels_are_compiled_anew_when_their_sources_changed(cubins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.kernels.build, "build", lambda folder: write_manifest(folder, source_hash()))
    write_manifest(cubins, "others")
    assert (str(cubins), "resources/cubins") in build_installer.kernels()


def test_without_the_compiler_old_kernels_stay_behind(
    cubins: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_compiler(folder: Path) -> None:
        raise KernelError(Words("There is no compiler."), remedy=Words("Install it."))

    monkeypatch.setattr(gpu.kernels.build, "build", no_compiler)
    write_manifest(cubins, "others")
    assert [target for _, target in build_installer.kernels()] == ["gpu/kernels", "gpu/kernels"]
    assert "GPUs will compile the kernels themselves. There is no compiler. Install it." in capsys.readouterr().out


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
