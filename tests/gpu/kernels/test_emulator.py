"""The emulator: computes what CUDA would, and catches what CUDA leaves undefined."""

import numpy as np
import pytest

from tests.support.cuda.emulator import EMULATOR, EmulationError, Order, compile_kernels

i32, f32 = np.int32, np.float32
HEADER = '#include "cuemu.h"\n#define DYN_SHARED(type, name) type* name = (type*)cuemu_dynamic_shared()\n'


def kernels(source: str):
    return compile_kernels("test.cu", HEADER + source)


@pytest.fixture(params=list(Order), ids=lambda order: order.name.lower())
def every_order(request, monkeypatch):
    monkeypatch.setattr(EMULATOR, "order", request.param)


SUM = """
extern "C" __global__ void __launch_bounds__(256) sums(const float* x, float* y, int n) {
    __shared__ float parts[8];
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, o);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) { float all = 0.f; for (int i = 0; i < 8; ++i) all += parts[i]; y[blockIdx.x] = all; }
}
"""


def test_sums_of_blocks(every_order):
    x = np.random.default_rng(1).normal(size=(37, 301)).astype(f32)
    y = np.full(38, np.nan, f32)
    kernels(SUM)["sums"]((37,), (256,), (x, y, i32(301)))
    np.testing.assert_allclose(y[:37], x.sum(axis=1), rtol=1e-4, atol=1e-4)
    assert np.isnan(y[37])


def test_tensor_core(every_order):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(16, 16)).astype(np.float16), rng.normal(size=(8, 16)).astype(np.float16)
    d = np.ones((16, 8), f32)
    source = """
    extern "C" __global__ void product(const uint32_t* a, const uint32_t* b, float* d) {
        int g = threadIdx.x / 4, c = threadIdx.x % 4;
        uint32_t fa[4] = {a[g * 8 + c], a[(g + 8) * 8 + c], a[g * 8 + c + 4], a[(g + 8) * 8 + c + 4]};
        uint32_t fb[2] = {b[g * 8 + c], b[g * 8 + c + 4]};
        float* rows[2] = {d + g * 8 + 2 * c, d + (g + 8) * 8 + 2 * c};
        float fd[4] = {rows[0][0], rows[0][1], rows[1][0], rows[1][1]};
        mma_m16n8k16(fd, fa, fb);
        for (int i = 0; i < 4; ++i) rows[i / 2][i % 2] = fd[i];
    }
    """
    kernels(source)["product"]((1,), (32,), (a, b, d))
    np.testing.assert_allclose(d, 1 + a.astype(f32) @ b.astype(f32).T, rtol=1e-5, atol=1e-5)


def test_macros_make_kernels_too_and_shared_memory_begins_as_nan():
    source = """
    template <int N> __device__ void fill(float* y) { DYN_SHARED(float, s); y[threadIdx.x] = s[threadIdx.x] + N; }
    #define FILL(n) extern "C" __global__ void fill_##n(float* y) { fill<n>(y); }
    FILL(1)
    FILL(2)
    """
    made = kernels(source)
    assert sorted(made) == ["fill_1", "fill_2"]
    y = np.zeros(4, f32)
    made["fill_2"]((1,), (4,), (y,), 16)
    assert np.isnan(y).all()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("if (threadIdx.x < 5) __syncthreads();", "already ended"),
        ("if (threadIdx.x < 5) { __syncthreads(); }\nelse { __syncthreads(); }", "different barriers"),
        ("__shfl_xor_sync(0xfffffffeu, 1, 1);", "not in its own mask|outside its mask"),
        ("if (threadIdx.x < 8) __shfl_xor_sync(0xffu, 1, 16);", "outside its mask"),
        ("if (threadIdx.x < 8) __syncwarp();", "never come"),
        ("if (threadIdx.x == 3) __syncthreads();\nelse __syncwarp();", "deadlock|already ended|barrier"),
    ],
)
def test_what_threads_must_not_do_together(every_order, body, complaint):
    source = 'extern "C" __global__ void wrong(float* y) {\n' + body + "\ny[threadIdx.x] = 1.f; }"
    with pytest.raises(EmulationError, match=complaint):
        kernels(source)["wrong"]((1,), (32,), (np.zeros(32, f32),))


@pytest.mark.parametrize(
    ("grid", "block", "arguments", "complaint"),
    [
        ((1,), (1025,), (np.zeros(4, f32), np.zeros(4, f32), i32(1)), "blocks of"),
        ((1, 70000), (1,), (np.zeros(4, f32), np.zeros(4, f32), i32(1)), "grids of"),
        ((0,), (1,), (np.zeros(4, f32), np.zeros(4, f32), i32(1)), "grids of"),
        ((1,), (1,), (np.zeros(4, f32), np.zeros(4, f32)), "takes 3 arguments"),
        ((1,), (1,), (np.zeros(4, f32), np.zeros(4, f32), 1), "int32 is needed"),
        ((1,), (1,), (np.zeros((4, 4), f32)[:, 0], np.zeros(4, f32), i32(1)), "contiguous"),
    ],
)
def test_launches_that_cuda_would_take_amiss(grid, block, arguments, complaint):
    with pytest.raises(EmulationError, match=complaint):
        kernels(SUM)["sums"](grid, block, arguments)


def test_parameters_are_ints_floats_and_pointers():
    with pytest.raises(EmulationError, match="must be pointers, int or float"):
        kernels('extern "C" __global__ void odd(double x) {}')


def test_what_does_not_compile():
    with pytest.raises(EmulationError, match="does not build"):
        kernels('extern "C" __global__ void bad(float* y) { y = 1; }')


def test_intrinsics():
    source = """
    extern "C" __global__ void bits(int* y) {
        y[0] = __dp4a(0x01ff7f80, 0x02030405, 100);
        y[1] = __byte_perm(0x33221180, 0x77665544, 0x7408);
        y[2] = __popc(0xf0f0u); y[3] = __ffs(8); y[4] = __clz(1);
        y[5] = __umulhi(0x80000000u, 6u);
        y[6] = atomicAdd(y + 7, 5);
        y[8] = __float2int_rn(2.5f); y[9] = __float2int_rn(-3.5f);
        y[10] = __float2int_rn(nanf("")); y[11] = __float2int_rn(INFINITY); y[12] = __float2int_rn(-3e9f);
    }
    """
    y = np.zeros(13, i32)
    kernels(source)["bits"]((1,), (1,), (y,))
    dp4a = 100 + 1 * 2 + -1 * 3 + 127 * 4 + -128 * 5
    limits = np.iinfo(i32)
    assert y.tolist() == [dp4a, 0x7744_80FF, 8, 4, 31, 3, 0, 5, 2, -4, 0, limits.max, limits.min]
