"""What the GPU engine should take on a card, from bytes and operations: the tables of "What to expect" in docs/gpu.md.

`python -m tests.tools.predict_gpu`. Q5_1 and greedy; a launch costs LAUNCH_S, then memory gives 80 % of its bandwidth
and the tensor cores a part of their peak. Nothing of this is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

POSITIONS, TOKENS, CACHED = 1500, 110, 60  # of a window: and of its text, how much on the average is in the cache
BITS = 6  # of a weight, Q5_1
LAUNCH_S, REPLAY_S = 1.2e-6, 6e-6  # of a kernel in a graph, of a graph
BANDWIDTH = 0.8
FLOATS = 0.25  # of the float32 peak: sines from shared memory


@dataclass(frozen=True)
class Card:
    """Bandwidth in bytes/s, dense float16 products with float32 sums in FLOP/s, and the part of them to be reached;
    float32 arithmetic without tensor cores in FLOP/s."""

    name: str
    bandwidth: float
    peak: float
    reached: float
    floats: float
    multiprocessors: int


# NVIDIA's data sheets. An untuned kernel of mma.sync reaches 30 to 50 %; of an H100, whose peak needs wgmma, less.
CARDS = (
    Card("RTX 3060", 360e9, 25.5e12, 0.40, 12.7e12, 28),
    Card("RTX 4090", 1008e9, 165.2e12, 0.40, 82.6e12, 128),
    Card("H100", 3350e9, 989e12, 0.25, 67e12, 132),
)


@dataclass(frozen=True)
class Model:
    name: str
    d: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    mels: int = 80


BASE = Model("base", 512, 6, 6, 51865)
TURBO = Model("turbo", 1280, 32, 4, 51866, 128)


def launch(card: Card, n_bytes: float, operations: float = 0) -> float:
    """Seconds of one kernel."""
    return LAUNCH_S + max(n_bytes / (BANDWIDTH * card.bandwidth), operations / (card.reached * card.peak))


def weights(n: float) -> float:
    """Bytes."""
    return n * BITS / 8


def product(card: Card, rows: int, n_out: int, n_in: int) -> float:
    """A linear layer of many rows: weights and inputs in, results out."""
    return launch(card, weights(n_out * n_in) + 2 * rows * (n_in + n_out), 2 * rows * n_out * n_in)


def kernels(card: Card, model: Model, rows: int = 1) -> dict[str, float]:
    """Seconds of a launch: of the encoder for a window, of the decoder for a token of each of so many windows."""
    d, t = model.d, POSITIONS
    return {
        "`gemm_large_q5_1`, d x d": product(card, t, d, d),
        "`gemm_large_q5_1`, 4d x d": product(card, t, 4 * d, d),
        "`flash_attention`, encoder": launch(card, 8 * t * d, 4 * t * t * d),
        "`layer_norm_f16`, encoder": launch(card, 6 * t * d),
        "`gemv_qkv_1_q5_1`": launch(card, weights(3 * d * d)),
        "`gemv_1_q5_1`, d x d": launch(card, weights(d * d)),
        "`gemv_1_q5_1`, 4d x d": launch(card, weights(4 * d * d)),
        "`gemv_1_q5_1`, logits": launch(card, weights(model.vocabulary * d)),
        "`self_attention`, 60 positions": launch(card, 4 * d * CACHED * rows),
        "`cross_attention_1`": launch(card, 4 * d * t * rows),
        "`choose_scan`": launch(card, 4 * model.vocabulary * rows),
    }


def other_kernels(card: Card, model: Model) -> dict[str, float]:
    """Seconds of a launch of the rest, which takes little time. Prompts of 8 tokens; 5 beams, 6 candidates each."""
    d, t, prompt, beams, best = model.d, POSITIONS, 8, 5, 6
    vocabulary, heads = 4 * model.vocabulary, 6  # bytes of logits; alignment heads
    blocks = 52  # of a vocabulary
    transform = 2 * 2 * 400 * 201  # operations of a frame's Fourier transform: cosines and sines
    return {
        "`dequantize_q5_1`, d x d (self-test)": launch(card, weights(d * d) + 4 * d * d),
        "`gemm_small_q5_1`, d x d, 8 tokens": product(card, prompt, d, d),
        "`gemv_16_q5_1`, 4d x d, 16 windows": launch(card, weights(4 * d * d) + 16 * 5 * 4 * d),
        "`gemv_qkv_16_q5_1`, 16 windows": launch(card, weights(3 * d * d) + 16 * 12 * d),
        "`layer_norm_f32`": launch(card, 8 * d),
        "`im2col_mel`": launch(card, 2 * t * model.mels * (4 + 3 * 2)),
        "`im2col_stride2`": launch(card, 2 * t * d * 2 + t * 3 * d * 2),
        "`add_positions`": launch(card, 12 * t * d),
        "`split_heads`, a window": launch(card, 8 * t * d),
        "`keep_queries`, 8 tokens": launch(card, prompt * heads * 384),
        "`cross_attention_8`, 5 beams": launch(card, 4 * d * t),
        "`cross_weights`, 40 tokens": launch(card, heads * 64 * 2 * t * 10 + 4 * heads * 40 * t),
        "`log10_mel`, 30 s": LAUNCH_S + 2 * t * transform / (card.floats * FLOATS),
        "`normalize_mel`, 30 s": launch(card, 8 * 2 * t * model.mels),
        "`embed_q5_1`": launch(card, weights(d) + 8 * d),
        "`embed_prompt_q5_1`, 8 tokens": launch(card, prompt * (weights(d) + 8 * d)),
        "`choose_token`": launch(card, 16 * blocks),
        "`candidates_scan`, 5 beams": launch(card, beams * (vocabulary + 8 * best * blocks)),
        "`candidates_merge`, 5 beams": launch(card, beams * 8 * best * blocks),
        "`continue_beams`, 5 beams": launch(card, beams * 2 * 4 * 448),
        "`log_softmax`, once a window": LAUNCH_S + 4 * vocabulary / (BANDWIDTH * card.bandwidth / card.multiprocessors),
    }


def encode(card: Card, model: Model) -> float:
    """Seconds of a window's encoding, cross-attention's keys and values included."""
    d, t = model.d, POSITIONS
    square, wide, attention, norm, *_ = kernels(card, model).values()
    stem = product(card, 2 * t, d, 3 * model.mels) + product(card, t, d, 3 * d) + launch(card, 12 * d * t)
    layers = model.encoder_layers * (4 * square + 2 * wide + attention + 2 * norm)
    return stem + layers + norm + 2 * model.decoder_layers * (square + launch(card, 4 * d * t))


def token(card: Card, model: Model, rows: int = 1) -> float:
    """Seconds of one replay: eight kernels a layer and five besides."""
    qkv, square, wide, logits, itself, cross, scan = list(kernels(card, model, rows).values())[4:]
    layers = model.decoder_layers * (qkv + itself + 3 * square + cross + 2 * wide)
    return REPLAY_S + layers + logits + scan + 3 * LAUNCH_S


def hour(card: Card, model: Model, rows: int) -> float:
    """Seconds for an hour of speech, so many windows at once."""
    return 120 * encode(card, model) + 120 / rows * TOKENS * token(card, model, rows)


def tables() -> str:
    """As docs/gpu.md has them."""
    pairs = [(CARDS[0], BASE), *((card, TURBO) for card in CARDS)]
    lines = ["| card, model | encode ms | token ms | 11 s clip ms | 1 h, one window at a time / 16 |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for card, model in pairs:
        clip = encode(card, model) + 40 * token(card, model)
        lines.append(
            f"| {card.name}, {model.name} | {1e3 * encode(card, model):.1f} | {1e3 * token(card, model):.2f} "
            f"| {1e3 * clip:.0f} | {hour(card, model, 1):.1f} s / {hour(card, model, 16):.1f} s |"
        )
    for title, of in (("us a launch", kernels), ("us a launch, the rest", other_kernels)):
        lines += ["", f"| {title} | " + " | ".join(f"{card.name}, {model.name}" for card, model in pairs) + " |"]
        lines.append("| --- |" + " ---: |" * len(pairs))
        for name in of(*pairs[0]):
            lines.append(f"| {name} | " + " | ".join(f"{1e6 * of(*pair)[name]:.1f}" for pair in pairs) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
