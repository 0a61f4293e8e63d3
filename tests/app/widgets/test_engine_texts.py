"""What the engine can say is known here, in both languages."""

import errno
import os
import sys
from pathlib import Path

import pytest

from app.gpu_pack.installation import DamagedPackageError
from app.gpu_pack.packages import NoGpuPackError
from app.i18n import Translation
from app.models.catalogue import load_catalogue
from app.models.errors import ModelsError
from app.widgets import engine_texts
from gpu import errors
from gpu.audio import open_audio
from gpu.devices import select_device
from gpu.types import Words


def kinds(base: type[Exception]) -> set[str]:
    return {cls.__name__ for cls in base.__subclasses__()} | {
        kind for cls in base.__subclasses__() for kind in kinds(cls)
    }


def test_every_error_has_words() -> None:
    assert {DamagedPackageError, NoGpuPackError} <= set(ModelsError.__subclasses__())
    others = {"InternalError", "MemoryError", "ModelNotLoaded", "OSError"}
    assert kinds(errors.EngineError) | kinds(ModelsError) | others == engine_texts.known_kinds()


@pytest.mark.parametrize("kind", sorted(engine_texts.known_kinds()))
def test_errors_speak_the_language_of_the_interface(translation: Translation, kind: str) -> None:
    message, remedy = Words("{name} is empty (0 bytes).", name="a.wav"), Words("Copy or download it again.")
    assert engine_texts.problem(kind, message, remedy).detail == message
    assert engine_texts.problem(kind, message, remedy).remedy == remedy
    translation.use("zh_CN")
    chinese = engine_texts.problem(kind, message, remedy)
    assert any("\u4e00" <= c <= "\u9fff" for c in chinese.headline)
    assert chinese.detail == "a.wav 是空文件（0 字节）。"
    assert chinese.remedy == "请重新复制或下载。"


def test_an_unknown_error_is_still_told(translation: Translation) -> None:
    assert engine_texts.problem("NobodyKnowsError", "detail", "remedy").headline == "The program made a mistake"


def test_which_errors_another_model_helps_against() -> None:
    assert engine_texts.concerns_model("DamagedModelError")
    assert engine_texts.concerns_model("ModelNotLoaded")
    assert not engine_texts.concerns_model("AudioNotFoundError")
    assert not engine_texts.concerns_model("InternalError")


def test_what_is_said_in_parts_is_translated_in_parts(translation: Translation) -> None:
    cause = Words("{what} is not UTF-8 text", what=Words("tensor {name}", name="encoder.{conv1}"))
    said = Words("The model file is cut short or damaged: {cause}.", cause=cause)
    assert said == "The model file is cut short or damaged: tensor encoder.{conv1} is not UTF-8 text."
    assert engine_texts.translated(said) == said
    translation.use("zh_CN")
    assert engine_texts.translated(said) == "模型文件不完整或已损坏：张量 encoder.{conv1} 不是 UTF-8 文本。"


def test_languages_have_their_names(translation: Translation) -> None:
    translation.use("zh_CN")
    said = Words("This model knows English only, not {language}.", language="German")
    assert engine_texts.translated(said) == "此模型只支持英语，不支持德语。"


def test_errors_of_models_are_translated(translation: Translation) -> None:
    with pytest.raises(ModelsError) as caught:
        load_catalogue().find("bsae")
    assert str(caught.value) == "There is no published model named 'bsae'."
    translation.use("zh_CN")
    chinese = engine_texts.problem("UnknownModelError", caught.value.message, caught.value.remedy)
    assert (chinese.headline, chinese.detail) == ("没有这个模型", "没有名为 'bsae' 的已发布模型。")
    assert "base" in chinese.remedy
    assert chinese.remedy != caught.value.remedy


def test_why_the_system_could_not_is_translated(translation: Translation) -> None:
    translation.use("zh_CN")
    assert engine_texts.translated(errors.reason(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))) == "磁盘空间不足"
    assert errors.reason(OSError(errno.EXDEV, "Cross-device link")) == "Cross-device link"
    assert errors.reason(OSError("no number")) == "no number"


@pytest.mark.skipif(sys.platform != "linux", reason="the words are those of glibc")
@pytest.mark.parametrize("number", errors._SYSTEM_ERRORS)
def test_reasons_are_in_the_words_of_the_system(number: int) -> None:
    assert errors._SYSTEM_ERRORS[number] == os.strerror(number)


def test_other_texts_stay_as_they_are(translation: Translation) -> None:
    translation.use("zh_CN")
    assert engine_texts.translated("As requested") == "As requested"


@pytest.mark.parametrize("requested", ["auto", "cpu"])
def test_the_note_of_this_machine_is_translated(translation: Translation, requested: str) -> None:
    translation.use("zh_CN")
    note = select_device(requested).note
    assert engine_texts.translated(note) != note


def test_a_file_that_is_no_recording_is_explained_in_chinese(translation: Translation, tmp_path: Path) -> None:
    path = tmp_path / "line\nbreak.wav"
    path.write_text("This is no sound at all. " * 20)
    with pytest.raises(errors.UndecodableAudioError) as caught:
        open_audio(path)
    assert str(caught.value) == "line break.wav is not audio or video in any format known here."
    translation.use("zh_CN")
    assert engine_texts.translated(caught.value.message) == "line break.wav 不是本程序能识别的音频或视频格式。"
