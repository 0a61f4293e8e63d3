// A matrix in any of ggml's formats to float32: the slow way to read weights, which the others are compared with.
#include "quants.cuh"

#define DEQUANTIZE_THREADS 128

// One thread for each group of 16 weights.
//   planes: the matrix (quants.cuh). w: 16 * n_groups floats.
template <class Format>
__device__ void dequantize(const void* planes, float* w, int n_groups) {
    const int group = blockIdx.x * DEQUANTIZE_THREADS + threadIdx.x;
    if (group >= n_groups) return;
    const Format m(planes, n_groups / (Format::block_size / 16));
    float values[16];
    floats(m, m.load(Format::unit(group)), group, values);
    float4* to = (float4*)(w + 16 * (size_t)group);
#pragma unroll
    for (int i = 0; i < 4; ++i)
        to[i] = make_float4(values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3]);
}

#define DEQUANTIZE(name, Format)                                                                     \
    extern "C" __global__ void __launch_bounds__(DEQUANTIZE_THREADS)                                 \
    dequantize_##name(const void* planes, float* w, int n_groups) {                                  \
        dequantize<Format>(planes, w, n_groups);                                                     \
    }
FOR_EACH_FORMAT(DEQUANTIZE)
