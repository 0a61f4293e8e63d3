"""Whisper model files: ggml `.bin` and GGUF, memory-mapped, checked, with openai/whisper's names."""

from gpu.model_file.loader import open_model
from gpu.model_file.model import ModelDimensions, ModelFile, Tensor

__all__ = ["ModelDimensions", "ModelFile", "Tensor", "open_model"]
