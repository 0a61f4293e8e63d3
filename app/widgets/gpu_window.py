"""The window of GPU support: what this machine has, fetching what is missing, and the self-test. Displays and emits."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMainWindow, QPushButton, QVBoxLayout, QWidget

from app.gpu_work import GpuSight, GpuWork
from app.model_work import JobState
from app.widgets.appearance import Appearance
from app.widgets.engine_texts import translated
from app.widgets.gpu_cards import MachineCard, PackCard, check_columns, sentence
from app.widgets.message_bar import MessageBar
from app.widgets.rows_table import RowsModel
from app.widgets.rows_view import RowsView
from app.widgets.text_label import TextLabel
from gpu.types import Check

MARGIN = 12
BUSY_ICON_SIZE = 18


class GpuWindow(QMainWindow):
    """Displays what it was given last.

    Signals:
        test_requested, test_cancel_requested, save_requested: buttons of the self-test; others are of `pack_card`.
        closing: the window is closed; work goes on.
    """

    test_requested = Signal()
    test_cancel_requested = Signal()
    save_requested = Signal()
    closing = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._sight: GpuSight | None = None
        self._work: GpuWork | None = None
        self._was_testing = False
        self.message_bar = MessageBar(appearance)
        self.machine_card = MachineCard(appearance)
        self.pack_card = PackCard()
        self.checks: RowsModel[Check] = RowsModel(check_columns(), id, self)
        self.view: RowsView[Check] = RowsView(self.checks, appearance, 2)
        self._heading, self._icon = QLabel(), QLabel()
        self.summary, self.detail = TextLabel(), TextLabel()
        self.run, self.cancel, self.save = (QPushButton() for _ in range(3))
        self._arrange()
        self._connect()
        self.setMinimumSize(680, 560)
        self.resize(860, 700)
        self._update()

    def show_sight(self, sight: GpuSight) -> None:
        self._sight = sight
        self._update()

    def show_work(self, work: GpuWork) -> None:
        """The latest, as it stands now."""
        before, self._work = self._work, work
        n_known = len(self.checks.rows)
        if work is not before or len(work.checks) < n_known:
            self.checks.set_rows(work.checks)
        elif len(work.checks) > n_known:
            self.checks.append(work.checks[n_known:])
            self.view.fit()
        if work.is_testing:
            self.view.scrollToBottom()
        elif self._was_testing:
            self._select_first_failed(work)
        self._was_testing = work.is_testing
        self._update()

    def _select_first_failed(self, work: GpuWork) -> None:
        """Nobody looks for it among a hundred rows."""
        failed = next((check for check in work.checks if check.outcome == "failed"), None)
        if failed is not None:
            self.view.select(id(failed))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._update()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closing.emit()
        super().closeEvent(event)

    def _arrange(self) -> None:
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(self.message_bar)
        layout.addWidget(self.machine_card)
        layout.addWidget(self.pack_card)
        layout.addWidget(self._make_test_card(), 1)
        self.setCentralWidget(central)
        card = self.pack_card
        order = (card.enable, card.pause, card.cancel, card.remove, self.run, self.cancel, self.save, self.view)
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)

    def _make_test_card(self) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        self._heading.setProperty("heading", True)
        for label in (self.summary, self.detail):
            label.setProperty("muted", True)
        self.detail.setContentsMargins(16, 4, 16, 4)
        state = QHBoxLayout()
        state.setSpacing(8)
        state.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        state.addWidget(self.summary, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.run, self.cancel, self.save):
            buttons.addWidget(button)
        buttons.addStretch()
        top = QVBoxLayout()
        top.setContentsMargins(16, 6, 16, 8)
        top.setSpacing(8)
        top.addWidget(self._heading)
        top.addLayout(state)
        top.addLayout(buttons)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 6, 1, 6)
        inside.setSpacing(0)
        inside.addLayout(top)
        inside.addWidget(self.view, 1)
        inside.addWidget(self.detail)
        return card

    def _connect(self) -> None:
        self.run.clicked.connect(self.test_requested)
        self.cancel.clicked.connect(self.test_cancel_requested)
        self.save.clicked.connect(self.save_requested)
        self.view.row_selected.connect(self._update_detail)
        for keys in ("Ctrl+W", "Escape"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.close)
        self._appearance.changed.connect(self._update)

    def _update(self) -> None:
        sight, work = self._sight, self._work
        is_busy = work is not None and not work.state.is_over
        self.machine_card.show_sight(sight)
        self.pack_card.show_state(sight, work)
        self.run.setEnabled(not is_busy)
        self.run.setProperty("primary", bool(sight and sight.overview.is_ready and not sight.usable))
        self.run.style().unpolish(self.run)
        self.run.style().polish(self.run)
        self.cancel.setVisible(work is not None and work.is_testing)
        self.save.setEnabled(work is not None and work.state.is_over and bool(work.checks))
        self._retranslate()
        self._update_detail()

    def _update_detail(self) -> None:
        """The selected check, with all its words: the table has no room for them."""
        check = self.view.current
        text = f"{sentence(translated(check.what))}: {translated(check.detail)}" if check is not None else ""
        self.detail.setText(text)
        self.detail.setVisible(bool(text))

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("GPU support"))
        self._heading.setText(self.tr("Self-test"))
        self.run.setText(self.tr("&Run self-test"))
        self.run.setToolTip(self.tr("Compares what the device computes with what is right, and times it"))
        self.cancel.setText(self.tr("&Stop the self-test"))
        self.cancel.setToolTip(self.tr("What was found so far stays in the list"))
        self.save.setText(self.tr("Sa&ve report…"))
        self.save.setToolTip(self.tr("Writes all figures to a JSON file, for a bug report"))
        self.view.setAccessibleName(self.tr("Checks of the self-test"))
        self.view.setAccessibleDescription(self.tr("Each with what was measured, and whether it passed"))
        icon, color, summary = self._summary()
        self._icon.setVisible(bool(icon))
        if icon:
            self._icon.setPixmap(self._appearance.pixmap(icon, getattr(self._appearance.colors, color), BUSY_ICON_SIZE))
        self.summary.setText(summary)

    def _summary(self) -> tuple[str, str, str]:
        """Icon, colour, and how the self-test stands."""
        work = self._work
        if work is None or (not work.checks and not work.is_testing):
            text = self.tr("Does this machine compute what it should? Takes some seconds; without a GPU, on the CPU.")
            return "", "", text
        counts = self._counts(work)
        match work.state:
            case JobState.CANCELLED:
                return "cancelled", "warning", self.tr("Stopped. {counts}").format(counts=counts)
            case JobState.FAILED:
                return "error", "danger", self.tr("It did not come to its end. {counts}").format(counts=counts)
            case JobState.DONE if any(check.outcome == "failed" for check in work.checks):
                return "error", "danger", self.tr("Something failed. {counts}").format(counts=counts)
            case JobState.DONE:
                return "done", "success", self.tr("Nothing failed. {counts}").format(counts=counts)
        return "running", "accent", self.tr("Testing… {counts}").format(counts=counts)

    def _counts(self, work: GpuWork) -> str:
        n = Counter(check.outcome for check in work.checks)
        text = self.tr("{passed} passed, {failed} failed, {skipped} skipped")
        return text.format(passed=n["passed"], failed=n["failed"], skipped=n["skipped"])
