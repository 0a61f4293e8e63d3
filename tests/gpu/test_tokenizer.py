"""The tokenizer against openai-whisper's, recorded by tests/data/make_tokenizer_fixture.py."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.errors import DamagedModelError, ModelArchitectureError, OptionsError
from gpu.tokenizer import LANGUAGES, TO_LANGUAGE_CODE, Tokenizer
from tests.support.vocabularies import DIMENSIONS, Dimensions, tokenizer, vocabulary

FIXTURE = Path(__file__).parents[1] / "data" / "tokenizer" / "openai.json"
KINDS = sorted(DIMENSIONS)


@cache
def openai() -> dict[str, Any]:
    return json.loads(FIXTURE.read_text(encoding="ascii"))


def test_languages_are_openais_in_their_order() -> None:
    assert list(LANGUAGES.items()) == list(openai()["languages"].items())
    assert openai()["language_codes"] == TO_LANGUAGE_CODE


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens(kind: str) -> None:
    expected = openai()["models"][kind]
    actual = tokenizer(kind)
    special = {name: getattr(actual, name) for name in expected["special"] if name != "non_speech_tokens"}
    assert special == {name: expected["special"][name] for name in special}
    assert dict(zip(actual.languages, actual.language_tokens, strict=True)) == expected["language_tokens"]
    assert actual.timestamp_begin + 1501 == DIMENSIONS[kind].n_vocab  # 0.00 to 30.00 by 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_suppressed_tokens(kind: str) -> None:
    actual = tokenizer(kind)
    expected = openai()["models"][kind]["special"]
    assert list(actual.non_speech_tokens) == expected["non_speech_tokens"]
    special = {expected[name] for name in ("transcribe", "translate", "sot", "sot_prev", "sot_lm", "no_speech")}
    quotes = {actual.encode(mark)[0] for mark in ('"', ' "')}
    assert list(actual.suppressed_tokens) == sorted({*expected["non_speech_tokens"], *special} - quotes)
    assert actual.blank_tokens == (*actual.encode(" "), actual.eot)


@pytest.mark.parametrize("kind", ["english", "multilingual"])
def test_encodings(kind: str) -> None:
    encodings = openai()["models"][kind]["encodings"]
    assert len(encodings) > 150
    for text, tokens in encodings:
        assert tokenizer(kind).encode(text) == tokens
        assert tokenizer(kind).decode(tokens) == text


def test_ids_of_base_and_large_v3_as_published() -> None:
    base, large = tokenizer("multilingual"), tokenizer("large-v3")
    assert (base.eot, base.translate, base.transcribe, base.timestamp_begin) == (50257, 50358, 50359, 50364)
    assert (large.eot, large.translate, large.transcribe, large.timestamp_begin) == (50257, 50359, 50360, 50365)
    assert large.languages[-1] == "yue"
    assert large.language_token("yue") == 50358


@given(st.text())
def test_decode_inverts_encode(text: str) -> None:
    for kind in ("english", "multilingual"):
        assert tokenizer(kind).decode(tokenizer(kind).encode(text)) == text


@given(st.text(alphabet=st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1), st.data())
def test_split_to_complete_never_cuts_a_character(text: str, data: st.DataObject) -> None:
    tokens = tokenizer("multilingual").encode(text)
    n = data.draw(st.integers(0, len(tokens)))
    complete, rest = tokenizer("multilingual").split_to_complete(tokens[:n])
    assert complete + rest == tokens[:n]
    assert tokenizer("multilingual").decode_bytes(complete).decode("utf-8") in text
    assert len(tokenizer("multilingual").decode_bytes(rest)) == 0 or "\ufffd" in tokenizer("multilingual").decode(rest)


def test_split_to_complete_goes_past_bytes_that_never_become_a_character() -> None:
    t = tokenizer("multilingual")
    broken = t.encode("龘")[:1]  # a character that is never finished
    assert t.decode(broken) == "\ufffd"
    tokens = [*broken, *t.encode(" ok 中")]
    assert t.split_to_complete(tokens) == (tokens, [])
    assert t.split_to_complete([*tokens, *broken]) == (tokens, broken)
    assert t.split_to_complete([]) == ([], [])


@given(st.lists(st.integers(0, 51864)))
def test_decode_takes_any_tokens_and_leaves_out_special_ones(tokens: list[int]) -> None:
    t = tokenizer("multilingual")
    assert t.decode(tokens) == t.decode([token for token in tokens if token < t.eot])
    assert t.decode_bytes(tokens) == b"".join(t.decode_bytes([token]) for token in tokens)


def test_encode_takes_what_the_command_line_may_pass() -> None:
    tokens = tokenizer("multilingual").encode("caf\udce9 ")  # a byte that was no UTF-8
    assert tokenizer("multilingual").decode(tokens) == "caf\ufffd "


def test_sot_sequence() -> None:
    t = tokenizer("multilingual")
    assert t.sot_sequence("en", "transcribe") == (50258, 50259, 50359)
    assert t.sot_sequence("German", "translate") == (50258, 50261, 50358)
    assert t.sot_sequence(" Castilian", "transcribe") == (50258, 50262, 50359)
    assert tokenizer("large-v3").sot_sequence("Mandarin", "transcribe") == (50258, 50260, 50360)
    assert tokenizer("english").sot_sequence(None, "transcribe") == (50257,)
    assert tokenizer("english").sot_sequence("English", "transcribe") == (50257,)


@pytest.mark.parametrize(
    ("kind", "language", "task", "cause"),
    [
        ("multilingual", "klingon", "transcribe", "'klingon'"),
        ("english", "klingon", "transcribe", "'klingon'"),
        ("multilingual", "yue", "transcribe", "Cantonese"),
        ("multilingual", None, "transcribe", "No language"),
        ("english", "de", "transcribe", "not German"),
        ("english", "en", "translate", "cannot translate"),
        ("english", None, "translate", "cannot translate"),
    ],
)
def test_options_that_do_not_fit_the_model(kind: str, language: str | None, task: Any, cause: str) -> None:
    with pytest.raises(OptionsError, match=cause) as caught:
        tokenizer(kind).sot_sequence(language, task)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_an_unknown_language_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OptionsError) as caught:
        tokenizer("multilingual").language_token("klingon")
    assert all(code in caught.value.remedy for code in ("en", "zh", "haw"))
    assert "yue" not in caught.value.remedy


def test_a_vocabulary_cut_short_is_refused() -> None:
    with pytest.raises(DamagedModelError, match="has 50000 entries, expected at least 50257"):
        Tokenizer(vocabulary("multilingual")[:50000], DIMENSIONS["multilingual"])


def test_a_vocabulary_without_some_bytes_is_refused_when_encoding() -> None:
    tokens = [b"x" if len(token) == 1 else token for token in vocabulary("multilingual")]
    damaged = Tokenizer(tokens, DIMENSIONS["multilingual"])
    assert damaged.decode([50000])  # reading needs no single bytes
    with pytest.raises(DamagedModelError, match="lacks 255 of the 256 single bytes"):
        damaged.encode("a")


def test_too_few_tokens_for_the_special_ones_are_refused() -> None:
    with pytest.raises(ModelArchitectureError, match="51000"):
        Tokenizer(vocabulary("english"), Dimensions(51000, False, 51000 - 51765))


def test_special_tokens_listed_in_a_vocabulary_are_not_text() -> None:
    listed = Tokenizer([*vocabulary("multilingual"), b"<|startoftranscript|>", b"<|en|>"], DIMENSIONS["multilingual"])
    assert listed.encode("<|en|>") == tokenizer("multilingual").encode("<|en|>")
    assert listed.decode([50257, 50258]) == ""


def test_only_encoding_pays_for_tiktoken() -> None:
    program = (
        "import sys; from tests.support.vocabularies import tokenizer; t = tokenizer('english');"
        "t.suppressed_tokens; t.blank_tokens; t.decode([0]); t.sot_sequence(None, 'transcribe');"
        "assert 'tiktoken' not in sys.modules; t.encode('a'); assert 'tiktoken' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=FIXTURE.parents[3])
