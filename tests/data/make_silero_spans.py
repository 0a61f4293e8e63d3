"""Make silero_spans.json: the spans that Silero's own function finds in made-up probabilities.

Needs `silero-vad` and `torch` beside this project; run from the repository: python -m tests.data.make_silero_spans
"""

import json
from pathlib import Path

import numpy as np
from silero_vad.utils_vad import get_speech_timestamps_from_probs

OUTPUT = Path(__file__).with_name("silero_spans.json")
CHUNK = 512
SILENCE = [0.0] * 100  # after the end: Silero takes speech that is not over for speech up to the end
CASES = [(0.5, 0, 2000, 400), (0.5, 250, 100, 30), (0.4, 100, 300, 400), (0.7, 0, 100, 0), (0.5, 500, 500, 200)]


def made_up(rng: np.random.Generator) -> list[float]:
    """Stretches of about one probability; sixty-fourths, which float32 holds exactly."""
    lengths = rng.integers(1, 30, 25)
    values = np.repeat(rng.random(25), lengths) + rng.normal(0, 0.06, lengths.sum())
    return (np.round(np.clip(values, 0, 1) * 64) / 64).tolist()


def main() -> None:
    rng = np.random.default_rng(5)
    cases = []
    for threshold, min_speech_ms, min_silence_ms, pad_ms in CASES * 2:
        probabilities = made_up(rng)
        spans = get_speech_timestamps_from_probs(
            probabilities + SILENCE,
            threshold=threshold,
            min_speech_duration_ms=min_speech_ms,
            min_silence_duration_ms=min_silence_ms,
            speech_pad_ms=pad_ms,
        )
        n_samples = len(probabilities) * CHUNK
        cases.append(
            {
                "threshold": threshold,
                "min_speech_s": min_speech_ms / 1000,
                "min_silence_s": min_silence_ms / 1000,
                "pad_s": pad_ms / 1000,
                "probabilities_64": [round(probability * 64) for probability in probabilities],
                "spans": [[span["start"], min(span["end"], n_samples)] for span in spans],
            }
        )
    OUTPUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
