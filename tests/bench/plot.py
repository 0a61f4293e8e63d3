"""Bar charts as SVG text, legible on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LEFT, RIGHT = 760, 20, 8, 230, 210  # pixels
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #555 }
.title { font-weight: 600; font-size: 15px }
.ours { fill: #2a7de1 }
.other { fill: #9aa3ad }
@media (prefers-color-scheme: dark) { text { fill: #b8bec6 } .other { fill: #6b7480 } }
"""


@dataclass(frozen=True)
class Bar:
    """`note` stands behind the bar, with the value."""

    label: str
    value: float
    note: str = ""
    is_ours: bool = False


@dataclass(frozen=True)
class Chart:
    title: str
    bars: Sequence[Bar]


def svg(charts: Sequence[Chart], unit: str) -> str:
    """The charts below each other, each with a scale of its own from zero."""
    parts: list[str] = []
    y = 8
    for chart in charts:
        parts.append(f'<text class="title" x="0" y="{y + 15}">{escape(chart.title)}</text>')
        y += 30
        longest = max(bar.value for bar in chart.bars)
        for bar in chart.bars:
            parts += _bar(bar, y, (WIDTH - LEFT - RIGHT) * bar.value / longest if longest else 0.0, unit)
            y += BAR + GAP
        y += 2 * GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def _bar(bar: Bar, y: int, length: float, unit: str) -> list[str]:
    middle = y + BAR * 3 // 4
    kind = "ours" if bar.is_ours else "other"
    told = f"{bar.value:.1f} {unit}" + (f", {bar.note}" if bar.note else "")
    return [
        f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3"/>',
        f'<text x="{LEFT + length + 8:.1f}" y="{middle}">{escape(told)}</text>',
    ]
