from tests.bench.metrics import Errors
from tests.bench.wer import (
    FASTER_WHISPER,
    LIBRISPEECH,
    LONG,
    MULTILINGUAL,
    OURS,
    WHISPER_CPP,
    Measurement,
    missed_bounds,
    summary,
)


def measurement(engine, name, n_errors, language="en", detected=None, length=100):
    errors = Errors(substitutions=n_errors, length=length)
    return Measurement(engine, name, f"{language}.wav", language, detected or language, errors, "")


def test_figures_within_the_bounds_pass():
    within = [
        measurement(OURS, LONG, 48, length=1000),
        measurement(OURS, LIBRISPEECH, 125, length=1000),
        measurement(WHISPER_CPP, LIBRISPEECH, 120, length=1000),
        measurement(OURS, MULTILINGUAL, 3, "fr"),
        measurement(WHISPER_CPP, MULTILINGUAL, 3, "fr"),
    ]
    assert missed_bounds(within) == []


def test_each_missed_bound_is_named():
    missed = missed_bounds(
        [
            measurement(OURS, LONG, 49, length=1000),
            measurement(OURS, LIBRISPEECH, 126, length=1000),
            measurement(WHISPER_CPP, LIBRISPEECH, 120, length=1000),
            measurement(OURS, MULTILINGUAL, 4, "fr"),
            measurement(WHISPER_CPP, MULTILINGUAL, 3, "fr"),
            measurement(OURS, MULTILINGUAL, 0, "pt", detected="gl"),
            measurement(WHISPER_CPP, MULTILINGUAL, 0, "pt"),
        ]
    )
    assert [line.split(":")[0] for line in missed] == [LONG, LIBRISPEECH, "pt.wav", "fr"]
    assert missed[2] == "pt.wav: taken for gl"


def test_without_whisper_cpp_nothing_is_compared_with_it():
    alone = [measurement(OURS, LIBRISPEECH, 99), measurement(OURS, MULTILINGUAL, 99, "zh")]
    assert missed_bounds(alone) == []


def test_the_summary_has_a_row_for_each_set_and_language():
    lines = summary(
        [
            measurement(OURS, MULTILINGUAL, 2, "zh"),
            measurement(OURS, MULTILINGUAL, 3, "it", detected="es"),
            measurement(FASTER_WHISPER, MULTILINGUAL, 4, "zh"),
            measurement(FASTER_WHISPER, MULTILINGUAL, 0, "it"),
        ]
    ).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[2:-1]] == ["CER", "1", "100", "2.0 (2)", "4.0 (4)"]
    assert "3.0 (3), 1 in another language" in lines[3]
