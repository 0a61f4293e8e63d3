"""PDF files are read back by pypdf."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from app import pdf
from app.document.export import save
from app.document.transcript import Transcript
from gpu.errors import OutputFileError
from tests.support.engine_messages import SENTENCE, make_segment

CHINESE = "大家好，欢迎收看本期节目。王教授研究语音识别已经有二十多年了，直骨角。"


def transcript(*texts: str, language: str = "en") -> Transcript:
    return Transcript(Path("/recordings/talk one.mp3"), language, [make_segment(i, t) for i, t in enumerate(texts)])


def read(document: Transcript) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf.to_pdf(document)), strict=True)


def text_of(document: Transcript) -> str:
    """Without spaces: where lines end is the typesetter's."""
    return "".join("".join(page.extract_text().split()) for page in read(document).pages)


@pytest.mark.usefixtures("qapp")
class TestPdf:
    def test_text_times_speakers_and_title(self) -> None:
        document = transcript(SENTENCE, "An efficient office flow.")
        document.segments[1] = replace(document.segments[1], speaker=2, doubts=("improbable",))
        found = text_of(document)
        assert found.startswith("1talkone.mp30:06·en0:00")
        assert "".join(SENTENCE.split()) in found
        assert "0:03Speaker2:Anefficientofficeflow." in found, "no ligatures: the text is found when it is searched"
        metadata = read(document).metadata
        assert metadata is not None
        assert metadata.title == "talk one.mp3"

    def test_chinese_is_found_as_it_was_written(self) -> None:
        """The radicals, which look the same, are other characters."""
        assert CHINESE in text_of(transcript(CHINESE, language="zh"))

    def test_pages_are_numbered_and_nothing_is_lost_between_them(self) -> None:
        texts = [f"This is sentence number {i} of them all." for i in range(150)]
        document = read(transcript(*texts))
        assert len(document.pages) > 3
        for number, page in enumerate(document.pages, 1):
            assert (
                page.extract_text().replace("\t", " ").rstrip().endswith(str(number))
                or str(number) in page.extract_text().splitlines()
            )
        found = text_of(transcript(*texts))
        assert all("".join(text.split()) in found for text in texts)

    @pytest.mark.parametrize(
        "text", ["مرحبا بكم", "😀 \u202e\u0000 \ufffe", "w" * 500, "<b>&amp;</b> {\\b1}", "e\u0301\u0302\u0303" * 30]
    )
    def test_awkward_texts(self, text: str) -> None:
        assert len(read(transcript(text, "the end")).pages) == 1
        assert "theend" in text_of(transcript(text, "the end"))

    def test_nothing_said(self) -> None:
        assert text_of(transcript()) == "1talkone.mp30:00·en"

    def test_letters_that_no_font_has(self) -> None:
        with pytest.raises(OutputFileError, match="No font on this system has the letters \U00016800"):
            pdf.to_pdf(transcript("Bamum \U00016800."))


def test_without_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6.QtGui", None)
    with pytest.raises(OutputFileError, match="A library for PDF files is missing"):
        pdf.check()


def test_without_the_library_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise OSError("libfontconfig.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("ctypes.CDLL", load)
    with pytest.raises(OutputFileError, match=r"missing: libfontconfig\.so\.1"):
        pdf._load_platform()


def test_without_a_window_or_a_display(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from app.document.export import save;"
        "from app.document.transcript import Transcript;"
        "save(Transcript(Path('talk.mp3'), 'en'), Path(__import__('sys').argv[1]), 'pdf')"
    )
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    path = tmp_path / "talk.pdf"
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True, timeout=60)
    assert len(pypdf.PdfReader(path).pages) == 1


@pytest.mark.usefixtures("qapp")
def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "talk.pdf"
    path.write_bytes(b"old")
    with pytest.raises(OutputFileError):
        save(transcript("\U00016800"), path, "pdf")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
