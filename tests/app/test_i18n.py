"""Every text of the interface is there in every language, and the compiled files are those of the sources."""

import ast
import re
import shutil
import subprocess
import sysconfig
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.i18n import ENVIRONMENT_VARIABLE, LANGUAGES, Translation, choose_language
from app.languages import LANGUAGE_NAMES, language_name, sorted_languages
from app.paths import resources_dir
from gpu import tokenizer

I18N = resources_dir() / "i18n"
ROOT = resources_dir().parent
SOURCES = sorted(I18N.glob("*.ts"))


def tool(name: str) -> str:
    path = shutil.which(f"pyside6-{name}", path=sysconfig.get_path("scripts")) or shutil.which(f"pyside6-{name}")
    if path is None:
        pytest.skip(f"pyside6-{name} is not installed")
    return path


def messages(path: Path) -> list[tuple[str, str, ElementTree.Element]]:
    """(context, source, translation) of a .ts file."""
    root = ElementTree.parse(path).getroot()
    return [
        (str(context.findtext("name")), str(message.findtext("source")), message.find("translation"))
        for context in root.iter("context")
        for message in context.iter("message")
    ]


def test_there_is_a_translation_for_every_language_but_english() -> None:
    assert {path.stem for path in SOURCES} == {f"whisperdesktop_{code}" for code in LANGUAGES if code != "en"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_everything_is_translated(path: Path) -> None:
    for context, source, translation in messages(path):
        assert translation.get("type") is None, (context, source)
        assert (translation.text or "").strip(), (context, source)
        gaps = sorted(re.findall(r"{\w*}", source))
        assert sorted(re.findall(r"{\w*}", translation.text or "")) == gaps, (context, source)
        keys = [bool(re.search(r"&\S", text)) for text in (source, translation.text or "")]  # not "Privacy & Security"
        assert keys[0] == keys[1], (context, source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_translation_has_exactly_the_texts_of_the_program(path: Path, tmp_path: Path) -> None:
    fresh = tmp_path / path.name
    options = ["-silent", "-tr-function-alias", "tr+=Words", "-extensions", "py"]
    subprocess.run([tool("lupdate"), *options, str(ROOT / "app"), str(ROOT / "gpu"), "-ts", str(fresh)], check=True)
    found = {(context, source) for context, source, _ in messages(fresh)}
    assert found == {(context, source) for context, source, _ in messages(path)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_compiled_translation_is_up_to_date(path: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.qm"
    subprocess.run([tool("lrelease"), "-silent", str(path), "-qm", str(fresh)], check=True)
    assert fresh.read_bytes() == path.with_suffix(".qm").read_bytes()


def test_no_text_escapes_translation() -> None:
    """No literal with a capital word goes into a widget untranslated."""
    setters = re.compile(r"\.(?:setText|setToolTip|setWindowTitle|setAccessibleName|addItem|setTitle)\(f?\"[A-Z]")
    for path in (ROOT / "app").rglob("*.py"):
        assert not setters.search(path.read_text(encoding="utf-8")), path


def test_lupdate_finds_every_text() -> None:
    """It passes over some that are inside f-strings, in silence."""
    asked = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("self.tr", "translate"):
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                asked |= {texts[-1]} if texts else set()
    assert len(asked) > 500
    for path in SOURCES:
        assert asked - {source for _, source, _ in messages(path)} - {""} == set()


def engine_calls() -> Iterator[tuple[str, ast.Call]]:
    """(name of what is called, call) of everything in the program."""
    for folder in ("app", "gpu"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node.func.id, node


def test_the_templates_of_the_engine_are_literals_with_all_their_values() -> None:
    """lupdate would pass over anything else in silence."""
    found = set()
    for name, call in engine_calls():
        if name == "Words":
            (template,) = call.args
            assert isinstance(template, ast.Constant), ast.unparse(call)
            assert set(re.findall(r"{(\w+)}", template.value)) == {keyword.arg for keyword in call.keywords}
            found.add(template.value)
    assert len(found) > 150
    for path in SOURCES:
        assert found == {source for context, source, _ in messages(path) if not context}


def test_errors_are_whole_sentences() -> None:
    """They begin with a capital letter or a name, and end with a full stop: message and remedy."""
    n_sentences = 0
    for name, call in engine_calls():
        if name.lower().endswith("error"):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            sentences = [branch for v in values for branch in ([v.body, v.orelse] if isinstance(v, ast.IfExp) else [v])]
            for words in sentences:
                if isinstance(words, ast.Call) and ast.unparse(words.func) == "Words":
                    template = ast.literal_eval(words.args[0])
                    assert template[0].isupper() or template[0] == "{", template
                    assert template[-1] in ".?", template
                    n_sentences += 1
    assert n_sentences > 60


def test_a_switch_translates_the_program_and_qt(translation: Translation, qtbot: QtBot) -> None:
    def texts() -> tuple[str, str]:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        qtbot.addWidget(buttons)
        return QCoreApplication.translate("Menus", "Light"), buttons.buttons()[0].text()

    assert texts() == ("Light", "Cancel")
    translation.use("zh_CN")
    assert texts() == ("浅色", "取消")
    translation.use("en")
    assert texts() == ("Light", "Cancel")


@pytest.mark.parametrize(
    ("environment", "chosen", "expected"),
    [
        ("zh_CN", "en", "zh_CN"),
        ("en_GB.UTF-8", "zh_CN", "en"),
        ("", "zh_CN", "zh_CN"),
        ("zh-Hans-SG", "", "zh_CN"),
        ("xx", "en", "en"),
    ],
)
def test_the_environment_beats_the_choice(
    monkeypatch: pytest.MonkeyPatch, environment: str, chosen: str, expected: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, environment)
    assert choose_language(chosen) == expected


def test_the_system_decides_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    assert choose_language("") in LANGUAGES


def test_the_languages_are_those_of_whisper() -> None:
    assert {code: name.lower() for code, name in LANGUAGE_NAMES.items()} == tokenizer.LANGUAGES


def test_languages_are_sorted_as_the_reader_expects(translation: Translation) -> None:
    assert [code for code, _ in sorted_languages()][:3] == ["af", "sq", "am"]
    translation.use("zh_CN")
    names = [name for _, name in sorted_languages()]
    assert language_name("de") == "德语"
    assert names != sorted(LANGUAGE_NAMES.values())
    assert len(set(names)) == len(LANGUAGE_NAMES)
    assert language_name("xx") == "xx"
