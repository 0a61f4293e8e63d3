// What the attention kernels share. A head has HEAD dimensions; eight of them are one load of 16 bytes.
#pragma once
#include "halves.cuh"

#define HEAD 64
#define LANES_PER_KEY 8  // lanes that share a key: eight dimensions each

// exp(x / sqrt(HEAD)) is exp2(x * SCORE_SCALE): log2(e) / 8.
#define SCORE_SCALE 0.18033688011112042f

// Below every score, but finite: the difference of two is 0, not NaN.
#define LOWEST -1e30f

union Half8 {
    uint4 raw;
    __half value[8];
};

__device__ __forceinline__ uint4 load8(const __half* p) { return __ldg((const uint4*)p); }

// The part of q . k that these eight dimensions give.
__device__ __forceinline__ float dot8(const float (&q)[8], uint4 k) {
    Half8 halves;
    halves.raw = k;
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) sum = fmaf(q[i], __half2float(halves.value[i]), sum);
    return sum;
}

// The sum over the lanes that share a key, the same in each.
__device__ __forceinline__ float key_sum(float v) {
#pragma unroll
    for (int offset = LANES_PER_KEY / 2; offset; offset >>= 1) v += __shfl_xor_sync(0xffffffffu, v, offset);
    return v;
}

// Eight dimensions of a query, scaled so that exp2 of a score is its weight.
__device__ __forceinline__ void load_query(float (&q)[8], const float* p) {
    const float4 low = ((const float4*)p)[0], high = ((const float4*)p)[1];
    const float values[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) q[i] = values[i] * SCORE_SCALE;
}
