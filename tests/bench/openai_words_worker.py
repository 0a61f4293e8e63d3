"""Runs in a Python with openai-whisper: prints its word times as JSON.

Usage: openai_words_worker.py WEIGHTS.npz DIMENSIONS RECORDING.wav N_THREADS
"""

import json
import sys
import wave

import numpy as np
import torch
import whisper

weights, dims, recording, n_threads = sys.argv[1:]
torch.set_num_threads(int(n_threads))
model = whisper.Whisper(whisper.model.ModelDimensions(**json.loads(dims)))
shapes = {name: parameter.shape for name, parameter in model.state_dict().items()}
with np.load(weights) as arrays:
    state = {name: torch.from_numpy(arrays[name].reshape(shapes[name])) for name in arrays.files}
missing, unexpected = model.load_state_dict(state, strict=False)
assert not unexpected, unexpected
assert missing in ([], ["decoder.mask"]), missing
model.eval().set_alignment_heads(whisper._ALIGNMENT_HEADS["base"])
with wave.open(recording) as file:
    samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
options = {"language": "en", "fp16": False, "condition_on_previous_text": False, "word_timestamps": True}
result = whisper.transcribe(model, samples, **options)
words = [word for segment in result["segments"] for word in segment["words"]]
print(json.dumps([{key: word[key] for key in ("word", "start", "end")} for word in words]))
