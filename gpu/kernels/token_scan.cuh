// Maxima and sums over the vocabulary. Text and timestamps are kept apart: no block holds both, since whether text may
// come at all is known only when everything has been looked at.
#pragma once
#include "rules.cuh"

#define SCAN_THREADS 256     // of a block that scans logits ...
#define TOKENS_PER_THREAD 4  // ... and how many each thread looks at
#define TOKENS_PER_BLOCK (SCAN_THREADS * TOKENS_PER_THREAD)

#define NEG_INF __int_as_float(0xff800000)
#define NOT_A_NUMBER __int_as_float(0x7fffffff)

__device__ __forceinline__ bool is_nan(float x) { return x != x; }

struct Best {
    float value;
    int id;  // -1: none; then the value is -inf
};

// The better of two, the lower id among equals: NumPy's argmax.
__device__ __forceinline__ Best better(Best a, Best b) {
    const bool second = b.value > a.value || (b.value == a.value && b.id < a.id);
    return second ? b : a;
}

__device__ __forceinline__ Best warp_best(Best best) {
    for (int offset = 16; offset > 0; offset >>= 1) {
        Best other;
        other.value = __shfl_xor_sync(0xffffffffu, best.value, offset);
        other.id = __shfl_xor_sync(0xffffffffu, best.id, offset);
        best = better(best, other);
    }
    return best;
}

// A part of a distribution: exp(logit - max) summed up. A NaN anywhere makes the sum NaN.
struct Mass {
    float max;
    float sum;

    __device__ __forceinline__ float log() const { return max + logf(sum); }
};

__device__ __forceinline__ Mass together(Mass a, Mass b) {
    const float max = fmaxf(a.max, b.max);
    const float of_a = a.sum == 0.0f ? 0.0f : a.sum * expf(a.max - max);
    const float of_b = b.sum == 0.0f ? 0.0f : b.sum * expf(b.max - max);
    return Mass{max, of_a + of_b};
}

__device__ __forceinline__ Mass warp_mass(Mass mass) {
    for (int offset = 16; offset > 0; offset >>= 1) {
        Mass other;
        other.max = __shfl_xor_sync(0xffffffffu, mass.max, offset);
        other.sum = __shfl_xor_sync(0xffffffffu, mass.sum, offset);
        mass = together(mass, other);
    }
    return mass;
}

// What one block of a scan found out.
struct alignas(16) Partial {
    Mass mass;
    Best best;
};

__device__ __forceinline__ int n_blocks_of(int n_tokens) { return (n_tokens + TOKENS_PER_BLOCK - 1) / TOKENS_PER_BLOCK; }

// The tokens this block of a scan looks at: thread t at first + t, first + t + SCAN_THREADS, ... below end.
struct Slice {
    int first;
    int end;

    __device__ __forceinline__ Slice(int n_vocab, int timestamp_begin) {
        const int n_text_blocks = n_blocks_of(timestamp_begin), block = blockIdx.x;
        const bool text = block < n_text_blocks;
        first = text ? block * TOKENS_PER_BLOCK : timestamp_begin + (block - n_text_blocks) * TOKENS_PER_BLOCK;
        end = min(first + TOKENS_PER_BLOCK, text ? timestamp_begin : n_vocab);
    }
};

// The largest of each thread's value and all others of the block; called by all its threads.
__device__ __forceinline__ Best block_best(Best best, Best* of_warp) {
    best = warp_best(best);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = best;
    __syncthreads();
    best = of_warp[0];
    for (int w = 1; w < SCAN_THREADS / 32; ++w) best = better(best, of_warp[w]);
    __syncthreads();  // of_warp may be written again
    return best;
}

// The logits of a thread's tokens, -inf for what may not come and beyond the slice's end.
__device__ __forceinline__ void load_allowed(float (&values)[TOKENS_PER_THREAD], const float* logits,
                                             const Allowed& allowed, Slice slice) {
    for (int j = 0; j < TOKENS_PER_THREAD; ++j) {
        const int token = slice.first + threadIdx.x + j * SCAN_THREADS;
        values[j] = token < slice.end && allowed(token) ? logits[token] : NEG_INF;
    }
}

// The id of the largest of a thread's values.
__device__ __forceinline__ Best thread_best(const float (&values)[TOKENS_PER_THREAD], Slice slice) {
    Best best{NEG_INF, -1};
    for (int j = 0; j < TOKENS_PER_THREAD; ++j)
        if (values[j] > best.value) best = Best{values[j], slice.first + (int)threadIdx.x + j * SCAN_THREADS};
    return best;
}

// The block's sum of exp(value - max); complete in thread 0.
__device__ __forceinline__ float block_sum_exp(const float (&values)[TOKENS_PER_THREAD], float max, float* of_warp) {
    float sum = 0.0f;
    for (int j = 0; j < TOKENS_PER_THREAD; ++j)
        if (values[j] != NEG_INF) sum += expf(values[j] - max);
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = of_warp[0];
    for (int w = 1; w < SCAN_THREADS / 32; ++w) sum += of_warp[w];
    return sum;
}

// What the blocks [begin, end) of a sequence found; every lane of the warp gets it.
__device__ __forceinline__ Partial merge(const Partial* partials, int begin, int end) {
    Partial all{Mass{NEG_INF, 0.0f}, Best{NEG_INF, -1}};
    for (int b = begin + (int)threadIdx.x; b < end; b += 32) {
        all.mass = together(all.mass, partials[b].mass);
        all.best = better(all.best, partials[b].best);
    }
    return Partial{warp_mass(all.mass), warp_best(all.best)};
}

// What may follow, and how probable all of it is together.
struct Ruled {
    bool text;      // or timestamps only
    float log_sum;  // NaN if any logit was
};

__device__ __forceinline__ Ruled rule_timestamps(Mass text, Mass times) {
    const bool no_text = times.log() > text.max;  // a timestamp is more probable than any single text token
    const Mass all = together(text, times);
    const float log_sum = no_text && !is_nan(all.sum) ? times.log() : all.log();
    return Ruled{!no_text, log_sum};
}
