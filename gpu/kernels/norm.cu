// Layer normalization of rows of float32: what every linear layer of the network reads.
#include "halves.cuh"

#define NORM_THREADS 128
#define VECTORS_PER_THREAD 4  // float4 each: rows of up to 2048

// The sum of `v` over the block, the same in every thread; `sum_of_warp` may be used again after a barrier.
__device__ __forceinline__ float block_sum(float v, float* sum_of_warp) {
#pragma unroll
    for (int offset = 16; offset; offset >>= 1) v += __shfl_xor_sync(0xffffffffu, v, offset);
    if (threadIdx.x % 32 == 0) sum_of_warp[threadIdx.x / 32] = v;
    __syncthreads();
    v = 0.0f;
#pragma unroll
    for (int warp = 0; warp < NORM_THREADS / 32; ++warp) v += sum_of_warp[warp];
    return v;
}

__device__ __forceinline__ void store4(float* out, float4 v) { *(float4*)out = v; }

__device__ __forceinline__ void store4(__half* out, float4 v) {
    *(uint2*)out = make_uint2(pack_halves(v.x, v.y), pack_halves(v.z, v.w));
}

// One row, kept in registers between its mean, its variance and its use.
template <typename Out>
__device__ __forceinline__ void layer_norm(const float* x, const float* gamma, const float* beta, Out* out, int n_state,
                                           float eps) {
    __shared__ float sums[2][NORM_THREADS / 32];
    x += (size_t)blockIdx.x * n_state;
    out += (size_t)blockIdx.x * n_state;
    float4 v[VECTORS_PER_THREAD];
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < VECTORS_PER_THREAD; ++j) {
        const int i = 4 * (threadIdx.x + j * NORM_THREADS);
        v[j] = i < n_state ? *(const float4*)(x + i) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        sum += (v[j].x + v[j].y) + (v[j].z + v[j].w);
    }
    const float mean = block_sum(sum, sums[0]) / n_state;
    sum = 0.0f;
#pragma unroll
    for (int j = 0; j < VECTORS_PER_THREAD; ++j) {
        const int i = 4 * (threadIdx.x + j * NORM_THREADS);
        v[j] = make_float4(v[j].x - mean, v[j].y - mean, v[j].z - mean, v[j].w - mean);
        if (i < n_state) sum += (v[j].x * v[j].x + v[j].y * v[j].y) + (v[j].z * v[j].z + v[j].w * v[j].w);
    }
    const float scale = 1.0f / sqrtf(block_sum(sum, sums[1]) / n_state + eps);
#pragma unroll
    for (int j = 0; j < VECTORS_PER_THREAD; ++j) {
        const int i = 4 * (threadIdx.x + j * NORM_THREADS);
        if (i >= n_state) continue;
        const float4 g = *(const float4*)(gamma + i), b = *(const float4*)(beta + i);
        store4(out + i, make_float4(v[j].x * scale * g.x + b.x, v[j].y * scale * g.y + b.y,
                                    v[j].z * scale * g.z + b.z, v[j].w * scale * g.w + b.w));
    }
}

// Grid (rows), NORM_THREADS threads. x, out: (rows, n_state), n_state a multiple of 4, at most 2048.
extern "C" __global__ void __launch_bounds__(NORM_THREADS)
layer_norm_f32(const float* x, const float* gamma, const float* beta, float* out, int n_state, float eps) {
    layer_norm(x, gamma, beta, out, n_state, eps);
}

extern "C" __global__ void __launch_bounds__(NORM_THREADS)
layer_norm_f16(const float* x, const float* gamma, const float* beta, __half* out, int n_state, float eps) {
    layer_norm(x, gamma, beta, out, n_state, eps);
}
