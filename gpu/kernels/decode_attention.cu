// Attention of one new position a sequence. Eight lanes share a key; a block has KEYS_AT_ONCE keys in flight.
#include "attention.cuh"
#include "state.cuh"

#define DECODE_THREADS 256
#define WARPS (DECODE_THREADS / 32)
#define GROUPS (DECODE_THREADS / LANES_PER_KEY)
#define KEYS_PER_LANE 4
#define KEYS_AT_ONCE (GROUPS * KEYS_PER_LANE)  // 128: also the keys of a split of cross_attention
#define MOST_SEQUENCES 8  // of a window whose keys and values are read once for all of them
#define PART (HEAD + 2)   // floats of what a part of the keys gives: HEAD values, highest score, sum of weights
#define PARTS_AT_ONCE 12  // loads in flight when parts are put together: the splits of Whisper's 1500 positions

// What some of the keys give to eight dimensions of one query's result: as of an online softmax.
struct Partial {
    float highest, sum, value[8];
};

__device__ __forceinline__ Partial nothing() { return Partial{LOWEST, 0.0f, {}}; }

// Keys i < n of those in registers.
__device__ __forceinline__ void attend(Partial& to, const float (&q)[8], const uint4 (&k)[KEYS_PER_LANE],
                                       const uint4 (&v)[KEYS_PER_LANE], int n) {
    float weight[KEYS_PER_LANE], now = to.highest;
#pragma unroll
    for (int i = 0; i < KEYS_PER_LANE; ++i) {
        const float score = key_sum(dot8(q, k[i]));
        weight[i] = i < n ? score : LOWEST;
        now = fmaxf(now, weight[i]);
    }
    const float fade = fast_exp2(to.highest - now);
    to.highest = now;
    to.sum *= fade;
#pragma unroll
    for (int d = 0; d < 8; ++d) to.value[d] *= fade;
#pragma unroll
    for (int i = 0; i < KEYS_PER_LANE; ++i) {
        weight[i] = i < n ? fast_exp2(weight[i] - now) : 0.0f;
        to.sum += weight[i];
        Half8 halves;
        halves.raw = v[i];
#pragma unroll
        for (int d = 0; d < 8; ++d) to.value[d] = fmaf(weight[i], __half2float(halves.value[d]), to.value[d]);
    }
}

// Put together what the warp's keys give; the first LANES_PER_KEY lanes write it to `part`.
__device__ __forceinline__ void write_warp(Partial p, float* part) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int offset = LANES_PER_KEY; offset < 32; offset <<= 1) {
        const float other = __shfl_xor_sync(0xffffffffu, p.highest, offset), now = fmaxf(p.highest, other);
        const float mine = fast_exp2(p.highest - now), theirs = fast_exp2(other - now);
        p.highest = now;
        p.sum = p.sum * mine + __shfl_xor_sync(0xffffffffu, p.sum, offset) * theirs;
#pragma unroll
        for (int d = 0; d < 8; ++d)
            p.value[d] = p.value[d] * mine + __shfl_xor_sync(0xffffffffu, p.value[d], offset) * theirs;
    }
    if (lane >= LANES_PER_KEY) return;
#pragma unroll
    for (int d = 0; d < 8; ++d) part[lane * 8 + d] = p.value[d];
    if (lane == 0) {
        part[HEAD] = p.highest;
        part[HEAD + 1] = p.sum;
    }
}

// Of one dimension: n parts put together, in their order.
struct Total {
    float highest = LOWEST, sum = 0.0f, value = 0.0f;

    __device__ __forceinline__ Total(const float* parts, int n, int dimension) {
        for (int begin = 0; begin < n; begin += PARTS_AT_ONCE) {
            float h[PARTS_AT_ONCE], s[PARTS_AT_ONCE], v[PARTS_AT_ONCE], now = highest;
#pragma unroll
            for (int i = 0; i < PARTS_AT_ONCE; ++i) {
                const float* part = parts + (begin + i) * PART;
                const bool is_one = begin + i < n;
                h[i] = is_one ? part[HEAD] : LOWEST;
                s[i] = is_one ? part[HEAD + 1] : 0.0f;
                v[i] = is_one ? part[dimension] : 0.0f;
            }
#pragma unroll
            for (int i = 0; i < PARTS_AT_ONCE; ++i) now = fmaxf(now, h[i]);
            const float fade = fast_exp2(highest - now);
            highest = now;
            sum *= fade;
            value *= fade;
#pragma unroll
            for (int i = 0; i < PARTS_AT_ONCE; ++i) {
                const float scale = fast_exp2(h[i] - now);
                sum = fmaf(s[i], scale, sum);
                value = fmaf(v[i], scale, value);
            }
        }
    }
};

// Grid (heads, sequences), DECODE_THREADS threads. Position p, up to the new one, lies in the physical row table[p] of
// the cache.
//   q, out: (sequences, n_head * HEAD). cache: of one layer, (2, n_rows, n_head, n_text_ctx, HEAD).
//   table: (sequences, n_text_ctx).
extern "C" __global__ void __launch_bounds__(DECODE_THREADS)
self_attention(const float* q, const __half* cache, const SequenceState* states, const int* table, float* out,
               int n_rows, int n_text_ctx) {
    __shared__ float parts[WARPS * PART];
    const int head = blockIdx.x, sequence = blockIdx.y, n_head = gridDim.x;
    if (states[sequence].done) return;
    const int pos = states[sequence].pos;
    const int group = threadIdx.x / LANES_PER_KEY, dims = threadIdx.x % LANES_PER_KEY * 8;
    const size_t of_head = ((size_t)sequence * n_head + head) * HEAD;
    const size_t to_values = (size_t)n_rows * n_head * n_text_ctx * HEAD;
    table += (size_t)sequence * n_text_ctx;
    float query[8];
    load_query(query, q + of_head + dims);
    Partial partial = nothing();
    for (int begin = 0; begin <= pos; begin += KEYS_AT_ONCE) {
        uint4 k[KEYS_PER_LANE], v[KEYS_PER_LANE];
        int n = 0;
#pragma unroll
        for (int i = 0; i < KEYS_PER_LANE; ++i) {
            const int p = begin + group + i * GROUPS;
            k[i] = v[i] = make_uint4(0, 0, 0, 0);
            if (p > pos) continue;
            const __half* key = cache + (((size_t)table[p] * n_head + head) * n_text_ctx + p) * HEAD + dims;
            k[i] = load8(key);
            v[i] = load8(key + to_values);
            n = i + 1;
        }
        attend(partial, query, k, v, n);
    }
    write_warp(partial, parts + threadIdx.x / 32 * PART);
    __syncthreads();
    if (threadIdx.x >= HEAD) return;
    const Total total(parts, WARPS, threadIdx.x);
    out[of_head + threadIdx.x] = total.value / total.sum;
}

// Whether the block is the last of n to come here: it sees what the others wrote before. `counter` is zero again then.
__device__ __forceinline__ bool is_last(int* counter, int n) {
    __shared__ int n_before;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        n_before = atomicAdd(counter, 1);
        if (n_before == n - 1) *counter = 0;
    }
    __syncthreads();
    __threadfence();
    return n_before == n - 1;
}

// Grid (splits of KEYS_AT_ONCE keys, heads, windows * shares), DECODE_THREADS threads: sequence i belongs to window
// i / group; a share is up to `Most` of its sequences, for which a block reads its keys and values once. The last block
// to finish a head puts the splits together, always in the same order, and leaves `counters` as they were: zero.
//   q, out: (n_sequences, n_head * HEAD). windows: addresses by slot of (layers, 2, n_head, n_ctx, HEAD).
//   parts: (n_sequences, n_head, splits, PART). counters: (windows * shares, n_head).
//   queries: (n_sequences, n_kept, n_text_ctx, HEAD), or null; kept: which of them a head's is, or -1: (layers, n_head).
template <int Most>
__device__ __forceinline__ void
cross_attention(const float* q, const unsigned long long* windows, const SequenceState* states, float* out, float* parts,
                int* counters, const int* kept, float* queries, int layer, int n_ctx, int n_sequences, int group,
                int n_kept, int n_text_ctx) {
    __shared__ float warp_parts[Most][WARPS * PART];
    const int split = blockIdx.x, n_splits = gridDim.x, head = blockIdx.y, n_head = gridDim.y;
    const int shares = (group + Most - 1) / Most, window = blockIdx.z / shares;
    const int begin = window * group + blockIdx.z % shares * Most;
    const int n = min(min(Most, (window + 1) * group - begin), n_sequences - begin);
    unsigned int active = 0;
    int slot = 0;
    for (int i = 0; i < n; ++i)
        if (!states[begin + i].done) {
            active |= 1u << i;
            slot = states[begin + i].slot;
        }
    if (!active) return;

    const int dims = threadIdx.x % LANES_PER_KEY * 8, first_key = split * KEYS_AT_ONCE + threadIdx.x / LANES_PER_KEY;
    const __half* key = (const __half*)windows[slot] + ((size_t)layer * 2 * n_head + head) * n_ctx * HEAD + dims;
    const __half* value = key + (size_t)n_head * n_ctx * HEAD;
    uint4 k[KEYS_PER_LANE], v[KEYS_PER_LANE];
    int n_keys = 0;
#pragma unroll
    for (int i = 0; i < KEYS_PER_LANE; ++i) {
        const int j = first_key + i * GROUPS;
        k[i] = v[i] = make_uint4(0, 0, 0, 0);
        if (j >= n_ctx) continue;
        k[i] = load8(key + (size_t)j * HEAD);
        v[i] = load8(value + (size_t)j * HEAD);
        n_keys = i + 1;
    }
#pragma unroll 1
    for (int i = 0; i < n; ++i) {
        if (!(active >> i & 1)) continue;
        float query[8];
        load_query(query, q + ((size_t)(begin + i) * n_head + head) * HEAD + dims);
        Partial partial = nothing();
        attend(partial, query, k, v, n_keys);
        write_warp(partial, warp_parts[i] + threadIdx.x / 32 * PART);
    }
    __syncthreads();
    const int index = queries ? kept[layer * n_head + head] : -1;
    for (int i = threadIdx.x / HEAD; i < n; i += DECODE_THREADS / HEAD) {
        if (!(active >> i & 1)) continue;
        const int dimension = threadIdx.x % HEAD;
        const size_t of_head = (size_t)(begin + i) * n_head + head;
        const Total total(warp_parts[i], WARPS, dimension);
        float* part = parts + (of_head * n_splits + split) * PART;
        part[dimension] = total.value;
        if (dimension == 0) {
            part[HEAD] = total.highest;
            part[HEAD + 1] = total.sum;
        }
        if (split == 0 && index >= 0) {
            const size_t row = ((size_t)(begin + i) * n_kept + index) * n_text_ctx + states[begin + i].pos;
            queries[row * HEAD + dimension] = q[of_head * HEAD + dimension];
        }
    }

    if (!is_last(counters + blockIdx.z * n_head + head, n_splits)) return;
    for (int i = threadIdx.x / HEAD; i < n; i += DECODE_THREADS / HEAD) {
        if (!(active >> i & 1)) continue;
        const size_t of_head = (size_t)(begin + i) * n_head + head;
        const Total total(parts + of_head * n_splits * PART, n_splits, threadIdx.x % HEAD);
        out[of_head * HEAD + threadIdx.x % HEAD] = total.value / total.sum;
    }
}

#define CROSS_ATTENTION(name, most)                                                                                    \
    extern "C" __global__ void __launch_bounds__(DECODE_THREADS)                                                       \
    name(const float* q, const unsigned long long* windows, const SequenceState* states, float* out, float* parts,     \
         int* counters, const int* kept, float* queries, int layer, int n_ctx, int n_sequences, int group, int n_kept, \
         int n_text_ctx) {                                                                                             \
        cross_attention<most>(q, windows, states, out, parts, counters, kept, queries, layer, n_ctx, n_sequences,      \
                              group, n_kept, n_text_ctx);                                                              \
    }

CROSS_ATTENTION(cross_attention_1, 1)
CROSS_ATTENTION(cross_attention_8, MOST_SEQUENCES)
