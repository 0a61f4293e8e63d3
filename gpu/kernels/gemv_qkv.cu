// Query, key and value of a decoder layer's self-attention in one launch; keys and values go to the cache as float16.
#include "products.cuh"

#define HEAD 64

template <class T>
__device__ __forceinline__ T one_of(int i, T first, T second, T third) {
    return i == 0 ? first : i == 1 ? second : third;
}

// The cache of one layer, (2, n_sequences, n_head, n_text_ctx, 64): keys, then values.
struct Cache {
    __half* kv;
    int n_sequences, n_text_ctx;

    // Element `n` of the key (part 0) or value (part 1) at a position.
    __device__ __forceinline__ __half* at(int part, int sequence, int position, int n, int n_head) const {
        const size_t head = (size_t)(part * n_sequences + sequence) * n_head + n / HEAD;
        return kv + (head * n_text_ctx + position) * HEAD + n % HEAD;
    }
};

// Grid (any number of blocks, matrices), of which the first is number `first`: 0 query, 1 key, 2 value. All are (d, d).
//   q: (n_rows, d). Row s is sequence s's; a finished sequence appends nothing.
template <class Product, int ROWS>
__device__ __forceinline__ void gemv_qkv(const Input& in, const void* planes, const float* bias, int part, float* q,
                                         const Cache& cache, const SequenceState* states, int chunk) {
    if (!any_alive(states, in.n_rows)) return;
    const int d = in.K;
    project<Product, ROWS>(Product(planes, d, d), in, d, chunk, [&](int row, int n, float sum) {
        if (bias) sum += bias[n];
        if (part == 0) {
            q[(size_t)row * d + n] = sum;
        } else if (!states[row].done) {
            *cache.at(part - 1, row, states[row].pos, n, d / HEAD) = __float2half_rn(sum);
        }
    });
}

#define GEMV_QKV(name, rows, Product)                                                                             \
    extern "C" __global__ void __launch_bounds__(GEMV_THREADS, 4)                                                 \
    gemv_qkv_##rows##_##name(const float* x, const float* gamma, const float* beta, const void* wq,               \
                             const void* wk, const void* wv, const float* bq, const float* bk, const float* bv,   \
                             float* q, __half* cache, const SequenceState* states, int n_rows, int d, int chunk,  \
                             int first, int n_sequences, int n_text_ctx) {                                        \
        const int part = first + blockIdx.y;                                                                      \
        gemv_qkv<Product, rows>({x, gamma, beta, n_rows, d}, one_of(part, wq, wk, wv), one_of(part, bq, bk, bv),  \
                                part, q, {cache, n_sequences, n_text_ctx}, states, chunk);                        \
    }
#define GEMV_QKV_QUANTIZED(name, Format)        \
    GEMV_QKV(name, 1, IntegerProduct<Format>)   \
    GEMV_QKV(name, 16, IntegerProduct<Format>)
FOR_EACH_QUANTIZED(GEMV_QKV_QUANTIZED)
GEMV_QKV(f16, 1, FloatProduct<__half>)
GEMV_QKV(f16, 16, FloatProduct<__half>)
GEMV_QKV(f32, 1, FloatProduct<float>)
GEMV_QKV(f32, 16, FloatProduct<float>)
