// The decoder's linear layers in one launch each: out = epilogue(W * layer_norm(x)) for 1 to 16 rows of x, whose weights
// are read once. Quantized weights meet x as q8_1.
#include "epilogue.cuh"
#include "products.cuh"

// Grid: any number of blocks. Dynamic shared memory: the activations of `chunk` columns.
//   x: (n_rows, K). gamma, beta: (K) or NULL. planes: W, (N, K). bias: (N) or NULL. out: (n_rows, N).
//   states: of the rows, or NULL; nothing is done when all are.
template <class Product, int ROWS>
__device__ __forceinline__ void gemv(const Input& in, const void* planes, const Epilogue& epilogue,
                                     const SequenceState* states, int chunk) {
    if (!any_alive(states, in.n_rows)) return;
    project<Product, ROWS>(Product(planes, epilogue.N, in.K), in, epilogue.N, chunk,
                           [&](int row, int n, float sum) { epilogue.one(row, n, sum); });
}

#define GEMV(name, rows, Product)                                                                                 \
    extern "C" __global__ void __launch_bounds__(GEMV_THREADS, 4)                                                 \
    gemv_##rows##_##name(const float* x, const float* gamma, const float* beta, const void* planes,               \
                         const float* bias, void* out, const SequenceState* states, int n_rows, int N, int K,     \
                         int chunk, int flags) {                                                                  \
        gemv<Product, rows>({x, gamma, beta, n_rows, K}, planes, {bias, out, N, flags}, states, chunk);           \
    }
#define GEMV_QUANTIZED(name, Format) GEMV(name, 1, IntegerProduct<Format>) GEMV(name, 16, IntegerProduct<Format>)
FOR_EACH_QUANTIZED(GEMV_QUANTIZED)
GEMV(f16, 1, FloatProduct<__half>)
GEMV(f16, 16, FloatProduct<__half>)
GEMV(f32, 1, FloatProduct<float>)
GEMV(f32, 16, FloatProduct<float>)
