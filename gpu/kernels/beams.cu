// Beam search on the device (gpu/beam_search.py decides): the best next tokens of each beam, and beams that continue
// others. Keys and values stay where they are; only the table that says where is reordered.
#include "token_scan.cuh"

#define REORDER_THREADS 128
#define MAX_SEQUENCES 64  // of a window; a thread looks after each

// Grid (blocks of the vocabulary, sequences), SCAN_THREADS threads: each block's k best tokens, best first.
//   masks: see choose_scan. partials: (n_sequences, blocks), only their masses. entries: (n_sequences, blocks, k).
extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
candidates_scan(const float* logits, const unsigned int* masks, const SequenceState* states, Partial* partials,
                Best* entries, int n_vocab, int eot, int timestamp_begin, int k) {
    __shared__ Best best_of_warp[SCAN_THREADS / 32];
    __shared__ float sum_of_warp[SCAN_THREADS / 32];
    const int sequence = blockIdx.y;
    const SequenceState state = states[sequence];
    if (state.done) return;
    const size_t block = (size_t)sequence * gridDim.x + blockIdx.x;
    const Slice slice(n_vocab, timestamp_begin);
    float values[TOKENS_PER_THREAD];
    load_allowed(values, logits + (size_t)sequence * n_vocab, Allowed(state, masks, n_vocab, eot, timestamp_begin), slice);
    Best best = block_best(thread_best(values, slice), best_of_warp);
    const float max = best.value, sum = block_sum_exp(values, max, sum_of_warp);
    if (threadIdx.x == 0) partials[block] = Partial{Mass{max, sum}, best};
    for (int i = 0; i < k; ++i) {
        if (threadIdx.x == 0) entries[block * k + i] = best;
        for (int j = 0; j < TOKENS_PER_THREAD; ++j)
            if (slice.first + (int)threadIdx.x + j * SCAN_THREADS == best.id) values[j] = NEG_INF;
        best = block_best(thread_best(values, slice), best_of_warp);
    }
}

// Grid (sequences), one warp each: the k best tokens of the ruled distribution and their log-probabilities, best first;
// where fewer are allowed, -inf at the end.
//   entries: of candidates_scan; used up. ids: (n_sequences, k) int. logprobs: (n_sequences, k).
extern "C" __global__ void __launch_bounds__(32)
candidates_merge(const Partial* partials, Best* entries, const SequenceState* states, int* ids, float* logprobs,
                 int n_vocab, int eot, int timestamp_begin, int k) {
    const int sequence = blockIdx.x;
    if (states[sequence].done) return;
    const int n_text_blocks = n_blocks_of(timestamp_begin);
    const int n_blocks = n_text_blocks + n_blocks_of(n_vocab - timestamp_begin);
    partials += (size_t)sequence * n_blocks;
    entries += (size_t)sequence * n_blocks * k;
    const Mass text = merge(partials, 0, n_text_blocks).mass, times = merge(partials, n_text_blocks, n_blocks).mass;
    const Ruled ruled = rule_timestamps(text, times);
    // Lane l looks after every 32nd entry, and takes out what was chosen.
    const int begin = (ruled.text ? 0 : n_text_blocks) * k + (int)threadIdx.x, end = n_blocks * k;
    for (int i = 0; i < k; ++i) {
        Best best{NEG_INF, -1};
        int where = -1;
        for (int e = begin; e < end; e += 32) {
            const Best other = better(best, entries[e]);
            if (other.id != best.id) where = e;
            best = other;
        }
        const Best chosen = warp_best(best);
        if (chosen.id >= 0 && chosen.id == best.id) entries[where] = Best{NEG_INF, -1};
        if (threadIdx.x == 0) {
            ids[sequence * k + i] = chosen.id < 0 ? eot : chosen.id;
            logprobs[sequence * k + i] = chosen.id < 0 && !is_nan(ruled.log_sum) ? NEG_INF : chosen.value - ruled.log_sum;
        }
    }
}

// One block of REORDER_THREADS: sequence i < n of the window's n_sequences <= MAX_SEQUENCES goes on from sequence
// parents[i] with tokens[i]; the others rest until a later call.
//   states: (n_sequences). table: (n_sequences, n_text_ctx), whose entries at positions not yet cached stay.
extern "C" __global__ void __launch_bounds__(REORDER_THREADS)
continue_beams(const int* parents, const int* tokens, SequenceState* states, int* table, int n, int n_sequences,
               int n_text_ctx, int timestamp_begin) {
    __shared__ SequenceState parent_states[MAX_SEQUENCES];
    __shared__ int parent_of[MAX_SEQUENCES];
    __shared__ int column[MAX_SEQUENCES][REORDER_THREADS];  // a thread uses its own only
    const int t = threadIdx.x;
    if (t < n) {
        parent_of[t] = parents[t];
        parent_states[t] = states[parents[t]];
    }
    __syncthreads();
    if (t < n_sequences) {
        SequenceState state = t < n ? after(parent_states[t], tokens[t], timestamp_begin) : states[t];
        state.done = t >= n;
        states[t] = state;
    }
    const int n_cached = min(parent_states[0].pos + 1, n_text_ctx);
    for (int p = t; p < n_cached; p += REORDER_THREADS) {
        for (int i = 0; i < n; ++i) column[i][t] = table[(size_t)parent_of[i] * n_text_ctx + p];
        for (int i = 0; i < n; ++i) table[(size_t)i * n_text_ctx + p] = column[i][t];
    }
}
