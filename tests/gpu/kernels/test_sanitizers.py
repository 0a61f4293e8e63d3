"""The kernels under the sanitizers of the host's compiler; and bugs planted to see that each is caught by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cuda.sanitizers import run_sanitized, why_no_sanitizer

HERE = Path(__file__).parent
SANITIZERS = ("address", "thread")
# Beside these: what runs no kernel of ours, and this file.
NO_KERNELS = {"test_compile.py", "test_images.py", "test_mutation.py", Path(__file__).name}
TESTS = sorted({path.name for path in HERE.glob("test_*.py")} - NO_KERNELS)
QUICK = ("test_norm.py",)  # quick to build, too

PLANTED = """
#include "cuemu.h"
#define KERNEL(name) extern "C" __global__ void name(const float* x, float* y, int n)
KERNEL(read_beyond) { y[threadIdx.x] = x[threadIdx.x + n]; }
KERNEL(write_beyond) { y[threadIdx.x + n] = x[threadIdx.x]; }
KERNEL(shared_beyond) { __shared__ float s[64]; s[threadIdx.x + n] = x[threadIdx.x]; y[threadIdx.x] = s[threadIdx.x]; }
KERNEL(misaligned) { const float4 four = *(const float4*)(x + 1); y[threadIdx.x] = four.x + four.w; }
KERNEL(no_barrier) { __shared__ float s[64]; s[threadIdx.x] = x[threadIdx.x]; y[threadIdx.x] = s[63 - threadIdx.x]; }
KERNEL(no_warp_barrier) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[threadIdx.x ^ 1];
}
KERNEL(shuffle_is_no_barrier) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    const float sum = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
    y[threadIdx.x] = sum + s[threadIdx.x ^ 1];
}
KERNEL(one_warp_barrier_of_two) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x] = s[threadIdx.x ^ 1];
    s[threadIdx.x] = 2 * x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x] += s[threadIdx.x ^ 1];
}
KERNEL(divergent_barrier) { if (threadIdx.x < 40) __syncthreads(); y[threadIdx.x] = x[threadIdx.x]; }
KERNEL(wrong_mask) { y[threadIdx.x] = __shfl_down_sync(0x0000ffffu, x[threadIdx.x], 1); }
KERNEL(unwritten) { const float* s = (const float*)cuemu_dynamic_shared(); y[threadIdx.x] = s[threadIdx.x]; }
KERNEL(sound) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = s[63 - threadIdx.x];
}
"""
LAUNCH = """
import sys
import numpy as np
from tests.support.cuda.emulator import compile_kernels
x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
compile_kernels("planted.cu", sys.stdin.read())[sys.argv[1]]((1,), (64,), (x, y, np.int32(64)), 256)
sys.exit("not a number: shared memory was read before it was written" if np.isnan(y).any() else 0)
"""


def need(sanitizer: str) -> None:
    if (missing := why_no_sanitizer(sanitizer)) is not None:
        pytest.skip(missing)


@pytest.mark.parametrize(
    ("sanitizer", "kernel", "complaint"),
    [
        ("address", "read_beyond", "heap-buffer-overflow"),
        ("address", "write_beyond", "heap-buffer-overflow"),
        ("address", "shared_beyond", "out of bounds|global-buffer-overflow"),
        ("address", "misaligned", "misaligned address"),
        ("address", "divergent_barrier", "__syncthreads"),
        ("address", "wrong_mask", "not in its own mask|outside its mask"),
        ("address", "unwritten", "read before it was written"),
        ("thread", "no_barrier", "data race"),
        ("thread", "no_warp_barrier", "data race"),
        ("thread", "shuffle_is_no_barrier", "data race"),
        ("thread", "one_warp_barrier_of_two", "data race"),
    ],
)
def test_planted_bugs_are_caught(sanitizer: str, kernel: str, complaint: str) -> None:
    need(sanitizer)
    done = run_sanitized(sanitizer, ["-c", LAUNCH, kernel], stdin=PLANTED)
    assert done.returncode != 0, "not caught"
    assert any(part in done.stdout for part in complaint.split("|")), done.stdout[-4000:]


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_a_sound_kernel_is_not_complained_about(sanitizer: str) -> None:
    need(sanitizer)
    done = run_sanitized(sanitizer, ["-c", LAUNCH, "sound"], stdin=PLANTED)
    assert done.returncode == 0, done.stdout[-4000:]


def run_tests(sanitizer: str, *files: str) -> None:
    need(sanitizer)
    pytest_options = ["-q", "-x", "--capture=no", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "not long"]
    paths = [str(HERE / file) for file in files]
    done = run_sanitized(sanitizer, ["-m", "pytest", *pytest_options, *paths], limit_s=3600)
    assert done.returncode == 0, done.stdout[-8000:]
    assert " skipped" not in done.stdout, done.stdout[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_quick_kernels(sanitizer: str) -> None:
    run_tests(sanitizer, *QUICK)


@pytest.mark.long
@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("file", [file for file in TESTS if file not in QUICK])
def test_all_kernels(sanitizer: str, file: str) -> None:
    run_tests(sanitizer, file)
