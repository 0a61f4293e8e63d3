"""Playback put together: the player, the bar under the transcript, the menu, and the text that follows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from app.editor import Editor
from app.engine.background import Background
from app.paths import outlines_dir
from app.playback.player import Passage, Player
from app.playback.units import Outline
from app.session import Recording
from app.settings import Settings
from app.widgets import engine_texts
from app.widgets.appearance import Appearance
from app.widgets.main_window import MainWindow
from app.widgets.playback_menu import PlaybackMenu
from app.widgets.player_bar import PlayerBar
from app.widgets.waveform_view import SKIP_S
from gpu.errors import ExplainedError

TICK_MS = 33
_NOTHING: Outline = np.zeros((0, 2), np.int8)


class PlaybackDesk(QObject):
    """Plays the recording that is shown, and lets the text follow.

    Signals:
        failed: an exception nobody foresaw.
    """

    failed = Signal(Exception)
    _stopped = Signal(object)
    _outlined = Signal(object, object)

    def __init__(self, window: MainWindow, editor: Editor, settings: Settings, appearance: Appearance) -> None:
        super().__init__(window)
        self._page, self._editor, self._settings = window.page, editor, settings
        self.player = Player(self._stopped.emit)
        self.bar = PlayerBar(appearance)
        self._page.add_below(self.bar)
        self.menu = PlaybackMenu(window.menuBar(), window.actions_.view_menu, window)
        self._background = Background(self)
        self._recording: Recording | None = None
        self._position_s = 0.0  # where it goes on
        self._problem: ExplainedError | None = None  # why nothing is heard
        self._outlining = 0  # counts recordings: outlines of earlier ones are not wanted any more
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._follow)
        self._connect()
        self.bar.volume.set_volume(settings.volume)
        self.show(None)

    def show(self, recording: Recording | None) -> None:
        """Another recording is shown, or the same with more of it."""
        if recording is not self._recording:
            self.player.pause()
            self._tick.stop()
            self._recording, self._position_s = recording, 0.0
            self._outlining += 1
            self.bar.show_playing(False)
            self._forget_problem()
            if recording is not None:
                self._outline(recording.path)
            self._listen(False)
        self.bar.setVisible(recording is not None and bool(recording.transcript.segments))
        self.menu.set_enabled(self.bar.isVisibleTo(self._page))
        if recording is not None:
            self.bar.waveform.may_retime = recording.state.is_over
            self.bar.waveform.show_segments(recording.transcript.segments, self._duration_s)
            self._show_position(self._position_s, scroll=False)

    def stop(self) -> None:
        """Give the device back."""
        self._outlining += 1
        self.player.close()

    def toggle(self) -> None:
        if self.player.is_playing:
            self._pause()
        else:
            self._play(self._position_s)

    def hear(self, position_s: float) -> None:
        """From there on."""
        self._play(position_s)

    def hear_row(self, row: int) -> None:
        """A segment, from its beginning."""
        if self._recording is not None and 0 <= row < len(self._recording.transcript.segments):
            self._page.view.selectRow(row)
            self._play(self._recording.transcript.segments[row].start)

    def skip(self, by_s: float) -> None:
        position = min(max(self._here() + by_s, 0.0), self._duration_s)
        if self.player.is_playing:
            self._play(position)
        else:
            self._show_position(position)

    def step(self, by: int) -> None:
        row = self._row_at(self._here())
        self.hear_row(max(row + by, 0))

    # ------------------------------------------------------------- inside

    def _connect(self) -> None:
        bar, menu, view = self.bar, self.menu, self._page.view
        self._stopped.connect(self._on_stopped)
        self._outlined.connect(self._take_outline)
        bar.toggle_wanted.connect(self.toggle)
        bar.step_wanted.connect(self.step)
        bar.speed_chosen.connect(self._change)
        bar.loop_toggled.connect(menu.loop.setChecked)
        bar.waveform.heard_wanted.connect(self.hear)
        bar.waveform.skip_wanted.connect(self.skip)
        bar.waveform.step_wanted.connect(self.step)
        bar.waveform.toggle_wanted.connect(self.toggle)
        bar.waveform.speed_wanted.connect(bar.change_speed)
        bar.waveform.left.connect(self._leave)
        bar.waveform.retime_wanted.connect(self._editor.retime)
        bar.waveform.boundary_wanted.connect(self._editor.move_boundary)
        self._editor.edited.connect(self._on_edited)
        menu.toggle.triggered.connect(self.toggle)
        menu.back.triggered.connect(partial(self.skip, -SKIP_S))
        menu.forward.triggered.connect(partial(self.skip, SKIP_S))
        menu.before.triggered.connect(partial(self.step, -1))
        menu.after.triggered.connect(partial(self.step, 1))
        menu.loop.toggled.connect(bar.loop.setChecked)
        menu.loop.toggled.connect(self._change)
        menu.slower.triggered.connect(partial(bar.change_speed, -1))
        menu.faster.triggered.connect(partial(bar.change_speed, 1))
        menu.louder.triggered.connect(partial(bar.volume.step, 1))
        menu.softer.triggered.connect(partial(bar.volume.step, -1))
        menu.mute.toggled.connect(bar.volume.mute.setChecked)
        bar.volume.muted.connect(menu.mute.setChecked)
        bar.volume.changed.connect(self._set_volume)
        bar.volume.chosen.connect(self._keep_volume)
        view.time_clicked.connect(self.hear_row)
        menu.starts_here.triggered.connect(partial(self._move_edge, is_end=False))
        menu.ends_here.triggered.connect(partial(self._move_edge, is_end=True))
        view.installEventFilter(self)
        bar.waveform.installEventFilter(self)
        bar.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keys of the transcript are those of the waveform, as long as no text is edited."""
        if watched is self.bar and event.type() is QEvent.Type.LanguageChange:
            self.menu.retranslate()
            self._say_problem()
        if event.type() is QEvent.Type.FocusOut and not self.player.is_playing:
            self._listen(False)
        is_key = watched is self._page.view and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress
        if not is_key or not self.menu.toggle.isEnabled():
            return super().eventFilter(watched, event)
        return self._on_key(cast(QKeyEvent, event)) or super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        """Whether a key of the transcript was one of ours."""
        if event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier):
            return False
        row = self._row_at(self._here())
        match event.key():
            case Qt.Key.Key_Space:
                self._toggle_row(self._page.view.currentIndex().row())
            case Qt.Key.Key_Left:
                self.skip(-SKIP_S)
            case Qt.Key.Key_Right:
                self.skip(SKIP_S)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.bar.change_speed(1)
            case Qt.Key.Key_Minus:
                self.bar.change_speed(-1)
            case Qt.Key.Key_Tab if self.bar.waveform.takes_tab and row + 1 < self._page.model.rowCount():
                self.step(1)
            case Qt.Key.Key_Backtab if self.bar.waveform.takes_tab and row > 0:
                self.step(-1)
            case Qt.Key.Key_Escape if self.bar.waveform.takes_tab:
                self._leave()
            case _:
                return False
        return True

    def _toggle_row(self, row: int) -> None:
        """Pause, go on, or play the row if it is another one than was heard last."""
        if self.player.is_playing or row < 0 or row == self._row_at(self._position_s):
            self.toggle()
        else:
            self.hear_row(row)

    def _listen(self, listens: bool) -> None:
        """Whoever listens steps with Tab; to all others it is the way through the window."""
        self.bar.waveform.takes_tab = listens

    def _leave(self) -> None:
        if self.player.is_playing:
            self._pause()
        self._listen(False)
        self.bar.play.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _move_edge(self, *, is_end: bool) -> None:
        """The selected segment, or else the one that is heard, begins or ends where we are."""
        row, here = self._page.view.currentIndex().row(), self._here()
        row = row if row >= 0 else self._row_at(here)
        if row < 0 or not self._page.model.editable:
            return
        segment, at_s = self._page.model.segment(row), self.bar.waveform.limited(row, is_end, here)
        if is_end:
            self._editor.retime(row, segment.start, at_s)
        else:
            self._editor.retime(row, at_s, segment.end)

    def _on_edited(self) -> None:
        """Segments are others, or elsewhere."""
        self.bar.waveform.redraw()
        self._show_position(self._here(), scroll=False)

    def _here(self) -> float:
        return self.player.position_s if self.player.is_playing else self._position_s

    @property
    def _duration_s(self) -> float:
        recording = self._recording
        if recording is None:
            return 0.0
        stated = recording.stats.duration_s if recording.stats is not None and recording.stats.duration_s else 0.0
        return max(stated, recording.transcript.segments[-1].end if recording.transcript.segments else 0.0)

    def _row_at(self, position_s: float) -> int:
        """The segment that is heard then, or was last; -1 before the first."""
        segments = self._recording.transcript.segments if self._recording is not None else []
        return bisect_right(segments, position_s + 0.001, key=lambda segment: segment.start) - 1

    def _play(self, position_s: float) -> None:
        if self._recording is None:
            return
        self._position_s = position_s
        passage = Passage(self._recording.path, position_s, speed=self.bar.speed.currentData())
        row = self._row_at(position_s)
        if self.bar.loop.isChecked() and row >= 0:
            segment = self._recording.transcript.segments[row]
            if position_s < segment.end:
                passage = replace(passage, end_s=segment.end, loop_s=segment.start)
        self.player.play(passage)
        self._listen(True)
        self._forget_problem()
        self.bar.show_playing(True)
        self._tick.start()
        self._show_position(position_s)

    def _pause(self) -> None:
        self._position_s = self.player.pause()
        self._tick.stop()
        self.bar.show_playing(False)
        self._show_position(self._position_s)

    def _change(self) -> None:
        """Speed or loop are other ones."""
        if self.player.is_playing:
            self._play(self._here())

    def _set_volume(self) -> None:
        self.player.volume = self.bar.volume.factor

    def _keep_volume(self, volume: int) -> None:
        self._settings.volume = volume

    def _follow(self) -> None:
        self._show_position(self.player.position_s)

    def _show_position(self, position_s: float, *, scroll: bool = True) -> None:
        self._position_s = position_s
        passage = self.player.passage
        looped_s = None if passage is None else passage.loop_s  # its end may be the beginning of the next
        row = self._row_at(position_s if looped_s is None else looped_s)
        self.bar.waveform.show_position(position_s, row)
        self.bar.show_time(position_s, self._duration_s)
        self._page.view.show_heard(row if self.player.is_playing else -1, scroll=scroll)

    def _on_stopped(self, error: Exception | None) -> None:
        if self.player.is_playing:
            return  # again, meanwhile
        self._tick.stop()
        self.bar.show_playing(False)
        if error is not None:
            self._tell(error)
            self._show_position(self._position_s)
        else:
            self._show_position(0.0 if self.player.position_s >= self._duration_s - 0.5 else self.player.position_s)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, ExplainedError):
            self._problem = error
            self._say_problem()
        else:
            self.failed.emit(error)

    def _say_problem(self) -> None:
        """In the language of the interface, or none."""
        texts = () if self._problem is None else (self._problem.message, self._problem.remedy)
        self.bar.show_problem(" ".join(map(engine_texts.translated, texts)))

    def _forget_problem(self) -> None:
        self._problem = None
        self._say_problem()

    def _outline(self, path: Path) -> None:
        number = self._outlining
        self.bar.waveform.show_outline(_NOTHING)
        self._background.run(
            partial(_find_outline, path, partial(self._outlined.emit, number), lambda: self._outlining == number),
            lambda _none: None,
            partial(self._on_no_outline, number),
        )

    def _take_outline(self, number: int, outline: Outline) -> None:
        if number == self._outlining:
            self.bar.waveform.show_outline(outline)

    def _on_no_outline(self, number: int, error: Exception) -> None:
        if number == self._outlining:
            self._tell(error)


def _find_outline(path: Path, tell: Callable[[Outline], None], is_wanted: Callable[[], bool]) -> None:
    from app.playback.outlines import outline_of  # with FFmpeg, which takes its time to import

    outline_of(path, outlines_dir(), tell, is_wanted)
