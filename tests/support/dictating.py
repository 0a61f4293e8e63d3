"""A program that dictates what it is given, in place of one with a microphone. python -m tests.support.dictating RULES

Reads pieces, a JSON list of utterances of words a line, each said when dictation is started; prints what it does.
"""

import json
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.anywhere.anywhere import Anywhere
from app.anywhere.insertion import Inserter
from app.anywhere.rules import Rules
from app.anywhere.x11_clipboard import X11ClipboardReader
from app.anywhere.x11_hotkey import X11Hotkey
from app.anywhere.x11_keyboard import X11Keyboard
from tests.support.scripted_dictation import ScriptedDictation


class Script(ScriptedDictation):
    """What is to be said comes at once."""

    def start(self) -> None:
        super().start()
        print("started", flush=True)
        for utterance in json.loads(sys.stdin.readline()):
            self.say(*utterance)
        print("said", flush=True)

    def stop(self) -> None:
        super().stop()
        print("stopped", flush=True)


def main() -> None:
    qt = QApplication([])
    inserter = Inserter(X11Keyboard(), X11ClipboardReader())
    anywhere = Anywhere(Script(), inserter, X11Hotkey())
    anywhere.hotkey_changed.connect(lambda problem: print(problem or "hotkey", flush=True))
    inserter.idle.connect(lambda: print("idle", flush=True))
    inserter.left_on_clipboard.connect(lambda text, why: print(f"left {text!r}: {why}", flush=True))
    inserter.failed.connect(lambda error: print(f"failed {error}", flush=True))
    QTimer.singleShot(0, lambda: anywhere.use(Rules.from_json(sys.argv[1])))
    qt.exec()


main()
