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


@dataclass(frozen=True)
class Card:
    """Bandwidth in bytes/s, dense float16 products with float32 sums in FLOP/s, and the part of them to be reached."""

    name: str
    bandwidth: float
    peak: float
    reached: float


# NVIDIA's data sheets. An untuned kernel of mma.sync reaches 30 to 50 %; of an H100, whose peak needs wgmma, less.
CARDS = (
    Card("RTX 3060", 360e9, 25.5e12, 0.40),
    Card("RTX 4090", 1008e9, 165.2e12, 0.40),
    Card("H100", 3350e9, 989e12, 0.25),
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
    lines += ["", "| us a launch | " + " | ".join(f"{card.name}, {model.name}" for card, model in pairs) + " |"]
    lines.append("| --- |" + " ---: |" * len(pairs))
    for name in kernels(*pairs[0]):
        lines.append(f"| {name} | " + " | ".join(f"{1e6 * kernels(*pair)[name]:.1f}" for pair in pairs) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
