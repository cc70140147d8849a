"""The tensors of an ONNX file, left where they lie: a file is parsed without them, and values are read when asked for.

A model is a message of protocol buffers, and nearly all of its bytes are data of tensors. Those are cut out of the
message before it is parsed, and the tensor says instead where in the file it is, as it does for data in another file.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from inception_dsl.interchange.graph import Array

SMALL: Final = 2**12
"""Messages of fewer bytes than this are parsed as they are."""

DEEPEST: Final = 100
"""Messages may be nested this deep, as in protobuf."""

INNER: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""The kinds of messages in which tensors are, by the number of the field (onnx.proto)."""

RAW: Final = 9
DATA: Final = (4, 5, 6, 7, RAW, 10, 11)
"""The fields of `TensorProto` that hold values."""

PACKED: Final = {4: TensorProto.FLOAT, 10: TensorProto.DOUBLE}
"""The fields whose bytes are those of numpy's array, if the tensor is of this type."""

NO_NUMBERS: Final = (TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128)

OWN: Final = "message"
"""The key under which a tensor says that it lies in the model's file: a message with `offset` and `length`."""


class Field(NamedTuple):
    """A field of a message: its number, and where it and its value lie; `value` is None for a number."""

    number: int
    start: int
    value: int | None
    stop: int


def without_data(file: Path) -> bytes:
    """The message in a file, whose large tensors say where they lie. Raises `ValueError` for anything else."""
    data = _mapped(file)
    slim = _slim(data, 0, len(data), "model", DEEPEST)
    if data and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)  # what the system read around the fields need not stay in memory
    return slim


def values(tensor: TensorProto, file: Path) -> Array:
    """The values of a tensor of a file: a view of it where its bytes are those of numpy. Raises `ValueError`."""
    if tensor.data_type in NO_NUMBERS:
        raise ValueError(f"they are {TensorProto.DataType.Name(tensor.data_type).lower()}, which are not real numbers")
    if tensor.data_location != TensorProto.EXTERNAL:
        return np.asarray(numpy_helper.to_array(tensor))
    entries = {each.key: each.value for each in tensor.external_data}
    data = _mapped(file if OWN in entries else _neighbour(file, entries.get("location", "")))
    start = int(entries.get("offset", 0))
    stop = start + int(entries.get("length", len(data) - start))
    if not 0 <= start <= stop <= len(data):
        raise ValueError(f"they would end at byte {stop:,} of a file of {len(data):,}")
    if OWN in entries:
        if (place := place_of(tensor, file)) is None:
            return _parsed(tensor, TensorProto.FromString(data[start:stop]))
        start, stop = place
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if not dtype.isbuiltin:  # such as bfloat16, and numbers of 4 bits
        return _parsed(tensor, TensorProto(raw_data=data[start:stop]))
    if stop - start != dtype.itemsize * math.prod(tensor.dims):
        raise ValueError(f"{stop - start:,} bytes do not fill a {dtype} of shape {tuple(tensor.dims)}")
    array = np.frombuffer(data, dtype.newbyteorder("<"), math.prod(tensor.dims), start)
    return array.astype(dtype, copy=False).reshape(tuple(tensor.dims))


def place_of(tensor: TensorProto, file: Path) -> tuple[int, int] | None:
    """Where in a model's own file the numbers of a tensor begin and end; None for other tensors and other notations."""
    entries = {each.key: each.value for each in tensor.external_data}
    if OWN not in entries:
        return None
    start = int(entries["offset"])
    fields = _fields(_mapped(file), start, start + int(entries["length"]))
    found = [field for field in fields if field.number in DATA]
    alike = {RAW, *(number for number, kind in PACKED.items() if kind == tensor.data_type)}
    if len(found) != 1 or found[0].number not in alike or found[0].value is None:
        return None
    return found[0].value, found[0].stop


def _parsed(tensor: TensorProto, data: TensorProto) -> Array:
    data.data_type = tensor.data_type
    data.dims[:] = tensor.dims
    for name in ("data_location", "external_data"):
        data.ClearField(name)
    return np.asarray(numpy_helper.to_array(data))


def _neighbour(file: Path, location: str) -> Path:
    """A file beside a model's, or below. Raises `ValueError` for one elsewhere, and one that is not a file."""
    folders = file.parent.resolve(), file.resolve().parent
    inside = PurePosixPath(location)
    found = (file.parent / inside).resolve()
    if inside.is_absolute() or ".." in inside.parts or not any(map(found.is_relative_to, folders)):
        raise ValueError(f"`{location}` is not in the folder of the model")
    if not found.is_file():
        raise ValueError(f"`{location}` is not a file beside the model")
    return found


@lru_cache(8)
def _mapped_at(file: Path, _identity: tuple[int, ...]) -> Any:
    with file.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _mapped(file: Path) -> Any:
    found = file.stat()
    return _mapped_at(file, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)) if found.st_size else b""


def _slim(data: Any, start: int, stop: int, kind: str, depth: int) -> bytes:
    if not depth:
        raise ValueError("its messages are nested too deep")
    slim, cut = bytearray(), False
    for field in _fields(data, start, stop):
        inner = INNER.get(kind, {}).get(field.number)
        if kind == "tensor" and field.number in DATA:
            cut = True
        elif inner and field.value is not None and field.stop - field.value > SMALL:
            message = _slim(data, field.value, field.stop, inner, depth - 1)
            slim += _varint_of(field.number << 3 | 2) + _varint_of(len(message)) + message
        else:
            slim += data[field.start : field.stop]
    if cut:
        place = {OWN: "", "offset": str(start), "length": str(stop - start)}
        entries = [onnx.StringStringEntryProto(key=key, value=value) for key, value in place.items()]
        slim += TensorProto(data_location=TensorProto.EXTERNAL, external_data=entries).SerializeToString()
    return bytes(slim)


def _fields(data: Any, start: int, stop: int) -> Iterator[Field]:
    """The fields of a message. Raises `ValueError` where it is damaged."""
    at = start
    while at < stop:
        first = at
        tag, at = _varint(data, at, stop)
        value = None
        match tag & 7:
            case 0:
                _, at = _varint(data, at, stop)
            case 1:
                at += 8
            case 2:
                length, value = _varint(data, at, stop)
                at = value + length
            case 5:
                at += 4
            case _:
                raise ValueError(f"byte {first:,} does not begin a field")
        if at > stop:
            raise ValueError(f"it ends at byte {stop:,}, within a field")
        yield Field(tag >> 3, first, value, at)


def _varint(data: Any, at: int, stop: int) -> tuple[int, int]:
    number = 0
    for place in range(at, min(at + 10, stop)):
        number |= (data[place] & 127) << 7 * (place - at)
        if data[place] < 128:
            return number, place + 1
    raise ValueError(
        f"it ends at byte {stop:,}, within a number" if stop < at + 10 else f"byte {at:,} does not begin a number"
    )


def _varint_of(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
