"""What went wrong inside is on disk for a report, or on standard error where there is no disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import logging, warnings
from app.log import start_logging
start_logging()
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("app.test").exception("with caf\\udce9.wav")
logging.getLogger("app.test").info("what it does")
logging.getLogger("app.test").debug("nothing of interest")
logging.getLogger("package").info("of no interest either")
warnings.warn("getting old")
"""


def log_errors(state: Path) -> str:
    """Standard error of a program that logs, with its log under `state`."""
    environment = os.environ | {"XDG_STATE_HOME": str(state)}
    return subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stderr


@pytest.mark.skipif(sys.platform != "linux", reason="sets the folder as Linux does")
def test_errors_are_in_the_log_with_their_traceback(tmp_path: Path) -> None:
    assert log_errors(tmp_path) == ""
    log = (tmp_path / "whisperdesktop-ng" / "log" / "whisperdesktop-ng.log").read_text(encoding="utf-8")
    assert "ERROR MainThread app.test: with caf\\udce9.wav" in log
    assert "ZeroDivisionError" in log
    assert "getting old" in log
    assert "INFO MainThread app.test: what it does" in log
    assert "interest" not in log


@pytest.mark.skipif(sys.platform != "linux", reason="sets the folder as Linux does")
def test_without_a_place_for_the_log_errors_are_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    errors = log_errors(tmp_path / "file")
    assert "ZeroDivisionError" in errors
    assert "what it does" not in errors
