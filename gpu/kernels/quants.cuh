// ggml's block formats as the device keeps them: the fields of all blocks regrouped into planes, so that loads are wide
// and aligned (`PLANES` of gpu/backends/cuda_weights.py lists the same planes). gpu/model_file/quants.py is the standard.
//
// Weights are read in groups of 16 consecutive ones, numbered through the whole matrix. Where the packed integers lie,
// two groups share the same 16 bytes: together they are a unit, and `apart` is how many groups lie from one to the other.
#pragma once
#include "halves.cuh"

// 16 weights: scale * (q - zero_point) + minimum. Four integers a word of q, signed bytes as dp4a wants them.
struct Group {
    uint4 q;
    float scale, minimum;
};

template <int APART>
struct Paired {
    static constexpr int apart = APART, zero_point = 0;
    static constexpr bool has_minimum = false;
    static constexpr bool is_signed = false;  // whether some bytes of q are negative
    static __device__ __forceinline__ int unit(int group) { return group / (2 * apart) * apart + group % apart; }
    static __device__ __forceinline__ int which(int group) { return group / apart & 1; }
    static __device__ __forceinline__ int group_of(int unit, int which) {
        return unit / apart * (2 * apart) + which * apart + unit % apart;
    }
};

__device__ __forceinline__ uint4 field(uint4 words, int shift, unsigned int mask) {
    return make_uint4(words.x >> shift & mask, words.y >> shift & mask, words.z >> shift & mask, words.w >> shift & mask);
}

__device__ __forceinline__ uint4 with_field(uint4 q, uint4 words, int shift, unsigned int mask, int to) {
    const uint4 high = field(words, shift, mask);
    return make_uint4(q.x | high.x << to, q.y | high.y << to, q.z | high.z << to, q.w | high.w << to);
}

// Bits 0 to 3 of x into bit 4 of one byte each.
__device__ __forceinline__ unsigned int spread_fifth(unsigned int x) { return (x & 15) * 0x02040810u & 0x10101010u; }

// 16 low nibbles with the 16 fifth bits in `high`.
__device__ __forceinline__ uint4 five_bits(uint4 nibbles, unsigned int high) {
    return make_uint4(nibbles.x | spread_fifth(high), nibbles.y | spread_fifth(high >> 4),
                      nibbles.z | spread_fifth(high >> 8), nibbles.w | spread_fifth(high >> 12));
}

#define NIBBLES 0x0f0f0f0fu

// ---- blocks of 32: a unit is a block

struct Q4_0 : Paired<1> {
    static constexpr int block_size = 32, zero_point = 8;
    struct Raw { uint4 qs; unsigned short d; };
    const uint4* qs;
    const unsigned short* d;
    __device__ Q4_0(const void* planes, int n_blocks)
        : qs((const uint4*)planes), d((const unsigned short*)(qs + n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const { return {__ldg(qs + unit), __ldg(d + unit)}; }
    __device__ __forceinline__ Group group(const Raw& raw, int, int which) const {
        return {field(raw.qs, 4 * which, NIBBLES), half_bits(raw.d), 0.0f};
    }
};

struct Q4_1 : Paired<1> {
    static constexpr int block_size = 32;
    static constexpr bool has_minimum = true;
    struct Raw { uint4 qs; unsigned int dm; };
    const uint4* qs;
    const unsigned int* dm;
    __device__ Q4_1(const void* planes, int n_blocks)
        : qs((const uint4*)planes), dm((const unsigned int*)(qs + n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const { return {__ldg(qs + unit), __ldg(dm + unit)}; }
    __device__ __forceinline__ Group group(const Raw& raw, int, int which) const {
        return {field(raw.qs, 4 * which, NIBBLES), half_bits(raw.dm), half_bits(raw.dm >> 16)};
    }
};

struct Q5_0 : Paired<1> {
    static constexpr int block_size = 32, zero_point = 16;
    struct Raw { uint4 qs; unsigned int qh; unsigned short d; };
    const uint4* qs;
    const unsigned int* qh;
    const unsigned short* d;
    __device__ Q5_0(const void* planes, int n_blocks)
        : qs((const uint4*)planes), qh((const unsigned int*)(qs + n_blocks)), d((const unsigned short*)(qh + n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const {
        return {__ldg(qs + unit), __ldg(qh + unit), __ldg(d + unit)};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int, int which) const {
        return {five_bits(field(raw.qs, 4 * which, NIBBLES), raw.qh >> 16 * which), half_bits(raw.d), 0.0f};
    }
};

struct Q5_1 : Paired<1> {
    static constexpr int block_size = 32;
    static constexpr bool has_minimum = true;
    struct Raw { uint4 qs; unsigned int qh, dm; };
    const uint4* qs;
    const unsigned int *qh, *dm;
    __device__ Q5_1(const void* planes, int n_blocks)
        : qs((const uint4*)planes), qh((const unsigned int*)(qs + n_blocks)), dm(qh + n_blocks) {}
    __device__ __forceinline__ Raw load(int unit) const {
        return {__ldg(qs + unit), __ldg(qh + unit), __ldg(dm + unit)};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int, int which) const {
        return {five_bits(field(raw.qs, 4 * which, NIBBLES), raw.qh >> 16 * which), half_bits(raw.dm),
                half_bits(raw.dm >> 16)};
    }
};

struct Q8_0 : Paired<1> {
    static constexpr int block_size = 32;
    static constexpr bool is_signed = true;
    struct Raw { uint4 low, high; unsigned short d; };
    const uint4* qs;
    const unsigned short* d;
    __device__ Q8_0(const void* planes, int n_blocks)
        : qs((const uint4*)planes), d((const unsigned short*)(qs + 2 * (size_t)n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const {
        return {__ldg(qs + 2 * (size_t)unit), __ldg(qs + 2 * (size_t)unit + 1), __ldg(d + unit)};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int, int which) const {
        return {which ? raw.high : raw.low, half_bits(raw.d), 0.0f};
    }
};

// ---- K-quants, blocks of 256: eight units a block

// Eight 6-bit scales and minima packed in 12 bytes, times d and dmin: those of sub-block i. head: d, dmin | 12 bytes.
__device__ __forceinline__ void scale_and_minimum(uint4 head, int i, float& scale, float& minimum) {
    const int shift = 8 * (i & 3);
    const unsigned int low = head.y >> shift & 255, high = head.z >> shift & 255, both = head.w >> shift & 255;
    const unsigned int sc = i < 4 ? low & 63 : (both & 15) | low >> 6 << 4;
    const unsigned int m = i < 4 ? high & 63 : both >> 4 | high >> 6 << 4;
    scale = half_bits(head.x) * (float)sc;
    minimum = -(half_bits(head.x >> 16) * (float)m);
}

struct Q4_K : Paired<2> {
    static constexpr int block_size = 256;
    static constexpr bool has_minimum = true;
    struct Raw { uint4 head, qs; };
    const uint4* blocks;  // 9 words of 16 bytes each: head | qs
    __device__ Q4_K(const void* planes, int) : blocks((const uint4*)planes) {}
    __device__ __forceinline__ Raw load(int unit) const {
        const uint4* block = blocks + (size_t)(unit >> 3) * 9;
        return {__ldg(block), __ldg(block + 1 + (unit & 7))};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int unit, int which) const {
        Group g;
        g.q = field(raw.qs, 4 * which, NIBBLES);
        scale_and_minimum(raw.head, (unit & 6) + which, g.scale, g.minimum);
        return g;
    }
};

struct Q5_K : Paired<2> {
    static constexpr int block_size = 256;
    static constexpr bool has_minimum = true;
    struct Raw { uint4 head, qh, qs; };
    const uint4* blocks;  // 11 words of 16 bytes each: head | qh (2) | qs (8)
    __device__ Q5_K(const void* planes, int) : blocks((const uint4*)planes) {}
    __device__ __forceinline__ Raw load(int unit) const {
        const uint4* block = blocks + (size_t)(unit >> 3) * 11;
        return {__ldg(block), __ldg(block + 1 + (unit & 1)), __ldg(block + 3 + (unit & 7))};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int unit, int which) const {
        const int sub_block = (unit & 6) + which;
        Group g;
        g.q = with_field(field(raw.qs, 4 * which, NIBBLES), raw.qh, sub_block, 0x01010101u, 4);
        scale_and_minimum(raw.head, sub_block, g.scale, g.minimum);
        return g;
    }
};

struct Q6_K : Paired<4> {
    static constexpr int block_size = 256, zero_point = 32;
    struct Raw { uint4 ql, qh; signed char scale[2]; unsigned short d; };
    const uint4 *ql, *qh;
    const signed char* scales;
    const unsigned short* d;
    __device__ Q6_K(const void* planes, int n_blocks)
        : ql((const uint4*)planes), qh(ql + 8 * (size_t)n_blocks), scales((const signed char*)(qh + 4 * (size_t)n_blocks)),
          d((const unsigned short*)(scales + 16 * (size_t)n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const {
        const uint4* high = qh + (size_t)(unit >> 2) * 2 + (unit & 1);
        return {__ldg(ql + unit), __ldg(high), {__ldg(scales + group_of(unit, 0)), __ldg(scales + group_of(unit, 1))},
                __ldg(d + (unit >> 3))};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int unit, int which) const {
        return {with_field(field(raw.ql, 4 * which, NIBBLES), raw.qh, (unit & 2) + 4 * which, 0x03030303u, 4),
                half_bits(raw.d) * (float)(which ? raw.scale[1] : raw.scale[0]), 0.0f};
    }
};

struct Q2_K : Paired<2> {
    static constexpr int block_size = 256;
    static constexpr bool has_minimum = true;
    struct Raw { uint4 qs; unsigned char scale[2]; unsigned int dm; };
    const uint4* qs;
    const unsigned char* scales;
    const unsigned int* dm;
    __device__ Q2_K(const void* planes, int n_blocks)
        : qs((const uint4*)planes), scales((const unsigned char*)(qs + 4 * (size_t)n_blocks)),
          dm((const unsigned int*)(scales + 16 * (size_t)n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const {
        return {__ldg(qs + (size_t)(unit >> 2) * 2 + (unit & 1)),
                {__ldg(scales + group_of(unit, 0)), __ldg(scales + group_of(unit, 1))}, __ldg(dm + (unit >> 3))};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int unit, int which) const {
        const unsigned int both = which ? raw.scale[1] : raw.scale[0];
        return {field(raw.qs, 2 * (unit & 2) + 2 * which, 0x03030303u), half_bits(raw.dm) * (float)(both & 15),
                -(half_bits(raw.dm >> 16) * (float)(both >> 4))};
    }
};

struct Q3_K : Paired<2> {
    static constexpr int block_size = 256, zero_point = 4;
    struct Raw { uint4 qs, hmask; unsigned int scales[3]; unsigned short d; };
    const uint4 *qs, *hmask;
    const unsigned int* scales;
    const unsigned short* d;
    __device__ Q3_K(const void* planes, int n_blocks)
        : qs((const uint4*)planes), hmask(qs + 4 * (size_t)n_blocks),
          scales((const unsigned int*)(hmask + 2 * (size_t)n_blocks)),
          d((const unsigned short*)(scales + 3 * (size_t)n_blocks)) {}
    __device__ __forceinline__ Raw load(int unit) const {
        const unsigned int* sc = scales + (size_t)(unit >> 3) * 3;
        return {__ldg(qs + (size_t)(unit >> 2) * 2 + (unit & 1)), __ldg(hmask + (size_t)(unit >> 3) * 2 + (unit & 1)),
                {__ldg(sc), __ldg(sc + 1), __ldg(sc + 2)}, __ldg(d + (unit >> 3))};
    }
    __device__ __forceinline__ Group group(const Raw& raw, int unit, int which) const {
        const int i = group_of(unit & 7, which);  // 16 scales of 6 bits: the low nibbles of 8 bytes, then 4 of pairs
        const unsigned int low = (i & 4 ? raw.scales[1] : raw.scales[0]) >> 8 * (i & 3) >> 4 * (i >> 3) & 15;
        const unsigned int high = raw.scales[2] >> 8 * (i & 3) >> 2 * (i >> 2) & 3;
        const uint4 q = field(raw.qs, 2 * (unit & 2) + 2 * which, 0x03030303u);
        return {with_field(q, raw.hmask, (unit & 6) + which, 0x01010101u, 2),
                half_bits(raw.d) * (float)((int)(low | high << 4) - 32), 0.0f};
    }
};

// ---- plain numbers: a unit is a group

struct Plain {
    static constexpr int block_size = 16;  // nobody asks: there are no planes
    static __device__ __forceinline__ int unit(int group) { return group; }
    static __device__ __forceinline__ int which(int) { return 0; }
};

struct F16 : Plain {
    struct Raw { uint4 low, high; };
    const uint4* w;
    __device__ F16(const void* planes, int) : w((const uint4*)planes) {}
    __device__ __forceinline__ Raw load(int unit) const {
        return {__ldg(w + 2 * (size_t)unit), __ldg(w + 2 * (size_t)unit + 1)};
    }
};

struct F32 : Plain {
    struct Raw { float4 w[4]; };
    const float4* w;
    __device__ F32(const void* planes, int) : w((const float4*)planes) {}
    __device__ __forceinline__ Raw load(int unit) const {
        const float4* first = w + 4 * (size_t)unit;
        return {{__ldg(first), __ldg(first + 1), __ldg(first + 2), __ldg(first + 3)}};
    }
};

// ---- groups as floats and as halves

// Byte i of a word as a float: its bits become the lower ones of 2^23, which is then taken off. Exact, and cheaper than
// a conversion.
__device__ __forceinline__ float byte_above(unsigned int word, int i, float zero) {
    return __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7540 + i)) - zero;
}

template <class Format>
__device__ __forceinline__ void four_floats(unsigned int word, const Group& g, float* w) {
    constexpr float zero = 8388608 + (Format::is_signed ? 128 : Format::zero_point);
    const unsigned int bytes = Format::is_signed ? word ^ 0x80808080u : word;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        w[i] = byte_above(bytes, i, zero) * g.scale;
        if (Format::has_minimum) w[i] += g.minimum;
    }
}

// Every product is exact in float32, so that a fused multiply-add rounds as the standard does.
template <class Format>
__device__ __forceinline__ void floats(const Format& m, const typename Format::Raw& raw, int group, float (&w)[16]) {
    const Group g = m.group(raw, Format::unit(group), Format::which(group));
    four_floats<Format>(g.q.x, g, w);
    four_floats<Format>(g.q.y, g, w + 4);
    four_floats<Format>(g.q.z, g, w + 8);
    four_floats<Format>(g.q.w, g, w + 12);
}

__device__ __forceinline__ void two_halves(unsigned int word, float* w) {
    w[0] = half_bits(word);
    w[1] = half_bits(word >> 16);
}

__device__ __forceinline__ void eight_halves(uint4 v, float* w) {
    two_halves(v.x, w);
    two_halves(v.y, w + 2);
    two_halves(v.z, w + 4);
    two_halves(v.w, w + 6);
}

__device__ __forceinline__ void floats(const F16&, const F16::Raw& raw, int, float (&w)[16]) {
    eight_halves(raw.low, w);
    eight_halves(raw.high, w + 8);
}

__device__ __forceinline__ void floats(const F32&, const F32::Raw& raw, int, float (&w)[16]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        w[4 * i] = raw.w[i].x;
        w[4 * i + 1] = raw.w[i].y;
        w[4 * i + 2] = raw.w[i].z;
        w[4 * i + 3] = raw.w[i].w;
    }
}

__device__ __forceinline__ uint4 pack_eight(const float* w) {
    return make_uint4(pack_halves(w[0], w[1]), pack_halves(w[2], w[3]), pack_halves(w[4], w[5]), pack_halves(w[6], w[7]));
}

template <class Format>
__device__ __forceinline__ void halves(const Format& m, const typename Format::Raw& raw, int group, uint4 (&w)[2]) {
    float f[16];
    floats(m, raw, group, f);
    w[0] = pack_eight(f);
    w[1] = pack_eight(f + 8);
}

__device__ __forceinline__ void halves(const F16&, const F16::Raw& raw, int, uint4 (&w)[2]) {
    w[0] = raw.low;
    w[1] = raw.high;
}

// Instantiates KERNEL(name of a format in kernels' names, Format) for every format.
#define FOR_EACH_QUANTIZED(KERNEL)                                                                                      \
    KERNEL(q4_0, Q4_0) KERNEL(q4_1, Q4_1) KERNEL(q5_0, Q5_0) KERNEL(q5_1, Q5_1) KERNEL(q8_0, Q8_0) KERNEL(q2_k, Q2_K)   \
    KERNEL(q3_k, Q3_K) KERNEL(q4_k, Q4_K) KERNEL(q5_k, Q5_K) KERNEL(q6_k, Q6_K)
#define FOR_EACH_FORMAT(KERNEL) FOR_EACH_QUANTIZED(KERNEL) KERNEL(f16, F16) KERNEL(f32, F32)
