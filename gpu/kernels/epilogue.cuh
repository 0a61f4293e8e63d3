// What a linear layer does with its sums before they leave: bias, GELU, adding to what is there, rounding to half.
#pragma once
#include "halves.cuh"

// Bits of flags; gpu/backends/cuda_linear.py names them too.
#define EPILOGUE_GELU 1
#define EPILOGUE_ACCUMULATE 2  // out += ...; float32 only
#define EPILOGUE_HALF 4        // out is float16

// x * Phi(x) with the exact normal distribution, as openai/whisper uses it.
__device__ __forceinline__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }

struct Epilogue {
    const float* bias;  // (N) or NULL
    void* out;          // (rows, N)
    int N, flags;

    __device__ __forceinline__ float finish(int column, float sum) const {
        if (bias) sum += bias[column];
        return flags & EPILOGUE_GELU ? gelu(sum) : sum;
    }
    __device__ __forceinline__ void store(size_t at, float value) const {
        if (flags & EPILOGUE_HALF) {
            ((__half*)out)[at] = __float2half_rn(value);
        } else {
            ((float*)out)[at] = flags & EPILOGUE_ACCUMULATE ? ((float*)out)[at] + value : value;
        }
    }
    __device__ __forceinline__ void one(int row, int column, float sum) const {
        store((size_t)row * N + column, finish(column, sum));
    }
    // Four columns from `column` on, a multiple of 4, as far as there are columns: at once where all rows are aligned.
    __device__ __forceinline__ void four(int row, int column, float4 sums) const {
        float values[4] = {sums.x, sums.y, sums.z, sums.w};
        const size_t at = (size_t)row * N + column;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (column + i < N) values[i] = finish(column + i, values[i]);
        if (N % 4) {
            for (int i = 0; i < 4 && column + i < N; ++i) store(at + i, values[i]);
        } else if (column >= N) {
            return;
        } else if (flags & EPILOGUE_HALF) {
            *(uint2*)((__half*)out + at) = make_uint2(pack_halves(values[0], values[1]), pack_halves(values[2], values[3]));
        } else {
            float4* to = (float4*)((float*)out + at);
            float4 v = make_float4(values[0], values[1], values[2], values[3]);
            if (flags & EPILOGUE_ACCUMULATE) v = make_float4(to->x + v.x, to->y + v.y, to->z + v.z, to->w + v.w);
            *to = v;
        }
    }
};
