"""What a screen reader is told about a window, asked of QAccessible as it asks, and what is missing there."""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAbstractButton, QWidget

# What a person can do something with. Each needs a name, and words about what it does or holds.
CONTROLS = {
    QAccessible.Role.Button,
    QAccessible.Role.ButtonMenu,
    QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton,
    QAccessible.Role.ComboBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.SpinBox,
    QAccessible.Role.Slider,
    QAccessible.Role.Dial,
    QAccessible.Role.List,
    QAccessible.Role.Table,
    QAccessible.Role.Tree,
    QAccessible.Role.Chart,
    QAccessible.Role.Link,
}

# What these are made of is Qt's own, and has names of its own.
_WHOLE = CONTROLS | {QAccessible.Role.MenuBar, QAccessible.Role.ScrollBar, QAccessible.Role.PageTabList}


def controls(window: QWidget) -> Iterator[QAccessibleInterface]:
    """Those that can be seen and used now."""
    yield from _controls(QAccessible.queryAccessibleInterface(window), is_window=True)


def missing(window: QWidget) -> list[str]:
    """The controls that have no name, no description (an accessible one, else the tool tip), or cannot be reached."""
    problems = []
    for control in controls(window):
        name = control.text(QAccessible.Text.Name).strip()
        widget = control.object()
        called = f"{type(widget).__name__} {name or (widget.objectName() if widget is not None else '')!r}"
        if not name:
            problems.append(f"{called}: no name")
        if not control.text(QAccessible.Text.Description).strip():
            problems.append(f"{called}: no description")
        if isinstance(widget, QAbstractButton) and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            problems.append(f"{called}: the Tab key does not reach it")
    return problems


def _controls(interface: QAccessibleInterface | None, *, is_window: bool = False) -> Iterator[QAccessibleInterface]:
    if interface is None or not interface.isValid() or interface.state().invisible:
        return
    role, state = interface.role(), interface.state()
    if is_window or not (role in CONTROLS or (state.focusable and role is QAccessible.Role.Client)):
        if role not in _WHOLE:
            for number in range(interface.childCount()):
                yield from _controls(interface.child(number))
    elif not state.disabled:
        yield interface
