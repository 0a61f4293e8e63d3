"""The report holds what a bug report needs, and nothing of what a person has said or typed."""

import getpass
import logging
import os
import sys
from pathlib import Path

import pytest

from app import __version__, log
from app.crash import BadEnd
from app.paths import log_file, resources_dir
from app.problem_report import Facts, make_report, mask
from gpu.types import TranscribeOptions
from tests.support.homes import use_home

SECRET = Path("/media/stick/Scheidung 离婚, Teil 2.mp3")


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Facts:
    use_home(tmp_path, monkeypatch)
    log_file().parent.mkdir(parents=True)
    log_file().write_text(
        f"2026-01-01 10:00:00,000 INFO engine app.engine.service: job 1 begins: {str(SECRET)!r}\n"
        f"2026-01-01 10:00:01,000 ERROR engine app.engine.service: unexpected error with {SECRET}\n"
        "Traceback (most recent call last):\n"
        f'  File "{resources_dir().parent}/app/engine/service.py", line 7, in run\n'
        f'  File "{sys.prefix}/lib/numpy/core.py", line 9, in dot\n'
        "ValueError: Scheidung 离婚, Teil 2 at /tmp/other place/of mine.wav\n",
        encoding="utf-8",
    )
    return Facts(
        status=["Device: CPU"],
        counts=[("done", 3)],
        options=TranscribeOptions(initial_prompt="Mrs. Dashwood", hotwords="Norland", beam_size=5),
        paths=[SECRET],
        what=f"ValueError: {SECRET}",
        bad_end=BadEnd("2026-01-01T09:00:00+01:00", "0.9", "Fatal Python error: Segmentation fault"),
    )


def test_it_has_what_is_needed(facts: Facts) -> None:
    report = make_report(facts)
    for text in (report.full, report.masked):
        for needed in (__version__, "numpy ", "Python 3", "Device: CPU", "done: 3", "beam_size: 5", "nothing was sent"):
            assert needed in text
        assert "Fatal Python error: Segmentation fault" in text
        assert "2026-01-01T09:00:00+01:00" in text
        assert "in run" in text
    assert str(SECRET) in report.full


def test_words_of_a_person_are_in_neither(facts: Facts) -> None:
    report = make_report(facts)
    for text in (report.full, report.masked):
        assert "Dashwood" not in text
        assert "Norland" not in text
        assert "initial_prompt: 13 characters, not shown" in text


def test_names_can_be_hidden(facts: Facts) -> None:
    masked = make_report(facts).masked
    for part in ("Scheidung", "离婚", "stick", "other place", "of mine", str(Path.home())):
        assert part not in masked
    assert "<file 1.mp3>" in masked
    assert '"<program>/app/engine/service.py", line 7' in masked
    assert "numpy/core.py" in masked


def test_a_name_that_was_logged_with_its_path_is_hidden_where_it_stands_alone() -> None:
    text = "job 1 begins: '/media/stick/Scheidung.mp3'\njob 1 failed: Scheidung.mp3 was taken away; Scheidung.srt"
    assert "Scheidung" not in mask(text, [])
    trace = f'  File "{sys.base_prefix}/lib/python3.11/threading.py", line 1\n  File "/elsewhere/module.py", line 2'
    shown = mask(f"{trace}\nthreading module", [])
    assert "threading.py" in shown
    assert shown.endswith('File "<path>", line 2\nthreading module')


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("cannot open 'C:\\Users\\Ann Lee\\a b.wav': denied", "cannot open '<file 1.wav>': denied"),
        ('[Errno 2] No such file: "/home/ann/été 1.wav"', '[Errno 2] No such file: "<file 1.wav>"'),
        ("loading '/home/ann/ggml-base.bin', ggml-base", "loading '<path>', ggml-base"),
        ("'/home/ann/log' is no log", "'<path>' is no log"),
        ("with /home/ann/my talk.wav", "with <path>"),
        ("in ~/talks/a.wav", "in <path>"),
        ("\\\\server\\share\\x y.wav", "<path>"),
        ("12 MB/s, 3/4 of it, and/or", "12 MB/s, 3/4 of it, and/or"),
        ("app.engine.service: https://example.org", "app.engine.service: https://example.org"),
    ],
)
def test_paths_nobody_knows_of_are_hidden_too(text: str, hidden: str) -> None:
    assert mask(text, []) == hidden


def test_the_user_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "annlee")
    assert mask("annlee@host, annleens", []) == "<user>@host, annleens"


def test_without_a_log_file_what_this_run_has_said_is_in_it(facts: Facts) -> None:
    os.remove(log_file())  # noqa: PTH107
    record = logging.LogRecord("app.test", logging.ERROR, "", 0, "remembered\nTraceback", None, None)
    log._memory.emit(record)
    assert "remembered\nTraceback\n" in make_report(facts).full
