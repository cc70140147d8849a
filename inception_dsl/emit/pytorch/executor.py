"""The generated PyTorch file, executed for the cross-check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import build
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.executor import Executor, Forward
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.dataflow import inputs
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

COUNTER_SUFFIX: Final = ".num_batches_tracked"
"""What torch keeps in a batch norm besides its weights."""


class PyTorch(Executor):
    """A module built from the generated file. It stays on the meta device until weights are loaded."""

    def __init__(self, typed: Typed) -> None:
        import torch

        with torch.device("meta"):  # initialisation there takes no time and leaves the global random generator alone
            self.net = build(pytorch.source(typed), typed.program.name)
        self.net.eval()
        self.net.training = (
            True  # only the outer module: it returns its heads; dropout and batch norm stay in eval mode
        )
        tensors = {name: tuple(tensor.shape) for name, tensor in self.net.state_dict().items()}
        self.weights = {name: shape for name, shape in tensors.items() if not name.endswith(COUNTER_SUFFIX)}
        self.parameters = sum(parameter.numel() for parameter in self.net.parameters())
        self.typed = typed

    def load(self, weights: Mapping[str, Array]) -> None:
        """Copy the weights into the module, on the CPU."""
        import torch

        self.net.to_empty(device="cpu").requires_grad_(requires_grad=False)
        tensors = {name: torch.from_numpy(values) for name, values in weights.items()}
        self.net.load_state_dict(tensors, strict=False)  # all but the counters

    def scale(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """Weights rescaled to what arrives at each layer; see `probe.scaling`."""
        import torch

        self.load(weights)
        images = probe.images(self.typed.input.shape, 2, probe.level(self.typed))
        with probe.scaling(self.net, self.typed), suppress(Exception):  # the comparison fails again, with a finding
            self.net(torch.from_numpy(images))
        scaled = self.net.state_dict()
        return {name: scaled[name].numpy().copy() for name in weights}

    def at(self, part: Typed) -> Forward:
        """Run row by row, then, if the part is the whole network, its own `forward` for the logits and heads."""
        is_network = (part.trunk, part.heads) == (self.typed.trunk, self.typed.heads)

        def forward(images: Array) -> Iterator[tuple[str, Array]]:
            import torch

            modules: dict[str, Any] = dict(self.net.named_children())
            x = torch.from_numpy(images)
            values: dict[str, Any] = {}
            kept = {name for entry in part.program.entries for name in (inputs(entry.body)[0], *inputs(entry.body)[1])}
            kept |= {head.source for head in part.program.heads}
            for row in part.program.rows:
                source, passed = inputs(row.body)
                read = (values[source] if source else x, *(values[name] for name in passed))
                x = modules[row.name](*read) if row.name in modules else read[0]
                values |= {row.name: x} if row.name in kept else {}  # those of large images need much memory
                yield row.name, x.numpy()
            for head in part.program.heads:
                source, passed = inputs(head.body)
                read = tuple(values[name] for name in (source or head.source, *passed))
                yield head.name, modules[head.name](*read).numpy()
            if is_network:
                outputs = self.net(torch.from_numpy(images))
                yield part.trunk[-1], (outputs.logits if part.heads else outputs).numpy()
                yield from ((name, getattr(outputs, name).numpy()) for name in part.heads)

        return forward
