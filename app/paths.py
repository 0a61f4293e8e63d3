"""Where things are: what comes with the program, and the user's own folders; and whether they are there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

APP_ID = "whisperdesktop-ng"
APP_NAME = "WhisperDesktop NG"


def resources_dir() -> Path:
    """The folder of models, samples and icons: where PyInstaller unpacked it, else in the checkout."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).resolve().parent.parent
    return root / "resources"


def default_model() -> Path:
    """The model that comes with the program (multilingual Whisper base, Q5_1)."""
    return resources_dir() / "models" / "ggml-base-q5_1.bin"


def vad_model() -> Path:
    """The voice activity model that comes with the program (Silero)."""
    return resources_dir() / "models" / "silero_vad_v6.onnx"


def sample_recording() -> Path:
    """The recording that comes with the program: eleven seconds of John F. Kennedy."""
    return resources_dir() / "samples" / "jfk.wav"


def log_file() -> Path:
    """The program's log, in the user's log folder. Neither need exist."""
    from platformdirs import user_log_path  # here: `--help` does not need it

    return user_log_path(APP_ID, appauthor=False) / f"{APP_ID}.log"


def fault_file() -> Path:
    """Where the interpreter leaves a trace of what killed the window's process, beside the log. Need not exist."""
    return log_file().with_name(f"{APP_ID}.fault.txt")


def run_marker() -> Path:
    """There as long as the window is open; left behind, it tells that the program did not end properly."""
    return log_file().with_name("running.json")


def settings_file() -> Path:
    """What the window remembers, in the user's configuration folder. Neither need exist."""
    from platformdirs import user_config_path

    return user_config_path(APP_ID, appauthor=False) / "window.ini"


def models_dir() -> Path:
    """The user's own models: what was downloaded or imported. Need not exist."""
    from platformdirs import user_data_path

    return user_data_path(APP_ID, appauthor=False) / "models"


def gpu_dir() -> Path:
    """What GPU support needs beside the program, once the user asked for it. Need not exist."""
    from platformdirs import user_data_path

    return user_data_path(APP_ID, appauthor=False) / "gpu"


def kernels_dir() -> Path:
    """Kernels that were compiled for this machine's GPU. Need not exist: they are compiled again."""
    from platformdirs import user_cache_path

    return user_cache_path(APP_ID, appauthor=False) / "kernels"


def catalogue_file() -> Path:
    """The published models the program knows."""
    return resources_dir() / "models" / "catalogue.json"


def benchmark_file() -> Path:
    """How fast the last transcription was. Need not exist."""
    from platformdirs import user_data_path

    return user_data_path(APP_ID, appauthor=False) / "last-benchmark.json"


def outlines_dir() -> Path:
    """What recordings look like, in the user's cache. Need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path(APP_ID, appauthor=False) / "outlines"


def recordings_file() -> Path:
    """The window's list of recordings with their texts (SQLite). Need not exist."""
    from platformdirs import user_data_path

    return user_data_path(APP_ID, appauthor=False) / "recordings.sqlite"


def dictations_dir() -> Path:
    """The sound of dictations. Need not exist."""
    from platformdirs import user_data_path

    return user_data_path(APP_ID, appauthor=False) / "dictations"


def hashes_file() -> Path:
    """SHA-256 of model files on this disk, worked out before. Need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path(APP_ID, appauthor=False) / "hashes.json"


def shared_settings_file() -> Path:
    """What the user has set for window and command line alike, in the configuration folder. Need not exist."""
    from platformdirs import user_config_path

    return user_config_path(APP_ID, appauthor=False) / "settings.json"


def is_file(path: Path | str) -> bool:
    """Whether a file is there; False too where a folder above it may not be looked into: `Path.is_file` raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path | str) -> bool:
    """Whether a folder is there; False too where one above it may not be looked into: `Path.is_dir` raises."""
    return os.path.isdir(path)  # noqa: PTH112
