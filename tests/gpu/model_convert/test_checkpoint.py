"""PyTorch's checkpoints: what real PyTorch wrote is read as it meant it; nothing that they name is ever run."""

import os
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gpu.errors import DamagedModelError, EngineError, ModelFileError, UnknownModelFormatError, UnsafeModelError
from gpu.model_convert.checkpoint import read_checkpoint
from gpu.model_convert.open_source import open_source
from gpu.model_convert.pickle_reader import read_pickle
from gpu.model_file.loader import map_file
from tests.support.errors import check_error
from tests.support.foreign_models import (
    BUILD,
    EMPTY_DICT,
    PROTO,
    REDUCE,
    STOP,
    pickled_dict,
    pickled_int,
    pickled_name,
    pickled_tensor,
    pickled_text,
    pickled_tuple,
    write_archive,
)

DATA = Path(__file__).parents[2] / "data"
ORDINARY = pickled_dict({"w": pickled_tensor("0", "<f4", (2, 3), (3, 1))})
NUMBERS = np.arange(6, dtype="<f4").tobytes()


def read(path: Path):
    return read_checkpoint(map_file(path))


def test_what_pytorch_wrote():
    checkpoint = read(DATA / "checkpoint.pt")
    assert checkpoint.dims == {"n_mels": 80, "n_vocab": 51865}
    expected = np.load(DATA / "checkpoint.npz")
    assert set(checkpoint.tensors) == set(expected.files)
    for name, tensor in checkpoint.tensors.items():
        assert tensor.shape == expected[name].shape
        np.testing.assert_array_equal(tensor.rows(0, tensor.shape[0]), expected[name], err_msg=name)
        np.testing.assert_array_equal(tensor.rows(1, 2), expected[name][1:2], err_msg=name)


class Planted:
    """Runs a command when it is unpickled by anybody who obeys."""

    def __init__(self, *command: object) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return self.command[0], tuple(self.command[1:])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("command", ["os.system", "eval", "getattr", "bytearray"])
def test_planted_code_is_not_run(command, protocol, tmp_path):
    trace = tmp_path / "trace"
    planted = {
        "os.system": Planted(os.system, f"touch {trace}"),
        "eval": Planted(eval, f"open({str(trace)!r}, 'w')"),
        "getattr": Planted(getattr, Path, "home"),
        "bytearray": Planted(bytearray, 1 << 40),
    }[command]
    content = pickle.dumps({"model_state_dict": {}, "dims": planted}, protocol)
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", content)
    with pytest.raises((UnsafeModelError, DamagedModelError)) as caught:
        open_source(tmp_path / "model.pt")
    check_error(caught.value)
    assert not trace.exists()
    if protocol in (2, 3, 4, 5):
        assert type(caught.value) is UnsafeModelError
        assert {"os.system": "posix.system"}.get(command, f"builtins.{command}").partition(".")[2] in str(caught.value)


def pickles_of_every_trick(tmp_path):
    """Instructions that no checkpoint needs, or used in ways that it does not."""
    return {
        "instance": b"(" + pickled_text("x") + b"ios\nsystem\n",
        "object": b"(" + pickled_name("os", "system") + pickled_text("true") + b"o",
        "new object": pickled_name("os", "system") + pickled_tuple(pickled_text("true")) + b"\x81",
        "extension": b"\x82\x01",
        "name made of texts": pickled_text("os") + pickled_text("system") + b"\x93",
        "calling a storage": pickled_name("torch", "FloatStorage") + pickled_tuple(pickled_int(1 << 30)) + REDUCE,
        "calling a text": pickled_text("os.system") + pickled_tuple(pickled_text("true")) + REDUCE,
        "attributes of a tensor": pickled_tensor("0", "<f4", (2, 3), (3, 1)) + EMPTY_DICT + BUILD,
        "a dict of arguments": pickled_name("collections", "OrderedDict") + EMPTY_DICT + REDUCE,
        "dotted name": pickled_name("collections", "OrderedDict.fromkeys"),
        "torch.load": pickled_name("torch", "load") + pickled_tuple(pickled_text("x")) + REDUCE,
        "another persistent value": pickled_tuple(pickled_text("module"), pickled_name("torch", "FloatStorage")) + b"Q",
    }


def test_every_other_instruction_is_refused(tmp_path):
    for name, code in pickles_of_every_trick(tmp_path).items():
        with pytest.raises(ModelFileError) as caught:
            read_pickle(PROTO + code + STOP)
        check_error(caught.value)
        assert type(caught.value) in (UnsafeModelError, DamagedModelError), name


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"\x80\x02",
        b"not a pickle",
        PROTO + b"." + STOP,
        PROTO + b"h\x05" + STOP,  # a memo that is not there
        PROTO + b"q\x00" + STOP,  # nothing to remember
        PROTO + b"N" * 70_000 + STOP,
        PROTO + b"(" * 70_000 + STOP,
        PROTO + b"N" + b"\x94" * 70_000 + STOP,
        PROTO + b"}(N" + b"Nu" + STOP,  # no text as a key
        PROTO + b"\x8a\xff" + b"\xff" * 255 + b"0" + STOP,
        PROTO + b"\x8b\xff\xff\xff\x7f" + STOP,  # a number of 2 GB
        PROTO + b"\x8d" + struct.pack("<Q", 1 << 62) + STOP,  # a text of 2^62 bytes
        PROTO + b"X\xff\xff\xff\xff" + STOP,
        PROTO + b"r\xff\xff\xff\xff" + STOP,  # a memo of 2^32 entries
        PROTO + b"I" + b"9" * 100_000 + b"\n" + STOP,
    ],
)
def test_broken_pickles(code):
    with pytest.raises(ModelFileError) as caught:
        read_pickle(code)
    check_error(caught.value)


@pytest.mark.parametrize("code", [b"]" * 20_000 + b"a" * 19_999, b"N" + b"\x85" * 20_000])
def test_values_nested_deeper_than_python_recurses(code, tmp_path):
    with pytest.raises(DamagedModelError, match="no state dict"):
        read(write_archive(tmp_path / "model.pt", code, {}))


def test_tuples_that_share_themselves_cost_nothing(tmp_path):
    """2^100 elements, if anybody counted, compared or hashed them."""
    code = b"N" + b"q\x00h\x00\x86" * 100
    value = read_pickle(PROTO + code + STOP)
    assert isinstance(value, tuple)
    with pytest.raises(DamagedModelError):
        read_pickle(PROTO + b"}(" + code + b"Nu" + STOP)


@pytest.mark.parametrize(
    "tensor",
    [
        pickled_tensor("0", "<f4", (2, 4), (4, 1)),  # more than there is
        pickled_tensor("0", "<f4", (2, 3), (3, 1), offset=1),
        pickled_tensor("0", "<f4", (2, 3), (3, 1), offset=-1),
        pickled_tensor("0", "<f4", (1 << 20, 3), (0, 1)),  # one row, again and again
        pickled_tensor("0", "<f4", (2, 3), (1, 1)),  # rows that overlap
        pickled_tensor("0", "<f4", (2, 3), (-3, 1)),
        pickled_tensor("0", "<f4", (0,), (1,)),
        pickled_tensor("0", "<f4", (), ()),
        pickled_tensor("0", "<f4", (1, 1, 1, 2, 3), (6, 6, 6, 3, 1)),
        pickled_tensor("0", "<f4", (2, 3), (3,)),
        pickled_tensor("1", "<f4", (2, 3), (3, 1)),  # no such storage
        pickled_tensor("../data.pkl", "<f4", (2, 3), (3, 1)),
    ],
)
def test_tensors_that_are_not_there(tensor, tmp_path):
    path = write_archive(tmp_path / "model.pt", pickled_dict({"w": tensor}), {"0": NUMBERS})
    with pytest.raises(DamagedModelError) as caught:
        read(path)
    check_error(caught.value)


class TestArchives:
    def refused(self, path: Path, kind=DamagedModelError, match: str = "") -> None:
        with pytest.raises(kind, match=match) as caught:
            open_source(path)
        check_error(caught.value)

    def test_a_zip_bomb_is_not_inflated(self, tmp_path):
        path = tmp_path / "model.pt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/data.pkl", bytes(64 << 20))
        assert path.stat().st_size < 100_000
        self.refused(path, match="compressed")

    def test_compressed_numbers(self, tmp_path):
        path = write_archive(tmp_path / "model.pt", ORDINARY, {"0": NUMBERS}, zipfile.ZIP_DEFLATED)
        self.refused(path, match="compressed")

    def test_another_archive(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
            archive.writestr("readme.txt", "hello")
        self.refused(tmp_path / "model.pt", UnknownModelFormatError, "data.pkl")

    def test_more_files_than_any_model_has(self, tmp_path):
        content = write_archive(tmp_path / "model.pt", ORDINARY, {"0": NUMBERS}).read_bytes()
        end = content.rindex(b"PK\x05\x06")
        path = tmp_path / "claim.pt"
        path.write_bytes(content[: end + 8] + struct.pack("<HH", 60_000, 60_000) + content[end + 12 :])
        self.refused(path, match="claims 60000 files")

    def test_a_file_twice(self, tmp_path):
        path = tmp_path / "model.pt"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("m/data.pkl", PROTO + ORDINARY + STOP)
            archive.writestr("n/data.pkl", PROTO + ORDINARY + STOP)  # PyTorch calls the folder as it likes
        self.refused(path, match="twice")

    @pytest.mark.parametrize("at", ["numbers", "pickle"])
    def test_a_bit_that_fell_over(self, at, tmp_path):
        path = write_archive(tmp_path / "model.pt", ORDINARY, {"0": NUMBERS})
        content = bytearray(path.read_bytes())
        place = content.index(NUMBERS if at == "numbers" else b"_rebuild_tensor_v2")
        content[place + 5] ^= 1
        path.write_bytes(content)
        self.refused(path, match="checksum")

    def test_cut_anywhere(self, tmp_path):
        content = write_archive(tmp_path / "model.pt", ORDINARY, {"0": NUMBERS}).read_bytes()
        for length in range(4, len(content)):
            (tmp_path / "cut.pt").unlink(missing_ok=True)
            (tmp_path / "cut.pt").write_bytes(content[:length])
            with pytest.raises(EngineError):
                open_source(tmp_path / "cut.pt")

    def test_zip64(self, tmp_path):
        """The form of archives beyond 4 GB, in small."""
        path = tmp_path / "model.pt"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (("m/data.pkl", PROTO + ORDINARY + STOP), ("m/data/0", NUMBERS)):
                with archive.open(name, "w", force_zip64=True) as file:
                    file.write(content)
        content = path.read_bytes()
        end = content.rindex(b"PK\x05\x06")
        count, size, offset = struct.unpack_from("<HII", content, end + 10)
        end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        last = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        path.write_bytes(content[:end] + end64 + locator + last)
        np.testing.assert_array_equal(read(path).tensors["w"].rows(0, 2).ravel(), np.arange(6))


def test_a_sparse_file_of_terabytes_costs_nothing(tmp_path):
    if sys.platform == "win32":
        pytest.skip("sparse files")
    path = tmp_path / "model.pt"
    path.write_bytes(b"PK\x03\x04")
    os.truncate(path, 1 << 40)
    with pytest.raises(DamagedModelError):
        open_source(path)
