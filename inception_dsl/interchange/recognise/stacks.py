"""Stacks of images: a first axis that numbers images or vectors of one shape, as a choice among branches has it.

A stack of k images, or series, is the image of all their channels, one image after the other. Selective kernels
(1903.06586) and split attention (2004.08955) weigh the images of a stack by a softmax over them, and add them.
"""

from __future__ import annotations

from collections.abc import Sequence

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Reduce, Reshape, WithConstant
from inception_dsl.interchange.recognise.layout import ANYWHERE, Layout, as_pixel, follow
from inception_dsl.ir.ops.activations import Sigmoid, Softmax
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.joins import Add, Concat
from inception_dsl.ir.ops.scaling import Scale


def total(graph: Builder, added: Added) -> int | None:
    """The sum of the images of a stack, or of neighbouring channels, where the second axis numbers the images."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reduce)
    shape = graph.type_of(index).shape
    if op.kind != "sum" or op.keep or len(shape) < 2 or op.axes not in ((0,), (1,)):
        return None
    image = follow(graph, index, STACK)
    if image is None or graph.type_of(image).shape[1:] != shape[2:]:
        return None
    if op.axes == (1,):
        image = graph.add(f"{added.name}/by_number", ChannelShuffle(shape[0]), image)
    return graph.add(added.name, Add(), *_parts(graph, added.name, image, shape[op.axes[0]]))


def unstack(graph: Builder, added: Added) -> int | None:
    """The image of all channels, where a reshape ends a stack."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reshape)
    if isinstance(graph.op(index), Reshape) or len(graph.type_of(index).shape) < 2:
        return None
    image = follow(graph, index, STACK)
    return image if image is not None and graph.type_of(image).shape == op.shape else None


def _parts(graph: Builder, name: str, image: int, count: int) -> list[int]:
    """The images of a stack, which its source may have joined one by one."""
    node = graph.node(image)
    alike = node is not None and len(node.inputs) == count and len({*map(graph.type_of, node.inputs)}) == 1
    if node and alike and isinstance(node.op, Concat):
        return [*node.inputs]
    return [
        graph.add(f"{name}/part{number}", ChannelPart((number, count)), image) if count > 1 else image
        for number in range(1, count + 1)
    ]


def _begin(graph: Builder, node: Added) -> int | None:
    """The image or vector whose channels a reshape numbers, or the join of images that are stacked."""
    if isinstance(node.op, Concat):
        sources = [_single(graph, index) for index in node.inputs]
        images = [source for source in sources if source is not None]
        return graph.add(node.name, Concat(), *images) if len(images) == len(sources) else None
    if not isinstance(node.op, Reshape) or len(node.op.shape) < 2:
        return None
    (index,) = node.inputs
    return _as(graph, index, node.op.shape) if len(graph.type_of(index).shape) in (1, 3) else None


def _single(graph: Builder, index: int) -> int | None:
    """The image or series that a stack of one holds."""
    node = graph.node(index)
    if node is None or not isinstance(node.op, Reshape) or len(node.op.shape) not in (3, 4):
        return None
    (source,), (one, *shape) = node.inputs, node.op.shape
    image = graph.type_of(source).shape
    if one != 1 or image not in ((*shape,), (shape[0], 1, *shape[1:])):
        return None
    return source if image == (*shape,) else graph.add(f"{node.name}/series", Reshape((*shape,)), source)


def _as(graph: Builder, index: int, shape: tuple[int, ...]) -> int | None:
    """An image or vector as that which a stack of a shape is; an image of one pixel is a vector too."""
    x = graph.type_of(index).shape
    if len(shape) == 4 and len(x) == 1 and shape[2:] == (1, 1):
        return as_pixel(graph, index)
    if len(shape) == 4:
        return index if x == (shape[0] * shape[1], *shape[2:]) else None
    return index if x[1:] in ((), (1, 1)) and x[0] % shape[0] == 0 else None


def _repeat(graph: Builder, node: Added, sources: Sequence[int]) -> int | None:
    shape = graph.type_of(node.inputs[0]).shape
    if any(graph.type_of(each).shape[:2] != shape[:2] for each in node.inputs):
        return None
    match node.op:
        case Reshape(wanted):
            return _as(graph, sources[0], wanted) if wanted[0] == shape[0] else None
        case Softmax() if shape[0] == 2:
            return _either(graph, node.name, sources[0])
        case Softmax():
            return None
        case WithConstant(_, constant) if constant.size > 1:
            return None
        case op:
            return graph.add(node.name, op, *sources, **node.weights)


def _either(graph: Builder, name: str, image: int) -> int:
    """The softmax of two: the sigmoids of their difference, both ways."""
    parts = _parts(graph, name, image, 2)
    less = [graph.add(f"{name}/less{number}", Scale(-1.0), part) for number, part in enumerate(parts, 1)]
    differences = [graph.add(f"{name}/difference{at + 1}", Add(), parts[at], less[1 - at]) for at in range(2)]
    return graph.add(name, Concat(), *(graph.add(f"{name}/sigmoid", Sigmoid(), each) for each in differences))


STACK = Layout("stack", _begin, _repeat, (Reshape, Softmax, *ANYWHERE))
