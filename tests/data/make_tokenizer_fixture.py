"""Make tokenizer/openai.json: what openai-whisper's tokenizer says, for every kind of model.

Run with a Python that has openai-whisper (20250625): python tests/data/make_tokenizer_fixture.py
The two vocabularies themselves go to gpu/model_convert/vocabularies, for model files that do not bring theirs along.
"""

import json
import lzma
from pathlib import Path

import whisper
from whisper.tokenizer import LANGUAGES, TO_LANGUAGE_CODE, Tokenizer, get_tokenizer

DATA = Path(__file__).parent / "tokenizer"
VOCABULARIES = Path(__file__).parents[2] / "gpu" / "model_convert" / "vocabularies"

TEXTS = [
    "",
    " ",
    "  ",
    "\n",
    " \t\r\n  x",
    "Hello, world!",
    " And so my fellow Americans, ask not what your country can do for you",
    "I'll don't we've he'd they're it's I'm 'tis 'LL",
    "0 1 12 123 1234 12345 3.14159 1,000,000 50% $9.99 1st 2nd",
    "CamelCase snake_case kebab-case http://example.org/a?b=c#d",
    "<|endoftext|> <|startoftranscript|><|en|> <|0.00|>",
    "♪ La la la ♪ ♫♬ [MUSIC] (applause) <<laughs>> -- --- ¡Hola! ¿Qué?",
    "Intentaré establecer una conexión intra-Asterisk con un servidor de demostración.",
    "Je suis désolé, la connexion n'a pu être établie; l'œuvre, ça va où?",
    "Über Straßenbahnhaltestellen und Äpfel, größer, ẞ",
    "Сейчас будет предпринята попытка подключения, ёжик.",
    "我们今天去公园散步，天气很好。",
    "繁體中文測試：臺灣、香港。",
    "これはテストです。カタカナと漢字、ひらがな。",
    "안녕하세요 세계, 한국어 시험입니다.",
    "مرحبا بالعالم، هذه تجربة",
    "שלום עולם",
    "नमस्ते दुनिया, यह परीक्षण है।",
    "สวัสดีชาวโลก",
    "Γειά σου Κόσμε, ώρα",
    "Xin chào thế giới, tiếng Việt có dấu",
    "İstanbul'da ığdır, şöyle",
    "ქართული ენა",
    "አማርኛ",
    "བོད་སྐད་",
    "မြန်မာဘာသာ",
    "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️ 🤷🏻‍♂️",
    "e\u0301 vs é, ﬁ ligature, ½ ² ™ € £ ¥",
    "\u200b\u00a0\u3000\ufeff\u2028 spaces",
    "𝕬𝖇𝖈 𐍈 𠜎 𪚥",
    "\x00\x01\x1f\x7f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "!!!???...,,,;;;:::",
    "a b  c   d    e     f",
]
SPECIAL = ["eot", "sot", "translate", "transcribe", "sot_lm", "sot_prev", "no_speech", "no_timestamps"]
SPECIAL += ["timestamp_begin", "non_speech_tokens"]


def describe(tokenizer: Tokenizer, n_languages: int) -> dict[str, object]:
    texts = TEXTS + [f" {name.title()}: {code}" for code, name in LANGUAGES.items()]
    texts += [f"{text} {text.upper()}" for text in TEXTS[5:36]]
    return {
        "special": {name: getattr(tokenizer, name) for name in SPECIAL},
        "language_tokens": {code: tokenizer.to_language_token(code) for code in list(LANGUAGES)[:n_languages]},
        "encodings": [[text, tokenizer.encoding.encode_ordinary(text)] for text in texts],
    }


def main() -> None:
    models = {
        "english": describe(get_tokenizer(False, num_languages=99), 99),
        "multilingual": describe(get_tokenizer(True, num_languages=99), 99),
        "large-v3": describe(get_tokenizer(True, num_languages=100), 100),
    }
    models["large-v3"].pop("encodings")  # as multilingual
    content = {"models": models, "languages": LANGUAGES, "language_codes": TO_LANGUAGE_CODE}
    (DATA / "openai.json").write_text(json.dumps(content, ensure_ascii=True), encoding="ascii")
    for name in ("gpt2", "multilingual"):
        asset = Path(whisper.__file__).parent / "assets" / f"{name}.tiktoken"
        tokens = [line.split()[0] for line in asset.read_text().splitlines()]  # base64, in order of their ranks
        content = "".join(f"{token}\n" for token in tokens).encode()
        (VOCABULARIES / f"{name}.txt.xz").write_bytes(lzma.compress(content, preset=9))


if __name__ == "__main__":
    main()
