// The inputs of a matrix-vector product, made ready in shared memory by every block for itself: LayerNorm, then q8_1
// (32 values share a scale d = max|x| / 127) or plain float32. A warp takes 256 consecutive values at a time.
#pragma once
#include "quants.cuh"

#define LAYER_NORM_EPS 1e-5f

// Rows of x, (n_rows, K), normalised on the way if there is a gamma.
struct Input {
    const float *x, *gamma, *beta;
    int n_rows, K;
};

__device__ __forceinline__ float sum_of_warp(float v) {
#pragma unroll
    for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(0xffffffffu, v, lanes);
    return v;
}

// Mean and 1 / standard deviation of a row, by one warp: from the second pass on the row comes from the cache.
__device__ __forceinline__ void moments(const float* x, int K, float& mean, float& scale) {
    float sum = 0.0f, squares = 0.0f;
    for (int k = threadIdx.x % 32 * 4; k < K; k += 128) {
        const float4 v = *(const float4*)(x + k);
        sum += v.x + v.y + (v.z + v.w);
    }
    mean = sum_of_warp(sum) / K;
    for (int k = threadIdx.x % 32 * 4; k < K; k += 128) {
        const float4 v = *(const float4*)(x + k);
        const float a = v.x - mean, b = v.y - mean, c = v.z - mean, d = v.w - mean;
        squares += a * a + b * b + (c * c + d * d);
    }
    scale = 1.0f / sqrtf(sum_of_warp(squares) / K + LAYER_NORM_EPS);
}

__device__ __forceinline__ void load_eight(const float* at, float (&v)[8]) {
    const float4 low = *(const float4*)at, high = *(const float4*)(at + 4);
    v[0] = low.x, v[1] = low.y, v[2] = low.z, v[3] = low.w;
    v[4] = high.x, v[5] = high.y, v[6] = high.z, v[7] = high.w;
}

// Stores columns [first, first + n) of all rows with to.store(row, column - first, 8 values, whether there are any),
// which all lanes of a warp call together.
template <class Activations>
__device__ __forceinline__ void prepare(const Input& in, int first, int n, const Activations& to) {
    const int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int warps_of_row = in.n_rows < warps ? warps / in.n_rows : 1;
    const int rows_at_once = warps / warps_of_row;
    if (warp >= rows_at_once * warps_of_row) return;
    for (int row = warp / warps_of_row; row < in.n_rows; row += rows_at_once) {
        const float* x = in.x + (size_t)row * in.K;
        float mean = 0.0f, scale = 1.0f;
        if (in.gamma) moments(x, in.K, mean, scale);
        for (int begin = warp % warps_of_row * 256; begin < n; begin += warps_of_row * 256) {
            const int k = begin + lane * 8;
            float v[8] = {};
            if (k < n) {
                load_eight(x + first + k, v);
                if (in.gamma) {
                    float gamma[8], beta[8];
                    load_eight(in.gamma + first + k, gamma);
                    load_eight(in.beta + first + k, beta);
#pragma unroll
                    for (int i = 0; i < 8; ++i) v[i] = (v[i] - mean) * scale * gamma[i] + beta[i];
                }
            }
            to.store(row, k, v, k < n);
        }
    }
}

// q8_1: for every group of 16 values their integers, the scale, and the sum of the integers. Groups lie in the order in
// which a format's units need them: first all that are a unit's group 0, then all that are its group 1.
template <class Format>
struct Quantized {
    uint4* q;       // (rows, 2, units)
    float2* scale;  // (rows, 2, units): d, sum of q
    int units;      // of 32 weights, in a chunk of K

    // Bytes of shared memory for each row and value: 1.5 (cuda_linear.py counts on it).
    __device__ Quantized(void* shared, int n_rows, int chunk)
        : q((uint4*)shared), scale((float2*)(q + n_rows * (chunk / 16))), units(chunk / 32) {}

    __device__ __forceinline__ int place(int row, int unit, int which) const { return (2 * row + which) * units + unit; }

    __device__ __forceinline__ void store(int row, int k, const float (&v)[8], bool any) const {
        unsigned int largest = 0;  // as bits, among which a NaN is the largest of all
#pragma unroll
        for (int i = 0; i < 8; ++i) largest = max(largest, __float_as_uint(v[i]) & 0x7fffffffu);
        largest = max(largest, __shfl_xor_sync(0xffffffffu, largest, 1));  // four lanes hold what shares a scale
        largest = max(largest, __shfl_xor_sync(0xffffffffu, largest, 2));
        const float most = __uint_as_float(largest), inverse = most > 0.0f ? 127.0f / most : 0.0f;
        unsigned int words[2] = {0, 0};
        int sum = 0;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const int rounded = __float2int_rn(v[i] * inverse);
            sum += rounded;
            words[i / 4] |= (rounded & 255u) << 8 * (i % 4);
        }
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);  // two lanes are a group
        if (!any) return;
        const int group = k / 16, at = place(row, Format::unit(group), Format::which(group));
        ((uint2*)(q + at))[k / 8 % 2] = make_uint2(words[0], words[1]);
        if (k % 16 == 0) scale[at] = make_float2(most / 127.0f, (float)sum);
    }
};

// float32: eight values are a unit, of which the first and the second half lie apart.
struct Plainly {
    float4* x;  // (rows, 2, units)
    int units;  // of 8 weights, in a chunk of K

    __device__ Plainly(void* shared, int, int chunk) : x((float4*)shared), units(chunk / 8) {}

    __device__ __forceinline__ int place(int row, int unit, int which) const { return (2 * row + which) * units + unit; }

    __device__ __forceinline__ void store(int row, int k, const float (&v)[8], bool any) const {
        if (!any) return;
        x[place(row, k / 8, 0)] = make_float4(v[0], v[1], v[2], v[3]);
        x[place(row, k / 8, 1)] = make_float4(v[4], v[5], v[6], v[7]);
    }
};
