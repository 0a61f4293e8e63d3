"""Dictation in its states, for `screenshots.py`. No microphone is needed: what it would say is said for it."""

from __future__ import annotations

from app.capture.microphone import Microphone
from app.capture.states import CaptureState
from app.dictation import DictationState
from tests.tools.photographer import Photographer

SAID = (
    " He was not an ill-disposed young man, unless to be rather cold-hearted and rather selfish is to be ill-disposed;"
    " but he was, in general, well respected, for he conducted himself with propriety in the discharge of his"
    " ordinary duties."
)


class DictationPictures(Photographer):
    def run(self) -> None:
        app, window = self._app, self._app.window
        window.message_bar.hide()
        desk, panel = app.dictating, app.dictating.panel
        desk._find_microphones = lambda: None  # those of the machine that takes the pictures
        desk.show()
        desk._stop_looking()
        desk._show_microphones([Microphone(0, "Blue Yeti Stereo Microphone", True), Microphone(1, "HD Webcam", False)])
        self._shoot("30-dictation", window)
        listening = CaptureState("listening", "Blue Yeti Stereo Microphone", 0.0)
        desk._show_state(DictationState("listening", True, True, listening, "en", 0.5))
        desk._tick.stop()
        panel.text.commit(SAID)
        panel.text.show_tentative(" Had he married a more amiable")
        panel.show_level(-18.0)
        panel.show_figures(83.0, 1.2, 0.0, 0.5)
        panel.show_done(has_text=True, has_sound=False)
        self._shoot("30-dictation-voice", window)
        gone = CaptureState("gone", "Blue Yeti Stereo Microphone", 90.0)
        desk._show_state(DictationState("listening", False, False, gone, "en", 2.1))
        panel.text.show_tentative("")
        panel.show_level(-1000.0)
        panel.show_figures(90.0, 0.0, 3.4, 2.1)
        panel.append.setChecked(True)
        panel._show_file()
        self._shoot("30-dictation-trouble", window)
        panel.append.setChecked(False)
        desk._show_state(DictationState())
        panel.notice.hide()
        panel.show_figures(90.0, 0.0, 0.0, 0.0)
        panel.show_done(has_text=True, has_sound=True)
        self._shoot("30-dictation-done", window)
        panel.text.begin()
        desk.show(False)
