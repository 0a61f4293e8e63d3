// How much the alignment heads looked at each moment: what words are timed by.
#include "attention.cuh"

#define WEIGHTS_THREADS 128
#define QUERIES_AT_ONCE 4  // of a block: as many as it has warps

// Grid (blocks of QUERIES_AT_ONCE positions, heads), WEIGHTS_THREADS threads, shared QUERIES_AT_ONCE * n_ctx floats.
//   queries: (heads, n_text_ctx, HEAD), positions from `first` on. heads: (heads, 2), layer and head.
//   cross: (layers, 2, n_head, n_ctx, HEAD). out: (heads, n, n_ctx), softmax over the last.
extern "C" __global__ void __launch_bounds__(WEIGHTS_THREADS)
cross_weights(const float* queries, const __half* cross, const int* heads, float* out, int first, int n, int n_text_ctx,
              int n_head, int n_ctx) {
    DYN_SHARED(float, scores);
    const int begin = blockIdx.x * QUERIES_AT_ONCE, lane = threadIdx.x % 32;
    const int part = threadIdx.x % LANES_PER_KEY, group = threadIdx.x / LANES_PER_KEY;
    const __half* keys = cross + ((size_t)heads[2 * blockIdx.y] * 2 * n_head + heads[2 * blockIdx.y + 1]) * n_ctx * HEAD;
    float query[QUERIES_AT_ONCE][8] = {};
#pragma unroll
    for (int i = 0; i < QUERIES_AT_ONCE; ++i)
        if (begin + i < n)
            load_query(query[i], queries + ((size_t)blockIdx.y * n_text_ctx + first + begin + i) * HEAD + part * 8);
    for (int key0 = 0; key0 < n_ctx; key0 += WEIGHTS_THREADS / LANES_PER_KEY) {
        const int key = key0 + group;
        const uint4 k = key < n_ctx ? load8(keys + (size_t)key * HEAD + part * 8) : make_uint4(0, 0, 0, 0);
#pragma unroll
        for (int i = 0; i < QUERIES_AT_ONCE; ++i) {
            const float score = key_sum(dot8(query[i], k));
            if (part == i && key < n_ctx) scores[i * n_ctx + key] = score;
        }
    }
    __syncthreads();
    const int mine = threadIdx.x / 32;
    if (begin + mine >= n) return;
    const float* row = scores + mine * n_ctx;
    float highest = LOWEST, sum = 0.0f;
    for (int key = lane; key < n_ctx; key += 32) highest = fmaxf(highest, row[key]);
#pragma unroll
    for (int offset = 16; offset; offset >>= 1) highest = fmaxf(highest, __shfl_xor_sync(0xffffffffu, highest, offset));
    for (int key = lane; key < n_ctx; key += 32) sum += fast_exp2(row[key] - highest);
#pragma unroll
    for (int offset = 16; offset; offset >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    out += ((size_t)blockIdx.y * n + begin + mine) * n_ctx;
    for (int key = lane; key < n_ctx; key += 32) out[key] = fast_exp2(row[key] - highest) / sum;
}
