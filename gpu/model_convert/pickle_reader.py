"""Reads the pickle of a PyTorch checkpoint without the means to run anything: what it names is never imported.

A pickle is a program. The standard library only takes it apart into instructions here (`pickletools.genops` executes
nothing); this machine knows those that a checkpoint needs, and the few functions it calls, as data. The same set as
`torch.load(weights_only=True)`, less what Whisper's checkpoints do not use.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpu.errors import UnsafeModelError
from gpu.model_file.byte_reader import damaged, shown
from gpu.types import Words

# NumPy's dtypes of torch's storages; bfloat16 has none and is read as its bits.
_STORAGES = {
    "HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "BFloat16Storage": "<u2",
    "CharStorage": "<i1", "ShortStorage": "<i2", "IntStorage": "<i4", "LongStorage": "<i8", "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}  # fmt: skip
_REBUILD_TENSOR, _REBUILD_PARAMETER = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"
_DICT = "collections OrderedDict"
_ALLOWED = {_REBUILD_TENSOR, _REBUILD_PARAMETER, _DICT, *(f"torch {name}" for name in _STORAGES)}

_MAX_DEPTH = 1 << 16  # of the stack and of the memo: a checkpoint of large has some 5,000


@dataclass(frozen=True)
class Storage:
    """A run of numbers in a file of its own: its key in the archive, NumPy's dtype, how many it claims to have."""

    key: str
    dtype: str
    n: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a storage: the offset of its first number, its shape and strides, counted in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    """A name that the pickle wants imported, and that is not."""

    text: str


class _Mark:
    """Where a list of arguments begins on the stack."""


def read_pickle(data: bytes) -> Any:
    """The value of a checkpoint's pickle: dicts, lists, tuples, scalars and `StoredTensor`s.

    Raises:
        UnsafeModelError: it names something to run that no checkpoint needs.
        DamagedModelError: not a pickle, or one of another kind.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.step(opcode.name, argument)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as e:
        # what genops raises, and Python where a value is of the wrong kind
        error = shown(f"{type(e).__name__}: {e}")
        raise damaged(Words("its pickle cannot be read ({error})", error=error)) from e
    return machine.value


class _Machine:
    """The stack and the memo, and what the instructions do to them."""

    def __init__(self) -> None:
        self.value: Any = None
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            self._push(_CONSTANTS[name]())
        elif name in _LITERALS:
            self._push(argument)
        elif name in _PUTS:
            self._remember(argument)
        elif name in _GETS:
            self._push(self._memo[argument])
        elif name in _TUPLES:
            n = _TUPLES[name]
            self._push(tuple(self._pop() for _ in range(n))[::-1])
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        else:
            raise _unsafe(Words("the pickle instruction {name}", name=shown(name)))

    def _push(self, value: Any) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            raise ValueError("the stack grows without end")
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if isinstance(value, _Mark):
            raise TypeError("a mark where a value should be")
        return value

    def _pop_to_mark(self) -> list[Any]:
        values = []
        while not isinstance(value := self._stack.pop(), _Mark):
            values.append(value)
        return values[::-1]

    def _remember(self, index: int) -> None:
        if not isinstance(index, int) or len(self._memo) >= _MAX_DEPTH:
            raise ValueError("the memo grows without end")
        self._memo[index] = self._stack[-1]

    def mark(self, _: Any) -> None:
        self._push(_Mark())

    def memoize(self, _: Any) -> None:
        self._remember(len(self._memo))

    def tuple_to_mark(self, _: Any) -> None:
        self._push(tuple(self._pop_to_mark()))

    def append(self, _: Any) -> None:
        value = self._pop()
        _checked(self._stack[-1], list).append(value)

    def appends(self, _: Any) -> None:
        values = self._pop_to_mark()
        _checked(self._stack[-1], list).extend(values)

    def set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        _checked(self._stack[-1], dict)[_checked(key, (str, int))] = value

    def set_items(self, _: Any) -> None:
        items = self._pop_to_mark()
        target = _checked(self._stack[-1], dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_checked(key, (str, int))] = value

    def name(self, argument: str) -> None:
        if argument not in _ALLOWED:
            raise _unsafe(Words("the name {name}", name=shown(argument.replace(" ", "."))))
        self._push(_Name(argument))

    def stack_name(self, _: Any) -> None:
        name, module = _checked(self._pop(), str), _checked(self._pop(), str)
        self.name(f"{module} {name}")

    def persistent(self, _: Any) -> None:
        kind, name, key, _device, n = self._pop()
        storage = _STORAGES[_checked(name, _Name).text.removeprefix("torch ")]
        if kind != "storage":
            raise ValueError("a persistent value that is no storage")
        self._push(Storage(_checked(key, str), storage, _checked(n, int)))

    def reduce(self, _: Any) -> None:
        arguments, function = _checked(self._pop(), tuple), _checked(self._pop(), _Name)
        if function.text == _DICT and not arguments:
            self._push({})
        elif function.text == _REBUILD_TENSOR:
            storage, offset, shape, strides = arguments[:4]
            numbers = [_checked(n, int) for n in (offset, *_checked(shape, tuple), *_checked(strides, tuple))]
            if min(numbers) < 0 or len(shape) != len(strides):
                raise ValueError("a tensor with a negative shape, or without strides")
            self._push(StoredTensor(_checked(storage, Storage), offset, shape, strides))
        elif function.text == _REBUILD_PARAMETER:
            self._push(_checked(arguments[0], StoredTensor))
        else:
            raise ValueError(f"{function.text} is called in another way than expected")

    def build(self, _: Any) -> None:
        self._pop()  # attributes of a state dict (`_metadata`), which say nothing about the weights
        _checked(self._stack[-1], dict)

    def stop(self, _: Any) -> None:
        self.value = self._pop()


_IGNORED = {"PROTO", "FRAME"}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
}  # fmt: skip
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_PUTS = {"BINPUT", "LONG_BINPUT"}
_GETS = {"BINGET", "LONG_BINGET"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark, "MEMOIZE": _Machine.memoize, "TUPLE": _Machine.tuple_to_mark, "APPEND": _Machine.append,
    "APPENDS": _Machine.appends, "SETITEM": _Machine.set_item, "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name, "STACK_GLOBAL": _Machine.stack_name, "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.reduce, "BUILD": _Machine.build, "STOP": _Machine.stop,
}  # fmt: skip


def _checked(value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where another kind of value belongs")
    return value


def _unsafe(what: Words) -> UnsafeModelError:
    return UnsafeModelError(
        Words("The checkpoint wants {what} to be run, which no model needs; nothing of it was run.", what=what),
        remedy=Words("Do not trust this file; get the model from where it was published, if possible as safetensors."),
    )
