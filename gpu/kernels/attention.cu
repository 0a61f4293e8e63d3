// Attention of many queries on tensor cores (flash attention: Dao et al. 2022, arXiv:2205.14135): the encoder's, and the
// decoder's while it reads a prompt. Scores never leave the registers; the softmax is float32 and runs along the keys.
#include "attention.cuh"

#define TILE 64               // queries, and keys, of a tile
#define ATTENTION_THREADS 128  // four warps, each with 16 of the tile's queries
#define PITCH (HEAD + 8)      // halves of a row in shared memory: rows fall into different banks
#define ROWS_AT_ONCE (ATTENTION_THREADS / (HEAD / 8))  // that the block loads, 16 bytes a thread
#define LOADS (TILE / ROWS_AT_ONCE)

// A tile of keys or values on its way from global to shared memory; rows from n_rows on are zero. Addresses grow by
// steps: products of them would cost the registers that attention does not have (see the limit of 168 there).
struct Staged {
    uint4 part[LOADS];

    __device__ __forceinline__ void load(const __half* rows, int pitch, int n_rows) {
        const int row = threadIdx.x / (HEAD / 8);
        rows += (size_t)row * pitch + threadIdx.x % (HEAD / 8) * 8;
#pragma unroll
        for (int j = 0; j < LOADS; ++j) {
            part[j] = row + j * ROWS_AT_ONCE < n_rows ? load8(rows) : make_uint4(0, 0, 0, 0);
            rows += ROWS_AT_ONCE * pitch;
        }
    }

    __device__ __forceinline__ void store(__half (*tile)[PITCH]) const {
#pragma unroll
        for (int j = 0; j < LOADS; ++j) {
            const int i = threadIdx.x + j * ATTENTION_THREADS;
            *(uint4*)&tile[i / (HEAD / 8)][i % (HEAD / 8) * 8] = part[j];
        }
    }
};

// What a thread holds of its warp's 16 queries: of query lane / 4 and of the one 8 after it, the first and second half of
// each fragment, two columns of every 8.
struct Online {
    float highest[2] = {LOWEST, LOWEST};  // score so far
    float sum[2] = {0.0f, 0.0f};          // of the weights: this thread's share
    float value[HEAD / 8][4] = {};        // weighted sum of the values
};

typedef float Scores[TILE / 8][4];
typedef uint32_t Queries[HEAD / 16][4];

// A fragments of 16 queries, rows `pitch` halves apart; zeros from query n on.
__device__ __forceinline__ void load_queries(Queries& queries, const __half* rows, int pitch, int n) {
    const int group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < HEAD / 16; ++i)
#pragma unroll
        for (int part = 0; part < 4; ++part) {
            const int query = group + part % 2 * 8;
            const __half* from = rows + (size_t)query * pitch + i * 16 + part / 2 * 8 + pair;
            queries[i][part] = query < n ? *(const uint32_t*)from : 0u;
        }
}

__device__ __forceinline__ void multiply_keys(Scores& scores, const Queries& queries, const __half (*keys)[PITCH]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int j = 0; j < TILE / 8; j += 2)
#pragma unroll
        for (int i = 0; i < HEAD / 16; ++i) {  // of 16 keys, 16 dimensions: matrices of the first 8 keys come first
            uint32_t b[4];
            load_matrices(b, &keys[j * 8 + lane / 16 * 8 + lane % 8][i * 16 + lane / 8 % 2 * 8]);
            const uint32_t low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
            mma_m16n8k16(scores[j], queries[i], low);
            mma_m16n8k16(scores[j + 1], queries[i], high);
        }
}

// Keys that are not seen: n of the tile's are there, and the warp's first query sees those before `n_first`, the next one
// one more.
__device__ __forceinline__ void mask(Scores& scores, int n, int n_first) {
    const int group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
#pragma unroll
    for (int j = 0; j < TILE / 8; ++j)
#pragma unroll
        for (int c = 0; c < 4; ++c)
            if (j * 8 + pair + c % 2 >= min(n, n_first + group + c / 2 * 8)) scores[j][c] = LOWEST;
}

// Scores become weights relative to the highest so far, and what was summed up before fades accordingly.
__device__ __forceinline__ void soften(Scores& scores, Online& online) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        float now = online.highest[half];
#pragma unroll
        for (int j = 0; j < TILE / 8; ++j) now = fmaxf(now, fmaxf(scores[j][2 * half], scores[j][2 * half + 1]));
        now = fmaxf(now, __shfl_xor_sync(0xffffffffu, now, 1));
        now = fmaxf(now, __shfl_xor_sync(0xffffffffu, now, 2));
        const float fade = fast_exp2((online.highest[half] - now) * SCORE_SCALE);
        online.highest[half] = now;
        online.sum[half] *= fade;
#pragma unroll
        for (int j = 0; j < TILE / 8; ++j)
#pragma unroll
            for (int c = 2 * half; c < 2 * half + 2; ++c) {
                scores[j][c] = fast_exp2(fmaf(scores[j][c], SCORE_SCALE, -now * SCORE_SCALE));
                online.sum[half] += scores[j][c];
                online.value[j][c] *= fade;
            }
    }
}

__device__ __forceinline__ void multiply_values(Online& online, const Scores& weights, const __half (*values)[PITCH]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < TILE / 16; ++i) {
        const float(&left)[4] = weights[2 * i], (&right)[4] = weights[2 * i + 1];
        const uint32_t a[4] = {pack_halves(left[0], left[1]), pack_halves(left[2], left[3]),
                               pack_halves(right[0], right[1]), pack_halves(right[2], right[3])};
#pragma unroll
        for (int j = 0; j < HEAD / 8; j += 2) {  // of 16 dimensions: matrices of the first 8 come first
            uint32_t b[4];
            load_matrices_transposed(b, &values[i * 16 + lane % 16][j * 8 + lane / 16 * 8]);
            const uint32_t low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
            mma_m16n8k16(online.value[j], a, low);
            mma_m16n8k16(online.value[j + 1], a, high);
        }
    }
}

// The first n of the warp's queries, rows `pitch` halves apart.
__device__ __forceinline__ void write_attended(const Online& online, __half* rows, int pitch, int n) {
    const int group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        float sum = online.sum[half];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        const int query = group + half * 8;
        if (query >= n) continue;
        const float scale = 1.0f / sum;
#pragma unroll
        for (int j = 0; j < HEAD / 8; ++j)
            *(uint32_t*)(rows + (size_t)query * pitch + j * 8 + pair) =
                pack_halves(online.value[j][2 * half] * scale, online.value[j][2 * half + 1] * scale);
    }
}

// Grid (tiles of queries, heads, batch), ATTENTION_THREADS threads: softmax(q k^T / 8) v for each head. Query i sees the
// keys up to first + i: all of them where first >= n_k - 1.
//   q: (batch, n_q, q_row), head h from column h * HEAD. out: (batch, n_q, n_head * HEAD).
//   k, v: (batch, n_k * kv_row): key j of head h from j * kv_row + h * kv_head.
extern "C" __global__ void __launch_bounds__(ATTENTION_THREADS, 3)
flash_attention(const __half* q, const __half* k, const __half* v, __half* out, int n_q, int n_k, int q_row, int kv_row,
                int kv_head, int first) {
    alignas(16) __shared__ __half keys[TILE][PITCH];
    alignas(16) __shared__ __half values[TILE][PITCH];
    const int head = blockIdx.y, n_head = gridDim.y;
    const int begin = blockIdx.x * TILE + threadIdx.x / 32 * 16;  // the warp's first query
    const int n_seen = min(n_k, first + min(n_q, ((int)blockIdx.x + 1) * TILE));  // by the block's last query
    const size_t row = (size_t)blockIdx.z * n_q + begin;
    k += (size_t)blockIdx.z * n_k * kv_row + (size_t)head * kv_head;
    v += (size_t)blockIdx.z * n_k * kv_row + (size_t)head * kv_head;
    Queries queries;
    load_queries(queries, q + row * q_row + head * HEAD, q_row, n_q - begin);
    Online online;
    Staged next_keys, next_values;
    next_keys.load(k, kv_row, n_seen);
    next_values.load(v, kv_row, n_seen);
    for (int key0 = 0; key0 < n_seen; key0 += TILE) {
        __syncthreads();
        next_keys.store(keys);
        next_values.store(values);
        __syncthreads();
        const int key1 = key0 + TILE;
        if (key1 < n_seen) next_keys.load(k += TILE * kv_row, kv_row, n_seen - key1);
        Scores scores = {};
        multiply_keys(scores, queries, keys);
        if (key1 > min(n_k, first + begin + 1)) mask(scores, n_k - key0, first + begin + 1 - key0);
        soften(scores, online);
        // Only now, when the scores are about to leave their registers.
        if (key1 < n_seen) next_values.load(v += TILE * kv_row, kv_row, n_seen - key1);
        multiply_values(online, scores, values);
    }
    write_attended(online, out + (row * n_head + head) * HEAD, n_head * HEAD, n_q - begin);
}
