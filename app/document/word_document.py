"""A transcript as a Word document: a title, and a paragraph for each segment, with styles of their own."""

from __future__ import annotations

import datetime
import html
import io
import re
from typing import TYPE_CHECKING

from app.document.subtitles import PLAIN, Layout, one_line, spoken_by
from app.document.transcript import Transcript, clock

if TYPE_CHECKING:
    from docx.document import Document
    from docx.styles.style import BaseStyle

NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "sd", "ur", "yi"})

# Fonts of the systems that read these files; where one is missing, Word and LibreOffice take their own of that script.
_EAST_ASIAN_FONTS = {"ja": "Yu Gothic", "ko": "Malgun Gothic"}
_LATIN_FONT, _CHINESE_FONT, _COMPLEX_FONT = "Calibri", "Microsoft YaHei", "Arial"
_EAST_ASIAN = {"zh": "zh-CN", "yue": "zh-HK", "ja": "ja-JP", "ko": "ko-KR"}
_TEXT, _TIME, _SPEAKER, _DOUBTFUL = "Transcript", "Transcript Time", "Transcript Speaker", "Transcript Doubtful"
_TIME_WIDTH_CM = 1.9


def to_docx(transcript: Transcript, layout: Layout = PLAIN) -> bytes:
    """Office Open XML. Doubtful text has a wavy line below it, as what is misspelt has."""
    import docx

    document = docx.Document()
    name = _xml(one_line(transcript.path.name))
    _describe(document, name, transcript.language)
    _make_styles(document, transcript.language)
    document.add_paragraph(name, style="Title")
    length = clock(max((segment.end for segment in transcript.segments), default=0.0))
    document.add_paragraph(" · ".join(filter(None, (length, transcript.language))), style="Subtitle")
    _add_segments(document, transcript)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _describe(document: Document, title: str, language: str | None) -> None:
    properties = document.core_properties
    properties.title, properties.subject = title[:255], "Transcript"
    properties.author, properties.last_modified_by, properties.comments = "", "", ""
    properties.language = language or ""
    properties.created = properties.modified = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _make_styles(document: Document, language: str | None) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_UNDERLINE
    from docx.shared import Cm, Pt, RGBColor

    styles = document.styles
    for style_name in ("Normal", "Title", "Subtitle"):
        _set_fonts(styles[style_name], language)
    styles["Title"].font.size = Pt(22)
    styles["Subtitle"].font.size = Pt(11)
    text = styles.add_style(_TEXT, WD_STYLE_TYPE.PARAGRAPH)
    text.base_style = styles["Normal"]
    text.paragraph_format.left_indent = Cm(_TIME_WIDTH_CM)
    text.paragraph_format.first_line_indent = Cm(-_TIME_WIDTH_CM)
    text.paragraph_format.tab_stops.add_tab_stop(Cm(_TIME_WIDTH_CM))
    text.paragraph_format.space_after = Pt(6)
    time = styles.add_style(_TIME, WD_STYLE_TYPE.CHARACTER)
    time.font.color.rgb, time.font.size = RGBColor(0x5B, 0x64, 0x70), Pt(9)
    styles.add_style(_SPEAKER, WD_STYLE_TYPE.CHARACTER).font.bold = True
    styles.add_style(_DOUBTFUL, WD_STYLE_TYPE.CHARACTER).font.underline = WD_UNDERLINE.WAVY
    section = document.sections[0]
    section.left_margin = section.right_margin = Cm(2.3)
    section.top_margin = section.bottom_margin = Cm(2.2)


def _set_fonts(style: BaseStyle, language: str | None) -> None:
    """For every script: python-docx knows only the Latin one. And which language it is, for the spelling checker."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    properties = style.element.get_or_add_rPr()
    for tag in ("w:rFonts", "w:lang"):
        for old in properties.findall(qn(tag)):
            properties.remove(old)
    fonts = OxmlElement("w:rFonts")
    chinese = _EAST_ASIAN_FONTS.get(language or "", _CHINESE_FONT)
    for script, font in (
        ("ascii", _LATIN_FONT),
        ("hAnsi", _LATIN_FONT),
        ("eastAsia", chinese),
        ("cs", _COMPLEX_FONT),
    ):
        fonts.set(qn(f"w:{script}"), font)
    properties.insert(0, fonts)
    if language:
        attribute = "eastAsia" if language in _EAST_ASIAN else "bidi" if language in RIGHT_TO_LEFT else "val"
        element = OxmlElement("w:lang")
        element.set(qn(f"w:{attribute}"), _EAST_ASIAN.get(language, language))
        properties.append(element)


def _add_segments(document: Document, transcript: Transcript) -> None:
    """As XML: python-docx looks for the end of the document and for each style at every paragraph."""
    from docx.oxml.ns import nsdecls
    from docx.oxml.parser import parse_xml

    end = document.element.body.sectPr
    text_id, time_id, speaker_id, doubtful_id = (
        document.styles[name].style_id for name in (_TEXT, _TIME, _SPEAKER, _DOUBTFUL)
    )
    for segment in transcript.segments:
        text = one_line(segment.text)
        if not _xml(text):
            continue
        is_backwards = (segment.language or transcript.language) in RIGHT_TO_LEFT
        runs = [
            _run(clock(segment.start), time_id),
            "<w:r><w:tab/></w:r>",
            _run(spoken_by(segment), speaker_id),
            _run(text, doubtful_id if segment.doubts else None, is_backwards=is_backwards),
        ]
        direction = "<w:bidi/>" if is_backwards else ""
        properties = f'<w:pPr><w:pStyle w:val="{text_id}"/>{direction}</w:pPr>'
        end.addprevious(parse_xml(f"<w:p {nsdecls('w')}>{properties}{''.join(runs)}</w:p>"))


def _run(text: str, style_id: str | None = None, *, is_backwards: bool = False) -> str:
    """Nothing for no text."""
    if not text:
        return ""
    properties = (f'<w:rStyle w:val="{style_id}"/>' if style_id else "") + ("<w:rtl/>" if is_backwards else "")
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{html.escape(_xml(text))}</w:t></w:r>'


def _xml(text: str) -> str:
    return NOT_IN_XML.sub("", text)
