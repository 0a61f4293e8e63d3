// The log-mel spectrogram (gpu/mel.py): a centred short-time Fourier transform with a Hann window, power, mel filters,
// log10; then clamped at 8 below the window's maximum and scaled.
#include "device.cuh"

#define MEL_THREADS 256
#define N_FFT 400
#define HOP_LENGTH 160
#define ROOT 20  // N_FFT is ROOT * ROOT: ROOT transforms of every ROOT-th sample, put together by ROOT transforms of those
#define HALF_ROOT (ROOT / 2 + 1)  // those of real samples: the other bins mirror these
#define N_BINS (N_FFT / 2 + 1)
#define FRAMES_AT_ONCE 16

__device__ __forceinline__ float2 multiply_add(float2 a, float2 b, float2 sum) {
    return make_float2(sum.x + (a.x * b.x - a.y * b.y), sum.y + (a.x * b.y + a.y * b.x));
}

// The power of every bin of one frame. X[k1 + 20 k2] = sum over n2 of W^(n2 k1) W20^(n2 k2) Y, where Y = sum over n1 of
// x[20 n1 + n2] W20^(n1 k1), W = exp(-2 pi i / 400) and W20 = W^20; turns: its powers (Cooley and Tukey, 1965).
//   samples: (N_FFT), windowed. inner: (ROOT, HALF_ROOT). power: bins `pitch` apart.
__device__ __forceinline__ void power_spectrum(const float* samples, const float2* turns, float2* inner, float* power,
                                               int pitch) {
    for (int i = threadIdx.x; i < ROOT * HALF_ROOT; i += MEL_THREADS) {
        const int n2 = i / HALF_ROOT, k1 = i % HALF_ROOT;
        float2 sum = make_float2(0.0f, 0.0f);
        for (int n1 = 0; n1 < ROOT; ++n1) {
            const float2 turn = turns[ROOT * (n1 * k1 % ROOT)];
            sum.x += samples[ROOT * n1 + n2] * turn.x;
            sum.y += samples[ROOT * n1 + n2] * turn.y;
        }
        inner[i] = multiply_add(sum, turns[n2 * k1], make_float2(0.0f, 0.0f));
    }
    __syncthreads();
    for (int bin = threadIdx.x; bin < N_BINS; bin += MEL_THREADS) {
        const int k = bin % ROOT < HALF_ROOT ? bin : N_FFT - bin;  // bin N_FFT - k has the power of bin k
        float2 sum = make_float2(0.0f, 0.0f);
        for (int n2 = 0; n2 < ROOT; ++n2)
            sum = multiply_add(inner[n2 * HALF_ROOT + k % ROOT], turns[ROOT * (n2 * (k / ROOT) % ROOT)], sum);
        power[bin * pitch] = sum.x * sum.x + sum.y * sum.y;
    }
}

// Grid (blocks of FRAMES_AT_ONCE frames), MEL_THREADS threads.
//   audio: (n_samples), more than N_FFT / 2. window: (N_FFT). turns: (N_FFT), cos and -sin of 2 pi i / N_FFT.
//   filters: (n_mels, N_BINS). spans: (n_mels, 2), the first bin of each that is not zero, and the one after the last.
//   out: (n_mels, n_frames), log10. maxima: of each block.
extern "C" __global__ void __launch_bounds__(MEL_THREADS)
log10_mel(const float* audio, const float* window, const float2* turns, const float* filters, const int2* spans, float* out,
          float* maxima, int n_samples, int n_mels, int n_frames) {
    __shared__ float samples[N_FFT], power[N_BINS][FRAMES_AT_ONCE + 1], max_of_warp[MEL_THREADS / 32];
    __shared__ float2 turns_here[N_FFT], inner[ROOT * HALF_ROOT];
    const int first = blockIdx.x * FRAMES_AT_ONCE, n_here = min(FRAMES_AT_ONCE, n_frames - first);
    for (int i = threadIdx.x; i < N_FFT; i += MEL_THREADS) turns_here[i] = turns[i];
    for (int frame = 0; frame < n_here; ++frame) {
        __syncthreads();
        for (int i = threadIdx.x; i < N_FFT; i += MEL_THREADS) {
            int at = abs((first + frame) * HOP_LENGTH + i - N_FFT / 2);  // the ends are mirrored
            if (at >= n_samples) at = 2 * (n_samples - 1) - at;
            samples[i] = audio[at] * window[i];
        }
        __syncthreads();
        power_spectrum(samples, turns_here, inner, &power[0][frame], FRAMES_AT_ONCE + 1);
    }
    __syncthreads();
    float highest = -10.0f;
    for (int i = threadIdx.x; i < n_mels * FRAMES_AT_ONCE; i += MEL_THREADS) {
        const int mel = i / FRAMES_AT_ONCE, frame = i % FRAMES_AT_ONCE;
        if (frame >= n_here) continue;
        float sum = 0.0f;
        for (int bin = spans[mel].x; bin < spans[mel].y; ++bin) sum += filters[mel * N_BINS + bin] * power[bin][frame];
        const float value = log10f(fmaxf(sum, 1e-10f));
        out[(size_t)mel * n_frames + first + frame] = value;
        highest = fmaxf(highest, value);
    }
#pragma unroll
    for (int offset = 16; offset; offset >>= 1) highest = fmaxf(highest, __shfl_xor_sync(0xffffffffu, highest, offset));
    if (threadIdx.x % 32 == 0) max_of_warp[threadIdx.x / 32] = highest;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int warp = 1; warp < MEL_THREADS / 32; ++warp) highest = fmaxf(highest, max_of_warp[warp]);
    maxima[blockIdx.x] = highest;
}

// Grid (blocks of MEL_THREADS values), MEL_THREADS threads: clamp to 8 below the maximum, scale to about -1..1.
//   mel: (n). maxima: (n_maxima).
extern "C" __global__ void __launch_bounds__(MEL_THREADS)
normalize_mel(float* mel, const float* maxima, int n, int n_maxima) {
    __shared__ float max_of_warp[MEL_THREADS / 32];
    float highest = -10.0f;
    for (int i = threadIdx.x; i < n_maxima; i += MEL_THREADS) highest = fmaxf(highest, maxima[i]);
#pragma unroll
    for (int offset = 16; offset; offset >>= 1) highest = fmaxf(highest, __shfl_xor_sync(0xffffffffu, highest, offset));
    if (threadIdx.x % 32 == 0) max_of_warp[threadIdx.x / 32] = highest;
    __syncthreads();
    for (int warp = 0; warp < MEL_THREADS / 32; ++warp) highest = fmaxf(highest, max_of_warp[warp]);
    const int i = blockIdx.x * MEL_THREADS + threadIdx.x;
    if (i < n) mel[i] = (fmaxf(mel[i], highest - 8.0f) + 4.0f) / 4.0f;
}
