from xml.etree import ElementTree

import pytest

from tests.bench.plot import Bar, Chart, svg

SVG = "{http://www.w3.org/2000/svg}"
CHARTS = [
    Chart("base & small", [Bar("ours", 10.0, "WER 9.0 %", is_ours=True), Bar("<other>", 40.0)]),
    Chart("tiny", [Bar("ours", 0.0, is_ours=True)]),
]


def test_it_is_xml_with_bars_as_long_as_their_values() -> None:
    root = ElementTree.fromstring(svg(CHARTS, "s"))
    widths = [(bar.get("class"), float(bar.get("width"))) for bar in root.iter(f"{SVG}rect")]
    assert [kind for kind, _ in widths] == ["ours", "other", "ours"]
    assert widths[1][1] == pytest.approx(4 * widths[0][1])
    assert widths[2][1] == 0
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == ["base & small", "ours", "10.0 s, WER 9.0 %", "<other>", "40.0 s", "tiny", "ours", "0.0 s"]


def test_nothing_is_drawn_outside() -> None:
    root = ElementTree.fromstring(svg(CHARTS, "s"))
    width, height = float(root.get("width")), float(root.get("height"))
    for bar in root.iter(f"{SVG}rect"):
        assert float(bar.get("x")) + float(bar.get("width")) < width
        assert float(bar.get("y")) + float(bar.get("height")) <= height
