import pytest
from PySide6.QtCore import QLocale

from app.document.export import FORMATS
from app.i18n import Translation
from app.widgets import texts


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "almost done"),
        (1.6, "about 2 s left"),
        (59.0, "about 59 s left"),
        (60.0, "about 1 min left"),
        (3569.0, "about 59 min left"),
        (3580.0, "about 1 h 0 min left"),
        (7260.0, "about 2 h 1 min left"),
    ],
)
def test_time_left(translation: Translation, seconds: float, shown: str) -> None:
    assert texts.time_left(seconds) == shown


@pytest.mark.parametrize(
    ("factor", "shown"),
    [
        (0.125, "0.13 (8.0× faster than real time)"),
        (2.0, "2.00 (2.0× slower than real time)"),
        (0.0, "–"),
    ],
)
def test_real_time_factor(translation: Translation, factor: float, shown: str) -> None:
    assert texts.real_time_factor(factor) == shown


def test_sizes_never_break_between_figure_and_unit(translation: Translation) -> None:
    assert texts.data_size(59_707_625) == "60\N{NO-BREAK SPACE}MB"
    assert texts.data_size(21_500_000_000) == "21.5\N{NO-BREAK SPACE}GB"


def test_percent_rounds_down() -> None:
    assert texts.percent(0.999) == "99 %"


def test_every_format_has_a_name() -> None:
    names = [texts.format_name(name) for name in FORMATS]
    assert all(names)
    assert len(set(names)) == len(FORMATS)


def test_figures_follow_the_language(translation: Translation) -> None:
    translation.use("zh_CN")
    assert QLocale().name() == "zh_CN"
    assert texts.time_left(30) == "大约还需 30 秒"
    assert texts.percent(0.5) == "50%"
