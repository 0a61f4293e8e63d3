// Half-precision numbers and the words that hold two of them.
#pragma once
#include "device.cuh"

__device__ __forceinline__ float half_bits(unsigned int bits) {  // the lower 16
    return __half2float(__ushort_as_half((unsigned short)bits));
}

__device__ __forceinline__ unsigned int pack_halves(float low, float high) {
    return __half_as_ushort(__float2half_rn(low)) | (unsigned int)__half_as_ushort(__float2half_rn(high)) << 16;
}
