"""What is measured of a backend, on a small model: its stages, and its graphs' nodes in ONNX Runtime's own traces."""

import numpy as np
import pytest

from gpu.backends.base import DecodePlan, RowParams
from gpu.backends.onnx import OnnxBackend
from gpu.backends.onnx_profile import read_profiles
from gpu.backends.timed import TimedBackend
from gpu.cancel import CancelToken
from gpu.devices import select_device
from gpu.model_file import open_model
from gpu.stage_clock import StageClock
from gpu.token_rules import TokenRules
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

RULES = TokenRules(51865, 50258, 50257, 50363, 50364, (), (), 50)
PROMPT = (50258, 50259, 50359)
D, N_LAYER, N_CTX = 64, 2, 1500


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two windows encoded; sot alone on the first, then both side by side; the clock, the graphs, and the tokens."""
    folder = tmp_path_factory.mktemp("measured")
    path = synthetic_model(synthetic_dimensions(D, N_LAYER)).write_ggml(folder / "small.bin", "Q5_1")
    with open_model(path) as model:
        backend = OnnxBackend(model, select_device("cpu"), 1, folder)
    clock, cancel = StageClock(), CancelToken()
    timed = TimedBackend(backend, clock)
    mel = np.random.default_rng(5).standard_normal((2, 80, 3000)).astype(np.float32) * 0.3
    first, second = timed.encode(mel, cancel)
    alone = timed.open(DecodePlan(1, 1, RULES, 224, 4), cancel)
    alone.admit(0, first, PROMPT[:1], RowParams())
    alone.retire(0)
    both = timed.open(DecodePlan(2, 1, RULES, 224, 4), cancel)
    for slot, cross in enumerate((first, second)):
        both.admit(slot, cross, PROMPT, RowParams())
    steps = both.advance(8)
    return clock.stages, {profile.graph: profile for profile in read_profiles(backend.end_tracing())}, steps


def test_stages_count_windows_and_tokens(measured):
    stages, _, steps = measured
    assert {name: stage.n_items for name, stage in stages.items()} == {
        "encode": 2,
        "prompt": 3,
        "decode": sum(map(len, steps.tokens)),
    }
    assert all(stage.seconds > 0 for stage in stages.values())


def test_runs_are_told_apart_by_what_they_are_for(measured):
    _, profiles, _ = measured
    assert profiles["encoder"].n_runs == 2
    assert profiles["prompt"].n_runs == 3
    assert 1 <= profiles["step"].n_runs <= 8
    assert set(profiles) <= {"encoder", "prompt", "step", "look ahead"}


def test_nodes_make_up_their_graph(measured):
    stages, profiles, _ = measured
    for profile in profiles.values():
        assert 0 < sum(node.seconds for node in profile.nodes) <= profile.seconds
        assert [node.seconds for node in profile.nodes] == sorted((n.seconds for n in profile.nodes), reverse=True)
    assert profiles["encoder"].seconds <= stages["encode"].seconds


def test_layers_are_added_up_under_their_weights_name(measured):
    _, profiles, _ = measured
    nodes = {(node.op, node.node): node for node in profiles["encoder"].nodes}
    product = nodes["FusedMatMul", "encoder.blocks.*.mlp.0.weight"]
    assert product.n_calls == 2 * N_LAYER
    assert product.flops == 2 * N_LAYER * 2 * N_CTX * D * 4 * D
    assert product.output_bytes == N_CTX * 4 * D * 4
    convolution = nodes["Conv", "encoder.conv1.weight"]
    assert convolution.flops == 2 * 2 * 2 * N_CTX * D * 80 * 3
    [attention] = [node for (op, _), node in nodes.items() if op == "MultiHeadAttention"]
    assert attention.flops == 2 * N_LAYER * 4 * N_CTX * N_CTX * D
    logits = next(n for n in profiles["prompt"].nodes if n.node == "decoder.token_embedding.weight.q")
    assert logits.flops == 3 * 2 * 2 * D * 51865  # after sot and after the last token


def test_without_a_folder_nothing_is_traced(engine):
    assert engine.profiles() == []
