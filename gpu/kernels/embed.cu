// What enters the decoder: a token's row of the embedding plus its position's, in float32.
#include "quants.cuh"
#include "state.cuh"

#define EMBED_THREADS 64  // each looks after 16 numbers of a row

// x, position: one row each of n_state numbers, a multiple of 16.
template <class Format>
__device__ __forceinline__ void embed_group(const void* embedding, int token, const float4* position, float4* x,
                                            int n_vocab, int n_state) {
    const int in_row = blockIdx.x * EMBED_THREADS + threadIdx.x, n_groups = n_state / 16;
    if (in_row >= n_groups) return;
    const int group = token * n_groups + in_row;
    const Format matrix(embedding, (int)((size_t)n_vocab * n_state / Format::block_size));
    float w[16];
    floats(matrix, matrix.load(Format::unit(group)), group, w);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float4 p = position[4 * in_row + i];
        x[4 * in_row + i] = make_float4(w[4 * i] + p.x, w[4 * i + 1] + p.y, w[4 * i + 2] + p.z, w[4 * i + 3] + p.w);
    }
}

// Grid (ceil(n_state / 16 / EMBED_THREADS), rows).
//   embed: each unfinished sequence's token at its position. embed_prompt: tokens (rows) at first_pos and after.
//   positions: (n_text_ctx, n_state). x: (rows, n_state).
#define EMBED(suffix, Format)                                                                                           \
    extern "C" __global__ void __launch_bounds__(EMBED_THREADS)                                                         \
    embed_##suffix(const void* embedding, const float* positions, const SequenceState* states, float* x, int n_vocab,   \
                   int n_state) {                                                                                       \
        const SequenceState& state = states[blockIdx.y];                                                                \
        if (state.done) return;                                                                                         \
        const float* position = positions + (size_t)state.pos * n_state;                                                \
        embed_group<Format>(embedding, state.token, (const float4*)position,                                            \
                            (float4*)(x + (size_t)blockIdx.y * n_state), n_vocab, n_state);                             \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(EMBED_THREADS)                                                         \
    embed_prompt_##suffix(const void* embedding, const float* positions, const int* tokens, float* x, int n_vocab,      \
                          int n_state, int first_pos) {                                                                 \
        const float* position = positions + (size_t)(first_pos + blockIdx.y) * n_state;                                 \
        embed_group<Format>(embedding, tokens[blockIdx.y], (const float4*)position,                                     \
                            (float4*)(x + (size_t)blockIdx.y * n_state), n_vocab, n_state);                             \
    }

FOR_EACH_FORMAT(EMBED)
