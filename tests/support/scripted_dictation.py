"""`app.dictation.Dictation` without sound: it hears what it is told."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.dictation import DictationState


class ScriptedDictation(QObject):
    state_changed = Signal(object)
    tentative_changed = Signal(str)
    committed = Signal(str)
    utterance_ended = Signal(str)
    finished = Signal(str)
    failed = Signal(Exception)

    def __init__(self) -> None:
        super().__init__()
        self.state = DictationState()

    def start(self) -> None:
        self.show(phase="listening")

    def say(self, *words: str) -> None:
        """An utterance."""
        for word in words:
            self.committed.emit(word)
        self.utterance_ended.emit("".join(words))

    def stop(self) -> None:
        self.show(phase="idle")
        self.finished.emit("")

    def show(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self.state_changed.emit(self.state)
