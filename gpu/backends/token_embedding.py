"""The rows of the token embedding on the host, one at a time."""

from __future__ import annotations

from gpu.backends.base import Floats
from gpu.model_file import ModelFile


class TokenEmbedding:
    """Token plus position embeddings, rows dequantized when they are needed (the whole table is 106 MB for base)."""

    def __init__(self, model: ModelFile) -> None:
        table = model.tensors["decoder.token_embedding.weight"]
        self._format = table.type
        self._blocks = table.blocks.copy()  # (n_vocab, n_blocks, type_size): outlives the mapped file
        self._positions = model.tensors["decoder.positional_embedding"].dequantize()  # (n_text_ctx, d)
        self._rows: dict[int, Floats] = {}

    def __call__(self, token: int, position: int) -> Floats:
        """Token plus position, (d,) float32."""
        embedded: Floats = self.row(token) + self._positions[position]
        return embedded

    def row(self, token: int) -> Floats:
        """The token alone, (d,) float32."""
        row = self._rows.get(token)
        if row is None:
            row = self._rows[token] = self._format.dequantize(self._blocks[token]).reshape(-1)
        return row
