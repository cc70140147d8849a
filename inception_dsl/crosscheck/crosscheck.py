"""The spec, the PyTorch file and the ONNX graph as three witnesses of one network, and what they agree on.

On the names and shapes of the weights; on the shape of every row and head; and, PyTorch and onnxruntime given the same
weights and images, on every number that those compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inception_dsl.analysis.cost import cost
from inception_dsl.crosscheck.compare import Comparison, Hearing, show
from inception_dsl.crosscheck.systems import SYSTEMS, require
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.lower import lower

SIZES: Final[tuple[Pair, ...]] = ((225, 225), (299, 299))
"""Image sizes besides the network's own: the first odd, where paddings that agree on even sizes differ."""


@dataclass(frozen=True)
class Evidence:
    """What the witnesses say: `weights` and `parameters` they agree on, comparisons by size, and disagreements."""

    against: tuple[str, ...]
    weights: int
    parameters: int
    comparisons: tuple[Comparison, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The agreement in words, a sentence for the weights and one for each image size; none where there is none."""
        if self.findings:
            return ()
        witnesses = " and ".join(self.against)
        told = [f"{witnesses}: {self.weights:,} tensors and {self.parameters:,} parameters as in the spec"]
        for each in self.comparisons:
            text = f"{witnesses} at {show(each.image)}: {len(each.compared)} rows and heads of the spec's shapes"
            if each.difference is not None:
                text += f"; values differ by {each.difference:.0e} of their range at most (`{each.where}`)"
            if each.constraint:
                layer = ".".join(each.constraint.node.owner)
                text += f"; `{layer}` fixes the image size to {show(each.constraint.own)}"
            told.append(text)
        return tuple(told)


def witnesses(
    program: Program,
    against: Sequence[str] = ("pytorch", "onnx"),
    images: Sequence[Pair] | None = None,
    batches: Sequence[int] = (1, 3),
) -> Evidence:
    """Hold a network against what the systems of `against` (keys of `SYSTEMS`) make of the files emitted for them.

    `images` None is the network's own size and those of `SIZES` that it takes. Where a layer is fixed to the network's
    own size, the rows before it are compared at the others, and the heads that can run. Disagreement is a finding
    (E304). Raises `SpecError`: E005 for a library that is not installed, and where the network cannot take one of
    `images`.
    """
    require(*against)
    typed = lower(program)
    hearing = Hearing(typed, batches)
    for name in (name for name in SYSTEMS if name in against):
        hearing.call(name)
    comparisons = hearing.compare(images or _sizes(program))
    parameters = cost(typed).total.params
    return Evidence(tuple(against), len(typed.weights), parameters, comparisons, tuple(hearing.findings))


def _sizes(program: Program) -> list[Pair]:
    sizes = [program.input.image]
    for image in SIZES:
        try:
            lower(program, image)
        except SpecError:  # too small for a kernel, or of another rank: no size of this network
            continue
        sizes.append(image)
    return list(dict.fromkeys(sizes))
