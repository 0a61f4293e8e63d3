"""The kernels' machine code: which of it runs on which GPU, what is too old, and that it is made at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpu.errors import KernelError
from gpu.kernels import MANIFEST, KernelImages, build, is_current, names, source, source_hash
from gpu.kernels.build import ARCHITECTURES
from gpu.kernels.nvrtc import Nvrtc
from gpu.types import Words
from tests.support.cuda.nvidia import recorded


class Compiled:
    """A compiler that counts."""

    def __init__(self, version: str = "13.0") -> None:
        self.version, self.n = version, 0

    def __call__(self, name: str, source: str, options: Sequence[str]) -> bytes:
        self.n += 1
        return f"compiled {name}".encode()


def images(cubins: Path | None, *capability: int) -> list[bytes]:
    return list(KernelImages(cubins).images((capability[0], capability[1]), Compiled()))


def test_what_was_compiled_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all it depends on: the GPU, the compiler, its options and the source."""
    cache, first = tmp_path / "none" / "yet", Compiled()
    expected = [f"compiled {name}".encode() for name in names()]

    def n_compiled(capability: tuple[int, int] = (8, 6), version: str = "13.0") -> int:
        compiler = Compiled(version)
        assert list(KernelImages(None, cache).images(capability, compiler)) == expected
        return compiler.n

    assert list(KernelImages(None, cache).images((8, 6), first)) == expected
    assert first.n == len(names())
    assert n_compiled() == 0
    assert n_compiled((8, 9)) == len(names()) == n_compiled(version="13.1")
    assert n_compiled() == n_compiled((8, 9)) == n_compiled(version="13.1") == 0
    monkeypatch.setattr("gpu.kernels.OPTIONS", ("-std=c++17", "-lineinfo"))
    assert n_compiled() == len(names())
    monkeypatch.setattr("gpu.kernels.source", lambda name: "// another\n" + source(name))
    assert n_compiled() == len(names())
    assert {path.suffix for path in cache.iterdir()} == {".bin"}
    assert len(list(cache.glob("gemm-sm_86-*"))) == 4


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    images = KernelImages(None, tmp_path)
    expected = list(images.images((8, 6), Compiled()))
    [entry] = tmp_path.glob("gemv-sm_86-*")
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + b"?" if damage is None else damage)
    again = Compiled()
    assert list(images.images((8, 6), again)) == expected
    assert again.n == 1
    assert "is damaged" in caplog.text
    assert entry.read_bytes() == content


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    compiler = Compiled()
    assert len(list(KernelImages(None, tmp_path / "file" / "kernels").images((8, 6), compiler))) == len(names())
    assert "are not kept" in caplog.text


@pytest.fixture
def cubins(tmp_path: Path) -> Path:
    """Machine code whose content is its own name."""
    for architecture in ARCHITECTURES:
        (tmp_path / architecture).mkdir()
        (tmp_path / architecture / "all.cubin").write_bytes(architecture.encode())
    (tmp_path / MANIFEST).write_text(json.dumps({"sources": source_hash()}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("capability", "architecture"),
    [
        ((7, 5), "sm_75"),
        ((8, 0), "sm_80"),
        ((8, 6), "sm_86"),
        ((8, 7), "sm_86"),
        ((8, 9), "sm_89"),
        ((9, 0), "sm_90"),
        ((10, 0), "sm_100"),
        ((10, 3), "sm_100"),
        ((12, 0), "sm_120"),
        ((12, 1), "sm_120"),
        ((13, 0), "compute_120"),
    ],
)
def test_a_gpu_gets_the_newest_code_that_runs_on_it(
    cubins: Path, capability: tuple[int, int], architecture: str
) -> None:
    assert images(cubins, *capability) == [architecture.encode()]


@pytest.mark.parametrize("capability", [(7, 0), (7, 2), (11, 0)])
def test_kernels_are_compiled_for_a_gpu_without_code(cubins: Path, capability: tuple[int, int]) -> None:
    assert images(cubins, *capability) == [f"compiled {name}".encode() for name in names()]


@pytest.mark.parametrize("manifest", [None, "", "{}", '{"sources": "others"}'])
def test_code_of_other_sources_is_not_current(cubins: Path, manifest: str | None) -> None:
    assert is_current(cubins)
    (cubins / MANIFEST).unlink()
    if manifest is not None:
        (cubins / MANIFEST).write_text(manifest, encoding="utf-8")
    assert not is_current(cubins)


def test_without_code_kernels_are_compiled() -> None:
    assert images(None, 8, 6) == [f"compiled {name}".encode() for name in names()]


def need_compiler() -> None:
    try:
        Nvrtc()
    except KernelError as error:
        pytest.skip(str(error))


def generation_of(cubin: bytes) -> str:
    """What machine code was made for, from its ELF header: "sm_86"."""
    assert cubin.startswith(b"\x7fELF")
    assert int.from_bytes(cubin[18:20], "little") == 190  # EM_CUDA
    return f"sm_{cubin[49]}"  # of e_flags


@pytest.mark.slow
def test_code_for_two_generations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_compiler()
    monkeypatch.setattr(build, "ARCHITECTURES", ("sm_75", "compute_120"))
    monkeypatch.setattr(build, "names", lambda: ["norm.cu"])
    folder = tmp_path / "cubins"
    folder.mkdir()
    (folder / "old").touch()
    build.build(folder)
    assert is_current(folder)
    [cubin], [ptx] = images(folder, 7, 5), images(folder, 13, 0)
    assert generation_of(cubin) == "sm_75"
    assert b".entry layer_norm_f16" in ptx
    assert sorted(path.name for path in folder.iterdir()) == ["compute_120", "manifest.json", "sm_75"]
    assert json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["nvrtc"].startswith("13.")


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        version = "13.0"

        def compile(self, name: str, *_: object) -> tuple[bytes, str]:
            if name == names()[-1]:
                raise KernelError(Words("It does not compile."), remedy=Words("Report it."))
            return b"code", ""

    monkeypatch.setattr(build, "Nvrtc", Broken)
    (tmp_path / "cubins").mkdir()
    (tmp_path / "cubins" / "old").touch()
    with pytest.raises(KernelError):
        build.build(tmp_path / "cubins")
    assert [path.name for path in tmp_path.rglob("*")] == ["cubins", "old"]


@pytest.mark.long
def test_code_for_every_generation(tmp_path: Path) -> None:
    """Minutes: what `build_installer.py` takes along. Every kernel for every generation, and PTX for what comes."""
    need_compiler()
    build.build(tmp_path / "cubins")
    assert is_current(tmp_path / "cubins")
    for architecture in ARCHITECTURES[:-1]:
        code = images(tmp_path / "cubins", int(architecture[3:-1]), int(architecture[-1]))
        assert len(code) == len(names())
        assert {generation_of(cubin) for cubin in code} == {architecture}
        missing = [kernel for kernel in kernels() if not any(kernel.encode() in cubin for cubin in code)]
        assert not missing, architecture
    ptx = b"".join(images(tmp_path / "cubins", 13, 0))
    assert not [kernel for kernel in kernels() if f".entry {kernel}(".encode() not in ptx]


def kernels() -> list[str]:
    """All there are."""
    return [kernel for file in recorded()["files"].values() for kernel in file["kernels"]]
