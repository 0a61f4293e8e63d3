// The inner loops of a matrix-vector product: one lane's share of a row of weights times all rows of x.
#pragma once
#include "activations.cuh"
#include "state.cuh"

#define GEMV_THREADS 128  // of a block, at most
#define LANES 8           // of a warp share a row of weights: 128 bytes at a time, side by side

// Whether a sequence is still being decoded; without states always.
__device__ __forceinline__ bool any_alive(const SequenceState* states, int n_rows) {
    if (!states) return true;
    for (int row = 0; row < n_rows; ++row)
        if (!states[row].done) return true;
    return false;
}

// Integers by dp4a; a unit is 32 weights.
template <class Format>
struct IntegerProduct {
    typedef Quantized<Format> Activations;
    typedef typename Format::Raw Raw;
    static constexpr int unit_size = 32;
    static constexpr int ahead = sizeof(Raw) <= 32 ? 4 : 2;  // loads in flight
    const Format w;

    __device__ IntegerProduct(const void* planes, int N, int K)
        : w(planes, (int)((size_t)N * K / Format::block_size)) {}
    __device__ __forceinline__ Raw load(int unit) const { return w.load(unit); }

    // `unit` in the matrix, `local` in the chunk of x.
    template <int ROWS>
    __device__ __forceinline__ void add(const Raw& raw, int unit, const Activations& x, int local, int n_rows,
                                        float (&sums)[ROWS]) const {
#pragma unroll
        for (int which = 0; which < 2; ++which) {
            const Group g = w.group(raw, unit, which);
#pragma unroll
            for (int row = 0; row < ROWS; ++row) {
                if (row >= n_rows) break;
                const int at = x.place(row, local, which);
                const uint4 q = x.q[at];
                const float2 scale = x.scale[at];
                int dot = __dp4a((int)g.q.x, (int)q.x, 0);
                dot = __dp4a((int)g.q.y, (int)q.y, dot);
                dot = __dp4a((int)g.q.z, (int)q.z, dot);
                dot = __dp4a((int)g.q.w, (int)q.w, dot);
                float product = ((float)dot - Format::zero_point * scale.y) * g.scale;
                if (Format::has_minimum) product += g.minimum * scale.y;
                sums[row] += product * scale.x;
            }
        }
    }
};

__device__ __forceinline__ float dot4(const float* w, float4 x) {
    return w[0] * x.x + w[1] * x.y + (w[2] * x.z + w[3] * x.w);
}

// float16 or float32 weights; a unit is 8 of them.
template <class Number>
struct FloatProduct {
    typedef Plainly Activations;
    struct Raw { uint4 words[sizeof(Number) / 2]; };
    static constexpr int unit_size = 8;
    static constexpr int ahead = 8 / sizeof(Number);  // loads in flight
    const uint4* w;

    __device__ FloatProduct(const void* planes, int, int) : w((const uint4*)planes) {}
    __device__ __forceinline__ Raw load(int unit) const {
        Raw raw;
#pragma unroll
        for (int i = 0; i < (int)sizeof(Number) / 2; ++i) raw.words[i] = __ldg(w + unit * (sizeof(Number) / 2) + i);
        return raw;
    }

    template <int ROWS>
    __device__ __forceinline__ void add(const Raw& raw, int, const Activations& x, int local, int n_rows,
                                        float (&sums)[ROWS]) const {
        float values[8];
        eight(raw.words, values);
#pragma unroll
        for (int row = 0; row < ROWS; ++row) {
            if (row >= n_rows) break;
            sums[row] += dot4(values, x.x[x.place(row, local, 0)]) + dot4(values + 4, x.x[x.place(row, local, 1)]);
        }
    }

    static __device__ __forceinline__ void eight(const uint4 (&words)[1], float (&v)[8]) { eight_halves(words[0], v); }
    static __device__ __forceinline__ void eight(const uint4 (&words)[2], float (&v)[8]) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            v[4 * i] = __uint_as_float(words[i].x);
            v[4 * i + 1] = __uint_as_float(words[i].y);
            v[4 * i + 2] = __uint_as_float(words[i].z);
            v[4 * i + 3] = __uint_as_float(words[i].w);
        }
    }
};

// A block's rows of weights, one for every LANES threads, times all rows of x; again and again until the matrix is done.
//   chunk: columns of x that fit into shared memory at once, a multiple of 256 unless it is K.
//   write: write(row of x, row of weights, sum).
template <class Product, int ROWS, class Write>
__device__ void project(const Product& product, const Input& in, int N, int chunk, const Write& write) {
    DYN_SHARED(uint4, shared);
    const typename Product::Activations x(shared, in.n_rows, chunk);
    const int lane = threadIdx.x % LANES, rows_at_once = blockDim.x / LANES;
    const int units_of_row = in.K / Product::unit_size, first = blockIdx.x * rows_at_once;
    for (int begin = first; begin < N; begin += gridDim.x * rows_at_once) {
        const int n = begin + threadIdx.x / LANES;
        float sums[ROWS] = {};
        for (int k0 = 0; k0 < in.K; k0 += chunk) {
            const int width = min(chunk, in.K - k0), units = n < N ? width / Product::unit_size : 0;
            const int origin = n * units_of_row + k0 / Product::unit_size;
            typename Product::Raw loaded[Product::ahead];
#pragma unroll
            for (int i = 0; i < Product::ahead; ++i)  // on their way while x is made ready
                if (lane + i * LANES < units) loaded[i] = product.load(origin + lane + i * LANES);
            if (begin == first || chunk < in.K) {
                __syncthreads();
                prepare(in, k0, width, x);
                __syncthreads();
            }
#pragma unroll 1
            for (int unit = lane; unit < units; unit += LANES) {
                const typename Product::Raw raw = loaded[0];
#pragma unroll
                for (int i = 1; i < Product::ahead; ++i) loaded[i - 1] = loaded[i];
                const int next = unit + Product::ahead * LANES;
                if (next < units) loaded[Product::ahead - 1] = product.load(origin + next);
                product.add(raw, origin + unit, x, unit, in.n_rows, sums);
            }
        }
        float mine[(ROWS + LANES - 1) / LANES] = {};  // lane l writes rows l, l + LANES ...
#pragma unroll
        for (int row = 0; row < ROWS; ++row) {
            if (row >= in.n_rows) break;
#pragma unroll
            for (int lanes = LANES / 2; lanes > 0; lanes /= 2)
                sums[row] += __shfl_xor_sync(0xffffffffu, sums[row], lanes);
            if (row % LANES == lane) mine[row / LANES] = sums[row];
        }
#pragma unroll
        for (int row = lane; row < ROWS; row += LANES)
            if (row < in.n_rows && n < N) write(row, n, mine[row / LANES]);
    }
}
