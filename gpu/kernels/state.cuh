// What the decoder remembers of one sequence, on the device: so that one captured graph replays for every token.
// `SEQUENCE_STATE` of gpu/backends/cuda_sampling.py mirrors it, field by field.
#pragma once
#include "device.cuh"

// Bits of SequenceState::flags. A fresh sequence has PENULTIMATE_WAS_TIMESTAMP set (gpu/token_rules.py, RuleState).
#define LAST_WAS_TIMESTAMP 1
#define PENULTIMATE_WAS_TIMESTAMP 2

// Tokens that fit into a sequence's ring of outputs: the host reads it after as many replays.
#define RING 8

struct alignas(16) SequenceState {
    int token;            // to be appended next
    int pos;              // positions already cached: that of `token` once it is appended
    int n_sampled;        // tokens chosen so far
    int last_timestamp;   // id of the latest timestamp token, 0 when there is none
    int flags;
    int done;             // 1: every kernel leaves this sequence alone
    int budget;           // tokens it may grow to
    int sound_end;        // see RuleState
    int slot;             // of its window, in the table of addresses of cross keys and values
    unsigned int seed_lo;  // key of its random numbers
    unsigned int seed_hi;
    float temperature;    // 0: greedy
    float sum_logprob;    // of the tokens chosen so far
    int n_out;            // tokens written to its ring since it began
    int spare[2];
};

static_assert(sizeof(SequenceState) == 64, "gpu/backends/cuda_sampling.py mirrors this");
