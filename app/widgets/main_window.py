"""The window: what is where in it, its menus and dialogs. It displays and emits; `app.application` does the wiring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.paths import APP_NAME, default_model
from app.session import Recording
from app.widgets import dialogs
from app.widgets.actions import Actions
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.drop_area import DropArea
from app.widgets.edit_menu import EditMenu
from app.widgets.intake import Intake
from app.widgets.message_bar import MessageBar
from app.widgets.options_bar import OptionsBar
from app.widgets.recording_commands import RecordingCommands
from app.widgets.recordings_header import RecordingsHeader
from app.widgets.recordings_model import RecordingsModel
from app.widgets.recordings_view import RecordingsView
from app.widgets.status_panel import StatusPanel
from app.widgets.texts import percent
from app.widgets.transcript_page import TranscriptPage
from app.widgets.watch_indicator import WatchIndicator
from gpu.types import TranscribeOptions

SIDEBAR_WIDTH = 310
LEAST_WIDTH = 880
LEAST_LINES = 10  # of the list, whatever stands below it
MARGIN = 12


class MainWindow(QMainWindow):
    """Recordings and status on the left, the selected transcript or the drop area on the right.

    Signals:
        model_chosen: a model file was picked, or the built-in one: a `Path`.
        recording_selected: a `Recording`, or None. recording_picked: by the user, in the list.
        auto_save_requested, watch_requested, models_requested, settings_requested, gpu_requested,
            self_test_requested, about_requested: menu commands.
        closing: the window closes for good.

    Attributes:
        recordings_are_kept: those that are not done go on at the next start.
        losses: what else is to be asked before the window closes, each None where nothing is.
    """

    model_chosen = Signal(object)
    recording_selected = Signal(object)
    recording_picked = Signal()
    auto_save_requested = Signal()
    watch_requested = Signal()
    models_requested = Signal()
    settings_requested = Signal()
    gpu_requested = Signal()
    self_test_requested = Signal()
    about_requested = Signal()
    closing = Signal()

    def __init__(self, model: RecordingsModel, appearance: Appearance) -> None:
        super().__init__()
        self._recordings = model
        self._appearance = appearance
        self._may_close = self.recordings_are_kept = False
        self._question: QMessageBox | None = None
        self._cover: QWidget | None = None
        self.losses: list[Callable[[], dialogs.Question | None]] = []
        self.model_folder = Path.home()
        self._widening = QTimer(self, singleShot=True, interval=0)  # when all that is in it has changed too
        self.actions_ = Actions(self.menuBar(), self)
        self.options = OptionsBar()
        self.message_bar = MessageBar(appearance)
        self.intake = Intake(self, self.message_bar)
        self.recordings_view = RecordingsView(model, appearance)
        self.header = RecordingsHeader(model.session, appearance)
        self.status_panel = StatusPanel()
        self.drop_area = DropArea(appearance)
        self.page = TranscriptPage(appearance)
        self.edit_menu = EditMenu(self.menuBar(), self.actions_.recording_menu, self.page)
        self.commands = RecordingCommands(self.actions_, self.recordings_view, model.session, self)
        self._arrange()
        self._connect()
        self._show_options(False)
        self.setMinimumWidth(LEAST_WIDTH)
        self.resize(1080, 720)
        self._retranslate()
        self._update_icons()
        self.update_state()
        self.recordings_view.setFocus()

    @property
    def chosen_options(self) -> TranscribeOptions:
        """For recordings that are added now."""
        return self.options.apply_to(TranscribeOptions())

    @property
    def watch_indicator(self) -> WatchIndicator:
        return self.header.watch

    @property
    def current(self) -> Recording | None:
        return self.recordings_view.current

    def update_state(self) -> None:
        """Enable what can be done now, and show what there is to show."""
        self.commands.update()
        self._stack.setCurrentWidget(self._cover or (self.page if self.current is not None else self.drop_area))
        self.header.update_summary()
        self._update_title()

    def cover(self, widget: QWidget | None) -> None:
        """Show this in the place of the recording; None: the recording."""
        if widget is not None and self._stack.indexOf(widget) < 0:
            self._stack.addWidget(widget)
        self._cover = widget
        self.update_state()

    def add_to_top(self, button: QWidget) -> None:
        """Beside the options."""
        self._top.insertWidget(self._top.count() - 1, button)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # something has other texts, or larger ones
            self._widening.start()
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.finish_edits()
        question = None if self._may_close else self.loss
        if question is None:
            self.closing.emit()
            event.accept()
            return
        event.ignore()
        if self._question is None:
            self._question = dialogs.confirm(self, question, self.close_for_good)
            self._question.finished.connect(self._forget_question)

    @property
    def loss(self) -> dialogs.Question | None:
        """What is to be asked before the window closes; None if nothing would be lost or stopped."""
        for ask in self.losses:
            if (question := ask()) is not None:
                return question
        session, kept = self._recordings.session, self.recordings_are_kept
        quit_, keep = self.tr("Quit"), self.tr("Keep working")
        if session.is_busy:
            becomes = (
                self.tr("If you quit now, it goes on when the program is started again.")
                if kept
                else self.tr("If you quit now, its text is lost.")
            )
            return dialogs.Question(self.tr("A recording is still being transcribed."), becomes, quit_, keep)
        if not kept and any(r.transcript.segments and not r.is_saved for r in session):
            becomes = self.tr("The list of recordings cannot be kept. If you quit now, these texts are lost.")
            return dialogs.Question(self.tr("There are texts that are not saved."), becomes, quit_, keep)
        if not self.edit_menu.may_transcribe:
            becomes = self.tr("If you quit now, its text stays as it was.")
            return dialogs.Question(self.tr("A selection is still being transcribed again."), becomes, quit_, keep)
        return None

    def finish_edits(self) -> None:
        """Take over what is being typed."""
        self.page.view.finish_edit()

    def close_for_good(self) -> None:
        """Without a question."""
        self._may_close = True
        self.close()

    def ask_for_model(self) -> None:
        dialogs.ask_model(self, self.model_folder, self._take_model)

    def _arrange(self) -> None:
        self._add = QPushButton()
        self._add.setMaximumWidth(SIDEBAR_WIDTH)
        self._add.setIconSize(BUTTON_ICON_SIZE)
        top = self._top = QHBoxLayout()
        top.setSpacing(MARGIN)
        top.addWidget(self._add, 1)  # as wide as what stands below it, if there is room
        top.addWidget(self.options)
        top.addStretch()
        self._options_button = QPushButton()
        self._options_button.setCheckable(True)
        self._options_button.setIconSize(BUTTON_ICON_SIZE)
        top.addWidget(self._options_button)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.drop_area)
        self._stack.addWidget(self.page)
        splitter = QSplitter(childrenCollapsible=False, handleWidth=MARGIN)
        splitter.addWidget(self._make_sidebar())
        splitter.addWidget(self._stack)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([SIDEBAR_WIDTH, 3 * SIDEBAR_WIDTH])
        self._central = central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, 6, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(top)
        layout.addWidget(self.options.panel)
        layout.addWidget(self.message_bar)
        layout.addWidget(splitter, 1)
        self.setCentralWidget(central)

    def _make_sidebar(self) -> QWidget:
        card = QFrame()
        card.setObjectName("card")
        self.header.heading.setBuddy(self.recordings_view)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 8)
        inside.setSpacing(0)
        inside.addWidget(self.header)
        inside.addWidget(self.recordings_view, 1)
        card.setMinimumHeight(LEAST_LINES * card.fontMetrics().lineSpacing())
        sidebar = QWidget()
        layout = QVBoxLayout(sidebar)
        layout.addStrut(260)  # not less, but more where texts are larger
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(MARGIN)
        layout.addWidget(card, 1)
        layout.addWidget(self.status_panel)
        return sidebar

    def _connect(self) -> None:
        actions, page = self.actions_, self.page
        self._add.clicked.connect(self.intake.ask_for_files)
        self._options_button.clicked.connect(actions.options.trigger)
        actions.options.toggled.connect(self._options_button.setChecked)
        actions.options.toggled.connect(self._show_options)
        self.options.panel.counted.connect(self._update_options_button)
        self.drop_area.files_wanted.connect(self.intake.ask_for_files)
        self.drop_area.folder_wanted.connect(self.intake.ask_for_folder)
        self.header.watch.clicked.connect(self.watch_requested)
        self.status_panel.model_wanted.connect(self.models_requested)
        for signal in (self.message_bar.action_requested, page.model_wanted):
            signal.connect(self.ask_for_model)
        page.save_requested.connect(self.commands.ask_where_to_save)
        commands = self.commands
        for button, command in (
            (page.pause_requested, commands.pause_requested),
            (page.resume_requested, commands.resume_requested),
            (page.cancel_requested, commands.cancel_requested),
            (page.retry_requested, commands.retry_requested),
            (page.copy_requested, commands.copy_requested),
        ):
            button.connect(partial(commands.tell_current, command))
        self.intake.drag_changed.connect(self._show_drag)
        self._connect_actions()
        self.recordings_view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.recordings_view.clicked.connect(self.recording_picked)
        self.recordings_view.activated.connect(self.recording_picked)
        self._appearance.changed.connect(self._update_icons)
        self._widening.timeout.connect(self._widen)

    def _connect_actions(self) -> None:
        actions = self.actions_
        slots: list[tuple[QAction, Callable[[], None]]] = [
            (actions.add_files, self.intake.ask_for_files),
            (actions.add_folder, self.intake.ask_for_folder),
            (actions.paste, self.intake.paste),
            (actions.auto_save, self.auto_save_requested.emit),
            (actions.watch, self.watch_requested.emit),
            (actions.models, self.models_requested.emit),
            (actions.settings, self.settings_requested.emit),
            (actions.choose_model, self.ask_for_model),
            (actions.built_in_model, partial(self.model_chosen.emit, default_model())),
            (actions.quit, self._quit),
            (actions.gpu, self.gpu_requested.emit),
            (actions.self_test, self.self_test_requested.emit),
            (actions.about, self.about_requested.emit),
        ]
        for action, slot in slots:
            action.triggered.connect(slot)

    def _on_current_changed(self, _current: QModelIndex, _previous: QModelIndex) -> None:
        self.page.show_recording(self.current)
        self.recording_selected.emit(self.current)
        self.update_state()

    def _quit(self) -> None:
        self.close()

    def _take_model(self, name: str) -> None:
        self.model_folder = Path(name).parent
        self.model_chosen.emit(Path(name))

    def _show_drag(self, active: bool) -> None:
        self.drop_area.set_active(active)
        self.update_state()
        if active:
            self._stack.setCurrentWidget(self.drop_area)

    def _forget_question(self) -> None:
        self._question = None

    def _update_title(self) -> None:
        running = self._recordings.session.running
        if running is None:
            self.setWindowTitle(APP_NAME)
        else:
            progress = percent(running.progress or 0.0)
            self.setWindowTitle(f"{progress} · {running.path.name} – {APP_NAME}")

    def _show_options(self, shown: bool) -> None:
        self.options.panel.setVisible(shown)
        self.setMinimumHeight(680 if shown else 560)

    def _widen(self) -> None:
        """No narrower than its texts allow, which may be large."""
        self.setMinimumWidth(max(LEAST_WIDTH, self._central.minimumSizeHint().width()))

    def _update_options_button(self) -> None:
        """How many are not as they come shows while the panel is shut, too."""
        n_changed = self.options.panel.n_changed
        name = self.tr("Options")
        self._options_button.setText(f"{name} ({n_changed})" if n_changed else name)

    def _retranslate(self) -> None:
        self.actions_.retranslate()
        self.edit_menu.retranslate()
        self._update_options_button()
        self._options_button.setToolTip(self.tr("More about how recordings are recognised"))
        self._add.setText(self.tr("Add recordings…"))
        self._add.setToolTip(self.tr("Pick files; or drop files and folders anywhere in this window"))

    def _update_icons(self) -> None:
        for button, name in ((self._add, "add"), (self._options_button, "options")):
            button.setIcon(self._appearance.button_icon(name, self._appearance.colors.text))
