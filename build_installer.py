#!/usr/bin/env python3
"""Freezes WhisperDesktop NG into a folder that runs without Python, and proves that it does.

    python3 build_installer.py

Writes dist/whisperdesktop-ng: `whisperdesktop` (the command line), `whisperdesktop-ng` (the window) and, on Linux,
`whisperdesktop-ng.desktop`. Then the frozen program transcribes its sample in an empty environment and opens its
window; the exit code is 1 when the words are wrong or the window does not stay. A bundle is for the system that it
was frozen on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import run

ROOT = Path(__file__).resolve().parent
NAME = "whisperdesktop-ng"
BUILD = ROOT / "build"
BUNDLE = ROOT / "dist" / NAME
EXE = ".exe" if os.name == "nt" else ""

SAMPLE_WORDS = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
)
WINDOW_STAYS_S = 10

# Everything of resources/ but what only set-up needs.
RESOURCES = ("gpu", "i18n", "icons", "licences", "models", "samples", "style.qss")

PACKAGES_WITH_DATA = ("budoux", "docx")  # models of phrases, templates

VOCABULARIES = "gpu/model_convert/vocabularies"

# What PyInstaller would take along and nothing calls. tiktoken would download vocabularies with requests; ours come
# from the model file.
EXCLUDED_MODULES = (
    "tkinter unittest pydoc doctest test lib2to3 setuptools pip "
    "requests urllib3 certifi charset_normalizer numpy.f2py numpy.testing numpy.distutils "
    "onnxruntime.transformers onnxruntime.quantization onnxruntime.tools "
    "PySide6.QtQml PySide6.QtQuick PySide6.QtPdf PySide6.QtOpenGL"
)

# Qt's plugins and their libraries that a program of plain widgets does not load; translations that it does not offer.
EXCLUDED_FILES = re.compile(
    r"Qt6(Qml|Quick|Pdf|VirtualKeyboard|OpenGL|ShaderTools)"
    r"|plugins/(networkinformation|tls|egldeviceintegrations|generic|platforminputcontexts/libqtvirtualkeyboard)"
    r"|plugins/platforms/libq(eglfs|linuxfb|vnc|vkkhrdisplay|minimal)|plugins/imageformats/(lib)?q(pdf|tiff|webp|tga|wbmp|icns)"
    r"|translations/(?!qtbase_zh_CN)"
    r"|^libasound\.so"  # loads plugins of the system's, whose own it has to be
)

SPEC = """
entry = Analysis(
    [{entry!r}], pathex=[{root!r}], datas={datas!r}, excludes={excludes!r}, runtime_hooks={hooks!r}
)
keep = lambda files: [file for file in files if not EXCLUDED.search(file[0].replace('\\\\', '/'))]
import re
EXCLUDED = re.compile({files!r})
common = dict(exclude_binaries=True, icon={icon!r}, upx=False)
archive = PYZ(entry.pure)
command = EXE(archive, entry.scripts, name="whisperdesktop", console=True, **common)
window = EXE(archive, entry.scripts, name={name!r}, console=False, **common)
COLLECT(command, window, keep(entry.binaries), keep(entry.datas), name={name!r}, upx=False)
"""

DESKTOP_ENTRY = """\
[Desktop Entry]
Type=Application
Name=WhisperDesktop NG
GenericName=Speech to text
GenericName[zh_CN]=语音转文字
Comment=Turn recordings into text on this computer
Comment[zh_CN]=在本机把录音变成文字
Exec={program} open %F
Icon={icon}
Terminal=false
Categories=AudioVideo;Audio;
Keywords=speech;transcription;subtitles;whisper;
MimeType={mime_types}
StartupWMClass={name}
"""
MIME_TYPES = (
    "audio/aac;audio/ac3;audio/amr;audio/basic;audio/flac;audio/mp2;audio/mp4;audio/mpeg;audio/ogg;audio/opus;"
    "audio/vnd.wave;audio/wav;audio/webm;audio/x-aiff;audio/x-ape;audio/x-caf;audio/x-flac;audio/x-m4a;audio/x-m4b;"
    "audio/x-matroska;audio/x-ms-wma;audio/x-opus+ogg;audio/x-speex;audio/x-tta;audio/x-vorbis+ogg;audio/x-wav;"
    "audio/x-wavpack;video/3gpp;video/mp2t;video/mp4;video/mpeg;video/ogg;video/quicktime;video/vnd.avi;video/webm;"
    "video/x-flv;video/x-matroska;video/x-ms-wmv;video/x-msvideo;inode/directory;"
)


def main() -> int:
    try:
        run.ensure(run.BUILD)
    except run.SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if Path(sys.prefix).resolve() != run.VENV.resolve():
        return run.become([str(run.VENV_PYTHON), str(ROOT / "build_installer.py")])
    freeze()
    if sys.platform == "linux":
        write_desktop_entry()
    size_mb = sum(file.stat().st_size for file in BUNDLE.rglob("*") if not file.is_symlink()) / 1e6
    print(f"{BUNDLE}: {size_mb:.0f} MB", flush=True)
    return smoke_test()


def kernels() -> list[tuple[str, str]]:
    """The GPU engine's kernels: their sources, and machine code for every GPU where NVIDIA's compiler is installed."""
    from gpu.errors import KernelError
    from gpu.kernels import is_current
    from gpu.kernels.build import build

    datas = [(str(ROOT / "gpu/kernels" / pattern), "gpu/kernels") for pattern in ("*.cu", "*.cuh")]
    cubins = ROOT / "resources" / "cubins"
    try:
        if not is_current(cubins):
            print("compiling the GPU's kernels, which takes minutes", flush=True)
            build(cubins)
    except KernelError as error:
        print(f"GPUs will compile the kernels themselves. {error} {error.remedy}", flush=True)
        return datas
    return [*datas, (str(cubins), "resources/cubins")]


def freeze() -> None:
    from PyInstaller.__main__ import run as pyinstaller
    from PyInstaller.utils.hooks import collect_data_files

    BUILD.mkdir(exist_ok=True)
    paths = [ROOT / "resources" / name for name in RESOURCES]
    datas = [(str(path), f"resources/{path.name}" if path.is_dir() else "resources") for path in paths]
    datas.append((str(gather_licences()), "resources/licences/packages"))
    datas.append((str(ROOT / VOCABULARIES), VOCABULARIES))
    datas += kernels()
    for package in PACKAGES_WITH_DATA:
        datas += collect_data_files(package)
    icon = None if sys.platform == "linux" else str(ROOT / "resources/icons" / f"{NAME}.png")
    spec = BUILD / f"{NAME}.spec"
    spec.write_text(
        SPEC.format(
            entry=str(ROOT / "app/__main__.py"),
            root=str(ROOT),
            datas=datas,
            excludes=EXCLUDED_MODULES.split(),
            hooks=[str(ROOT / "app/frozen_portaudio.py")] if sys.platform == "linux" else [],
            files=EXCLUDED_FILES.pattern,
            icon=icon,
            name=NAME,
        ),
        encoding="utf-8",
    )
    options = ["--noconfirm", "--log-level=WARN", "--distpath", str(BUNDLE.parent), "--workpath", str(BUILD / "work")]
    pyinstaller([*options, str(spec)])


def gather_licences() -> Path:
    """A folder with the licence texts of all packages that the bundle contains."""
    from packaging.requirements import Requirement

    folder = BUILD / "licences"
    shutil.rmtree(folder, ignore_errors=True)
    for line in re.findall(r"^\w[^\\\n]*", run.lock_path(run.COMMAND_LINE).read_text("utf-8"), re.MULTILINE):
        package = Requirement(line)
        if package.marker is not None and not package.marker.evaluate():
            continue
        name = package.name
        for file in distribution(name).files or []:
            if re.match(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS|ThirdParty)", file.name, re.IGNORECASE):
                target = folder / name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), target)
    return folder


def write_desktop_entry() -> None:
    """The entry for this bundle where it lies; copied to ~/.local/share/applications it appears in the menu."""
    (BUNDLE / f"{NAME}.desktop").write_text(
        DESKTOP_ENTRY.format(
            program=quoted(BUNDLE / NAME),
            icon=BUNDLE / "_internal/resources/icons" / f"{NAME}.png",
            mime_types=MIME_TYPES,
            name=NAME,
        ),
        encoding="utf-8",
    )


def quoted(program: Path) -> str:
    """A path as the Exec key wants it: quoted, with the backslashes of the quoting escaped once more."""
    escaped = re.sub(r'(["`$\\])', r"\\\\\1", str(program))
    return '"' + escaped.replace("%", "%%") + '"'


def smoke_test() -> int:
    """The frozen program with nothing of this machine's Python around it: does it hear the sample, does it open?"""
    sample = BUNDLE / "_internal/resources/samples/jfk.wav"
    with tempfile.TemporaryDirectory() as home:
        clean = {"HOME": home, "PATH": "", "QT_QPA_PLATFORM": "offscreen"}
        clean |= {key: os.environ[key] for key in ("SYSTEMROOT", "TEMP", "TMP") if key in os.environ}
        command = [str(BUNDLE / f"whisperdesktop{EXE}"), "transcribe", str(sample)]
        result = subprocess.run(command, env=clean, cwd=home, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        heard = " ".join(re.findall(r"\w+", result.stdout.lower()))
        if result.returncode != 0 or heard != SAMPLE_WORDS:
            print(f"error: exit code {result.returncode}, heard {heard!r}, expected {SAMPLE_WORDS!r}")
            return 1
        window = subprocess.Popen([str(BUNDLE / f"{NAME}{EXE}"), "open", str(sample)], env=clean, cwd=home)
        try:
            print(f"error: the window closed with exit code {window.wait(WINDOW_STAYS_S)}")
            return 1
        except subprocess.TimeoutExpired:
            window.terminate()
            window.wait()
    if not list(BUNDLE.glob("_internal/**/libportaudio*")):
        print("error: PortAudio is not in the bundle: nothing could be played")
        return 1
    print("The frozen program transcribes its sample and opens its window.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
