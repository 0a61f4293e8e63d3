"""Word documents are read back by python-docx, and their XML by lxml."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.document.subtitles import one_line
from app.document.transcript import Transcript, clock
from app.document.word_document import NOT_IN_XML, to_docx
from tests.support.engine_messages import make_segment

AWKWARD = "\n\r\t\x00\x1b\x0b \\`*_{}[]<>&\"'\u2028\x85\ufffe\u202eé中ابא\U0001f600"
texts = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters(exclude_categories=["Cs"])), max_size=40)


def read(transcript: Transcript) -> docx.document.Document:
    return docx.Document(io.BytesIO(to_docx(transcript)))


def transcript(language: str, *segment_texts: str) -> Transcript:
    segments = [make_segment(1000 * i, text) for i, text in enumerate(segment_texts)]
    return Transcript(Path("/recordings/访谈 <1>.mp3"), language, segments)


@settings(max_examples=20)
@given(st.lists(texts, max_size=9))
def test_every_segment_is_a_paragraph(segment_texts: list[str]) -> None:
    document = transcript("en", *segment_texts)
    shown = [(clock(s.start), NOT_IN_XML.sub("", one_line(s.text))) for s in document.segments]
    rows = [p.text.split("\t", 1) for p in read(document).paragraphs if p.style and p.style.name == "Transcript"]
    assert [(time, text) for time, text in rows] == [(time, text) for time, text in shown if text]


def test_title_properties_speakers_and_doubts() -> None:
    document = transcript("zh", "大家好，欢迎收看。", "Hello, 中文.")
    first, second = document.segments
    document.segments = [replace(first, speaker=1), replace(second, doubts=("improbable",))]
    found = read(document)
    title, subtitle, one, two = found.paragraphs
    assert (title.text, title.style.name) == ("访谈 <1>.mp3", "Title")
    assert (subtitle.text, subtitle.style.name) == ("50:03 · zh", "Subtitle")
    assert [(run.text, run.style.name) for run in one.runs if run.text != "\t"] == [
        ("0:00", "Transcript Time"),
        ("Speaker 1: ", "Transcript Speaker"),
        ("大家好，欢迎收看。", "Default Paragraph Font"),
    ]
    assert two.runs[-1].style.name == "Transcript Doubtful"
    assert two.runs[-1].style.font.underline
    properties = found.core_properties
    assert (properties.title, properties.language, properties.author) == ("访谈 <1>.mp3", "zh", "")
    assert "python-docx" not in properties.comments


def test_every_script_has_a_font_and_a_language() -> None:
    for language, font, attribute in (
        ("zh", "Microsoft YaHei", "eastAsia"),
        ("ja", "Yu Gothic", "eastAsia"),
        ("en", "Microsoft YaHei", "val"),
        ("ar", "Microsoft YaHei", "bidi"),
    ):
        for name in ("Normal", "Title", "Subtitle"):
            properties = read(transcript(language, "x")).styles[name].element.rPr
            fonts = properties.find(qn("w:rFonts"))
            assert {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi")} == {"Calibri"}
            assert fonts.get(qn("w:eastAsia")) == font
            assert fonts.get(qn("w:asciiTheme")) is None
            assert properties.find(qn("w:lang")).get(qn(f"w:{attribute}")).startswith(language)


def test_right_to_left() -> None:
    paragraph = read(transcript("ar", "مرحبا")).paragraphs[-1]
    assert paragraph._p.pPr.find(qn("w:bidi")) is not None
    assert paragraph.runs[-1].font.rtl


def test_elements_stand_in_the_order_of_the_schema() -> None:
    """Word refuses documents whose elements do not (ECMA-376, CT_RPr, CT_PPr)."""
    with zipfile.ZipFile(io.BytesIO(to_docx(transcript("ar", "مرحبا")))) as parts:
        roots = [etree.fromstring(parts.read(name)) for name in ("word/styles.xml", "word/document.xml")]
    orders = {
        "rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint noProof "
        "snapToGrid vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText "
        "vertAlign rtl cs em lang eastAsianLayout specVanish oMath",
        "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
        "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
        "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment "
        "textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange",
    }
    for root in roots:
        for tag, order in orders.items():
            for properties in root.iter(qn(f"w:{tag}")):
                places = [order.split().index(etree.QName(child).localname) for child in properties]
                assert places == sorted(places), etree.tostring(properties)
