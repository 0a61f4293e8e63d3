"""The table of the self-test: nothing of it is cut off, and what failed is seen."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.gpu_work import GpuSight, GpuWork
from app.widgets.appearance import Appearance
from app.widgets.gpu_window import GpuWindow
from gpu.selftest_speed import Timing, beside_cpu, beside_whisper_cpp
from gpu.types import Check, Words
from tests.support.accessibility import missing
from tests.support.gpu_desk import READY
from tests.support.legibility import cut_off, faint

SLOW, FAST, OTHER = Timing((1.31,), True), Timing((0.0421,), True), Timing((1.02,), True)


def checks(gpu: Timing) -> list[Check]:
    """As many as there are on a card."""
    what = [Words("{format}: weights", format=f"Q{i}") for i in range(80)]
    kernels = [Check(name, "passed", Words("equal, bit by bit")) for name in what]
    return [*kernels, beside_cpu(gpu, SLOW), beside_whisper_cpp(gpu, OTHER, "pywhispercpp 1.5.1")]


@pytest.fixture
def window(qtbot: QtBot, appearance: Appearance) -> GpuWindow:
    window = GpuWindow(appearance)
    qtbot.addWidget(window)
    window.show_sight(GpuSight(READY, None))
    window.show()
    return window


def show(window: GpuWindow, found: list[Check]) -> None:
    work = GpuWork(None)
    work.start()
    for check in found:
        work.apply(check)
        window.show_work(work)
    work.end(None)
    window.show_work(work)


def test_what_failed_is_selected_at_the_end(window: GpuWindow) -> None:
    found = checks(SLOW)
    show(window, found)
    current = window.view.current
    assert current is found[80]
    assert current.outcome == "failed"
    assert (
        window.detail.text() == "Speed beside the CPU: only 1.0 times as fast: 1.31 s, the CPU 1.31 s (2.4 hoped for)"
    )
    window.view.select(id(found[3]))
    window.show_work(window._work)  # who looks at another one is left alone
    assert window.view.current is found[3]


def test_all_of_it_passed(window: GpuWindow) -> None:
    found = checks(FAST)
    show(window, found)
    assert window.summary.text() == "Nothing failed. 82 passed, 0 failed, 0 skipped"
    assert found[80].detail == "31.1 times as fast: 0.042 s, the CPU 1.31 s (at least 2.4 hoped for)"
    assert missing(window) == cut_off(window) == faint(window) == []
