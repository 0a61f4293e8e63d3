"""Colours, style sheet and icons of the light and the dark theme; follows the system unless told otherwise."""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QLocale, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

ThemeChoice = Literal["system", "light", "dark"]
THEMES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)

BUTTON_ICON_SIZE = QSize(22, 16)  # wider than the icon: room to the text


# Of Windows, macOS and the Linux distributions.
CHINESE_FAMILIES = (
    "Microsoft YaHei UI",
    "PingFang SC",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
)


@dataclass(frozen=True)
class Colors:
    """One theme. Every text colour has a contrast of at least 4.5:1 on every surface it is used on."""

    window: str
    surface: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    border: str
    control: str
    hover: str
    selected: str
    drop: str
    danger: str
    danger_surface: str
    success: str
    warning: str
    warning_surface: str
    info_surface: str

    @property
    def is_dark(self) -> bool:
        return QColor(self.window).lightness() < 128


LIGHT = Colors(
    window="#f3f5f8",
    surface="#ffffff",
    text="#1b2027",
    muted="#56606c",
    accent="#1a5fd0",
    accent_hover="#134ba8",
    on_accent="#ffffff",
    border="#d3d9e1",
    control="#ffffff",
    hover="#e9eef5",
    selected="#dbe7fb",
    drop="#e6effd",
    danger="#b0241c",
    danger_surface="#fdebe9",
    success="#17693a",
    warning="#7c4a00",
    warning_surface="#fdf1d8",
    info_surface="#e6effd",
)

DARK = Colors(
    window="#1a1c20",
    surface="#22252a",
    text="#e8eaee",
    muted="#a9b1bc",
    accent="#78a9ff",
    accent_hover="#9cc0ff",
    on_accent="#0a1630",
    border="#3a4049",
    control="#2b2f36",
    hover="#2e333a",
    selected="#273a5d",
    drop="#22314d",
    danger="#ff948b",
    danger_surface="#452523",
    success="#79d69b",
    warning="#f1c261",
    warning_surface="#40341a",
    info_surface="#22314d",
)


def palette_of(colors: Colors) -> QPalette:
    """The palette for everything the style sheet does not name (dialogs, menus, disabled controls)."""
    palette = QPalette()
    role = QPalette.ColorRole
    roles = {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.surface,
        role.AlternateBase: colors.hover,
        role.Text: colors.text,
        role.PlaceholderText: colors.muted,
        role.Button: colors.control,
        role.ButtonText: colors.text,
        role.ToolTipBase: colors.surface,
        role.ToolTipText: colors.text,
        role.Highlight: colors.accent,
        role.HighlightedText: colors.on_accent,
        role.Accent: colors.accent,
        role.Link: colors.accent,
        role.BrightText: colors.danger,
        role.Mid: colors.border,
    }
    for name, color in roles.items():
        palette.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(colors.muted))
    return palette


def system_is_dark() -> bool:
    """Whether the desktop asks for a dark theme; no where it does not say."""
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark


def interface_font() -> QFont:
    """The system's font, completed by one with simplified Chinese when the interface is Chinese.

    Left alone, Qt takes the first font that has the characters, often one with the Japanese forms of them.
    """
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if QLocale().language() is QLocale.Language.Chinese:
        chinese = [family for family in CHINESE_FAMILIES if QFontDatabase.hasFamily(family)]
        font.setFamilies([QFontInfo(font).family(), *chinese[:1]])  # "Sans" is no family: the second would match first
    return font


class Appearance(QObject):
    """The theme in force.

    Signals:
        changed: the colours are other ones; whoever paints or holds an icon does it again.
    """

    changed = Signal()

    def __init__(self, resources: Path, choice: ThemeChoice = "system", font_percent: int = 100) -> None:
        super().__init__()
        self._font_percent = font_percent
        self._resources = resources
        self._choice: ThemeChoice = choice
        self.colors = LIGHT
        self._icons: dict[tuple[str, str, QSize], QIcon] = {}
        self._app().setStyle("Fusion")
        self.update_font()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self.set_choice(choice)

    @property
    def choice(self) -> ThemeChoice:
        return self._choice

    def set_choice(self, choice: ThemeChoice) -> None:
        """Take a theme, or "system" to follow the desktop's from now on."""
        self._choice = choice
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
        QGuiApplication.styleHints().setColorScheme(schemes[choice])
        self._apply()

    def set_font_percent(self, percent: int) -> None:
        """Take the system's size, and so much of it."""
        self._font_percent = percent
        self.update_font()
        self._apply()  # the style sheet is worked out anew, and whoever paints measures again

    def update_font(self) -> None:
        """Take the font for the language of the interface."""
        font = interface_font()
        font.setPointSizeF(font.pointSizeF() * self._font_percent / 100)
        self._app().setFont(font)

    def icon(self, name: str, color: str, size: int) -> QIcon:
        """`resources/icons/<name>.svg` drawn in `color`, to be shown `size` wide and high."""
        return self._draw(name, color, QSize(size, size))

    def pixmap(self, name: str, color: str, size: int) -> QPixmap:
        """The same for a label."""
        return self.icon(name, color, size).pixmap(size, size)

    def button_icon(self, name: str, color: str) -> QIcon:
        """The icon with room to the text beside it, to be shown at `BUTTON_ICON_SIZE`."""
        return self._draw(name, color, BUTTON_ICON_SIZE)

    def _app(self) -> QApplication:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        return app

    def _apply(self) -> None:
        dark = system_is_dark() if self._choice == "system" else self._choice == "dark"
        self.colors = DARK if dark else LIGHT
        template = (self._resources / "style.qss").read_text(encoding="utf-8")
        icons = (self._resources / "icons").as_posix()
        self._app().setPalette(palette_of(self.colors))
        self._app().setStyleSheet(string.Template(template).substitute(asdict(self.colors), icons=icons))
        self.changed.emit()

    def _draw(self, name: str, color: str, size: QSize) -> QIcon:
        """Only at the size that is wanted: all sizes of all icons take 3 MB."""
        icon = self._icons.get((name, color, size))
        if icon is None:
            icon = self._icons[name, color, size] = QIcon()
            for ratio in (1, 2):
                icon.addPixmap(self._render(name, color, size, ratio))
        return icon

    def _render(self, name: str, color: str, size: QSize, ratio: int) -> QPixmap:
        """The icon as a square at the left of `size`."""
        svg = (self._resources / "icons" / f"{name}.svg").read_text(encoding="utf-8")
        pixmap = QPixmap(size * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        side = size.height() * ratio
        QSvgRenderer(QByteArray(svg.replace("#000000", color).encode())).render(painter, QRectF(0, 0, side, side))
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        return pixmap
