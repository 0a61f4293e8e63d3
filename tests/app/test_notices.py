from pathlib import Path

import pytest

from app.i18n import Translation
from app.notices import Notices
from app.widgets.appearance import Appearance
from app.widgets.message_bar import MessageBar
from tests.support.homes import use_home


@pytest.mark.skipif("os.name == 'nt'", reason="there is no ~")
def test_what_was_saved_is_named_from_home(
    appearance: Appearance, translation: Translation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_home(tmp_path, monkeypatch)
    bar = MessageBar(appearance)
    notices, folder = Notices(bar), tmp_path / "Recordings"
    notices.tell_saved([folder / "talk.srt", folder / "talk.txt"])
    assert bar.text == "Saved as ~/Recordings/talk.srt, talk.txt"
    notices.tell_saved([Path("/texts/talk.srt")])
    assert bar.text == "Saved as /texts/talk.srt"
