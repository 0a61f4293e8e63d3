// The two convolutions of the encoder's stem (kernel 3, padding 1) as matrix products: what each output frame sees is
// laid out as a row, (n_in, 3) like a row of the weight. And the positional embedding that follows them.
#include "device.cuh"

#define CONV_THREADS 256
#define TILE_FRAMES 32

// Grid (tiles of frames, windows), CONV_THREADS threads, shared n_mels * (TILE_FRAMES + 3) floats: of conv1, stride 1.
//   mel: (windows, n_mels, n_frames). out: (windows * n_frames, n_columns); zeros from column 3 * n_mels on.
extern "C" __global__ void __launch_bounds__(CONV_THREADS)
im2col_mel(const float* mel, __half* out, int n_mels, int n_frames, int n_columns) {
    const int pitch = TILE_FRAMES + 3;  // a frame more on each side, and an odd number: columns without bank conflicts
    DYN_SHARED(float, tile);
    const int first = blockIdx.x * TILE_FRAMES;
    mel += (size_t)blockIdx.y * n_mels * n_frames;
    out += ((size_t)blockIdx.y * n_frames + first) * n_columns;
    for (int i = threadIdx.x; i < n_mels * (TILE_FRAMES + 2); i += CONV_THREADS) {
        const int channel = i / (TILE_FRAMES + 2), offset = i % (TILE_FRAMES + 2), frame = first + offset - 1;
        const bool inside = frame >= 0 && frame < n_frames;
        tile[channel * pitch + offset] = inside ? mel[(size_t)channel * n_frames + frame] : 0.0f;
    }
    __syncthreads();
    const int n_tile = min(TILE_FRAMES, n_frames - first);
    for (int i = threadIdx.x; i < n_tile * n_columns; i += CONV_THREADS) {
        const int frame = i / n_columns, column = i % n_columns;
        out[i] = __float2half_rn(column < 3 * n_mels ? tile[column / 3 * pitch + frame + column % 3] : 0.0f);
    }
}

// Grid (output frames, windows), CONV_THREADS threads: of conv2, stride 2.
//   x: (windows, n_frames, n_state), n_state even. out: (windows * ceil(n_frames / 2), 3 * n_state).
extern "C" __global__ void __launch_bounds__(CONV_THREADS)
im2col_stride2(const __half* x, __half* out, int n_frames, int n_state) {
    const int centre = 2 * blockIdx.x;
    x += ((size_t)blockIdx.y * n_frames + centre) * n_state;
    out += ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * 3 * n_state;
    for (int i = threadIdx.x; i < n_state / 2; i += CONV_THREADS) {  // two channels: six halves side by side
        const uint32_t before = centre > 0 ? ((const uint32_t*)(x - n_state))[i] : 0u;
        const uint32_t here = ((const uint32_t*)x)[i];
        const uint32_t after = centre + 1 < n_frames ? ((const uint32_t*)(x + n_state))[i] : 0u;
        uint32_t* triples = (uint32_t*)out + 3 * i;
        triples[0] = (before & 0xffffu) | (here << 16);
        triples[1] = (after & 0xffffu) | (before & 0xffff0000u);
        triples[2] = (here >> 16) | (after & 0xffff0000u);
    }
}

// Grid (blocks of CONV_THREADS float4, windows): x += positions.
//   x: (windows, n), positions: (n), n a multiple of 4.
extern "C" __global__ void __launch_bounds__(CONV_THREADS)
add_positions(float* x, const float* positions, int n) {
    const int i = 4 * (blockIdx.x * CONV_THREADS + threadIdx.x);
    if (i >= n) return;
    float4* v = (float4*)(x + (size_t)blockIdx.y * n + i);
    const float4 p = *(const float4*)(positions + i), old = *v;
    *v = make_float4(old.x + p.x, old.y + p.y, old.z + p.z, old.w + p.w);
}
