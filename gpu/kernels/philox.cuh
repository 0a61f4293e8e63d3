// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words of a counter
// and a key, the same on every device and in every order.
#pragma once
#include "device.cuh"

__device__ __forceinline__ uint4 philox(uint4 counter, unsigned int key_lo, unsigned int key_hi) {
    for (int round = 0; round < 10; ++round) {
        const unsigned long long first = 0xD2511F53ull * counter.x, second = 0xCD9E8D57ull * counter.z;
        const unsigned int high_first = first >> 32, high_second = second >> 32;
        counter = make_uint4(high_second ^ counter.y ^ key_lo, (unsigned int)second,
                             high_first ^ counter.w ^ key_hi, (unsigned int)first);
        key_lo += 0x9E3779B9u;
        key_hi += 0xBB67AE85u;
    }
    return counter;
}

// A draw from the standard Gumbel distribution. The tail that wins is that of small words, of which a float loses none.
__device__ __forceinline__ float gumbel(unsigned int word) {
    const float uniform = fminf(((float)word + 0.5f) * 0x1p-32f, 1.0f - 0x1p-24f);  // in (0, 1)
    return -logf(-log1pf(-uniform));
}
