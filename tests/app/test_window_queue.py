"""Twenty files of all kinds dropped from another program, five of which are no recordings."""

import os
from pathlib import Path

import pytest

from app.document.auto_save import SaveRule
from app.paths import APP_ID
from app.session import Recording, State
from app.settings import Settings
from app.store.database import open_database
from app.store.restore import restore
from tests.support.awkward_recordings import SENTENCE
from tests.support.mixed_recordings import BAD, GOOD, make_mixed_files
from tests.support.program import ROOT
from tests.support.screen import Screen, wait_until

pytestmark = [pytest.mark.needs_display, pytest.mark.slow]

TITLE = "WhisperDesktop NG"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where texts are saved into a folder by themselves."""
    home = tmp_path / "home"
    (home / APP_ID).mkdir(parents=True)
    Settings(home / APP_ID / "window.ini").save_rule = SaveRule(("txt",), tmp_path / "texts", "{name}-{extension}")
    return home


def kept(file: Path) -> list[Recording]:
    """What the program has written down."""
    if not file.exists():
        return []
    connection = open_database(file)
    try:
        return restore(connection)
    finally:
        connection.close()


@pytest.mark.long
def test_twenty_mixed_files_are_dropped(screen: Screen, home: Path, tmp_path: Path) -> None:
    files = make_mixed_files(tmp_path)
    source_args = [str(ROOT / "tests" / "tools" / "drag_source.py"), "0", "300", *map(str, files)]
    texts = tmp_path / "texts"
    with (
        screen.run("-m", "app", home=home, ready=TITLE) as program,
        screen.run(*source_args, home=home, ready="Drag source") as source,
    ):
        window, x_source = screen.windows(TITLE)[0], screen.windows("Drag source")[0]
        screen.xdotool("windowmove", "--sync", window, 300, 60)
        screen.xdotool("windowactivate", "--sync", x_source)
        screen.drag(screen.centre(x_source), screen.centre(window))
        assert source.stdout is not None
        assert source.stdout.readline().strip() == "CopyAction"
        wait_until(lambda: texts.is_dir() and len(list(texts.iterdir())) == len(GOOD), "not all became text")
        screen.wait_for_window(TITLE)
        if (pictures := os.environ.get("WHISPERDESKTOP_TEST_PICTURES")) is not None:
            screen.picture(Path(pictures) / "twenty.png")
        screen.key("ctrl+q")
        assert program.wait(15) == 0
        _, errors = program.communicate()
        assert "Traceback" not in errors
    recordings = {
        recording.path.name: recording for recording in kept(home / ".local/share" / APP_ID / "recordings.sqlite")
    }
    assert list(recordings) == [path.name for path in files]
    for name in GOOD:
        recording = recordings[name]
        assert (recording.state, recording.is_saved) == (State.DONE, True), name
        text = (texts / f"{name.replace('.', '-')}.txt").read_text(encoding="utf-8")
        assert SENTENCE in text.lower(), name
    failures = {name: recordings[name].failure for name in BAD}
    assert {name: failure.kind for name, failure in failures.items() if failure is not None} == BAD
    assert all(name in failure.message for name, failure in failures.items() if failure is not None)
