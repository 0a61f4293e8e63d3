"""Both themes are legible by WCAG 2's measure, and complete."""

import itertools
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.i18n import Translation
from app.paths import resources_dir
from app.widgets.appearance import (
    BUTTON_ICON_SIZE,
    CHINESE_FAMILIES,
    DARK,
    LIGHT,
    Appearance,
    Colors,
    interface_font,
    palette_of,
)
from tests.support.legibility import MIN_CONTRAST, contrast

# Which texts stand on which surfaces.
TEXTS = {
    "text": "window surface control hover selected drop danger_surface warning_surface info_surface",
    "muted": "window surface control hover selected drop",
    "accent": "window surface selected hover info_surface",
    "on_accent": "accent accent_hover",
    "danger": "surface selected hover danger_surface",
    "warning": "surface selected hover warning_surface",
    "success": "surface selected hover",
}
PAIRS = [(text, surface) for text, surfaces in TEXTS.items() for surface in surfaces.split()]


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), PAIRS, ids=lambda name: name)
def test_texts_are_legible(colors: Colors, text: str, surface: str) -> None:
    fields = asdict(colors)
    assert contrast(fields[text], fields[surface]) >= MIN_CONTRAST


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("group", [QPalette.ColorGroup.Active, QPalette.ColorGroup.Disabled])
def test_dialogs_are_legible(colors: Colors, group: QPalette.ColorGroup) -> None:
    palette, role = palette_of(colors), QPalette.ColorRole
    pairs = [
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.ButtonText, role.Button),
        (role.PlaceholderText, role.Base),
        (role.ToolTipText, role.ToolTipBase),
        (role.Link, role.Base),
    ]
    for text, surface in pairs:
        assert contrast(palette.color(group, text).name(), palette.color(group, surface).name()) >= MIN_CONTRAST, text


def test_every_color_a_text_may_have_is_measured() -> None:
    surfaces = set(itertools.chain.from_iterable(surfaces.split() for surfaces in TEXTS.values()))
    assert {*TEXTS, *surfaces, "border"} == set(asdict(LIGHT))


def test_the_style_sheet_names_known_colors_only() -> None:
    sheet = (resources_dir() / "style.qss").read_text(encoding="utf-8")
    names = set(re.findall(r"(?<!\$)\$(\w+)", sheet))
    assert names <= {*asdict(LIGHT), "icons"}
    images = re.findall(r'\$icons/([\w.-]+)"', sheet)
    assert images
    assert all((resources_dir() / "icons" / image).exists() for image in images)


def test_a_choice_changes_the_whole_program(appearance: Appearance, qtbot: QtBot) -> None:
    with qtbot.waitSignal(appearance.changed):
        appearance.set_choice("dark")
    assert appearance.colors is DARK
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert DARK.window in QApplication.instance().styleSheet()
    appearance.set_choice("light")
    assert appearance.colors is LIGHT
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)


def test_the_theme_follows_the_system(appearance: Appearance, monkeypatch: pytest.MonkeyPatch) -> None:
    appearance.set_choice("system")
    for scheme, colors in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        is_dark = scheme is Qt.ColorScheme.Dark  # the offscreen platform has no scheme: its answer is made up
        monkeypatch.setattr("app.widgets.appearance.system_is_dark", lambda is_dark=is_dark: is_dark)
        QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)
        assert appearance.colors is colors


def test_a_chosen_theme_stays_when_the_system_changes(appearance: Appearance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.widgets.appearance.system_is_dark", lambda: True)
    QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert appearance.colors is LIGHT


COLORABLE = [path for path in sorted((resources_dir() / "icons").glob("*.svg")) if "#000000" in path.read_text("utf-8")]


@pytest.mark.parametrize("icon", COLORABLE, ids=lambda path: path.stem)
def test_icons_are_drawn_in_the_color_asked_for(appearance: Appearance, icon: Path) -> None:
    image = appearance.pixmap(icon.stem, "#ff0000", 24).toImage()
    inked = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200]
    assert len(inked) > 10
    assert all(color.red() > 200 and color.green() < 60 for color in inked)


def test_chinese_has_a_font_of_its_own(appearance: Appearance, translation: Translation) -> None:
    english = interface_font()
    translation.use("zh_CN")
    chinese = interface_font()
    if not any(QFontDatabase.hasFamily(family) for family in CHINESE_FAMILIES):
        pytest.skip("no Chinese font is installed")
    assert chinese.families()[0] == QFontInfo(english).family()
    assert chinese.families()[1] in CHINESE_FAMILIES
    assert chinese.pointSizeF() == english.pointSizeF()


def test_button_icons_keep_their_distance_from_the_text(appearance: Appearance) -> None:
    image = appearance.button_icon("stop", "#000000").pixmap(BUTTON_ICON_SIZE).toImage()
    assert image.width() >= BUTTON_ICON_SIZE.width()
    right = range(BUTTON_ICON_SIZE.height() + 1, BUTTON_ICON_SIZE.width())
    assert all(image.pixelColor(x, y).alpha() == 0 for x in right for y in range(image.height()))
