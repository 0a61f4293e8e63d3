"""What is said as text: how it comes in pieces makes no difference, and what is taken back was there."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.anywhere.spoken import COMMANDS, Action, SpokenText, TakeBack, Wording, Write

LATIN = (
    "a the new line paragraph scratch that one two twenty hundred and five point percent my mail hello of - John. that!"
)
CHINESE = "换行 ， 。 新段落 删掉这句 二十 三 百分之 你好 🎉 café Hello, line."
WORDS = [*LATIN.split(), *CHINESE.split()]
spoken = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), max_size=5)
wordings = st.builds(
    Wording,
    commands=st.booleans(),
    tidy=st.booleans(),
    space_behind=st.booleans(),
    replacements=st.sampled_from([(), (("my mail", "me@x.org"), ("new line of", "§"), ("你好", "您好"), ("the", ""))]),
)


def apply(text: str, actions: list[Action]) -> str:
    """What stands in an empty field afterwards."""
    for action in actions:
        if isinstance(action, Write):
            assert action.text
            text += action.text
        else:
            assert text.endswith(action.text)
            text = text[: len(text) - len(action.text)]
    return text


def write(utterances: list[list[str]], wording: Wording) -> str:
    """Each list of words is an utterance, whose words come in these pieces."""
    dictation, text = SpokenText(wording), ""
    for pieces in utterances:
        for piece in pieces:
            text = apply(text, dictation.feed(piece))
        text = apply(text, dictation.settle())
    return apply(text, dictation.end())


def said(*utterances: str, commands: bool = True, tidy: bool = False, **more: object) -> str:
    wording = Wording(commands=commands, tidy=tidy, space_behind=False, **more)  # type: ignore[arg-type]
    return write([re.findall(r"\s*\S+", utterance) for utterance in utterances], wording)


@given(spoken, wordings, st.data())
def test_pieces_make_no_difference(utterances: list[list[str]], wording: Wording, data: st.DataObject) -> None:
    pieces = [[" " + word for word in words] for words in utterances]
    cut = []
    for words in pieces:
        places = sorted(data.draw(st.sets(st.integers(0, len(words)))) | {0, len(words)})
        cut.append(["".join(words[a:b]) for a, b in pairwise(places)])
    assert write(pieces, wording) == write(cut, wording)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1), max_size=12))
def test_without_rules_every_letter_arrives(words: list[str]) -> None:
    wording = Wording(commands=False, space_behind=False)
    assert "".join(write([[" " + word for word in words]], wording).split()) == "".join(words)


@given(spoken)
def test_latin_text_arrives_as_it_was_said(utterances: list[list[str]]) -> None:
    latin = [[w for w in words if w.isascii()] for words in utterances]
    text = " ".join(" ".join(words) for words in latin if words)
    assert write([[" " + w for w in words] for words in latin], Wording(commands=False, space_behind=False)) == text


@given(spoken, wordings)
def test_nothing_but_what_was_written_is_taken_back(utterances: list[list[str]], wording: Wording) -> None:
    write([[" " + word for word in words] + [" scratch that"] for words in utterances], wording)


@pytest.mark.parametrize(
    ("utterances", "text"),
    [
        ([" Dear John, new line, how are you?"], "Dear John,\nhow are you?"),
        ([" Dear John.", " New paragraph.", " How are you?"], "Dear John.\n\nHow are you?"),
        ([" Dear John.", " New-line How are you?"], "Dear John.\nHow are you?"),
        ([" I saw a new line of coats."], "I saw a new line of coats."),
        ([" Draw a new line."], "Draw a new line."),
        ([" New line of coats, new line."], "New line of coats,\n"),
        ([" I mean it.", " No.", " Scratch that.", " Yes."], "I mean it. Yes."),
        ([" I mean it.", " No, scratch that."], "I mean it."),
        ([" One.", " Two.", " Scratch that.", " Scratch that.", " Scratch that."], ""),
        ([" One.", " New line.", " Scratch that.", " Two."], "One. Two."),
        (["你好，换行，今天很好。"], "你好，\n今天很好。"),
        (["你好。", "新段落", "再见。"], "你好。\n\n再见。"),
        (["你好。", "不对。", "删掉这句。", "再见。"], "你好。再见。"),
        (["你好。", "換行。", "再見。"], "你好。\n再見。"),
        (["请你换行李。"], "请你换行李。"),
    ],
)
def test_commands(utterances: list[str], text: str) -> None:
    assert said(*utterances) == text


@pytest.mark.parametrize("phrase", [phrase for phrases in COMMANDS.values() for phrase in phrases])
def test_commands_can_be_switched_off(phrase: str) -> None:
    assert said(f" {phrase}", commands=False) == phrase
    assert said(f" {phrase}") != phrase


@pytest.mark.parametrize(
    ("utterance", "text"),
    [
        (" write to My Mail, please", "write to me@x.org, please"),
        (" whisper desk top is here", "WhisperDesktop is here"),
        (" whisper desk is here", "whisper desk is here"),
        (" well, um, so", "well, so"),
        (" new line", "NL"),
        ("张三你好", "章珊你好"),
        (" best regards", "Best regards\nMax"),
    ],
)
def test_the_users_own_words(utterance: str, text: str) -> None:
    table = (("my mail", "me@x.org"), ("whisper desk top", "WhisperDesktop"), ("um", ""), ("new line", "NL"))
    assert said(utterance, replacements=(*table, ("张三", "章珊"), ("best regards", "Best regards\\nMax"))) == text


@pytest.mark.parametrize(
    ("utterance", "text"),
    [
        (" twenty-three apples , one pear . then", "23 apples, one pear. Then"),
        (" five percent of one hundred and five", "5% of 105"),
        (" 你 好 , 我有二十三个苹果 , 百分之五 .", "你好，我有23个苹果，5%。"),
        (" 十分好,三四个", "十分好，三四个"),
    ],
)
def test_tidying(utterance: str, text: str) -> None:
    assert said(utterance, tidy=True) == text


def test_a_space_behind_what_was_dictated_where_words_have_spaces() -> None:
    for utterance, text in ((" Hello.", "Hello. "), ("你好。", "你好。"), (" Hello, new line.", "Hello,\n"), ("", "")):
        assert write([[utterance]] if utterance else [], Wording()) == text


def test_words_wait_only_while_they_may_be_a_command() -> None:
    dictation = SpokenText(Wording())
    assert dictation.feed(" Hello") == [Write("Hello")]
    assert dictation.feed(" new") == []
    assert dictation.feed(" coats") == [Write(" new coats")]
    assert dictation.settle() == []
    assert dictation.feed(" scratch") == []
    assert dictation.feed(" that.") == [TakeBack("Hello new coats")]
