"""The predictions of docs/gpu.md are what the tool predicts, and there is one for every kernel."""

import re
from pathlib import Path

from tests.support.cuda.nvidia import recorded
from tests.tools.predict_gpu import BASE, CARDS, kernels, other_kernels, tables


def test_the_documents_tables() -> None:
    assert tables() in (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")


def without_format(name: str) -> str:
    return re.sub(r"_(q\d_\w|f16|f32)$", "", name)


def test_every_kernel_is_predicted() -> None:
    """In one format."""
    names = {name for file in recorded()["files"].values() for name in file["kernels"]}
    predicted = {found[1] for name in (*kernels(CARDS[0], BASE), *other_kernels(CARDS[0], BASE))
                 if (found := re.match(r"`(\w+)`", name))}  # fmt: skip
    assert predicted <= names
    assert {without_format(name) for name in predicted} == {without_format(name) for name in names}
