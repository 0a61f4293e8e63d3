// Which token may follow which: gpu/token_rules.py without what looks back on all the text.
#pragma once
#include "state.cuh"

// What a sequence may be continued with. Two bit masks of n_vocab bits each say what is never chosen, and what is not
// chosen first; the rest are ranges.
struct Allowed {
    const unsigned int* mask;  // a set bit: not this token
    int timestamp_begin;
    int first_text;  // the least text token
    int first_time;  // the least timestamp
    int barred;      // one more token that may not come, or -1

    __device__ __forceinline__ Allowed(const SequenceState& state, const unsigned int* masks, int n_vocab, int eot,
                                       int begin) {
        const bool last = state.flags & LAST_WAS_TIMESTAMP, penultimate = state.flags & PENULTIMATE_WAS_TIMESTAMP;
        const bool opened = last && penultimate;   // a segment: text must follow
        const bool closed = last && !penultimate;  // the next one opens, or the end
        mask = masks + (state.n_sampled == 0 ? (n_vocab + 31) / 32 : 0);
        timestamp_begin = begin;
        first_text = closed ? eot : 0;
        // Time never goes back, and a segment has a length; only its end may be repeated as the next start.
        first_time = opened ? n_vocab : state.last_timestamp == 0 ? 0 : state.last_timestamp + (closed ? 0 : 1);
        const bool too_early = 0 < state.last_timestamp && state.last_timestamp < state.sound_end;
        barred = opened && too_early && state.n_sampled > 1 ? eot : -1;
    }

    __device__ __forceinline__ bool operator()(int token) const {
        return (mask[token >> 5] >> (token & 31) & 1u) == 0 && token != barred &&
               token >= (token < timestamp_begin ? first_text : first_time);
    }
};

// The state once `token` is appended, outputs and sum of log-probabilities aside.
__device__ __forceinline__ SequenceState after(SequenceState state, int token, int timestamp_begin) {
    const bool is_timestamp = token >= timestamp_begin;
    const bool penultimate = state.n_sampled == 0 || (state.flags & LAST_WAS_TIMESTAMP);
    state.flags = (is_timestamp ? LAST_WAS_TIMESTAMP : 0) | (penultimate ? PENULTIMATE_WAS_TIMESTAMP : 0);
    if (is_timestamp) state.last_timestamp = token;
    state.token = token;
    ++state.pos;
    ++state.n_sampled;
    return state;
}
