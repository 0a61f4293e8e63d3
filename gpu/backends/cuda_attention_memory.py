"""What attention on the GPU keeps beside its caches, with the shapes for who plans the memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from gpu.alignment_heads import alignment_heads
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice
from gpu.model_file import ModelDimensions

HEAD = 64  # dimensions of a head
# As in decode_attention.cu.
KEYS_OF_SPLIT = 128
SEQUENCES_OF_SHARE = 8  # of a window, that read its keys and values together
PART = HEAD + 2

Arrays = Sequence[tuple[tuple[int, ...], DTypeLike]]


class KeptQueries:
    """The alignment heads' queries of all positions (gpu.alignment_heads): word times are made from them at the end.

    Attributes:
        queries: (n_sequences, n_kept, n_text_ctx, 64) float32.
        index: (n_text_layer, n_text_head) int32, which of them a head's is, or -1.
        heads: (n_kept, 2) int32, the layer and head of each.
    """

    def __init__(self, device: CudaDevice, arena: Arena, dims: ModelDimensions, n_sequences: int) -> None:
        self.queries, self.index, self.heads = (arena.take(*array) for array in self.arrays(dims, n_sequences))
        heads = np.array(alignment_heads(dims), np.int32)
        index = np.full((dims.n_text_layer, dims.n_text_head), -1, np.int32)
        index[heads[:, 0], heads[:, 1]] = np.arange(len(heads))
        device.upload(self.index, index)
        device.upload(self.heads, heads)

    @staticmethod
    def arrays(dims: ModelDimensions, n_sequences: int) -> Arrays:
        """Shapes and types of what it takes."""
        n_kept = len(alignment_heads(dims))
        return (
            ((n_sequences, n_kept, dims.n_text_ctx, HEAD), np.float32),
            ((dims.n_text_layer, dims.n_text_head), np.int32),
            ((n_kept, 2), np.int32),
        )


class CrossScratch:
    """What `AttentionOps.cross_attention` works in; one serves all layers, one after the other.

    Attributes:
        group: sequences of a window: sequence i belongs to window i // group.
        n_audio_ctx: positions of a window.
        parts: (n_sequences, n_text_head, splits, 66) float32.
        counters: int32, zero between launches.
        kept: where the alignment heads' queries go, if they are wanted.
    """

    def __init__(
        self,
        device: CudaDevice,
        arena: Arena,
        dims: ModelDimensions,
        n_windows: int,
        group: int,
        kept: KeptQueries | None = None,
    ) -> None:
        self.parts, self.counters = (arena.take(*array) for array in self.arrays(dims, n_windows, group))
        device.fill_bytes(self.counters)
        self.group, self.n_audio_ctx, self.kept = group, dims.n_audio_ctx, kept

    @staticmethod
    def arrays(dims: ModelDimensions, n_windows: int, group: int) -> Arrays:
        """Shapes and types of what it takes."""
        splits, shares = -(-dims.n_audio_ctx // KEYS_OF_SPLIT), -(-group // SEQUENCES_OF_SHARE)
        return (
            ((n_windows * group, dims.n_text_head, splits, PART), np.float32),
            ((n_windows * shares, dims.n_text_head), np.int32),
        )
