"""Make openai_logits_jfk.npz: what openai-whisper computes for jfk.wav with the weights of the shipped model.

The shipped model's tensors, dequantized to float32, are loaded into openai-whisper itself, so that nothing but the
arithmetic differs from our reference backend. Needs `openai-whisper` and `torch` beside this project; run from the
repository: python -m tests.data.make_openai_logits
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import whisper

from gpu.model_file import open_model

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "resources" / "models" / "ggml-base-q5_1.bin"
AUDIO = ROOT / "resources" / "samples" / "jfk.wav"
OUTPUT = Path(__file__).with_name("openai_logits_jfk.npz")
N_STORED_FRAMES = 1104  # of the mel spectrogram; the silence after them has one value
N_SAMPLED_TOKENS = 256
FRAME_STEP = 100


def load() -> whisper.Whisper:
    with open_model(MODEL) as source:
        names = whisper.model.ModelDimensions.__dataclass_fields__
        model = whisper.Whisper(whisper.model.ModelDimensions(**{name: getattr(source.dims, name) for name in names}))
        shapes = {name: parameter.shape for name, parameter in model.state_dict().items()}
        arrays = {name: tensor.dequantize().reshape(shapes[name]) for name, tensor in source.tensors.items()}
        weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected, unexpected
    assert missing in ([], ["decoder.mask"]), missing
    return model.eval()


def mel_spectrogram() -> np.ndarray:
    """(80, 3000) float32, rounded to float16 so that the stored one is the one both networks get."""
    audio = whisper.pad_or_trim(whisper.load_audio(str(AUDIO)))
    mel = whisper.log_mel_spectrogram(audio).numpy().astype(np.float16)
    assert (mel[:, N_STORED_FRAMES:] == mel[0, -1]).all()
    return mel.astype(np.float32)


def main() -> None:
    model = load()
    mel = torch.from_numpy(mel_spectrogram())[None]
    tokenizer = whisper.tokenizer.get_tokenizer(True, language="en", task="transcribe")
    # Quotation marks are allowed, as our rules do; openai-whisper's default forbids them.
    suppressed = [token for token in tokenizer.non_speech_tokens if tokenizer.decode([token]).strip() != '"']
    options = whisper.DecodingOptions(language="en", suppress_tokens=suppressed, fp16=False)
    result = whisper.decode(model, mel, options)[0]
    beam = whisper.decode(model, mel, replace(options, beam_size=5))[0]
    _, language_probabilities = model.detect_language(mel[0])
    print(result.text)
    tokens = [*tokenizer.sot_sequence, *result.tokens]
    with torch.no_grad():
        encoded = model.encoder(mel)
        logits = model.decoder(torch.tensor([tokens]), encoded)[0]  # (n_tokens, n_vocab)
    top = logits.topk(20)
    sampled = np.sort(np.random.default_rng(0).choice(logits.shape[1], N_SAMPLED_TOKENS, replace=False))
    np.savez_compressed(
        OUTPUT,
        text=result.text,
        avg_logprob=result.avg_logprob,
        no_speech_prob=result.no_speech_prob,
        beam_tokens=np.array(beam.tokens),
        beam_avg_logprob=beam.avg_logprob,
        english_probability=language_probabilities["en"],
        mel=mel[0, :, :N_STORED_FRAMES].numpy().astype(np.float16),
        mel_silence=mel[0, 0, -1].numpy(),
        encoded=encoded[0, ::FRAME_STEP].numpy(),
        encoded_step=FRAME_STEP,
        tokens=np.array(tokens),
        sampled_ids=sampled,
        sampled_logits=logits[:, sampled].numpy(),
        top_ids=top.indices.numpy().astype(np.uint16),
        top_logits=top.values.numpy(),
        log_sum_exp=logits.logsumexp(dim=1).numpy(),
    )
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes, {len(tokens)} tokens")


if __name__ == "__main__":
    main()
