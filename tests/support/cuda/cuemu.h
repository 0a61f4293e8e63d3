// As much of CUDA C++ as our kernels use, for the host's compiler. What threads do together is in cuemu_runtime.cpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__ __attribute__((used))  // emulator.py finds the kernels by it
#define __device__
#define __host__
#define __constant__
#define __restrict__ __restrict
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#ifdef CUEMU_ONE_THREAD  // plain variables, around which a sanitizer can look
#define __shared__ static
#else
#define __shared__ static thread_local
#endif
using std::max;
using std::min;

// ---- vector types
template <class T, int N>
inline constexpr size_t cuemu_alignment = sizeof(T) * N > 16 ? 16 : sizeof(T) * N;
#define CUEMU_VECTORS(T, name)                                                                     \
    struct alignas(cuemu_alignment<T, 2>) name##2 { T x, y; };                                     \
    struct alignas(cuemu_alignment<T, 4>) name##4 { T x, y, z, w; };                               \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                     \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
CUEMU_VECTORS(float, float)
CUEMU_VECTORS(int, int)
CUEMU_VECTORS(unsigned, uint)
CUEMU_VECTORS(short, short)
CUEMU_VECTORS(signed char, char)
CUEMU_VECTORS(unsigned char, uchar)
#undef CUEMU_VECTORS
struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

// ---- where a thread is
struct CuemuThread {
    uint3 index;
    unsigned linear, lane, warp;
};
extern "C" {
extern __thread CuemuThread* cuemu_thread;  // the one that runs
extern __thread uint3 cuemu_block;
extern __thread void* cuemu_shared;
extern dim3 cuemu_block_dim, cuemu_grid_dim;
}
#define threadIdx (cuemu_thread->index)
#define blockIdx cuemu_block
#define blockDim cuemu_block_dim
#define gridDim cuemu_grid_dim
#define warpSize 32
inline void* cuemu_dynamic_shared() { return cuemu_shared; }

// ---- what threads do together
enum CuemuWarpOp { CUEMU_SYNC, CUEMU_XOR, CUEMU_DOWN, CUEMU_UP, CUEMU_FROM, CUEMU_BALLOT, CUEMU_MMA, CUEMU_ROWS };
extern "C" {
void cuemu_barrier(int line);
uint64_t cuemu_warp(unsigned mask, CuemuWarpOp op, int line, uint64_t value, int argument);
}
constexpr unsigned CUEMU_ALL = 0xffffffffu;
inline unsigned cuemu_mask(unsigned mask = CUEMU_ALL) { return mask; }
template <class T>
inline T cuemu_shuffle(unsigned mask, CuemuWarpOp op, int line, T value, int argument) {
    static_assert(sizeof(T) <= 8);
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(T));
    bits = cuemu_warp(mask, op, line, bits, argument);
    memcpy(&value, &bits, sizeof(T));
    return value;
}
#define __syncthreads() cuemu_barrier(__LINE__)
#define __syncwarp(...) ((void)cuemu_warp(cuemu_mask(__VA_ARGS__), CUEMU_SYNC, __LINE__, 0, 0))
#define __shfl_xor_sync(mask, value, lanes) cuemu_shuffle(mask, CUEMU_XOR, __LINE__, value, lanes)
#define __shfl_down_sync(mask, value, lanes) cuemu_shuffle(mask, CUEMU_DOWN, __LINE__, value, lanes)
#define __shfl_up_sync(mask, value, lanes) cuemu_shuffle(mask, CUEMU_UP, __LINE__, value, lanes)
#define __shfl_sync(mask, value, lane) cuemu_shuffle(mask, CUEMU_FROM, __LINE__, value, lane)
#define __ballot_sync(mask, yes) ((unsigned)cuemu_warp(mask, CUEMU_BALLOT, __LINE__, (yes) ? 1 : 0, 0))
#define __any_sync(mask, yes) (__ballot_sync(mask, yes) != 0)
#define __all_sync(mask, yes) (__ballot_sync(mask, !(yes)) == 0)

struct CuemuFragments {  // of one thread
    float* d;
    const uint32_t *a, *b;
};
#define mma_m16n8k16(d, a, b) cuemu_mma(__LINE__, d, a, b)
inline void cuemu_mma(int line, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    CuemuFragments mine{d, a, b};
    cuemu_warp(CUEMU_ALL, CUEMU_MMA, line, reinterpret_cast<uint64_t>(&mine), 0);
}

// ---- memory
template <class T>
inline T __ldg(const T* address) { return *address; }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
template <class T>
inline T atomicAdd(T* address, std::type_identity_t<T> value) {
    static_assert(std::is_integral_v<T>, "sums of floats would depend on the order");
    return __atomic_fetch_add(address, value, __ATOMIC_ACQ_REL);
}

// ---- bits and numbers
template <class To, class From>
inline To cuemu_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float x) { return cuemu_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuemu_bits<unsigned>(x); }
inline float __int_as_float(int x) { return cuemu_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuemu_bits<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((uint64_t)x * y >> 32); }
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {  // bit 3 of a selector repeats the sign
    const uint64_t bytes = (uint64_t)y << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned nibble = selector >> 4 * i & 15, byte = bytes >> 8 * (nibble & 7) & 255;
        result |= (nibble & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;
    }
    return result;
}
inline int __dp4a(int a, int b, int sum) {
    for (int shift = 0; shift < 32; shift += 8) sum += (int8_t)(a >> shift) * (int8_t)(b >> shift);
    return sum;
}
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.f / x; }
inline float rsqrtf(float x) { return 1.f / sqrtf(x); }
inline float fast_exp2(float x) { return x < -126.f ? 0.f : exp2f(x); }
inline int __float2int_rn(float x) {  // NaN is 0, and what is too large the nearest there is
    return x != x ? 0 : x >= 0x1p31f ? 0x7fffffff : x < -0x1p31f ? -0x7fffffff - 1 : (int)nearbyintf(x);
}
#define __expf(x) expf(x)  // glibc has functions of these names
#define __logf(x) logf(x)

// ---- half precision
struct __half_raw { unsigned short x; };
struct __half {
    unsigned short x;
    __half() = default;
    __half(__half_raw raw) : x(raw.x) {}
};
typedef __half half;
struct alignas(4) __half2 { __half x, y; };
typedef __half2 half2;
inline float __half2float(__half h) { return (float)cuemu_bits<_Float16>(h); }
inline __half __float2half_rn(float x) { return cuemu_bits<__half>((_Float16)x); }
inline __half __float2half(float x) { return __float2half_rn(x); }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
inline float2 __half22float2(__half2 h) { return {__half2float(h.x), __half2float(h.y)}; }
inline float __low2float(__half2 h) { return __half2float(h.x); }
inline float __high2float(__half2 h) { return __half2float(h.y); }
inline __half __ushort_as_half(unsigned short bits) { return cuemu_bits<__half>(bits); }
inline unsigned short __half_as_ushort(__half h) { return h.x; }

// ---- matrices of halves: lane i has the address of row i % 8 of matrix i / 8
struct CuemuRows {
    const __half *mine, *all[32];
};
inline void cuemu_load_matrices(int line, uint32_t (&r)[4], const __half* row, bool transposed) {
    CuemuRows rows{row, {}};
    cuemu_warp(CUEMU_ALL, CUEMU_ROWS, line, reinterpret_cast<uint64_t>(&rows), 0);
    const unsigned group = cuemu_thread->lane / 4, pair = cuemu_thread->lane % 4 * 2;
    for (int i = 0; i < 4; ++i) {
        const __half* const* matrix = rows.all + 8 * i;
        const __half low = transposed ? matrix[pair][group] : matrix[group][pair];
        const __half high = transposed ? matrix[pair + 1][group] : matrix[group][pair + 1];
        r[i] = low.x | (uint32_t)high.x << 16;
    }
}
#define load_matrices(r, row) cuemu_load_matrices(__LINE__, r, row, false)
#define load_matrices_transposed(r, row) cuemu_load_matrices(__LINE__, r, row, true)

// ---- kernels to be called by name: an entry and a signature of each (emulator.py)
template <class T>
constexpr char cuemu_letter() {
    if constexpr (std::is_pointer_v<T>) return std::is_const_v<std::remove_pointer_t<T>> ? 'R' : 'P';
    else if constexpr (std::is_same_v<T, float>) return 'f';
    else if constexpr (std::is_same_v<T, int>) return 'i';
    else return '?';  // not in our conventions
}
template <class... A, size_t... I>
inline void cuemu_call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(arguments[I])...);
}
#define CUEMU_KERNEL(name)                                                                          \
    template <class... A> static void cuemu_enter_##name(void (*k)(A...), void** a) {                \
        cuemu_call(k, a, std::index_sequence_for<A...>{});                                           \
    }                                                                                                \
    template <class... A> static const char* cuemu_letters_##name(void (*)(A...)) {                  \
        static const char letters[] = {cuemu_letter<A>()..., 0};                                     \
        return letters;                                                                              \
    }                                                                                                \
    extern "C" void cuemu_kernel_##name(void** a) { cuemu_enter_##name(name, a); }                   \
    extern "C" const char* cuemu_signature_##name() { return cuemu_letters_##name(name); }
