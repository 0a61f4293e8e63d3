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
    __device__ __forceinline__ void one(int row, int column, float sum) const {
        if (column >= N) return;
        const float value = finish(column, sum);
        const size_t at = (size_t)row * N + column;
        if (flags & EPILOGUE_HALF) {
            ((__half*)out)[at] = __float2half_rn(value);
        } else {
            ((float*)out)[at] = flags & EPILOGUE_ACCUMULATE ? ((float*)out)[at] + value : value;
        }
    }
    // Columns `column`, which is even, and the next one: together where rows are even too.
    __device__ __forceinline__ void pair(int row, int column, float first, float second) const {
        if (N % 2) {
            one(row, column, first);
            one(row, column + 1, second);
        } else if (column < N) {
            float2 values = make_float2(finish(column, first), finish(column + 1, second));
            const size_t at = ((size_t)row * N + column) / 2;
            if (flags & EPILOGUE_HALF) {
                ((unsigned int*)out)[at] = pack_halves(values.x, values.y);
                return;
            }
            float2* to = (float2*)out + at;
            if (flags & EPILOGUE_ACCUMULATE) values = make_float2(to->x + values.x, to->y + values.y);
            *to = values;
        }
    }
};
