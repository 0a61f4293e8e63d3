import pytest

from tests.bench.metrics import Errors, count_errors, normalize, pool


def test_english_is_compared_as_openai_does():
    assert normalize("Mr. Hale's colour -- won't, 13!", "en") == "mister hale is color will not 13"
    assert count_errors("in eighteen thirteen", "In 1813.", "en").count == 0


def test_other_languages_keep_their_accents():
    assert normalize("¿Dónde está?  ¡Aquí!", "es") == "dónde está aquí"
    assert count_errors("esta aquí", "está aquí", "es") == Errors(substitutions=1, length=2)


def test_chinese_is_compared_by_simplified_characters():
    assert normalize("廣州市 房地產。", "zh") == "广 州 市 房 地 产"
    assert count_errors("广州市房地产", "廣州市，房地產", "zh") == Errors(length=6)
    assert count_errors("广州市", "广西", "zh") == Errors(substitutions=1, deletions=1, length=3)


def test_each_kind_of_edit_is_counted():
    assert count_errors("a b c d", "a x c d e", "de") == Errors(substitutions=1, insertions=1, length=4)
    assert count_errors("one two three", "", "de") == Errors(deletions=3, length=3)


def test_a_corpus_pools_its_errors_instead_of_averaging_rates():
    short, long = Errors(substitutions=1, length=2), Errors(deletions=1, length=98)
    assert pool([short, long]).percent == pytest.approx(2.0)
    assert pool([]).percent == 0


def test_a_reference_without_words_is_refused():
    with pytest.raises(ValueError, match="no words"):
        count_errors("?!", "hello", "en")
