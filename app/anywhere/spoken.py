"""What is said, as text to write: spoken commands, the user's own words, and figures.

Committed words come in and what is to be written goes out. Words that may still become part of a command, or of a word
of the user's list, are held back until the next ones tell; the end of an utterance settles them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.anywhere.figures import FIRST_WORDS, LATER_WORDS, chinese_figures, english_figures, is_chinese_number

NEW_LINE, NEW_PARAGRAPH = "\n", "\n\n"
_SCRATCH = "\0"

# What a command writes, by what may be said for it.
COMMANDS = {
    NEW_LINE: ("new line", "newline", "换行", "換行", "另起一行", "下一行"),
    NEW_PARAGRAPH: ("new paragraph", "新段落", "另起一段", "下一段"),
    _SCRATCH: (
        "scratch that", "delete that", "undo that", "删掉这句", "刪掉這句", "删除这句", "刪除這句",
        "撤销这句", "撤銷這句", "删掉上一句", "刪掉上一句",
    ),
}  # fmt: skip
# Beside these, "new line" is no command but part of the sentence: "a new line of coats".
_WORDS_BEFORE = "a an the this that these another each every one our your my his her their of or brand"
_WORDS_BEHIND = "of is was for from in to and items which"
_BEFORE, _BEHIND = frozenset(_WORDS_BEFORE.split()), frozenset(_WORDS_BEHIND.split())

# Written without spaces between words; each character counts as a word.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60"
    "\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"\s+|[{_UNSPACED}]|(?:[^\W_{_UNSPACED}]|\u0300-\u036f|['’](?=\w))+|.", re.DOTALL)
_UNSPACED_CHAR = re.compile(f"[{_UNSPACED}]")
_FULL_WIDTH = str.maketrans(",?!:;.()", "，？！：；。（）")
_SWALLOWED = frozenset(",.;:!?…，。；：！？、")
_ENDS_SENTENCE, _CLOSES = ".!?。！？…\n", frozenset(",.;:!?%)]}”’，。；：！？）】》」』、…")


@dataclass(frozen=True)
class Write:
    """Put this in at the cursor."""

    text: str


@dataclass(frozen=True)
class TakeBack:
    """Delete this, which stands before the cursor."""

    text: str


Action = Write | TakeBack


@dataclass(frozen=True)
class Wording:
    """How speech becomes text.

    Args:
        replacements: what is heard, and what is written for it; a line break is written as "\\n".
        tidy: numbers as figures, spaces and marks as they belong, sentences with a capital letter.
        space_behind: whatever is dictated next stands apart.
    """

    commands: bool = True
    replacements: tuple[tuple[str, str], ...] = ()
    tidy: bool = False
    space_behind: bool = True


class SpokenText:
    """One dictation."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        phrases = [(heard, written.replace("\\n", "\n"), False) for heard, written in wording.replacements]
        if wording.commands:
            phrases += [(said, written, True) for written, ways in COMMANDS.items() for said in ways]
        split = [(tuple(_words(heard)), written, is_command) for heard, written, is_command in phrases]
        self._phrases = sorted((p for p in split if p[0]), key=lambda p: -len(p[0]))  # stable: the user's come first
        self._held: list[str] = []  # tokens that are not decided
        self._space = False  # one belongs before what comes next
        self._swallow = False  # a command ended, whose marks and spaces are not written
        self._before = ""  # the word before, folded; "" at a pause or a mark
        self._written: list[str] = []  # by utterances and commands
        self._last = "\n"  # character
        self._unspaced = False  # the last letter that was no figure is written without spaces

    def feed(self, words: str) -> list[Action]:
        """Words that are settled, whole ones, with a space before them where one belongs."""
        self._held += _TOKEN.findall(words)
        return _joined(self._take(settled=False))

    def settle(self) -> list[Action]:
        """A pause: nothing that comes belongs to what was said."""
        actions = _joined(self._take(settled=True))
        self._before = ""
        self._space = self._space or bool(self._written and self._written[-1])
        if self._written and self._written[-1]:
            self._written.append("")
        return actions

    def end(self) -> list[Action]:
        """The dictation is over."""
        actions = self.settle()
        if self._wording.space_behind and not (self._last.isspace() or _UNSPACED_CHAR.match(self._last)):
            actions += [Write(" ")]
        return _joined(actions)

    # ------------------------------------------------------------- inside

    def _take(self, *, settled: bool) -> Iterator[Action]:
        tokens, at = self._held, 0
        while at < len(tokens):
            token = tokens[at]
            if token.isspace():
                self._space, at = self._space or not self._swallow, at + 1
                continue
            if self._swallow and token in _SWALLOWED:
                at += 1
                continue
            found = self._find(at, settled=settled)
            if found is None:
                break  # the next words will tell
            n_tokens, text, is_command = found
            at += n_tokens
            if is_command:
                yield from self._obey(text)
            else:
                yield self._write(text)
                self._before = "" if _is_mark(token) else token.casefold()
        del tokens[:at]

    def _find(self, at: int, *, settled: bool) -> tuple[int, str, bool] | None:
        """How many tokens make what comes next, what it is, and whether as a command. None: it is not known yet."""
        tokens = self._held
        for phrase, written, is_command in self._phrases:
            end = _match(tokens, at, phrase)
            if end == at:
                continue
            if end is None:
                if settled:
                    continue
                return None
            if not is_command:
                return end - at, written, False
            behind = next((t for t in tokens[end:] if not t.isspace()), "")
            if not behind and not settled:
                return None
            apart_before, apart_behind = not self._before, not behind or _is_mark(behind)
            fits = self._before not in _BEFORE and behind.casefold() not in _BEHIND
            if (apart_before or apart_behind) and fits:
                return end - at, written, True
        if self._wording.tidy and tokens[at].casefold() in FIRST_WORDS:
            return self._find_figures(at, settled=settled)
        return 1, tokens[at], False

    def _find_figures(self, at: int, *, settled: bool) -> tuple[int, str, bool] | None:
        tokens = self._held
        is_chinese = is_chinese_number(tokens[at])
        end = at
        while end < len(tokens) and (
            is_chinese_number(tokens[end]) if is_chinese else tokens[end].isspace() or tokens[end] == "-"
            or tokens[end].casefold() in LATER_WORDS
        ):  # fmt: skip
            end += 1
        if end == len(tokens) and not settled:
            return None
        parse = chinese_figures if is_chinese else english_figures
        n_tokens, text = parse([token.casefold() for token in tokens[at:end]])
        return (n_tokens, text, False) if n_tokens else (1, tokens[at], False)

    def _write(self, text: str) -> Write:
        if not text:  # a word that the user wants left out, with one of the commas around it
            self._swallow = not self._last.isalnum()
            return Write("")
        if self._wording.tidy:
            text = self._tidied(text)
        space = self._space and not self._last.isspace() and not text[0].isspace()
        both_unspaced = _UNSPACED_CHAR.match(self._last) and _UNSPACED_CHAR.match(text)
        figure_behind_unspaced = _UNSPACED_CHAR.match(self._last) and text[0].isdecimal()
        if both_unspaced or (self._wording.tidy and (text[0] in _CLOSES or figure_behind_unspaced)):
            space = False
        self._space = self._swallow = False
        text = " " + text if space else text
        if not self._written:
            self._written.append("")
        self._written[-1] += text
        self._last = text[-1]
        if self._last.isalpha():
            self._unspaced = bool(_UNSPACED_CHAR.match(self._last))
        return Write(text)

    def _tidied(self, text: str) -> str:
        if self._unspaced:
            text = text.translate(_FULL_WIDTH) if len(text) == 1 else text
        if self._last in _ENDS_SENTENCE and text[0].islower() and (self._space or self._last in "\n"):
            text = text[0].upper() + text[1:]
        return text

    def _obey(self, command: str) -> Iterator[Action]:
        self._before, self._space, self._swallow = "", False, True
        if command != _SCRATCH:
            self._written += [command, ""]
            self._last = "\n"
            yield Write(command)
            return
        while self._written and not self._written[-1]:
            self._written.pop()
        if self._written:
            yield TakeBack(self._written.pop())
        self._written.append("")
        self._last = next((entry[-1] for entry in reversed(self._written) if entry), "\n")
        self._space = True


def _is_mark(token: str) -> bool:
    return not token[0].isalnum() and not token.isspace()


def _words(phrase: str) -> Iterator[str]:
    return (token.casefold() for token in _TOKEN.findall(phrase) if not token.isspace())


def _match(tokens: Sequence[str], at: int, phrase: Sequence[str]) -> int | None:
    """The end of the phrase that begins here; `at` if it does not, None if the tokens end before it does."""
    end = at
    for number, word in enumerate(phrase):
        while number and end < len(tokens) and (tokens[end].isspace() or (tokens[end] == "-" and word != "-")):
            end += 1
        if end == len(tokens):
            return None
        if tokens[end].casefold() != word:
            return at
        end += 1
    return end


def _joined(actions: Iterable[Action]) -> list[Action]:
    """The fewest that have the same effect."""
    joined: list[Action] = []
    for action in actions:
        text = action.text
        if isinstance(action, TakeBack):
            while text and joined and isinstance(joined[-1], Write):
                written = joined.pop().text
                if len(written) > len(text):
                    joined.append(Write(written[: -len(text)]))
                text = text[: max(len(text) - len(written), 0)]
            if text:
                joined.append(TakeBack(text))
        elif text and joined and isinstance(joined[-1], Write):
            joined[-1] = Write(joined[-1].text + text)
        elif text:
            joined.append(action)
    return joined
