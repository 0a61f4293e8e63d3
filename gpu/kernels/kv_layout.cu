// Keys, values and queries as projections leave them, put where attention reads them.
#include "attention.cuh"

#define LAYOUT_THREADS 256

// Grid (blocks of LAYOUT_THREADS times eight halves, 2: keys, values), LAYOUT_THREADS threads.
//   k, v: n rows, `pitch` halves apart, of n_head * HEAD. k_out, v_out: (n_head, n_ctx, HEAD), positions from `first` on.
extern "C" __global__ void __launch_bounds__(LAYOUT_THREADS)
split_heads(const __half* k, const __half* v, __half* k_out, __half* v_out, int n, int n_head, int pitch, int n_ctx,
            int first) {
    const int parts = HEAD / 8, i = blockIdx.x * LAYOUT_THREADS + threadIdx.x;
    if (i >= n * n_head * parts) return;
    const int row = i / (n_head * parts), head = i / parts % n_head, part = i % parts;
    const __half* from = blockIdx.y ? v : k;
    __half* to = blockIdx.y ? v_out : k_out;
    *(uint4*)(to + ((size_t)head * n_ctx + first + row) * HEAD + part * 8) =
        load8(from + (size_t)row * pitch + (head * parts + part) * 8);
}

// Grid (heads of the layer, positions), HEAD threads: cross-attention's queries of a prompt, kept for the word times.
//   q: (positions, n_head * HEAD). kept: (n_head), which of the n_kept a head's is, or -1.
//   queries: of one sequence, (n_kept, n_text_ctx, HEAD), positions from `first` on.
extern "C" __global__ void __launch_bounds__(HEAD)
keep_queries(const __half* q, const int* kept, float* queries, int n_text_ctx, int first) {
    const int index = kept[blockIdx.x];
    if (index < 0) return;
    queries[((size_t)index * n_text_ctx + first + blockIdx.y) * HEAD + threadIdx.x] =
        __half2float(q[((size_t)blockIdx.y * gridDim.x + blockIdx.x) * HEAD + threadIdx.x]);
}
