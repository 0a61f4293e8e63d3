"""Text to Whisper's tokens and back, from the vocabulary a model file carries; ids of the special tokens.

Special tokens are not stored in model files: they follow the text tokens in openai/whisper's order, so their ids are
derived from the model's dimensions.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from gpu.errors import DamagedModelError, ModelArchitectureError, OptionsError
from gpu.types import Task, Words

if TYPE_CHECKING:
    import tiktoken

# In the order of their tokens (openai/whisper); the last came with large-v3.
LANGUAGES = {
    "en": "english",
    "zh": "chinese",
    "de": "german",
    "es": "spanish",
    "ru": "russian",
    "ko": "korean",
    "fr": "french",
    "ja": "japanese",
    "pt": "portuguese",
    "tr": "turkish",
    "pl": "polish",
    "ca": "catalan",
    "nl": "dutch",
    "ar": "arabic",
    "sv": "swedish",
    "it": "italian",
    "id": "indonesian",
    "hi": "hindi",
    "fi": "finnish",
    "vi": "vietnamese",
    "he": "hebrew",
    "uk": "ukrainian",
    "el": "greek",
    "ms": "malay",
    "cs": "czech",
    "ro": "romanian",
    "da": "danish",
    "hu": "hungarian",
    "ta": "tamil",
    "no": "norwegian",
    "th": "thai",
    "ur": "urdu",
    "hr": "croatian",
    "bg": "bulgarian",
    "lt": "lithuanian",
    "la": "latin",
    "mi": "maori",
    "ml": "malayalam",
    "cy": "welsh",
    "sk": "slovak",
    "te": "telugu",
    "fa": "persian",
    "lv": "latvian",
    "bn": "bengali",
    "sr": "serbian",
    "az": "azerbaijani",
    "sl": "slovenian",
    "kn": "kannada",
    "et": "estonian",
    "mk": "macedonian",
    "br": "breton",
    "eu": "basque",
    "is": "icelandic",
    "hy": "armenian",
    "ne": "nepali",
    "mn": "mongolian",
    "bs": "bosnian",
    "kk": "kazakh",
    "sq": "albanian",
    "sw": "swahili",
    "gl": "galician",
    "mr": "marathi",
    "pa": "punjabi",
    "si": "sinhala",
    "km": "khmer",
    "sn": "shona",
    "yo": "yoruba",
    "so": "somali",
    "af": "afrikaans",
    "oc": "occitan",
    "ka": "georgian",
    "be": "belarusian",
    "tg": "tajik",
    "sd": "sindhi",
    "gu": "gujarati",
    "am": "amharic",
    "yi": "yiddish",
    "lo": "lao",
    "uz": "uzbek",
    "fo": "faroese",
    "ht": "haitian creole",
    "ps": "pashto",
    "tk": "turkmen",
    "nn": "nynorsk",
    "mt": "maltese",
    "sa": "sanskrit",
    "lb": "luxembourgish",
    "my": "myanmar",
    "bo": "tibetan",
    "tl": "tagalog",
    "mg": "malagasy",
    "as": "assamese",
    "tt": "tatar",
    "haw": "hawaiian",
    "ln": "lingala",
    "ha": "hausa",
    "ba": "bashkir",
    "jw": "javanese",
    "su": "sundanese",
    "yue": "cantonese",
}

# Lower-case names and aliases to codes.
TO_LANGUAGE_CODE = {
    **{name: code for code, name in LANGUAGES.items()},
    "burmese": "my",
    "valencian": "ca",
    "flemish": "nl",
    "haitian": "ht",
    "letzeburgesch": "lb",
    "pushto": "ps",
    "panjabi": "pa",
    "moldavian": "ro",
    "moldovan": "ro",
    "sinhalese": "si",
    "castilian": "es",
    "mandarin": "zh",
}

# GPT-2's rule for cutting text into pieces before merging bytes.
_PIECE_PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

# Annotations rather than speech: openai/whisper suppresses those that are one token.
# fmt: off
_NON_SPEECH = (
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    "<<", ">>", "<<<", ">>>", "--", "---", "-(", "-[", "('", '("', "((", "))", "(((", ")))", "[[", "]]", "{{", "}}",
    "♪♪", "♪♪♪",
)
# fmt: on
# Of these the first token is suppressed: it stands for the block of musical symbols.
_MUSIC = "♩♪♫♬♭♮♯"


_CHOOSE_MULTILINGUAL = Words("Choose a multilingual model: one without .en in its name.")
_DOWNLOAD_AGAIN = Words("Download the model file again.")


class VocabularyDimensions(Protocol):
    """What the ids of special tokens follow from (`gpu.model_file.model.ModelDimensions`)."""

    @property
    def n_vocab(self) -> int: ...
    @property
    def is_multilingual(self) -> bool: ...
    @property
    def n_languages(self) -> int: ...


class Tokenizer:
    """A model's vocabulary and special tokens.

    Args:
        vocabulary: the bytes of each text token; the index is both the token's id and its merge rank. Entries from
            `eot` on (some files list special tokens) are ignored.
        dims: the model's dimensions.

    Raises:
        DamagedModelError: the vocabulary lacks text tokens.
        ModelArchitectureError: too few tokens for the special ones.
    """

    def __init__(self, vocabulary: Sequence[bytes], dims: VocabularyDimensions) -> None:
        self.is_multilingual = dims.is_multilingual
        self.eot = 50257 if dims.is_multilingual else 50256
        if len(vocabulary) < self.eot:
            raise DamagedModelError(
                Words(
                    "The model's vocabulary has {got} entries, expected at least {least}.",
                    got=len(vocabulary),
                    least=self.eot,
                ),
                remedy=_DOWNLOAD_AGAIN,
            )
        if dims.n_languages < 1:
            raise ModelArchitectureError(
                Words("The model has {n} tokens, expected 51864 or more.", n=dims.n_vocab),
                remedy=Words("Choose a Whisper model."),
            )
        self._text_tokens = list(vocabulary[: self.eot])
        self.sot = self.eot + 1
        self.languages = tuple(LANGUAGES)[: dims.n_languages]
        self.language_tokens = tuple(range(self.sot + 1, self.sot + 1 + len(self.languages)))
        self.translate = self.sot + 1 + dims.n_languages
        self.transcribe = self.translate + 1
        self.sot_lm = self.translate + 2
        self.sot_prev = self.translate + 3
        self.no_speech = self.translate + 4
        self.no_timestamps = self.translate + 5
        self.timestamp_begin = self.translate + 6

    def prepare(self) -> None:
        """Build the tables every run needs (50 ms), so that they count as loading the model.

        Raises:
            DamagedModelError: the vocabulary lacks single bytes.
        """
        _ = self.suppressed_tokens, self.blank_tokens

    def language_token(self, language: str) -> int:
        """The token of a language given by code ("de"), name ("German") or alias.

        Raises:
            OptionsError: there is no such language, or the model does not know it.
        """
        return self.language_tokens[self.languages.index(self.language_code(language))]

    def language_code(self, language: str) -> str:
        """The code of a language given by code, name or alias, in any case.

        Raises:
            OptionsError: there is no such language, or the model does not know it.
        """
        name = language.strip().lower()
        code = TO_LANGUAGE_CODE.get(name, name)
        if code not in LANGUAGES:
            raise OptionsError(
                Words("Whisper knows no language {name}.", name=repr(language)),
                remedy=Words("Name it in English or by its code, one of: {codes}.", codes=", ".join(self.languages)),
            )
        if not self.is_multilingual and code != "en":
            raise OptionsError(
                Words("This model knows English only, not {language}.", language=LANGUAGES[code].title()),
                remedy=_CHOOSE_MULTILINGUAL,
            )
        if code not in self.languages:
            raise OptionsError(
                Words(
                    "This model does not know {language}, which came with large-v3.", language=LANGUAGES[code].title()
                ),
                remedy=Words("Choose large-v3, a model made from it, or another language."),
            )
        return code

    def sot_sequence(self, language: str | None, task: Task) -> tuple[int, ...]:
        """The tokens a transcript starts with; (sot,) for an English-only model.

        Raises:
            OptionsError: an unknown language, none for a multilingual model, or translate with an English-only one.
        """
        if not self.is_multilingual:
            if language is not None:
                self.language_code(language)
            if task == "translate":
                raise OptionsError(
                    Words("This model knows English only, so it cannot translate."),
                    remedy=_CHOOSE_MULTILINGUAL,
                )
            return (self.sot,)
        if language is None:
            raise OptionsError(
                Words("No language was chosen."), remedy=Words("Choose the language, or let it be detected.")
            )
        return (self.sot, self.language_token(language), self.translate if task == "translate" else self.transcribe)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; what looks like a special token is text."""
        return self._encoding.encode_ordinary(text)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without special tokens and timestamps; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(tokens).decode("utf-8", errors="replace")

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """The bytes of tokens, without special tokens and timestamps."""
        return b"".join(self._text_tokens[token] for token in tokens if token < self.eot)

    def split_to_complete(self, tokens: Sequence[int]) -> tuple[list[int], list[int]]:
        """Cut tokens at the last place where no character is left unfinished: (complete, rest)."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        n_complete = 0
        for n, token in enumerate(tokens, start=1):
            decoder.decode(self.decode_bytes([token]))
            if not decoder.getstate()[0]:
                n_complete = n
        return list(tokens[:n_complete]), list(tokens[n_complete:])

    @cached_property
    def non_speech_tokens(self) -> tuple[int, ...]:
        """Tokens of annotations that are not spoken ("♪", "[", "(("), sorted: openai/whisper's set."""
        # Looked up rather than encoded: building the encoder takes 100 ms, which most runs never need.
        tokens = {self._ranks[b" -"], self._ranks[b" '"]}
        for symbol in _NON_SPEECH:
            spellings = (symbol.encode(), f" {symbol}".encode())
            tokens.update(self._ranks[piece] for piece in spellings if piece in self._ranks)
        for symbol in _MUSIC:
            tokens.update(self._merge(piece)[0] for piece in (symbol.encode(), f" {symbol}".encode()))
        return tuple(sorted(tokens))

    @cached_property
    def suppressed_tokens(self) -> tuple[int, ...]:
        """What is never to be sampled, sorted: openai/whisper's `suppress_tokens="-1"`, but for the quotation mark.

        Where somebody is quoted, the model wants to write it; forced off that path it hears words worse
        (ARCHITECTURE.md, "Measured decisions").
        """
        special = {self.transcribe, self.translate, self.sot, self.sot_prev, self.sot_lm, self.no_speech}
        quotation_marks = {self._ranks[mark] for mark in (b'"', b' "') if mark in self._ranks}
        return tuple(sorted({*self.non_speech_tokens, *special} - quotation_marks))

    @cached_property
    def blank_tokens(self) -> tuple[int, ...]:
        """What must not come first in a window: a space, or the end."""
        return (self._ranks[b" "], self.eot)

    @cached_property
    def _ranks(self) -> dict[bytes, int]:
        ranks: dict[bytes, int] = {}
        for rank, token in enumerate(self._text_tokens):
            if token:  # the multilingual vocabulary ends with an empty token
                ranks.setdefault(token, rank)
        missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
        if missing:
            raise DamagedModelError(
                Words(
                    "The model's vocabulary lacks {n} of the 256 single bytes (0x{first}...).",
                    n=len(missing),
                    first=f"{missing[0]:02x}",
                ),
                remedy=_DOWNLOAD_AGAIN,
            )
        return ranks

    def _merge(self, piece: bytes) -> list[int]:
        """Byte-pair encoding of one short piece."""
        parts = [piece[i : i + 1] for i in range(len(piece))]
        while True:
            pairs = [self._ranks.get(left + right) for left, right in pairwise(parts)]
            known = [rank for rank in pairs if rank is not None]
            if not known:
                return [self._ranks[part] for part in parts]
            i = pairs.index(min(known))
            parts[i : i + 2] = [parts[i] + parts[i + 1]]

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        import tiktoken

        return tiktoken.Encoding("whisper", pat_str=_PIECE_PATTERN, mergeable_ranks=self._ranks, special_tokens={})
