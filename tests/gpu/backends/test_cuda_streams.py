"""Two lines of work on the device: what has to wait does, what may run at once does, and the results are the same."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest

from gpu.audio import load_audio
from gpu.backends.base import RowParams
from gpu.backends.cuda import CudaBackend
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_mel import CudaSpectrogram
from gpu.backends.cuda_plan import decoder_parts, n_bytes_of_parts
from gpu.backends.failover import FailoverBackend
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, DeviceFailedError, DeviceMemoryError
from gpu.kernels import KernelImages
from gpu.mel import NumpySpectrogram
from gpu.model_file.mel_filters import mel_filters
from gpu.selftest import kernel_check
from gpu.types import DeviceInfo, Words
from tests.support.cuda.backend_pair import PLAN, Pair, all_tokens, greedy, opened
from tests.support.cuda.devices import emulated_device
from tests.support.cuda.emulator import compile_kernels
from tests.support.cuda.fake_cupy import fake_cupy
from tests.support.cuda.fake_streams import MissingWaitError
from tests.support.requantize import SHIPPED_MODEL
from tests.support.tiny_whisper import PROMPT, tiny_mel

JFK = SHIPPED_MODEL.parents[1] / "samples" / "jfk.wav"


@pytest.fixture(scope="module")
def gpu():
    cupy, gpu = fake_cupy(compile_kernels, total=4 << 30)
    return CudaDevice(cupy, KernelImages()), gpu


@pytest.fixture(scope="module")
def pair(gpu):
    return Pair(gpu[0], "F16", 4)


def encoded(pair, window):
    [cross] = pair.ours.encode(tiny_mel(4)[window : window + 1], CancelToken())
    return cross


def pending(gpu):
    """How much each stream has left to do."""
    return [stream.n_added - stream.n_done for stream in gpu.streams]


def test_the_next_window_is_encoded_beside_decoding(gpu, pair):
    """Decoding does not wait for it, and it is there when it is admitted."""
    expected = [greedy(pair, window) for window in range(2)]
    decoder = opened(pair, max_tokens=16)
    begun = decoder.advance(5).tokens[0]
    ahead = encoded(pair, 1)
    assert [stream.priority for stream in gpu[1].streams[:2]] == [-1, 0], "what is short goes first"
    waiting = max(pending(gpu[1]))
    assert waiting > 30, "it was enqueued, and nothing has waited for it"
    tokens = begun + all_tokens(decoder)[0]
    assert max(pending(gpu[1])) == waiting, "nor has decoding"
    decoder.admit(0, ahead, PROMPT, RowParams(max_tokens=16))
    assert max(pending(gpu[1])) < waiting
    assert [tokens, all_tokens(decoder)[0]] == expected


@pytest.mark.long
def test_a_window_goes_where_one_was(gpu, pair):
    """Memory that is used again: by the second stream, while the first may still read what was there."""
    expected = [greedy(pair, window) for window in range(3)]
    backend = CudaBackend(pair.model, gpu[0], DeviceInfo("cuda", "emulated", Words("For a test")))
    decoder = backend.open(PLAN, CancelToken())
    tokens = []
    [cross] = backend.encode(tiny_mel(4)[:1], CancelToken())
    for window in range(3):
        decoder.admit(0, cross, PROMPT, RowParams(max_tokens=16))
        tokens.append(decoder.advance(3).tokens[0])
        following = backend.encode(tiny_mel(4)[window + 1 : window + 2], CancelToken())
        tokens[-1] += all_tokens(decoder)[0]
        decoder.retire(0)
        cross.free()
        [cross] = following
    assert tokens == expected
    assert len({id(cross.array) for cross in following}) == 1


@pytest.mark.parametrize("missing", ["decoder's", "encoder's"])
def test_a_missing_wait_is_found(pair, monkeypatch, missing):
    """The stand-in notices, whatever comes out by chance."""
    ours, _ = backend_of(pair)
    [cross] = ours.encode(tiny_mel(1), CancelToken())
    decoder = ours.open(PLAN, CancelToken())
    if missing == "decoder's":
        monkeypatch.setattr(CudaDevice, "wait", lambda self, event: None)
        with pytest.raises(MissingWaitError, match="nothing says which is first"):
            decoder.admit(0, cross, PROMPT, RowParams())
    else:
        decoder.admit(0, cross, PROMPT, RowParams())
        with ours._cuda.on(ours._encoding):  # over the window that is being decoded
            ours._encoder.encode(tiny_mel(1)[0], cross.array, CancelToken())
        with pytest.raises(MissingWaitError):
            decoder.advance(8)


def backend_of(pair, total=4 << 30):
    """Another one on the same model, with a GPU of its own."""
    cupy, gpu = fake_cupy(compile_kernels, total=total)
    device = CudaDevice(cupy, KernelImages())
    return CudaBackend(pair.model, device, DeviceInfo("cuda", "emulated", Words("For a test"))), gpu


def opened_with(pair, cross):
    decoder = pair.ours.open(PLAN, CancelToken())
    decoder.admit(0, cross, PROMPT, RowParams())
    return decoder


def test_a_graph_is_captured_while_the_other_stream_works(gpu, pair):
    decoder = opened(pair, max_tokens=16)
    ahead = encoded(pair, 1)
    waiting = max(pending(gpu[1]))
    tokens = all_tokens(decoder)[0]
    [graph] = decoder._replays.graphs.values()
    assert graph.n_nodes <= 9 * 2 + 5
    assert max(pending(gpu[1])) == waiting
    assert tokens == greedy(pair)
    gpu[1].finish()
    assert ahead.encoded.is_done


def test_a_fault_in_the_second_stream_is_the_run_s(pair):
    """It shows wherever the device is used next; the CPU has both windows then."""
    ours, gpu = backend_of(pair)
    notes = []
    backend = FailoverBackend(ours, lambda note: notes.append(note) or pair.reference)
    mel = tiny_mel(2)
    [first] = backend.encode(mel[:1], CancelToken())
    assert backend.encodes_ahead
    gpu.faults["launch"] = (20, 700)  # in the midst of encoding
    [ahead] = backend.encode(mel[1:], CancelToken())
    assert len(notes) == 1
    assert "illegal memory access" in notes[0]
    assert backend.device.kind == "cpu"
    for cross, expected in ((first, pair.expected[0]), (ahead, pair.expected[1])):
        np.testing.assert_array_equal(cross.here(CancelToken()).keys, expected.keys)


def test_a_fault_that_shows_late_is_the_decoder_s(gpu, pair):
    decoder = opened(pair)
    encoded(pair, 1)
    gpu[1].faults["synchronize"] = (1, 2)  # out of memory: one that a device survives, for the tests to come
    with pytest.raises(DeviceMemoryError):
        decoder.advance(8)
    gpu[1].finish()


def test_cancelled_while_encoding_ahead(gpu, pair):
    """What was enqueued still runs; the window's memory is used again, in order."""
    expected = greedy(pair, 1)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        pair.ours.encode(tiny_mel(4)[2:3], cancel)
    decoder = opened_with(pair, encoded(pair, 1))
    assert decoder.advance(16).tokens[0][:16] == expected


def test_no_window_ahead_where_there_is_no_room(pair):
    ours, _ = backend_of(pair, total=300 << 20)
    device = ours._cuda
    assert ours.encodes_ahead
    device.synchronize()
    hog = Arena(device, device.memory().free - (10 << 20))
    assert not ours.encodes_ahead
    cross = ours.encode(tiny_mel(1), CancelToken())  # what is needed now is another matter
    del cross
    assert ours.encodes_ahead, "where one was"
    hog.free()


def test_a_decoder_takes_the_memory_of_windows_that_are_gone(pair):
    ours, _ = backend_of(pair, total=300 << 20)
    device = ours._cuda
    crosses = ours.encode(tiny_mel(2), CancelToken())
    needed = n_bytes_of_parts(decoder_parts(pair.model.dims, PLAN))
    hog = Arena(device, device.memory().free - needed + 256)
    with pytest.raises(DeviceMemoryError):
        ours.open(PLAN, CancelToken())
    del crosses
    ours.open(PLAN, CancelToken())
    hog.free()


def test_every_kernel_is_timed(pair):
    """Each launch by itself, with what it is given; the tokens are the same."""
    expected = greedy(pair)
    ours, gpu = backend_of(pair)
    device = ours._cuda
    gpu.launched.clear()
    clock = device.time_kernels()
    [cross] = ours.encode(tiny_mel(4)[:1], CancelToken())
    decoder = ours.open(PLAN, CancelToken())
    decoder.admit(0, cross, PROMPT, RowParams(max_tokens=16))
    assert all_tokens(decoder)[0] == expected
    assert not decoder._replays.graphs
    times = clock.times()
    assert {kernel.name: kernel.n_launches for kernel in times} == Counter(gpu.launched)
    assert [kernel.seconds for kernel in times] == sorted((kernel.seconds for kernel in times), reverse=True)
    by_name = {kernel.name: kernel for kernel in times}
    weights = ours._encoder._network.encoder[0].mlp_in.matrix.data.nbytes
    assert by_name["gemm_large_f16"].n_bytes > 2 * weights
    check = kernel_check(times, device.memory(), "passed")
    assert check.figures["flash_attention_launches"] == gpu.launched.count("flash_attention")
    assert check.figures["peak_bytes"] > weights
    assert times[0].name in str(check.detail)


@pytest.mark.parametrize("seconds", [0.025, 0.04, 1.234, 31.0])
def test_the_spectrogram_is_the_host_s(seconds):
    device = emulated_device("mel.cu")
    filters = mel_filters(80)
    spectrogram = CudaSpectrogram(device, arena_for(device, 80), filters)
    audio = np.tile(load_audio(JFK), 3)[: int(seconds * 16000)]
    ours, expected = spectrogram.log10_mel(audio), NumpySpectrogram(filters).log10_mel(audio)
    assert ours.shape == expected.shape
    assert is_near(ours, expected)


def is_near(ours, expected):
    """1e-4 of what the encoder is given; how quiet silence is does not come that far."""
    floor = expected.max() - 8
    return np.abs(np.maximum(ours, floor) - np.maximum(expected, floor)).max() < 4e-4


def arena_for(device, n_mels):
    sizes = [np.prod(shape) * np.dtype(dtype).itemsize + 256 for shape, dtype in CudaSpectrogram.arrays(n_mels)]
    return Arena(device, int(sum(sizes)))


def test_the_spectrogram_on_the_reader_s_thread(gpu, pair):
    """While the other thread captures and replays."""
    expected = greedy(pair)
    audio = load_audio(JFK)[:32000]
    mel = NumpySpectrogram(pair.ours.spectrogram.filters).log10_mel(audio)
    got, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            got.append(pair.ours.spectrogram.log10_mel(audio))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        tokens = [greedy(pair) for _ in range(3)]
    finally:
        stop.set()
        reader.join()
    assert tokens == [expected] * 3
    assert all(is_near(one, mel) for one in got)
    assert got


def test_a_device_that_breaks_leaves_the_spectrogram_to_the_cpu(pair, caplog):
    ours, gpu = backend_of(pair)
    spectrogram = FailoverBackend(ours, lambda note: pair.reference).spectrogram
    audio = load_audio(JFK)[:16000]
    expected = NumpySpectrogram(spectrogram.filters).log10_mel(audio)
    assert is_near(spectrogram.log10_mel(audio), expected)
    gpu.faults["download"] = (1, 700)
    np.testing.assert_array_equal(spectrogram.log10_mel(audio), expected)
    assert "The CPU computes the spectrogram" in caplog.text
    with pytest.raises(DeviceFailedError):
        ours.encode(tiny_mel(1), CancelToken())
    ours.close()
