// Attention of many queries on tensor cores (flash attention: Dao et al. 2022, arXiv:2205.14135): the encoder's, and the
// decoder's while it reads a prompt. Scores never leave the registers; the softmax is float32 and runs along the keys.
#include "attention.cuh"

#define TILE 64               // queries, and keys, of a tile
#define ATTENTION_THREADS 128  // four warps, each with 16 of the tile's queries
#define PITCH (HEAD + 8)      // halves of a row in shared memory: rows fall into different banks
#define LOADS (TILE * HEAD / 8 / ATTENTION_THREADS)

// A tile of keys or values on its way from global to shared memory; rows from n_rows on are zero.
struct Staged {
    uint4 part[LOADS];

    __device__ __forceinline__ void load(const __half* rows, int pitch, int n_rows) {
#pragma unroll
        for (int j = 0; j < LOADS; ++j) {
            const int i = threadIdx.x + j * ATTENTION_THREADS, row = i / (HEAD / 8), column = i % (HEAD / 8) * 8;
            part[j] = row < n_rows ? load8(rows + (size_t)row * pitch + column) : make_uint4(0, 0, 0, 0);
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

// Grid (tiles of queries, heads, batch), ATTENTION_THREADS threads: softmax(q k^T / 8) v for each head. Query i sees the
// keys up to first + i: all of them where first >= n_k - 1.
//   q: (batch, n_q, q_row), head h from column h * HEAD. out: (batch, n_q, n_head * HEAD).
//   k, v: (batch, n_k * kv_row): key j of head h from j * kv_row + h * kv_head.
extern "C" __global__ void __launch_bounds__(ATTENTION_THREADS, 3)
flash_attention(const __half* q, const __half* k, const __half* v, __half* out, int n_q, int n_k, int q_row, int kv_row,
                int kv_head, int first) {
    alignas(16) __shared__ __half keys[TILE][PITCH];
    alignas(16) __shared__ __half values[TILE][PITCH];
    const int head = blockIdx.y, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4 * 2;
    const int begin = blockIdx.x * TILE + threadIdx.x / 32 * 16;  // the warp's first query
    const int n_seen = min(n_k, first + min(n_q, ((int)blockIdx.x + 1) * TILE));  // by the block's last query
    k += (size_t)blockIdx.z * n_k * kv_row + (size_t)head * kv_head;
    v += (size_t)blockIdx.z * n_k * kv_row + (size_t)head * kv_head;

    uint32_t queries[4][4];  // A fragments: 16 queries, 16 dimensions each
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int part = 0; part < 4; ++part) {
            const int query = begin + group + part % 2 * 8;
            const __half* row = q + ((size_t)blockIdx.z * n_q + query) * q_row + head * HEAD;
            queries[i][part] = query < n_q ? *(const uint32_t*)(row + i * 16 + part / 2 * 8 + pair) : 0u;
        }

    // Of query `group` of the warp and of the one 8 after it: the highest score so far, the sum of the weights (this
    // thread's share), and the weighted sum of the values.
    float highest[2] = {LOWEST, LOWEST}, sum[2] = {0.0f, 0.0f}, attended[HEAD / 8][4] = {};
    Staged next_keys, next_values;
    next_keys.load(k, kv_row, n_seen);
    next_values.load(v, kv_row, n_seen);
    for (int key0 = 0; key0 < n_seen; key0 += TILE) {
        __syncthreads();
        next_keys.store(keys);
        next_values.store(values);
        __syncthreads();
        const int key1 = key0 + TILE;
        if (key1 < n_seen) next_keys.load(k + (size_t)key1 * kv_row, kv_row, n_seen - key1);

        float scores[TILE / 8][4] = {};
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
        if (key1 > min(n_k, first + begin + 1)) {  // some query of the warp does not see all of the tile
#pragma unroll
            for (int j = 0; j < TILE / 8; ++j)
#pragma unroll
                for (int c = 0; c < 4; ++c) {
                    const int key = key0 + j * 8 + pair + c % 2, query = begin + group + c / 2 * 8;
                    if (key >= n_k || key > first + query) scores[j][c] = LOWEST;
                }
        }

#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float now = highest[half];
#pragma unroll
            for (int j = 0; j < TILE / 8; ++j) now = fmaxf(now, fmaxf(scores[j][2 * half], scores[j][2 * half + 1]));
            now = fmaxf(now, __shfl_xor_sync(0xffffffffu, now, 1));
            now = fmaxf(now, __shfl_xor_sync(0xffffffffu, now, 2));
            const float fade = fast_exp2((highest[half] - now) * SCORE_SCALE);
            highest[half] = now;
            sum[half] *= fade;
#pragma unroll
            for (int j = 0; j < TILE / 8; ++j)
#pragma unroll
                for (int c = 2 * half; c < 2 * half + 2; ++c) {
                    scores[j][c] = fast_exp2(fmaf(scores[j][c], SCORE_SCALE, -now * SCORE_SCALE));
                    sum[half] += scores[j][c];
                    attended[j][c] *= fade;
                }
        }

        // Only now, while the scores are about to leave their registers.
        if (key1 < n_seen) next_values.load(v + (size_t)key1 * kv_row, kv_row, n_seen - key1);
#pragma unroll
        for (int i = 0; i < TILE / 16; ++i) {  // the weights as A fragments: 16 queries, 16 keys each
            const uint32_t weights[4] = {
                pack_halves(scores[2 * i][0], scores[2 * i][1]), pack_halves(scores[2 * i][2], scores[2 * i][3]),
                pack_halves(scores[2 * i + 1][0], scores[2 * i + 1][1]),
                pack_halves(scores[2 * i + 1][2], scores[2 * i + 1][3])};
#pragma unroll
            for (int j = 0; j < HEAD / 8; j += 2) {  // of 16 dimensions: matrices of the first 8 come first
                uint32_t b[4];
                load_matrices_transposed(b, &values[i * 16 + lane % 16][j * 8 + lane / 16 * 8]);
                const uint32_t low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
                mma_m16n8k16(attended[j], weights, low);
                mma_m16n8k16(attended[j + 1], weights, high);
            }
        }
    }

#pragma unroll
    for (int half = 0; half < 2; ++half) {
        sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 1);
        sum[half] += __shfl_xor_sync(0xffffffffu, sum[half], 2);
        const int query = begin + group + half * 8;
        if (query >= n_q) continue;
        const float scale = 1.0f / sum[half];
        __half* row = out + (((size_t)blockIdx.z * n_q + query) * gridDim.y + head) * HEAD;
#pragma unroll
        for (int j = 0; j < HEAD / 8; ++j)
            *(uint32_t*)(row + j * 8 + pair) =
                pack_halves(attended[j][2 * half] * scale, attended[j][2 * half + 1] * scale);
    }
}
