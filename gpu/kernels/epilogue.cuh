// What a linear layer does with its sums before they leave: bias, GELU, adding to what is there, rounding to half.
#pragma once
#include "device.cuh"

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
    __device__ __forceinline__ void one(int row, int column, float sum) const {
        if (column >= N) return;
        const float value = finish(column, sum);
        const size_t at = (size_t)row * N + column;
        if (flags & EPILOGUE_HALF) {
            ((__half*)out)[at] = __float2half_rn(value);
        } else if (flags & EPILOGUE_ACCUMULATE) {
            ((float*)out)[at] += value;
        } else {
            ((float*)out)[at] = value;
        }
    }
    // Columns `column`, which is even, and the next one.
    __device__ __forceinline__ void pair(int row, int column, float first, float second) const {
        one(row, column, first);
        one(row, column + 1, second);
    }
};
