"""The window of models: those that are published, those on this disk, and the work on them. It displays and emits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.model_work import Job
from app.models.overview import Overview
from app.widgets import dialogs, engine_texts
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.job_list import JobList
from app.widgets.message_bar import MessageBar
from app.widgets.model_details import PRIMARY, ModelDetails
from app.widgets.model_rows import (
    CatalogueRow,
    CatalogueTable,
    DiskRow,
    DiskTable,
    ModelRow,
    action_text,
    catalogue_columns,
    catalogue_rows,
    disk_columns,
    disk_rows,
)
from app.widgets.rows_view import RowsView

MARGIN = 12


class ModelsWindow(QMainWindow):
    """Displays the overview and the jobs it is given last.

    Signals:
        action_requested: one of `model_rows.Action`, for a `ModelRow`.
        import_wanted, folders_wanted, refresh_wanted, network_wanted: buttons.
        file_chosen: a model file to be used, a `Path`.
        job_pause_requested, job_resume_requested, job_cancel_requested: of a `Job`.
        closing: the window is closed; works go on.
    """

    action_requested = Signal(str, object)
    import_wanted = Signal()
    folders_wanted = Signal()
    refresh_wanted = Signal()
    network_wanted = Signal()
    file_chosen = Signal(object)
    job_pause_requested = Signal(object)
    job_resume_requested = Signal(object)
    job_cancel_requested = Signal(object)
    closing = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._seen: Overview | None = None
        self._downloads: dict[str, Job] = {}
        self._current: Path | None = None
        self.file_folder = Path.home()
        self.catalogue = CatalogueTable(catalogue_columns(), lambda row: row.key, self)
        self.disk = DiskTable(disk_columns(), lambda row: row.key, self)
        self.catalogue_view: RowsView[CatalogueRow] = RowsView(self.catalogue, appearance, 0)
        self.disk_view: RowsView[DiskRow] = RowsView(self.disk, appearance, 5)
        self.message_bar = MessageBar(appearance)
        self.details = ModelDetails(appearance)
        self.jobs = JobList(appearance)
        self.search = QLineEdit(clearButtonEnabled=True)
        self.import_button, self.file_button, self.folders_button, self.network_button, self.refresh_button = (
            QPushButton() for _ in range(5)
        )
        self._search_icon = QAction(self)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self._arrange()
        self._connect()
        self.setMinimumSize(760, 520)
        self.resize(1120, 720)
        self._retranslate()
        self._update_icons()
        self.search.setFocus()

    @property
    def view(self) -> RowsView[CatalogueRow] | RowsView[DiskRow]:
        """The table in front."""
        return (self.catalogue_view, self.disk_view)[self.tabs.currentIndex()]

    @property
    def current(self) -> ModelRow | None:
        return self.view.current

    def show_overview(self, seen: Overview) -> None:
        before, self._seen = self._seen, seen
        self._update_rows()
        if before is None and seen.recommendation is not None:
            self.catalogue_view.select(seen.recommendation.model.name)
        if before is None and self.disk.rows:
            self.disk_view.select(self.disk.key(0))
        if before is None or before.listed != seen.listed:
            self.catalogue_view.fit()

    def show_jobs(self, jobs: Sequence[Job], downloads: dict[str, Job]) -> None:
        """Args:
        jobs: what runs, waits or pauses. downloads: by the model's name; those that have just ended too.
        """
        self._downloads = downloads
        self.jobs.refresh(jobs)
        self._update_rows()
        for row, shown in enumerate(self.catalogue.rows):
            if shown.job is not None:
                self.catalogue.refresh(row)

    def show_current(self, path: Path | None) -> None:
        """Mark the model file that is in use."""
        self._current = path
        self._update_rows()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closing.emit()
        super().closeEvent(event)

    def ask_for_file(self) -> None:
        dialogs.ask_model(self, self.file_folder, self._take_file)

    def _take_file(self, name: str) -> None:
        self.file_folder = Path(name).parent
        self.file_chosen.emit(Path(name))

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        self.search.setMinimumWidth(220)
        top.addWidget(self.search, 3)
        top.addStretch(1)
        buttons = (self.import_button, self.file_button, self.folders_button, self.network_button, self.refresh_button)
        for button in buttons:
            button.setIconSize(BUTTON_ICON_SIZE)
            top.addWidget(button)
        self.tabs = QTabBar(expanding=False, drawBase=False)
        for _ in range(2):
            self.tabs.addTab("")
        self._stack = QStackedWidget()
        for view in (self.catalogue_view, self.disk_view):
            self._stack.addWidget(view)
        self._notes = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._notes.setProperty("muted", True)
        self._notes.setContentsMargins(16, 4, 16, 6)
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 6, 1, 6)
        inside.setSpacing(0)
        inside.addWidget(self._stack, 1)
        inside.addWidget(self._notes)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(top)
        layout.addWidget(self.message_bar)
        layout.addWidget(self.tabs)
        layout.addWidget(card, 1)
        layout.addWidget(self.details)
        layout.addWidget(self.jobs)
        self.setCentralWidget(central)
        self._order_focus([self.search, *buttons, self.tabs, self.catalogue_view, self.disk_view])

    def _order_focus(self, widgets: Sequence[QWidget]) -> None:
        """The Tab key goes as the eye does: these, and then the details and the jobs."""
        for first, second in pairwise([*widgets, *self.details.buttons.values()]):
            QWidget.setTabOrder(first, second)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._focus_view)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.search, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self._focus_view)
        self.tabs.currentChanged.connect(self._on_tab)
        self.import_button.clicked.connect(self.import_wanted)
        self.file_button.clicked.connect(self.ask_for_file)
        self.folders_button.clicked.connect(self.folders_wanted)
        self.network_button.clicked.connect(self.network_wanted)
        self.refresh_button.clicked.connect(self.refresh_wanted)
        self.details.action_requested.connect(self._request)
        self.jobs.pause_requested.connect(self.job_pause_requested)
        self.jobs.resume_requested.connect(self.job_resume_requested)
        self.jobs.cancel_requested.connect(self.job_cancel_requested)
        for view in (self.catalogue_view, self.disk_view):
            view.row_selected.connect(self._update_details)
            view.row_activated.connect(self._on_activated)
            view.menu_wanted.connect(self._open_menu)
        shortcuts = {"Ctrl+F": self._focus_search, "F5": self.refresh_wanted.emit, "Ctrl+W": self.close}
        for keys, slot in shortcuts.items():
            QShortcut(QKeySequence(keys), self).activated.connect(slot)
        self._appearance.changed.connect(self._update_icons)

    def _on_search(self, text: str) -> None:
        for view in (self.catalogue_view, self.disk_view):
            view.filter.set_filter(text)
        self._update_tabs()

    def _on_tab(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        self._update_notes()
        self._update_details()

    def _focus_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _focus_view(self) -> None:
        view = self.view
        if not view.currentIndex().isValid() and view.filter.rowCount():
            view.setCurrentIndex(view.filter.index(0, 0))
        view.setFocus()

    def _request(self, action: str) -> None:
        if (row := self.current) is not None and action in row.actions:
            self.action_requested.emit(action, row)

    def _on_activated(self) -> None:
        row = self.current
        if row is not None and row.actions and row.actions[0] in PRIMARY:
            self._request(row.actions[0])

    def _open_menu(self, point: QPoint) -> None:
        row = self.current
        if row is None or not row.actions:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in row.actions:
            menu.addAction(action_text(action)).triggered.connect(partial(self._request, action))
        menu.popup(point)

    def _update_rows(self) -> None:
        if self._seen is None:
            return
        self.catalogue.set_rows(catalogue_rows(self._seen, self._downloads, self._current))
        self.disk.set_rows(disk_rows(self._seen, self._current))
        self._update_tabs()
        self._update_notes()
        self._update_details()

    def _update_tabs(self) -> None:
        titles = (self.tr("Published models"), self.tr("On this computer"))
        counts = (self.catalogue_view.filter.rowCount(), self.disk_view.filter.rowCount())
        for index, (count, title) in enumerate(zip(counts, titles, strict=True)):
            self.tabs.setTabText(index, f"{title} ({count})" if self._seen else title)

    def _update_notes(self) -> None:
        """What could not be looked into, below the models of this disk; or that there is nothing to show."""
        notes: list[str] = []
        if self._seen is None:
            notes = [self.tr("Looking for models…")]
        elif self.view.filter.rowCount() == 0:
            notes = [self.tr("No model is like what you look for.")]
        if self._seen is not None and self.view is self.disk_view:
            notes += [engine_texts.translated(note) for note in self._seen.notes]
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))

    def _update_details(self) -> None:
        self.details.show_row(self.current, self._seen.free_bytes if self._seen is not None else 0)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Models"))
        self.search.setPlaceholderText(self.tr("Find by name, language, type…"))
        self.search.setAccessibleName(self.tr("Find models"))
        self.search.setAccessibleDescription(self.search.placeholderText())
        self.import_button.setText(self.tr("Import…"))
        self.import_button.setToolTip(self.tr("Turn another program's model into a file this one reads"))
        self.file_button.setText(self.tr("Use a file…"))
        self.file_button.setToolTip(self.tr("Transcribe with any ggml or GGUF file, wherever it lies"))
        self.folders_button.setText(self.tr("Folders…"))
        self.folders_button.setToolTip(self.tr("Where models are looked for, and where new ones go"))
        self.network_button.setText(self.tr("Network…"))
        self.network_button.setToolTip(self.tr("Switch the network off; proxy, certificates and mirror of downloads"))
        self.refresh_button.setText(self.tr("Look again"))
        self.refresh_button.setToolTip(self.tr("Look for models on this computer again (F5)"))
        self.catalogue_view.setAccessibleName(self.tr("Published models"))
        self.catalogue_view.setAccessibleDescription(self.tr("What each needs, and how fast it would be here"))
        self.disk_view.setAccessibleName(self.tr("Models on this computer"))
        self.disk_view.setAccessibleDescription(self.tr("Found in the folders of this and other programs"))
        self.tabs.setAccessibleName(self.tr("Which models are shown"))
        self._update_tabs()
        self._update_notes()

    def _update_icons(self) -> None:
        color = self._appearance.colors.text
        icons = {
            self.import_button: "import",
            self.file_button: "models",
            self.folders_button: "folder",
            self.network_button: "network",
            self.refresh_button: "retry",
        }
        for button, name in icons.items():
            button.setIcon(self._appearance.button_icon(name, color))
        self._search_icon.setIcon(self._appearance.icon("search", self._appearance.colors.muted, 16))
