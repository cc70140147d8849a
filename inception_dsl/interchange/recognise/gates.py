"""Gates that a source shifts or bounds by numbers."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Clip, WithConstant
from inception_dsl.ir.ops.activations import ReLU6
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.scaling import Scale


def shifted(graph: Builder, added: Added) -> int | None:
    """`x * (1 + gate)` is `x + x * gate`, as residual attention (1704.06904) and BAM (1807.06514) say it.

    SINet's (1911.09099) is 1 less a gate.
    """
    if len(added.inputs) != 2:
        return None
    for x, index in (added.inputs, added.inputs[::-1]):
        match graph.op(index):
            case WithConstant("add", constant) if (number := constant.scalar) is not None:
                own, others = number, 1.0
            case WithConstant("sub", constant, first) if (number := constant.scalar) is not None:
                own, others = (number, -1.0) if first else (-number, 1.0)
            case _:
                continue
        (gate,) = graph.nodes[index].inputs
        if added.op.infer(graph.type_of(x), graph.type_of(gate)) == graph.type_of(x):
            product = graph.add(f"{added.name}/product", Mul(), x, gate)
            terms = ((x, own, "own"), (product, others, "others"))
            scaled = [
                value if factor == 1 else graph.add(f"{added.name}/{part}", Scale(factor), value)
                for value, factor, part in terms
            ]
            return graph.add(added.name, Add(), *scaled)
    return None


def bounded(graph: Builder, added: Added) -> int | None:
    """What is kept between 0 and another number is a ReLU6 between two scales."""
    op = added.op
    assert isinstance(op, Clip)
    if op.low != 0 or not 0 < op.high < float("inf"):
        return None
    scaled = graph.add(f"{added.name}/scaled", Scale(6 / op.high), *added.inputs)
    return graph.add(added.name, Scale(op.high / 6), graph.add(f"{added.name}/relu6", ReLU6(), scaled))
