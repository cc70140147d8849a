"""What a warning advises keeps the network as it is: held on whole specs, drawn at random."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from strategies import specs

from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.shapes import PaddedAxis, Padding
from inception_dsl.ir.typed import Node, Typed


def compiled(text: str) -> Typed:
    return at_size(compile_source(Source("spec.yaml", text)))


def followed(text: str, warning: Diagnostic) -> str:
    """A spec with what its warning advises done."""
    assert warning.span
    lines = text.split("\n")
    line, begin, end = warning.span.line - 1, warning.span.column - 1, warning.span.end - 1
    written = lines[line][begin:end]
    new = {"delete it": "", "write `valid`": "valid"}.get(warning.help, f"{written}.0")
    lines[line] = lines[line][:begin] + new + lines[line][end:]
    return "\n".join(lines)


def computed(node: Node) -> tuple[Op, tuple[PaddedAxis, ...]]:
    """An op without what has no effect on the image it gets, and the pixels that its window pads."""
    op, axes = node.op, tuple[PaddedAxis, ...]()
    if isinstance(op, Conv | MaxPool | AvgPool) and op.window:
        axes = op.window.axes(node.types[0].image)
        spread = op.window.dilation if op.window.kernel != (1, 1) else (1, 1)
        op = replace(op, window=replace(op.window, padding=Padding(), dilation=spread))
    if isinstance(op, AvgPool) and not any(each.before or each.after for each in axes):
        op = replace(op, count_pad=False)
    return op, axes


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(specs())
def test_what_a_warning_advises_keeps_the_network(text: str) -> None:
    """Each step computes what it did, under the same name, and the warning is gone."""
    typed = compiled(text)
    warnings = [warning for warning in typed.program.warnings if warning.code in ("W201", "W202")]
    for warning in warnings:
        mended = compiled(followed(text, warning))

        assert len(mended.program.warnings) == len(typed.program.warnings) - 1
        assert [node.path for node in mended.nodes] == [node.path for node in typed.nodes]
        assert list(map(computed, mended.nodes)) == list(map(computed, typed.nodes))
        assert [node.out for node in mended.nodes] == [node.out for node in typed.nodes]
