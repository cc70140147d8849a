"""The cross-check: what backends emit for a network, against the spec and against each other.

They must agree on the names and shapes of the weights, on the shape of every row and head, and, given the same weights
and images, on every value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inception_dsl.analysis.cost import cost
from inception_dsl.crosscheck.compare import Comparer, SizeComparison
from inception_dsl.crosscheck.executor import Executable, require
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair, sides
from inception_dsl.lower import lower

SIZES: Final[tuple[Pair, ...]] = ((225, 225), (299, 299))
"""Image sizes besides the network's own: the first odd, where paddings that agree on even sizes differ."""


@dataclass(frozen=True)
class Report:
    """The result of a cross-check: the backends compared, numbers of tensors and parameters, sizes, disagreements."""

    backends: tuple[str, ...]
    weights: int
    parameters: int
    comparisons: tuple[SizeComparison, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The agreement in words: a sentence for the weights and one for each image size. Empty if they disagree."""
        if self.findings:
            return ()
        *others, last = self.backends
        names = f"{', '.join(others)} and {last}" if others else last
        sentences = [f"{names}: {self.weights:,} tensors with {self.parameters:,} parameters match the spec"]
        for comparison in self.comparisons:
            count, image = len(comparison.compared), sides(comparison.image)
            text = f"{names} at {image}: the shapes of {count} rows and heads match the spec"
            if comparison.difference is not None:
                text += f"; values differ by at most {comparison.difference:.0e} of their range (`{comparison.where}`)"
            if constraint := comparison.constraint:
                layer = ".".join(constraint.node.path)
                text += f"; `{layer}` fixes the image size to {sides(constraint.own)} and is left out"
            sentences.append(text)
        return tuple(sentences)


def cross_check(
    program: Program,
    backends: Sequence[Executable],
    images: Sequence[Pair] | None = None,
    batches: Sequence[int] = (1, 3),
) -> Report:
    """Compare a network with what backends emit for it, and, if there are several, their values with each other.

    `images` None means the network's own size and those of `SIZES` that it accepts. Where a layer fixes the image size,
    only the rows before it, and the heads that can run, are compared at other sizes. Disagreements are findings (E304).
    Raises `SpecError`: E005 if a library is not installed, and if the network does not accept one of `images`.
    """
    require(*backends)
    typed = lower(program)
    comparer = Comparer(typed, batches)
    for backend in backends:
        comparer.add(backend)
    comparisons = comparer.compare(images or _sizes(program))
    parameters = cost(typed).total.params
    names = tuple(backend.name for backend in backends)
    return Report(names, len(typed.weights), parameters, comparisons, tuple(comparer.findings))


def _sizes(program: Program) -> list[Pair]:
    sizes = [program.input.image]
    for image in SIZES:
        try:
            lower(program, image)
        except SpecError:  # too small for a kernel, or of another rank: no size of this network
            continue
        sizes.append(image)
    return list(dict.fromkeys(sizes))
