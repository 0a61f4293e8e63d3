"""The window of all settings: pages in a list, each setting with a sentence that explains it. Changes hold at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.i18n import LANGUAGES
from app.widgets.appearance import THEMES
from app.widgets.number_box import NumberBox
from app.widgets.options_bar import OptionsBar
from app.widgets.profiles_page import ProfilesPage
from app.widgets.save_rule_form import SaveRuleForm
from app.widgets.settings_rows import SettingsPage
from app.widgets.shortcuts_page import ShortcutsPage

MOST_THREADS = 64


class SettingsWindow(QWidget):
    """Displays what is chosen, and emits what the user chooses; stays open beside the main window.

    Signals:
        language_chosen, theme_chosen: codes. font_chosen: percent. notify_chosen, network_off_chosen: on or off.
        device_chosen: "auto", "cpu", "cuda:0"... threads_chosen: 0 leaves it to the engine.
        options_changed: of `options`, how recordings are recognised.
        rule_chosen: which files are written by themselves, a `SaveRule`.
        models_wanted, subtitles_wanted, watch_wanted, network_wanted: their own windows and dialogs.
        came_forward: what other windows show too may be another by now.
        reset_wanted: everything is to be as it comes.
    """

    language_chosen = Signal(str)
    theme_chosen = Signal(str)
    font_chosen = Signal(int)
    notify_chosen = Signal(bool)
    network_off_chosen = Signal(bool)
    device_chosen = Signal(str)
    threads_chosen = Signal(int)
    options_changed = Signal()
    models_wanted = Signal()
    rule_chosen = Signal(object)
    subtitles_wanted = Signal()
    watch_wanted = Signal()
    network_wanted = Signal()
    reset_wanted = Signal()
    came_forward = Signal()

    def __init__(self, actions: Mapping[str, QAction], fonts: Sequence[int], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.language, self.theme, self.text_size, self.device = (QComboBox() for _ in range(4))
        self.notify, self.network_off = QCheckBox(), QCheckBox()
        self.threads = NumberBox(0, MOST_THREADS)
        self.models, self.watch, self.network = (QPushButton() for _ in range(3))
        self.options = OptionsBar()
        self._files, self.files = QLabel(), SaveRuleForm(explained=True)
        self.shortcuts, self.profiles = ShortcutsPage(actions), ProfilesPage()
        self.general, self.recognition, self.output, self.connection = (SettingsPage() for _ in range(4))
        self.reset = QPushButton()
        self.close_ = QPushButton()
        self._fill(fonts)
        self._pages: list[QWidget] = [
            self.general, self.recognition, self.output, self.connection, self.shortcuts, self.profiles,
        ]  # fmt: skip
        self._added: list[tuple[SettingsPage, Callable[[], str]]] = []
        self.list = QListWidget()
        self._stack = QStackedWidget()
        self._arrange()
        self._connect()
        self._retranslate()
        self.list.setCurrentRow(0)

    def show_devices(self, devices: Sequence[tuple[str, str]], chosen: str) -> None:
        """Args:
        devices: the GPUs there are, each with its code and its name.
        """
        self.device.clear()
        for code, name in [("auto", self.tr("The best there is")), ("cpu", self.tr("CPU")), *devices]:
            self.device.addItem(name, code)
        if self.device.findData(chosen) < 0:
            self.device.addItem(self.tr("{device} (not there)").format(device=chosen), chosen)
        self.device.setCurrentIndex(self.device.findData(chosen))

    def show_page(self, page: QWidget) -> None:
        self.list.setCurrentRow(self._pages.index(page))

    def add_page(self, page: SettingsPage, name: Callable[[], str]) -> None:
        """One that somebody else made, behind the others."""
        self._pages.append(page)
        self._added.append((page, name))
        self.list.addItem("")
        self._stack.addWidget(page)
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        elif event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            self.came_forward.emit()
        super().changeEvent(event)

    def _fill(self, fonts: Sequence[int]) -> None:
        for box in (self.language, self.theme, self.text_size, self.device):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for code in ("", *LANGUAGES):
            self.language.addItem(LANGUAGES.get(code, ""), code)
        for theme in THEMES:
            self.theme.addItem("", theme)
        for percent in fonts:
            self.text_size.addItem(f"{percent} %", percent)
        general, recognition = self.general, self.recognition
        general.add(self.language, lambda: (self.tr("Language"), self.tr("Of menus and messages.")))
        general.add(self.theme, lambda: (self.tr("Theme"), self.tr("Light, dark, or as the system has it.")))
        general.add(
            self.text_size, lambda: (self.tr("Size of texts"), self.tr("Compared with what the system asks for."))
        )
        general.add(
            self.notify,
            lambda: (self.tr("Notification"), self.tr("The desktop tells when all recordings are through.")),
        )
        recognition.add(
            self.models,
            lambda: (self.tr("Model"), self.tr("Larger models hear better and take longer; here they are fetched.")),
        )
        recognition.add(
            self.device,
            lambda: (self.tr("Device"), self.tr("What does the work. The panel at the lower left says what does now.")),
        )
        recognition.add(
            self.threads,
            lambda: (
                self.tr("Threads"),
                self.tr("Of the CPU. More than it has cores make it slower, and the rest of the computer too."),
            ),
        )
        recognition.add_wide(self.options, Qt.AlignmentFlag.AlignLeft)
        recognition.add_wide(self.options.panel)
        self.output.add(
            self.watch,
            lambda: (self.tr("Watched folder"), self.tr("Recordings that appear in it are transcribed by themselves.")),
        )
        self._files.setProperty("heading", True)
        self.output.add_wide(self._files)
        self.output.add_wide(self.files)
        self.connection.add(
            self.network_off,
            lambda: (
                self.tr("Network"),
                self.tr("Nothing is fetched then. Transcribing needs no network, and nothing is ever sent."),
            ),
        )
        self.connection.add(
            self.network,
            lambda: (self.tr("Connection"), self.tr("A proxy, certificates, and where models are fetched from first.")),
        )

    def _arrange(self) -> None:
        self.list.setFixedWidth(180)
        self.list.setObjectName("pages")
        for page in self._pages:
            self.list.addItem("")
            self._stack.addWidget(page)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.list)
        top.addWidget(self._stack, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.reset)
        bottom.addStretch()
        bottom.addWidget(self.close_)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addLayout(top, 1)
        layout.addLayout(bottom)
        self.resize(980, 620)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.language.activated.connect(lambda: self.language_chosen.emit(self.language.currentData()))
        self.theme.activated.connect(lambda: self.theme_chosen.emit(self.theme.currentData()))
        self.text_size.activated.connect(lambda: self.font_chosen.emit(self.text_size.currentData()))
        self.device.activated.connect(lambda: self.device_chosen.emit(self.device.currentData()))
        self.threads.editingFinished.connect(lambda: self.threads_chosen.emit(self.threads.value()))
        self.notify.clicked.connect(self.notify_chosen)
        self.network_off.clicked.connect(self.network_off_chosen)
        self.options.changed.connect(self.options_changed)
        self.models.clicked.connect(self.models_wanted)
        self.files.changed.connect(self._choose_rule)
        self.files.subtitles_wanted.connect(self.subtitles_wanted)
        self.watch.clicked.connect(self.watch_wanted)
        self.network.clicked.connect(self.network_wanted)
        self.reset.clicked.connect(self.reset_wanted)
        self.close_.clicked.connect(self.close)

    def _choose_rule(self) -> None:
        """What cannot be is said in the form, and what was chosen before holds."""
        if not self.files.problem:
            self.rule_chosen.emit(self.files.rule)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Settings"))
        names = [
            self.tr("General"), self.tr("Recognition"), self.tr("Results"), self.tr("Network"),
            self.tr("Keys"), self.tr("Profiles"), *(name() for _page, name in self._added),
        ]  # fmt: skip
        for row, name in enumerate(names):
            self.list.item(row).setText(name)
        self.list.setAccessibleName(self.tr("Pages"))
        self.list.setAccessibleDescription(self.tr("Which settings are shown"))
        self.language.setItemText(0, self.tr("As the system"))
        for row, theme in enumerate((self.tr("As the system"), self.tr("Light"), self.tr("Dark"))):
            self.theme.setItemText(row, theme)
        self.device.setItemText(0, self.tr("The best there is"))
        self.threads.setSpecialValueText(self.tr("One for each core"))
        self.notify.setText(self.tr("Tell me when all is done"))
        self.network_off.setText(self.tr("Network off"))
        self.models.setText(self.tr("Models…"))
        self._files.setText(self.tr("When a recording is done, save its text as:"))
        self.watch.setText(self.tr("Watch a folder…"))
        self.network.setText(self.tr("Proxy, certificates, mirror…"))
        self.reset.setText(self.tr("Reset all settings…"))
        self.reset.setToolTip(self.tr("Everything is as at the first start; recordings and models stay"))
        self.close_.setText(self.tr("Close"))
        self.close_.setToolTip(self.tr("Changes hold already"))
        pages = [self.general, self.recognition, self.output, self.connection]
        for page in [*pages, *(page for page, _name in self._added)]:
            page.retranslate()
