"""A drawing of the network for Mermaid (https://mermaid.js.org): a box for each op, a box around each row."""

from __future__ import annotations

from itertools import groupby

from inception_dsl.emit.backend import Backend
from inception_dsl.emit.options import Options
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.typed import Typed


def box(op: Op, label: str) -> str:
    """The shape of any op: a rectangle."""
    return f'["{label}"]'


rules = Rules("Mermaid", default=box)


@rules(Add, Concat, Mul)
def circle(op: Op, label: str) -> str:
    """The shape of what joins branches."""
    return f'(("{label}"))'


def emit(typed: Typed, options: Options, rebuild: str) -> dict[str, bytes]:
    """The drawing, as `architecture.mmd`."""
    lines = [f"%% Rebuild: {rebuild}", "flowchart TD", f'    input(["{typed.input}"])']
    for row, nodes in groupby(enumerate(typed.nodes), lambda numbered: numbered[1].row):
        lines.append(f'    subgraph {row} ["{row}"]')
        for number, node in nodes:
            shape = rules[type(node.op)](node.op, f"{node.op.name}<br>{node.out}")
            lines.append(f"        n{number}{shape}")
        lines.append("    end")
    for number, node in enumerate(typed.nodes):
        lines += [f"    {f'n{source}' if source >= 0 else 'input'} --> n{number}" for source in node.inputs]
    return {"architecture.mmd": "\n".join([*lines, ""]).encode()}


MERMAID = Backend("mermaid", rules, emit)
