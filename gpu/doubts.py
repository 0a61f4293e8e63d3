"""Signs that Whisper made a text up: what it says in loops, in silence, or again and again."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from gpu.decoding import DecodedWindow
from gpu.types import Doubt, TranscribeOptions

LITTLE_SPEECH = 0.3  # of a segment: what is said there may be a stock phrase all the same
SAME_AGAIN = 3  # segments in a row

# What subtitles that Whisper was trained on say where nobody speaks, without case, spaces and punctuation.
STOCK_PHRASES = frozenset(
    """
    you thankyou thankyouforwatching thankyouverymuch thanksforwatching pleasesubscribe bye byebye
    subtitlesbytheamaraorgcommunity transcriptionbycastingwords
    字幕由amaraorg社区提供 字幕志愿者杨茜茜
    请不吝点赞订阅转发打赏支持明镜与点点栏目 謝謝觀看 谢谢观看 谢谢大家 ご視聴ありがとうございました
    soustitresréalisésparalacommunautédamaraorg soustitresréalisésparlacommunautédamaraorg merci
    subtítulosrealizadosporlacomunidaddeamaraorg graciasporverelvideo gracias
    untertiteldeszdffürfunk2017 untertitelderamaraorgcommunity vielendank
    sottotitolicreatidallacomunitàamaraorg sottotitolieRevisioneacuradiqtss grazieatutti
    legendaspelacomunidadeamaraorg obrigado редакторсубтитровасемкинкорректораегорова продолжениеследует спасибо
    시청해주셔서감사합니다
    """.lower().split()
)


def bare(text: str) -> str:
    """Letters and digits only, without case."""
    return "".join(c for c in unicodedata.normalize("NFC", text).lower() if c.isalnum())


class DoubtKeeper:
    """What speaks against a run's segments, one after the other."""

    def __init__(self, options: TranscribeOptions) -> None:
        self._options = options
        self._before: list[str] = []  # the same text as often as it came in a row

    def of(self, text: str, window: DecodedWindow, spoken: float | None) -> tuple[Doubt, ...]:
        """The doubts about the next segment.

        Args:
            spoken: the part of its time in which somebody is heard speaking; None if nobody has listened for that.
        """
        said = bare(text)
        self._before = [*self._before, said] if said in self._before[-1:] else [said]
        return tuple(self._doubts(said, window, spoken))

    def _doubts(self, said: str, window: DecodedWindow, spoken: float | None) -> Iterator[Doubt]:
        o = self._options
        if o.logprob_threshold is not None and window.avg_logprob < o.logprob_threshold:
            yield "improbable"
        too_much = o.compression_ratio_threshold
        if window.is_loop or (too_much is not None and window.compression_ratio > too_much):
            yield "repetitive"
        if len(self._before) >= SAME_AGAIN:
            yield "repeated"
        if spoken == 0:
            yield "no speech"
        unspoken = o.no_speech_threshold is not None and window.no_speech_prob > o.no_speech_threshold
        if said in STOCK_PHRASES and (unspoken if spoken is None else spoken < LITTLE_SPEECH):
            yield "stock phrase"
