"""The Python API: a spec as a `Network` that can be checked, counted, printed, built and exported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from inception_dsl import compiler, cost, published
from inception_dsl.diagnostics import Diagnostic, Source
from inception_dsl.ir import Program, Typed
from inception_dsl.published import Verdict
from inception_dsl.shapes import Pair

if TYPE_CHECKING:
    from torch import nn

Size = int | Pair
"""The side of a square image, or height and width, in pixels."""


class Check(NamedTuple):
    """What holding a network against its paper gave: a verdict for each printed number, and what does not hold."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def holds(self) -> bool:
        """Whether every printed number is right, or explained by an erratum that still applies."""
        return not self.findings


class Network:
    """A network compiled from a spec.

    >>> net = load("specs/googlenet.yaml")
    >>> net.name, net.check().holds
    ('googlenet', True)
    >>> f"{net.cost().trunk.params:,} parameters, {net.cost().trunk.macs:,} multiply-adds"
    '6,998,552 parameters, 1,582,671,872 multiply-adds'
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    @property
    def name(self) -> str:
        """The network's name, as its spec gives it."""
        return self.program.name

    @cached_property
    def typed(self) -> Typed:
        """The lowered network: every op with its shapes, weights and origin in the spec."""
        return compiler.at_size(self.program)

    def check(self) -> Check:
        """Hold every number that the paper prints against what the spec gives.

        Raises `SpecError` E116 where a printed cell cannot be read.
        """
        verdicts = published.verdicts(self.typed)
        return Check(verdicts, published.findings(self.typed, verdicts))

    def cost(self, size: Size | None = None) -> cost.Cost:
        """Parameters, multiply-adds, depth, memory and receptive fields, for one example of `size` pixels.

        Raises `SpecError` E218 for a size that the network is not tied to.
        """
        return cost.cost(self._at(size))

    def pytorch_source(self, size: Size | None = None) -> str:
        """The network as a Python file that imports torch and nothing of ours.

        >>> print(load("specs/googlenet.yaml").pytorch_source().splitlines()[1])
        \"""GoogLeNet (Inception v1).
        """
        from inception_dsl.emit import pytorch

        return pytorch.source(self._at(size))

    def build(self, classes: int | None = None) -> nn.Module:
        """The network as a `torch.nn.Module`, initialised as torch does it; the only call that imports torch.

        In training it gives a NamedTuple of the logits and the heads', in evaluation the logits, each (batch, classes).
        `classes` are as many as the spec says, unless given. Raises `SpecError` E005 where torch is not installed.
        """
        from inception_dsl.build import build

        arguments = {} if classes is None else {"classes": classes}
        return build(self.pytorch_source(), self.name, **arguments)

    def onnx(
        self,
        size: Size | None = None,
        batch: int | None = None,
        opset: int | None = None,
        heads: bool = False,
    ) -> bytes:
        """The network as a serialised ONNX graph whose weights are inputs, by their names in a state_dict.

        Its input `input` is float32 (batch, channels, height, width); `batch` None is any. Raises `SpecError` E401 for
        an opset that cannot express it.

        >>> import onnx
        >>> onnx.load_from_string(load("specs/googlenet.yaml").onnx()).graph.output[0].name
        'logits'
        """
        from inception_dsl.emit import onnx

        return onnx.model(self._at(size), opset=opset or onnx.NEWEST, batch=batch, heads=heads)

    def report(self) -> str:
        """The network held against its paper, in Markdown."""
        from inception_dsl.emit import report

        return report.report(self.typed)

    def __repr__(self) -> str:
        return f"<Network {self.name} from {self.program.file}>"

    def _at(self, size: Size | None) -> Typed:
        return self.typed if size is None else compiler.at_size(self.program, (size, size) if isinstance(size, int) else size)


def load(path: str | os.PathLike[str], settings: Mapping[str, float | str] | None = None) -> Network:
    """Compile a spec file, with some of its settings set.

    Raises `SpecError` with every error of the phase that failed.
    """
    texts = {name: str(value) for name, value in (settings or {}).items()}
    return Network(compiler.compile_file(os.fspath(path), settings=texts))


def loads(text: str, name: str = "<spec>") -> Network:
    """Compile a spec given as text; diagnostics call it `name`.

    >>> loads("{network: tiny, input: 3x8x8, layers: 'name|layer\\n\\nfc|fc 10'}").cost().trunk.params
    1930
    """
    return Network(compiler.compile_source(Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))))
