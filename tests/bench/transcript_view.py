"""A transcript of five hours and a list of a thousand recordings: how long they hold the window up.

    python -m tests.bench.transcript_view [--words] [--save]

CPU time, so that other programs do not count: of the window's thread, or of all threads where others do the work.
Drawn by Qt's offscreen platform, which draws as others do and shows nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.garbage import GarbageCollector
from app.settings import Settings
from app.store.codec import options_to_json, path_to_blob, segment_to_json
from app.store.database import open_database
from gpu.types import Segment, TranscribeOptions, Word
from tests.bench import report

SECTION = "transcript-view"
N_SEGMENTS = 30_000
SEGMENT_S = 0.6
MOST_OPEN_S = 1.0
MOST_FRAME_S = 0.016  # of a screen at 60 Hz
N_STEPS = 200
N_EDITS = 40
MOST_KEEP_S = 2.0
MOST_TURN_S = 0.05  # of what is done with very many at once
N_QUICK = 400
N_RECORDINGS = 1000
TEXT = "she had no fortune of her own, and what her father could leave her was little more than a name"
METHOD = """## A transcript of five hours, a list of a thousand recordings

`python -m tests.bench.transcript_view{words} --save`. {n:,} segments {kind}; {recordings:,} recordings that wait and
are all selected. CPU time of the window's thread until everything is drawn again; what is done in slices or in the
background: of its longest turn between two looks at keyboard and mouse. Opening (from the store to the drawn window)
and keeping {quick} quick changes on the disk: CPU time of all threads."""

Figures = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", action="store_true", help="with a time and a probability for every word")
    parser.add_argument("--save", action="store_true", help="put the table into docs/benchmarks.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "recordings.sqlite"
        write_store(store, N_SEGMENTS, with_words=args.words)
        figures = measure(Path(scratch), store)
    kind = "with times of words" if args.words else "without times of words"
    words = " --words" if args.words else ""
    text = METHOD.format(n=N_SEGMENTS, kind=kind, words=words, recordings=N_RECORDINGS, quick=N_QUICK)
    text += "\n\n" + table(figures)
    print(text)
    if args.save:
        report.write_section(SECTION + ("-words" if args.words else ""), text)
    problems = missed(figures)
    print(report.missed(problems))
    sys.exit(bool(problems))


def make_segments(n_segments: int, *, with_words: bool) -> Iterator[Segment]:
    """Of one to nineteen words, more of them doubtful than of clear speech, as long as each other."""
    for i in range(n_segments):
        pieces = TEXT.split()[: 1 + 7 * i % 19]
        start, each = SEGMENT_S * i, SEGMENT_S / len(pieces)
        words = tuple(
            Word(f" {piece}", start + each * k, start + each * (k + 1), 0.2 + (i + k) % 16 / 20)
            for k, piece in enumerate(pieces)
        )
        yield Segment(
            i, start, SEGMENT_S * (i + 1), "".join(word.word for word in words), tuple(range(len(words))),
            0.0, -0.3, 1.4, 0.01, ("improbable",) if i % 50 == 7 else (), words=words if with_words else None,
        )  # fmt: skip


def write_store(path: Path, n_segments: int, *, with_words: bool) -> None:
    """One recording that is done, as the journal would have written it."""
    connection = open_database(path)
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO recording (id, place, path, options, state) VALUES (1, 1, ?, ?, 'DONE')",
        (path_to_blob(path.with_name("talk.wav")), options_to_json(TranscribeOptions())),
    )
    segments = make_segments(n_segments, with_words=with_words)
    connection.executemany(
        "INSERT INTO segment (recording, number, value) VALUES (1, ?, ?)",
        ((s.id, segment_to_json(s)) for s in segments),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def measure(folder: Path, store: Path) -> Figures:
    """Seconds by what was done."""
    app = QApplication.instance() or QApplication([])
    garbage = GarbageCollector(app)
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(folder / name)
    os.environ["WHISPERDESKTOP_LANG"] = "en"
    application, figures = Application(Settings(folder / "window.ini")), Figures()
    try:
        application.window.show()
        settle()
        gc.freeze()  # as app.run_window does
        _measure_reading(application, store, figures)
        _measure_edits(application, figures)
        _measure_finding(application, figures)
        _measure_keeping(application, figures)
        _measure_list(application, folder, figures)
    finally:
        application.stop()
        application.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        garbage.stop()
    return figures


def _measure_reading(application: Application, store: Path, figures: Figures) -> None:
    window, view = application.window, application.window.page.view
    with _all_threads(figures, "open, from the store"):
        application.recordings.open(store)
        until(lambda: application.recordings.are_kept)
        [recording] = application.session.recordings
        window.recordings_view.select(recording)
        view.viewport().repaint()
    figures["measure all rows: a slice"] = turns(lambda: not view._unmeasured)
    for _ in range(3):
        window.recordings_view.setCurrentIndex(QModelIndex())
        with _cpu(figures, "open again"):
            window.recordings_view.select(recording)
            view.viewport().repaint()
    until(lambda: not view._unmeasured)
    bar = view.verticalScrollBar()
    for step in range(N_STEPS):
        if step % 20 == 0:
            bar.setValue(bar.maximum() * step // N_STEPS)
        with _cpu(figures, "scroll by a step of the wheel"):
            _turn_wheel(application)
            view.viewport().repaint()
        with _cpu(figures, "scroll to another place"):
            bar.setValue(bar.maximum() * (step * 37 % N_STEPS) // N_STEPS)
            view.viewport().repaint()


def _measure_edits(application: Application, figures: Figures) -> None:
    window, editor = application.window, application.editor
    view, model, undo = window.page.view, window.page.model, window.edit_menu.undo
    middle = model.rowCount() // 2
    view.setCurrentIndex(model.index(middle, 1))

    def edit(name: str, change: Callable[[], object]) -> None:
        for what, do in ((name, change), (f"undo: {name}", undo.trigger)):
            with _cpu(figures, what):
                do()
                view.viewport().repaint()

    for row in range(middle, middle + N_EDITS):
        text = model.segment(row).text.strip()
        edit("edit a text", lambda row=row, text=text: editor.set_text(row, f"{text} and more"))
        edit("split", lambda row=row, text=text: editor.split(row, f"{text} and more", len(text)))
        edit("merge two", lambda row=row: editor.merge([row, row + 1]))
        edit("delete", lambda row=row: editor.delete([row]))
        edit("change a time", lambda row=row: editor.retime(row, SEGMENT_S * row, SEGMENT_S * row + 0.4))
    with _cpu(figures, "select all"):
        view.selectAll()
    edit("delete 1,000", lambda: editor.delete(list(range(middle, middle + 1000))))
    until(lambda: not view._unmeasured)


def _measure_finding(application: Application, figures: Figures) -> None:
    window, bar, view = application.window, application.window.page.find_bar, application.window.page.view
    bar.open()
    for n in range(1, 7):
        with _cpu(figures, "type what to find"):
            bar.wanted.setText("father"[:n])
        figures.setdefault("find: a slice", []).extend(turns(lambda: bar.found.is_complete))
    row = window.page.model.rowCount() // 2
    for i in range(N_EDITS):
        with _cpu(figures, "go to the next that is found"):
            bar.next.click()
            view.viewport().repaint()
        with _cpu(figures, "edit a text while finding"):
            application.editor.set_text(row, f"her father said it {i} times")
            view.viewport().repaint()
    text = application.session.recordings[0].transcript
    bar.instead.setText("mother")
    with _cpu(figures, "replace all"):
        bar.replace_all.click()
    figures["replace all: a turn"] = turns(lambda: "father" not in text.segments[-1].text + text.segments[row + 9].text)
    figures["undo: replace all"] = turns(lambda: bar.found.is_complete, window.edit_menu.undo.trigger)
    bar.hide()


def _measure_keeping(application: Application, figures: Figures) -> None:
    """The journal is asked to come to its end right behind the last change."""
    last = application.window.page.model.rowCount() - 1
    for n in range(N_QUICK):
        with _cpu(figures, "quick changes"):
            row = last * (n * 37 % N_QUICK) // N_QUICK
            application.editor.split(row, "One two", 3)
    with _all_threads(figures, f"keep {N_QUICK} quick changes"):
        application.recordings.stop()


def _measure_list(application: Application, folder: Path, figures: Figures) -> None:
    """As many as there can be, without the one above."""
    recordings, actions = application.recordings, application.window.actions_
    application.remove(*application.session.recordings)
    added = recordings._insert([folder / f"{number}.wav" for number in range(N_RECORDINGS)], TranscribeOptions())
    recordings.added.emit(added)
    with _cpu(figures, "list: select all"):
        application.window.recordings_view.selectAll()
    for _ in range(3):
        for name, action in (
            ("pause", actions.pause),
            ("resume", actions.resume),
            ("cancel", actions.cancel),
            ("transcribe again", actions.retry),
        ):
            figures.setdefault(f"list: {name}", []).append(max(turns(lambda: True, action.trigger)))


def _turn_wheel(application: Application) -> None:
    viewport = application.window.page.view.viewport()
    here = QPointF(viewport.rect().center())
    buttons, modifiers, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    places = here, viewport.mapToGlobal(here), QPoint(), QPoint(0, -120)
    QCoreApplication.sendEvent(viewport, QWheelEvent(*places, buttons, modifiers, phase, False))


@contextmanager
def _cpu(figures: Figures, name: str) -> Iterator[None]:
    settle()
    begin = time.thread_time()
    yield
    figures.setdefault(name, []).append(time.thread_time() - begin)


@contextmanager
def _all_threads(figures: Figures, name: str) -> Iterator[None]:
    begin = time.process_time()
    yield
    figures.setdefault(name, []).append(time.process_time() - begin)


def turns(is_done: Callable[[], bool], do: Callable[[], object] = lambda: None) -> list[float]:
    """Seconds of the window's thread for something, and for each turn of its loop until that is done."""
    figures, end = [], time.monotonic() + 60.0
    for step in (do, *repeat(QCoreApplication.processEvents, 3)):
        begin = time.thread_time()
        step()
        figures.append(time.thread_time() - begin)
    while not is_done():
        assert time.monotonic() < end
        begin = time.thread_time()
        QCoreApplication.processEvents()
        figures.append(time.thread_time() - begin)
    return figures


def settle() -> None:
    """What is due in the window's loop is done."""
    for _ in range(3):
        QCoreApplication.processEvents()


def until(is_so: Callable[[], bool], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError
        QCoreApplication.processEvents()


def bound(name: str) -> float:
    """Seconds that are asked for."""
    if name.startswith("open"):
        return MOST_OPEN_S
    if name.startswith("keep"):
        return MOST_KEEP_S
    at_once = ("1,000", "list: ", "replace all")
    return MOST_TURN_S if any(part in name for part in at_once) else MOST_FRAME_S


def table(figures: Figures) -> str:
    rows = []
    for name, times in figures.items():
        most, middle, worst = bound(name), median(times), max(times)
        shown = [f"{1000 * t:.1f} ms" for t in (middle, worst, most)]
        rows.append([name, *shown, f"{middle / most:.2f}", f"{worst / most:.2f}"])
    return report.table(["", "median", "worst", "limit", "median / limit", "worst / limit"], rows)


def missed(figures: Figures) -> list[str]:
    worst = [(name, max(times), bound(name)) for name, times in figures.items()]
    return [f"{name} {1000 * t:.1f} ms, at most {1000 * most:.0f}" for name, t, most in worst if t > most]


if __name__ == "__main__":
    main()
