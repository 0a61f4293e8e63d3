"""Make checkpoint.pt and checkpoint.npz: tensors of every kind as real PyTorch saves them, and their values.

Run with a Python that has torch (2.x): python tests/data/make_checkpoint.py
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parent


def main() -> None:
    torch.manual_seed(0)
    whole = torch.randn(6, 8)
    tensors = {
        "half": torch.randn(3, 5).half(),
        "float": torch.randn(4, 2, 3),
        "double": torch.randn(7).double(),
        "bfloat16": torch.randn(5, 4).bfloat16(),
        "transposed": torch.randn(4, 6).t(),
        "rows": whole[2:4],
        "shared": whole[2:4],
        "parameter": torch.nn.Parameter(torch.randn(2, 3)),
    }
    module = torch.nn.Linear(3, 2)
    state = OrderedDict(tensors)
    state.update((f"linear.{name}", value) for name, value in module.state_dict().items())
    state._metadata = module.state_dict()._metadata
    dims = {"n_mels": 80, "n_vocab": 51865}
    torch.save({"dims": dims, "model_state_dict": state}, DATA / "checkpoint.pt")
    np.savez_compressed(DATA / "checkpoint.npz", **{name: t.detach().float().numpy() for name, t in state.items()})


if __name__ == "__main__":
    main()
