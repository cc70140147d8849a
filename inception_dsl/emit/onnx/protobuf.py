"""The messages of an ONNX file in protobuf's wire format.

Importing `onnx` takes longer than all the rest of a compilation, and what its messages need is forty lines. The bytes
are those of `onnx`'s own `SerializeToString(deterministic=True)`, and stay so whatever version is installed.
Numbers of fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; the format:
https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

Content = int | float | str | bytes
"""What a field holds; `bytes` is another message, or raw data."""

Parameter = int | float | str | Sequence[int]
"""What an attribute of a node holds."""


class Array(NamedTuple):
    """An array whose size is known before its `numbers` are made, row by row."""

    dims: tuple[int, ...]
    numbers: Iterable[float]


class Integers(NamedTuple):
    """A list of whole numbers, such as a shape."""

    numbers: tuple[int, ...]

    @property
    def dims(self) -> tuple[int, ...]:
        """Its one dimension."""
        return (len(self.numbers),)


Constant = float | Array | Integers


class Message:
    """A kind of message: its fields, by the numbers they have on the wire."""

    def __init__(self, **numbers: int) -> None:
        self.numbers = dict(sorted(numbers.items(), key=itemgetter(1)))

    def __call__(self, **fields: Content | Iterable[Content] | None) -> bytes:
        """One message, its fields in the order of their numbers; None leaves a field out, a list repeats it."""
        if not fields.keys() <= self.numbers.keys():
            raise TypeError(f"no fields {fields.keys() - self.numbers.keys()}")
        given = ((number, fields.get(name)) for name, number in self.numbers.items())
        return b"".join([_field(number, content) for number, content in given if content is not None])


def _field(number: int, content: Content | Iterable[Content]) -> bytes:
    match content:
        case int():
            return _varint(number << 3 | 0) + _varint(content)
        case float():
            return _varint(number << 3 | 5) + struct.pack("<f", content)
        case str() | bytes():
            data = content.encode() if isinstance(content, str) else content
            return _varint(number << 3 | 2) + _varint(len(data)) + data
        case _:
            return b"".join([_field(number, item) for item in content])


_BYTES: Final = [bytes([value]) for value in range(0x80)]


def _varint(value: int) -> bytes:
    if 0 <= value < 0x80:
        return _BYTES[value]
    value &= (1 << 64) - 1  # a negative number is its two's complement in 64 bits
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


ModelProto: Final = Message(ir_version=1, producer_name=2, graph=7, opset_import=8, metadata_props=14)
OperatorSetIdProto: Final = Message(domain=1, version=2)
GraphProto: Final = Message(node=1, name=2, initializer=5, doc_string=10, input=11, output=12, value_info=13)
NodeProto: Final = Message(input=1, output=2, name=3, op_type=4, attribute=5, metadata_props=9)
AttributeProto: Final = Message(name=1, f=2, i=3, s=4, ints=8, type=20)
TensorProto: Final = Message(dims=1, data_type=2, name=8, raw_data=9, external_data=13, data_location=14)
ValueInfoProto: Final = Message(name=1, type=2)
TypeProto: Final = Message(tensor_type=1)
TypeProtoTensor: Final = Message(elem_type=1, shape=2)
TensorShapeProto: Final = Message(dim=1)
Dimension: Final = Message(dim_value=1, dim_param=2)
StringStringEntryProto: Final = Message(key=1, value=2)

FLOAT, INT64 = 1, 7  # TensorProto.DataType


def attribute(name: str, value: Parameter) -> bytes:
    """An attribute of a node, of the type of its value."""
    match value:
        case float():
            return AttributeProto(name=name, f=value, type=1)
        case int():
            return AttributeProto(name=name, i=value, type=2)
        case str():
            return AttributeProto(name=name, s=value, type=3)
        case _:
            return AttributeProto(name=name, ints=value, type=7)


def constant_tensor(name: str, value: Constant) -> bytes:
    """A float32 constant: a number, which has no dimensions, or an array; whole numbers are int64."""
    packed: array[Any]
    match value:
        case Integers(numbers):
            kind, dims, packed = INT64, value.dims, array("q", numbers)
        case Array(dims, reals):
            kind, packed = FLOAT, array("f", reals)
        case _:
            kind, dims, packed = FLOAT, (), array("f", (value,))
    if sys.byteorder == "big":
        packed.byteswap()
    return TensorProto(name=name, data_type=kind, dims=dims, raw_data=packed.tobytes())


def value_info(name: str, shape: Iterable[int | str | None]) -> bytes:
    """The name and shape of a float32 tensor; a dimension is a number, a symbol, or None where it is not known."""
    dims = [Dimension(dim_param=d) if isinstance(d, str) else Dimension(dim_value=d) for d in shape]
    return ValueInfoProto(
        name=name, type=TypeProto(tensor_type=TypeProtoTensor(elem_type=FLOAT, shape=TensorShapeProto(dim=dims)))
    )


def metadata(entries: Mapping[str, str]) -> list[bytes]:
    """Pairs of names and texts, without the empty ones."""
    return [StringStringEntryProto(key=key, value=text) for key, text in entries.items() if text]
