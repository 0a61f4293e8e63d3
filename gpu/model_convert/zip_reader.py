"""The files in a zip archive that are stored as they are, as PyTorch stores them: views of the mapped archive.

`zipfile` would read as many entries as the archive claims, and inflate them; nothing is inflated here, so nothing can
grow. Both forms of the directory are read (Zip64 begins at 4 GB).
"""

from __future__ import annotations

import struct
import zlib

from gpu.errors import DamagedModelError
from gpu.model_file.byte_reader import ByteReader, damaged, shown
from gpu.model_file.quants import Bytes
from gpu.types import Words

MAGIC = b"PK\x03\x04"

_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_EXTRA = struct.Struct("<2H")
_MAX_COMMENT = 0xFFFF
_IN_EXTRA = 0xFFFFFFFF  # a field that is too small: the number is in the Zip64 record behind the name
_ZIP64 = 1
_MAX_ENTRIES = 1 << 14


def read_zip(data: Bytes) -> dict[str, Bytes]:
    """The files of an archive, (n,) uint8, by name; the first folder, which PyTorch calls as it likes, left out.

    Raises:
        DamagedModelError: cut short, compressed, or it contradicts itself.
    """
    count, offset = _directory(data)
    if count > _MAX_ENTRIES:
        raise damaged(Words("the archive claims {n} files, expected at most {most}", n=count, most=_MAX_ENTRIES))
    reader = ByteReader(data)
    reader.offset = offset
    files: dict[str, Bytes] = {}
    for _ in range(count):
        name, content = _read_entry(reader, data)
        name = name.partition("/")[2] or name
        if name in files:
            raise damaged(Words("the archive holds {name} twice", name=shown(name)))
        files[name] = content
    return files


def _directory(data: Bytes) -> tuple[int, int]:
    """How many files there are, and where the list of them begins."""
    tail_start = max(0, data.size - _END.size - _MAX_COMMENT)
    found = data[tail_start:].tobytes().rfind(b"PK\x05\x06")
    if found < 0:
        raise damaged(Words("the archive has no directory, which stands at its end"))
    reader = ByteReader(data)
    reader.offset = tail_start + found
    *_, count, _size, offset, _comment = reader.unpack(_END, Words("the archive's directory"))
    locator_at = tail_start + found - _END64_LOCATOR.size
    if locator_at >= 0 and data[locator_at : locator_at + 4].tobytes() == b"PK\x06\x07":
        reader.offset = locator_at
        _, _, end64_at, _ = reader.unpack(_END64_LOCATOR, Words("the archive's Zip64 directory"))
        reader.offset = end64_at
        magic, *_, count, _size, offset = reader.unpack(_END64, Words("the archive's Zip64 directory"))
        if magic != b"PK\x06\x06":
            raise damaged(Words("the archive's Zip64 directory is not where it should be"))
    return count, offset


def _read_entry(reader: ByteReader, data: Bytes) -> tuple[str, Bytes]:
    fields = reader.unpack(_ENTRY, Words("the archive's directory"))
    magic, _, _, flags, method, _, _, crc, compressed, size, n_name, n_extra, n_comment, *_, offset = fields
    if magic != b"PK\x01\x02":
        raise damaged(Words("the archive's directory is not a list of files"))
    name = reader.text(n_name, Words("a file name in the archive"))
    extra = reader.array(n_extra, Words("a file's description in the archive"))
    reader.array(n_comment, Words("a file's comment in the archive"))
    size, compressed, offset = _zip64(extra, (size, compressed, offset))
    if method or flags & 1 or size != compressed:
        raise DamagedModelError(
            Words(
                "{name} in the checkpoint is compressed or encrypted, which PyTorch's own files never are.",
                name=shown(name),
            ),
            remedy=Words("Get the model again from where it was published, or save it again with torch.save."),
        )
    what = Words("{name} in the archive", name=shown(name))
    local = ByteReader(data)
    local.offset = offset
    magic, *_, n_name, n_extra = local.unpack(_LOCAL, what)
    if magic != MAGIC:
        raise damaged(Words("{name} is not where the archive's directory says", name=shown(name)))
    local.array(n_name + n_extra, what)
    content = local.array(size, what)
    if zlib.crc32(content.data) != crc:
        raise damaged(Words("{what} does not have the checksum that it should", what=what))
    return name, content


def _zip64(extra: Bytes, fields: tuple[int, int, int]) -> tuple[int, int, int]:
    """Size, compressed size and offset, those that did not fit taken from the Zip64 record."""
    if _IN_EXTRA not in fields:
        return fields
    what = Words("a file's description in the archive")
    reader = ByteReader(extra)
    while reader.left:
        kind, length = reader.unpack(_EXTRA, what)
        record = reader.array(length, what)
        if kind == _ZIP64:
            numbers = ByteReader(record)
            size, compressed, offset = (
                numbers.unpack(struct.Struct("<Q"), Words("a file's size in the archive"))[0] if n == _IN_EXTRA else n
                for n in fields
            )
            return size, compressed, offset
    return fields
