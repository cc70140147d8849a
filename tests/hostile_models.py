"""ONNX files that a stranger may send: damaged, lying, or larger than they look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE = (1, 3, 16, 16)


def value(name: str, shape: Any = None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name: str, *shape: int) -> Any:
    return numpy_helper.from_array(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape), name)


def whole(name: str, *numbers: int) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, (len(numbers),), numbers)


def model(nodes: list[Any], tensors: Any = (), shape: Any = IMAGE, opset: int = 17, **options: Any) -> Any:
    output = next(reversed(nodes[-1].output), "y")
    graph = helper.make_graph(nodes, "g", [value("x", shape)], [value(output)], [*tensors])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), MINE], **options)


MINE = helper.make_opsetid("my.ops", 1)
NODE = helper.make_node


def small() -> bytes:
    """A network of all kinds of fields, from which files are made by damage."""
    nodes = [
        NODE("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        NODE("Relu", ["c"], ["r"]),
        NODE("Constant", [], ["axes"], value=whole("axes", 2, 3)),
        NODE("ReduceMean", ["r", "axes"], ["p"], keepdims=0),
        NODE("Gemm", ["p", "fw", "fb"], ["y"], transB=1),
    ]
    data: bytes = model(
        nodes, [weight("w", 64, 3, 3, 3), weight("fw", 7, 64), weight("fb", 7)], opset=18
    ).SerializeToString()
    return data


def lying() -> Iterator[tuple[str, Any]]:
    """Models that protobuf can parse, and whose contents are wrong, endless or large."""
    conv = NODE("Conv", ["x", "w"], ["y"])
    for name, shape in {
        "negative": (1, 3, -5, 16),
        "huge": (1, 3, 2**40, 2**40),
        "zero": (1, 3, 0, 16),
        "scalar": (),
        "vector": (4,),
        "open": ("n", "c", "h", "w"),
    }.items():
        yield f"image {name}", model([conv], [weight("w", 4, 3, 3, 3)], shape)
    for name, dims in {"negative": (4, 3, -3, 3), "huge": (2**40, 3, 3, 3)}.items():
        yield f"weight {name}", model([conv], [TensorProto(name="w", data_type=1, dims=dims, raw_data=b"1234")])
    yield "weight of an unknown type", model([conv], [TensorProto(name="w", data_type=99, dims=(4, 3, 3, 3))])
    yield "cycle", model([NODE("Add", ["x", "y"], ["y"])])
    yield "missing weight", model([conv])
    yield "value twice", model([NODE("Relu", ["x"], ["y"]), NODE("Sigmoid", ["x"], ["y"])])
    yield "input is output", model([NODE("Relu", ["x"], ["x"])])
    yield "sum of one", model([NODE("Add", ["x"], ["y"])])
    yield "opset 99", model([conv], [weight("w", 4, 3, 3, 3)], opset=99)
    yield "opset 7", model([conv], [weight("w", 4, 3, 3, 3)], opset=7)
    norm = NODE("BatchNormalization", ["x", *["a"] * 4], ["y"])
    yield "norm of other channels", model([norm], [weight("a", 9)])
    image, more = value("s", IMAGE), [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL)]
    body = helper.make_graph([NODE("Relu", ["s"], ["t"])], "b", [*more, image], [more[1], value("t", IMAGE)])
    yield "loop", model([NODE("Loop", ["n", "", "x"], ["y"], body=body)], [whole("n", 2**60)])
    for name, node, tensors in (
        ("fill", NODE("ConstantOfShape", ["n"], ["q"]), [whole("n", 2**14, 2**10, 2**10)]),
        ("tile", NODE("Tile", ["z", "n"], ["q"]), [weight("z", 1), whole("n", 2**36)]),
        ("pad", NODE("Pad", ["z", "n"], ["q"]), [weight("z", 1), whole("n", 0, 2**36)]),
        ("outer product", NODE("Mul", ["z", "n"], ["q"]), [weight("z", 2**15, 1), weight("n", 1, 2**15)]),
        ("endless loop", NODE("Loop", ["n", "", "z"], ["q"], body=body), [whole("n", 2**60), weight("z", *IMAGE)]),
    ):
        yield f"constant by {name}", model([node, NODE("Add", ["x", "q"], ["y"])], tensors)
    joins: dict[str, Any] = {"Add": {}, "Concat": {"axis": 1}}
    for kind, options in joins.items():
        doubled = [NODE(kind, [f"v{i}" if i else "x"] * 2, [f"v{i + 1}"], **options) for i in range(60)]
        yield f"doubling by {kind}", model(doubled)
    names = [f"F{number}" for number in range(40)]
    functions = [
        helper.make_function(
            "my.ops", name, ["a"], ["b"],
            [NODE(called, ["a"], ["c"], domain="my.ops"), NODE(called, ["c"], ["b"], domain="my.ops")],
            [MINE],
        )
        for name, called in zip(names, [*names[1:], "none"], strict=True)
    ]  # fmt: skip
    yield "functions that double", model([NODE("F0", ["x"], ["y"], domain="my.ops")], functions=functions)
    loop = helper.make_function("my.ops", "F", ["a"], ["b"], [NODE("F", ["a"], ["b"], domain="my.ops")], [MINE])
    yield "function of itself", model([NODE("F", ["x"], ["y"], domain="my.ops")], functions=[loop])
    for location in ("../w.bin", "/etc/passwd", "/dev/zero", "missing", "", ".", "short", "link", "a\0b"):
        yield f"data in {location!r}", model([NODE("Mul", ["x", "s"], ["y"])], [external(location=location)])
    for offset in ("-4", "x", str(2**70)):
        place = {"location": "short", "offset": offset}
        yield f"data at {offset}", model([NODE("Mul", ["x", "s"], ["y"])], [external(**place)])


def external(**entries: str) -> Any:
    tensor = TensorProto(name="s", data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.extend(onnx.StringStringEntryProto(key=key, value=each) for key, each in entries.items())
    return tensor


def no_models() -> Mapping[str, bytes]:
    """Bytes that hold no model."""
    nested = b"\x0a\x00"
    while len(nested) < 2**14:
        nested = b"\x3a" + bytes([len(nested) & 127 | 128, len(nested) >> 7]) + nested
    return {
        "empty": b"",
        "text": b"network: googlenet\n" * 300,
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "nested": nested,
        "tensor": weight("w", 40, 40).SerializeToString(),
        "no text": small().replace(b"Gemm", b"\xff\xfe\xff\xfe"),
    }


def neighbours(folder: Path) -> None:
    """The files that `external` speaks of."""
    (folder / "short").write_bytes(b"12")
    (folder.parent / "w.bin").write_bytes(bytes(4))
    (folder / "link").symlink_to("../w.bin")
