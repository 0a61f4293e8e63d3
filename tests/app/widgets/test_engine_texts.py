"""What the engine can say is known here, in both languages."""

import pytest

from app.i18n import Translation
from app.widgets import engine_texts
from gpu import devices, errors
from gpu.devices import select_device


def kinds(base: type[errors.EngineError] = errors.EngineError) -> set[str]:
    return {cls.__name__ for cls in base.__subclasses__()} | {
        kind for cls in base.__subclasses__() for kind in kinds(cls)
    }


def test_every_error_has_words() -> None:
    assert kinds() | {"InternalError", "MemoryError", "ModelNotLoaded", "OSError"} == engine_texts.known_kinds()


@pytest.mark.parametrize("kind", sorted(engine_texts.known_kinds()))
def test_errors_speak_the_language_of_the_interface(translation: Translation, kind: str) -> None:
    english = engine_texts.problem(kind, "the detail", "the engine's remedy")
    assert english.detail == "the detail"
    assert english.remedy == "the engine's remedy"
    assert engine_texts.problem(kind, "the detail").remedy
    translation.use("zh_CN")
    chinese = engine_texts.problem(kind, "the detail", "the engine's remedy")
    assert chinese.detail == "the detail"
    assert all(any("\u4e00" <= c <= "\u9fff" for c in text) for text in (chinese.headline, chinese.remedy))


def test_an_unknown_error_is_still_told(translation: Translation) -> None:
    assert engine_texts.problem("NobodyKnowsError", "detail", "remedy").headline == "The program made a mistake"


def test_which_errors_another_model_helps_against() -> None:
    assert engine_texts.concerns_model("DamagedModelError")
    assert engine_texts.concerns_model("ModelNotLoaded")
    assert not engine_texts.concerns_model("AudioNotFoundError")
    assert not engine_texts.concerns_model("InternalError")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("No NVIDIA driver was found", "未找到 NVIDIA 驱动程序"),
        (
            f"Quadro P400 found, whose compute capability 6.1 is too old; 7.5 is needed: {devices._NO_GPU_ENGINE}",
            "找到 Quadro P400，但其计算能力 6.1 过低，需要 7.5：此版本不含 GPU 引擎",
        ),
        (
            "NVIDIA driver 535.104.05 found, which supports CUDA 12.2; CUDA 13.0 is needed (driver 580 or newer)",
            "找到 NVIDIA 驱动程序 535.104.05 ，支持 CUDA 12.2；需要 CUDA 13.0（驱动程序 580 或更高版本）",
        ),
        ("Something new: that nobody translated", "Something new：that nobody translated"),
        ("Something new", "Something new"),
    ],
)
def test_notes_are_translated_as_far_as_they_are_known(translation: Translation, said: str, shown: str) -> None:
    assert engine_texts.sentence(said) == said
    translation.use("zh_CN")
    assert engine_texts.sentence(said) == shown


@pytest.mark.parametrize("requested", ["auto", "cpu"])
def test_the_note_of_this_machine_is_translated(translation: Translation, requested: str) -> None:
    translation.use("zh_CN")
    note = select_device(requested).note
    assert engine_texts.sentence(note) != note
