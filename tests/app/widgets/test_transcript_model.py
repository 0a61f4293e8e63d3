from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.document.transcript import Transcript
from app.widgets.transcript_model import Column, TranscriptModel
from tests.support.engine_messages import make_segment


def test_segments_become_rows_when_told(qtbot: QtBot) -> None:
    model = TranscriptModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    transcript = Transcript(Path("a.wav"))
    model.show(transcript)
    inserted: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    for number in range(3):
        transcript.append(make_segment(number, f"Line {number}"))
    assert model.rowCount() == 0
    model.sync()
    model.sync()
    transcript.append(make_segment(3, "Line 3"))
    model.sync()
    assert inserted == [(0, 2), (3, 3)]
    assert [model.index(row, Column.TEXT).data() for row in range(4)] == [f"Line {row}" for row in range(4)]
    assert model.index(1, Column.TIME).data() == "0:03 – 0:06"
    spoken = model.index(1, Column.TEXT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "0:03 – 0:06: Line 1"
    assert model.headerData(Column.TEXT, Qt.Orientation.Horizontal) == "Text"


def test_another_transcript_replaces_all_rows(qtbot: QtBot) -> None:
    model = TranscriptModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(Transcript(Path("a.wav"), segments=[make_segment(0)]))
    model.show(Transcript(Path("b.wav"), segments=[make_segment(0, "One"), make_segment(1, "Two")]))
    assert model.rowCount() == 2
    assert model.text_of([0, 1]) == "One\nTwo"
    model.show(None)
    assert model.rowCount() == 0
    assert model.rowCount(QModelIndex()) == 0
