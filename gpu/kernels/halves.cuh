// Half-precision numbers and the words that hold two of them.
#pragma once
#include "device.cuh"

__device__ __forceinline__ float half_bits(unsigned int bits) {  // the lower 16
    return __half2float(__ushort_as_half((unsigned short)bits));
}

__device__ __forceinline__ unsigned int pack_halves(float low, float high) {
    const __half2 both = __floats2half2_rn(low, high);
    return __half_as_ushort(both.x) | (unsigned int)__half_as_ushort(both.y) << 16;
}
