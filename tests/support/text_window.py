"""An editor that writes its text into a file whenever it changes: python -m tests.support.text_window FILE"""

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication, QPlainTextEdit

qt = QApplication(["text-window"])
edit = QPlainTextEdit()
edit.setWindowTitle("text window")
edit.textChanged.connect(lambda: Path(sys.argv[1]).write_text(edit.toPlainText(), encoding="utf-8"))
edit.resize(500, 300)
edit.show()
qt.exec()
