"""The window's dictation on a made-up microphone: `test_dictation.py` starts it where one is the default.

Plays FILE once the microphone is listened to, and prints what `Dictation` said, as JSON lines. With "kill" it ends
itself, as nothing can prevent, a moment after some words are committed.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.dictation import DictationState
from app.settings import Settings


def say(kind: str, value: object) -> None:
    print(json.dumps([kind, value]), flush=True)


def main() -> None:
    clip, home, killed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "kill"
    qt = QApplication([])
    application = Application(Settings(home / "window.ini"))
    dictation = application.dictation

    def play() -> None:
        player = subprocess.Popen(["paplay", str(clip)])
        watch = QTimer(qt, interval=50)

        def look() -> None:
            if player.poll() is not None:
                watch.stop()
                QTimer.singleShot(1200, dictation.stop)

        watch.timeout.connect(look)
        watch.start()

    def show(state: DictationState) -> None:
        say("state", [state.phase, state.voice, state.transcribing, state.trouble is not None])
        if state.phase == "listening" and not said:
            said.append("played")
            play()

    def finish(text: str) -> None:
        say("finished", text)
        [recording] = application.session
        words = [segment.text for segment in recording.transcript.segments]
        say("recording", [recording.state.name, "".join(words), str(recording.path)])
        QTimer.singleShot(0, qt.quit)

    def kill() -> None:
        say("killing", dictation.elapsed_s)
        os.kill(os.getpid(), signal.SIGKILL)

    def commit(text: str) -> None:
        say("committed", text)
        if killed:
            QTimer.singleShot(300, kill)

    said: list[str] = []
    dictation.state_changed.connect(show)
    dictation.tentative_changed.connect(lambda text: say("tentative", text))
    dictation.committed.connect(commit)
    dictation.utterance_ended.connect(lambda text: say("utterance", text))
    dictation.gap.connect(lambda start, end: say("gap", [start, end]))
    dictation.failed.connect(lambda error: say("failed", str(error)))
    dictation.finished.connect(finish)
    application.start([], home / "recordings.sqlite")
    dictation.start()
    QTimer.singleShot(60_000, qt.quit)
    qt.exec()
    application.stop()
    QCoreApplication.processEvents()


if __name__ == "__main__":
    main()
