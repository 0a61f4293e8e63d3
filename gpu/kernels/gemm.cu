// out = epilogue(A * W^T) on the tensor cores: A in float16, W in any of ggml's formats, sums in float32.
// Every tile of W is dequantized to float16 on its way to shared memory.
#include "epilogue.cuh"
#include "quants.cuh"

#define GEMM_THREADS 128
#define TILE_K 32
#define STRIDE (TILE_K + 8)  // halves from row to row: rows begin in different banks

// Four warps side by side as WARPS_M x WARPS_N, each computing TILES_M x TILES_N tiles of the 16 x 8 that one
// instruction does.
template <int WARPS_M, int WARPS_N, int TILES_M, int TILES_N>
struct Shape {
    static constexpr int warps_n = WARPS_N, tiles_m = TILES_M, tiles_n = TILES_N;
    static constexpr int rows = 16 * WARPS_M * TILES_M, columns = 8 * WARPS_N * TILES_N;
    static constexpr int chunks = rows * (TILE_K / 8) / GEMM_THREADS;    // 16 bytes of A: loads of each thread
    static constexpr int groups = columns * (TILE_K / 16) / GEMM_THREADS;  // 16 weights: loads of each thread
    static constexpr int tile_a = rows * STRIDE / 8, tile_w = columns * STRIDE / 8;  // words of 16 bytes
    static constexpr int shared = 2 * (tile_a + tile_w) > rows * columns / 4 ? 2 * (tile_a + tile_w) : rows * columns / 4;
    static_assert(WARPS_M * WARPS_N * 32 == GEMM_THREADS && chunks >= 1 && groups >= 1, "every thread loads");
};
typedef Shape<2, 2, 4, 4> Large;  // 128 x 64
typedef Shape<1, 4, 2, 2> Small;  // 32 x 64

// The tile of A in global memory; rows and columns beyond the matrix are zero.
template <class S>
struct TileOfA {
    const __half* a;
    int m0, M, K;
    uint4 loaded[S::chunks];

    __device__ __forceinline__ void load(int k0) {
#pragma unroll
        for (int i = 0; i < S::chunks; ++i) {
            const int chunk = threadIdx.x + i * GEMM_THREADS, row = m0 + chunk / 4, k = k0 + chunk % 4 * 8;
            loaded[i] = make_uint4(0, 0, 0, 0);
            if (row < M && k < K) loaded[i] = __ldg((const uint4*)(a + (size_t)row * K + k));
        }
    }
    __device__ __forceinline__ void store(uint4* tile) const {
#pragma unroll
        for (int i = 0; i < S::chunks; ++i) {
            const int chunk = threadIdx.x + i * GEMM_THREADS;
            tile[chunk / 4 * (STRIDE / 8) + chunk % 4] = loaded[i];
        }
    }
};

// The tile of W: rows of W are columns of the result.
template <class S, class Format>
struct TileOfW {
    const Format w;
    int n0, N, K, k0;
    typename Format::Raw loaded[S::groups];

    __device__ __forceinline__ bool inside(int i, int& group) const {
        const int g = threadIdx.x + i * GEMM_THREADS, row = n0 + g / 2, k = k0 + g % 2 * 16;
        group = row * (K / 16) + k / 16;
        return row < N && k < K;
    }
    __device__ __forceinline__ void load(int from) {
        k0 = from;
        int group;
#pragma unroll
        for (int i = 0; i < S::groups; ++i)
            if (inside(i, group)) loaded[i] = w.load(Format::unit(group));
    }
    __device__ __forceinline__ void store(uint4* tile) const {
        int group;
#pragma unroll
        for (int i = 0; i < S::groups; ++i) {
            const int g = threadIdx.x + i * GEMM_THREADS;
            uint4 values[2] = {make_uint4(0, 0, 0, 0), make_uint4(0, 0, 0, 0)};
            if (inside(i, group)) halves(w, loaded[i], group, values);
            uint4* to = tile + g / 2 * (STRIDE / 8) + g % 2 * 2;
            to[0] = values[0];
            to[1] = values[1];
        }
    }
};

__device__ __forceinline__ unsigned int two(const __half* at) { return *(const unsigned int*)at; }

// Adds the product of the tiles in shared memory to this warp's sums.
template <class S>
__device__ __forceinline__ void multiply(const __half* a, const __half* w, float (&sums)[S::tiles_m][S::tiles_n][4]) {
    const int row = threadIdx.x % 32 / 4, k = threadIdx.x % 4 * 2;  // of this lane in a fragment
#pragma unroll
    for (int k0 = 0; k0 < TILE_K; k0 += 16) {
        unsigned int fa[S::tiles_m][4], fw[2];
#pragma unroll
        for (int i = 0; i < S::tiles_m; ++i) {
            const __half* at = a + (i * 16 + row) * STRIDE + k0 + k;
            fa[i][0] = two(at);
            fa[i][1] = two(at + 8 * STRIDE);
            fa[i][2] = two(at + 8);
            fa[i][3] = two(at + 8 * STRIDE + 8);
        }
#pragma unroll
        for (int j = 0; j < S::tiles_n; ++j) {
            const __half* at = w + (j * 8 + row) * STRIDE + k0 + k;
            fw[0] = two(at);
            fw[1] = two(at + 8);
#pragma unroll
            for (int i = 0; i < S::tiles_m; ++i) mma_m16n8k16(sums[i][j], fa[i], fw);
        }
    }
}

// Where a column of the result lies in shared memory: rows that are written at once begin in different banks.
template <class S>
__device__ __forceinline__ int place(int row, int column) { return row * S::columns + (column ^ row % 4 * 8); }

template <class S>
__device__ __forceinline__ void lay_out(const float (&sums)[S::tiles_m][S::tiles_n][4], float* result, int warp_m, int warp_n) {
    const int row = warp_m + threadIdx.x % 32 / 4, column = warp_n + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < S::tiles_m; ++i)
#pragma unroll
        for (int j = 0; j < S::tiles_n; ++j) {
            const float* s = sums[i][j];
            *(float2*)(result + place<S>(row + i * 16, column + j * 8)) = make_float2(s[0], s[1]);
            *(float2*)(result + place<S>(row + i * 16 + 8, column + j * 8)) = make_float2(s[2], s[3]);
        }
}

// Grid (tiles of N, tiles of M): neighbouring blocks share the tile of A.
//   a: (M, K). planes: W, (N, K). bias: (N) or NULL. out: (M, N) float or half. K: a multiple of 16.
template <class S, class Format>
__device__ void gemm(const __half* a, const void* planes, const Epilogue& epilogue, int M, int N, int K) {
    __shared__ uint4 memory[S::shared];  // two tiles of A, two of W; at the end the result
    const int m0 = blockIdx.y * S::rows, n0 = blockIdx.x * S::columns;
    const int warp_m = threadIdx.x / 32 / S::warps_n * S::tiles_m * 16;
    const int warp_n = threadIdx.x / 32 % S::warps_n * S::tiles_n * 8;
    TileOfA<S> tile_a = {a, m0, M, K};
    TileOfW<S, Format> tile_w = {Format(planes, (int)((size_t)N * K / Format::block_size)), n0, N, K};
    float sums[S::tiles_m][S::tiles_n][4] = {};
    uint4 *tiles_a = memory, *tiles_w = memory + 2 * S::tile_a;

    tile_a.load(0);
    tile_w.load(0);
    tile_a.store(tiles_a);
    tile_w.store(tiles_w);
    __syncthreads();
    for (int k0 = 0; k0 < K; k0 += TILE_K) {  // the next tiles are loaded while these are multiplied
        const int now = k0 / TILE_K % 2;
        const bool more = k0 + TILE_K < K;
        if (more) {
            tile_a.load(k0 + TILE_K);
            tile_w.load(k0 + TILE_K);
        }
        multiply<S>((const __half*)(tiles_a + now * S::tile_a) + warp_m * STRIDE,
                    (const __half*)(tiles_w + now * S::tile_w) + warp_n * STRIDE, sums);
        if (more) {
            tile_a.store(tiles_a + (1 - now) * S::tile_a);
            tile_w.store(tiles_w + (1 - now) * S::tile_w);
        }
        __syncthreads();
    }
    lay_out<S>(sums, (float*)memory, warp_m, warp_n);
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < S::rows * S::columns / 4; i += GEMM_THREADS) {
        const int row = i / (S::columns / 4), column = i % (S::columns / 4) * 4;
        if (m0 + row < M) epilogue.four(m0 + row, n0 + column, *(const float4*)((float*)memory + place<S>(row, column)));
    }
}

#define GEMM(name, Format)                                                                                       \
    extern "C" __global__ void __launch_bounds__(GEMM_THREADS)                                                   \
    gemm_large_##name(const __half* a, const void* planes, const float* bias, void* out, int M, int N, int K,    \
                      int flags) {                                                                               \
        gemm<Large, Format>(a, planes, {bias, out, N, flags}, M, N, K);                                          \
    }                                                                                                            \
    extern "C" __global__ void __launch_bounds__(GEMM_THREADS)                                                   \
    gemm_small_##name(const __half* a, const void* planes, const float* bias, void* out, int M, int N, int K,    \
                      int flags) {                                                                               \
        gemm<Small, Format>(a, planes, {bias, out, N, flags}, M, N, K);                                          \
    }
FOR_EACH_FORMAT(GEMM)
