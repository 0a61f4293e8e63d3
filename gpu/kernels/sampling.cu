// From logits to the next token (gpu/token_rules.py, gpu/backends/host_decoder.py) in two launches: a scan by blocks of
// the vocabulary, and one warp for each sequence that puts their findings together and goes on with its state.
#include "philox.cuh"
#include "token_scan.cuh"

#define LOG_SOFTMAX_THREADS 512

// Grid (blocks of the vocabulary, sequences), SCAN_THREADS threads.
//   logits: (n_sequences, n_vocab). masks: (2, ceil(n_vocab / 32)) bits, never and not first.
//   partials: (n_sequences, blocks).
extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
choose_scan(const float* logits, const unsigned int* masks, const SequenceState* states, Partial* partials,
            int n_vocab, int eot, int timestamp_begin) {
    __shared__ Best best_of_warp[SCAN_THREADS / 32];
    __shared__ float sum_of_warp[SCAN_THREADS / 32];
    const int sequence = blockIdx.y;
    const SequenceState state = states[sequence];
    if (state.done) return;
    const Slice slice(n_vocab, timestamp_begin);
    float values[TOKENS_PER_THREAD];
    load_allowed(values, logits + (size_t)sequence * n_vocab, Allowed(state, masks, n_vocab, eot, timestamp_begin), slice);
    Best best = block_best(thread_best(values, slice), best_of_warp);
    const float max = best.value, sum = block_sum_exp(values, max, sum_of_warp);
    if (state.temperature != 0.0f) {
        // Gumbel-max: the argmax of logits / T + Gumbel noise is a draw from softmax(logits / T).
        const uint4 words = philox(make_uint4(blockIdx.x * SCAN_THREADS + threadIdx.x, state.n_sampled, 0, 0),
                                   state.seed_lo, state.seed_hi);
        const unsigned int word[TOKENS_PER_THREAD] = {words.x, words.y, words.z, words.w};
        for (int j = 0; j < TOKENS_PER_THREAD; ++j) values[j] = values[j] / state.temperature + gumbel(word[j]);
        best = block_best(thread_best(values, slice), best_of_warp);
    }
    if (threadIdx.x == 0) partials[(size_t)sequence * gridDim.x + blockIdx.x] = Partial{Mass{max, sum}, best};
}

// Grid (sequences), one warp each: the token, its log-probability, and the state after it.
//   tokens, logprobs: (n_sequences, RING), written at state.n_out modulo RING.
// Where a logit is NaN or no token is allowed, the sequence ends with eot of log-probability NaN: the host has to look.
extern "C" __global__ void __launch_bounds__(32)
choose_token(const float* logits, const Partial* partials, SequenceState* states, int* tokens, float* logprobs,
             int n_vocab, int eot, int timestamp_begin) {
    const int sequence = blockIdx.x;
    SequenceState state = states[sequence];
    if (state.done) return;
    const int n_text_blocks = n_blocks_of(timestamp_begin);
    const int n_blocks = n_text_blocks + n_blocks_of(n_vocab - timestamp_begin);
    partials += (size_t)sequence * n_blocks;
    const Partial text = merge(partials, 0, n_text_blocks), times = merge(partials, n_text_blocks, n_blocks);
    __syncwarp();  // all lanes have read what lane 0 is going to write
    if (threadIdx.x != 0) return;
    const Ruled ruled = rule_timestamps(text.mass, times.mass);
    const Best best = ruled.text ? better(text.best, times.best) : times.best;
    const bool found = best.id >= 0 && !is_nan(ruled.log_sum);
    const int token = found ? best.id : eot;
    const float logprob = found ? logits[(size_t)sequence * n_vocab + token] - ruled.log_sum : NOT_A_NUMBER;
    state = after(state, token, timestamp_begin);
    state.sum_logprob += logprob;
    state.done = token == eot || state.n_sampled >= state.budget;
    const size_t out = (size_t)sequence * RING + state.n_out % RING;
    tokens[out] = token;
    logprobs[out] = logprob;
    ++state.n_out;
    states[sequence] = state;
}

// Grid (rows), LOG_SOFTMAX_THREADS threads: the log-probabilities (rows, n_vocab) of raw logits, no rule applied.
extern "C" __global__ void __launch_bounds__(LOG_SOFTMAX_THREADS)
log_softmax(const float* logits, float* logprobs, int n_vocab) {
    __shared__ Mass of_warp[LOG_SOFTMAX_THREADS / 32];
    logits += (size_t)blockIdx.x * n_vocab;
    logprobs += (size_t)blockIdx.x * n_vocab;
    Mass mass{NEG_INF, 0.0f};
    for (int i = threadIdx.x; i < n_vocab; i += LOG_SOFTMAX_THREADS) mass.max = fmaxf(mass.max, logits[i]);
    for (int i = threadIdx.x; i < n_vocab; i += LOG_SOFTMAX_THREADS) mass.sum += expf(logits[i] - mass.max);
    mass = warp_mass(mass);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = mass;
    __syncthreads();
    mass = of_warp[0];
    for (int w = 1; w < LOG_SOFTMAX_THREADS / 32; ++w) mass = together(mass, of_warp[w]);
    const float log_sum = mass.log();
    for (int i = threadIdx.x; i < n_vocab; i += LOG_SOFTMAX_THREADS) logprobs[i] = logits[i] - log_sum;
}
