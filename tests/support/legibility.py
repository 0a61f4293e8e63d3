"""Texts of a window that are cut off, or hard to read against what is behind them: measured on what is drawn."""

from collections import Counter
from collections.abc import Iterator

from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLabel, QPushButton, QRadioButton, QWidget

from app.widgets.elided_label import ElidedLabel

MIN_CONTRAST = 4.5  # WCAG 2, level AA

# Round letters of small type reach their colour in few pixels only; the colours themselves are measured elsewhere.
_BLURRED = 0.9


def luminance(color: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def cut_off(window: QWidget) -> list[str]:
    """Texts that do not fit where they stand. Those that are shortened on purpose show an ellipsis and a tool tip."""
    problems = []
    for widget, text in _texts(window):
        if isinstance(widget, ElidedLabel) and widget.toolTip():
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            need, has = widget.heightForWidth(widget.width()), widget.height()
        elif isinstance(widget, QComboBox):
            need = widget.fontMetrics().horizontalAdvance(widget.currentText())
            has = widget.width() - 36  # the arrow and the padding of style.qss
        else:
            need, has = widget.sizeHint().width(), widget.width()
        if need > has + 1:
            problems.append(f"{type(widget).__name__} {text!r}: needs {need} pixels, has {has}")
    return problems


def faint(window: QWidget) -> list[str]:
    """Texts whose contrast is too small. Disabled ones count: people read them to know what there is."""
    picture = window.grab().toImage()
    problems = []
    for widget, text in _texts(window):
        ratio = _contrast_of(widget, window, picture) if isinstance(widget, QLabel | QAbstractButton) else None
        if ratio is not None and ratio < MIN_CONTRAST * _BLURRED:
            problems.append(f"{type(widget).__name__} {text!r}: contrast {ratio:.1f}")
    return problems


def _texts(window: QWidget) -> Iterator[tuple[QWidget, str]]:
    for widget in window.findChildren(QWidget):
        if not widget.isVisibleTo(window) or widget.window() is not window or widget.visibleRegion().isEmpty():
            continue
        if isinstance(widget, QLabel | QPushButton | QCheckBox | QRadioButton) and widget.text().strip():
            yield widget, widget.text()
        elif isinstance(widget, QComboBox) and widget.currentText():
            yield widget, widget.currentText()


def _contrast_of(widget: QWidget, window: QWidget, picture: QImage) -> float | None:
    """Between the commonest colour of a widget's area and the one that differs from it most; None: nothing drawn."""
    scale = picture.devicePixelRatio()
    shown = widget.visibleRegion().boundingRect()
    corner = widget.mapTo(window, shown.topLeft())
    left, top = round(corner.x() * scale), round(corner.y() * scale)
    part = picture.copy(left, top, round(shown.width() * scale), round(shown.height() * scale))
    colors = Counter(part.pixel(x, y) for y in range(part.height()) for x in range(part.width()))
    if len(colors) < 2:
        return None
    [(behind, _)] = colors.most_common(1)
    name = QColor(behind).name()
    return max(contrast(name, QColor(color).name()) for color in colors)
