"""Weights and images in which no error can hide.

PyTorch's own initialisation fades over fifty layers, until a wrong padding moves the output by less than any tolerance.
Here every layer gets weights that keep its output at one scale, whatever lies before it: He's (1502.01852), scaled
layer by layer to what really arrives (as in 1511.06422), with biases and statistics of batch norms that leave a trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.norms import LRN, Norm
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Array = NDArray[np.float32]

SEED: Final = 14094842

LOUD: Final = 30.0
"""The size of what an LRN reads: at its alpha of 1e-4, values of about 1 would pass through it unchanged to 1e-4."""

WIDE: Final = 3.0
"""The size of what an activation of `CURVED` reads: at 0.3 a ReLU6 is a ReLU, and a hard sigmoid a straight line."""

CURVED: Final = (
    *(act.ReLU6, act.SiLU, act.Hardswish, act.Hardsigmoid, act.Sigmoid),
    *(act.Tanh, act.ELU, act.GELU, act.GELUTanh, act.Mish),
)
"""The activations whose form depends on the size of what they read."""

CENTRED: Final = 0.2
"""How much of a channel's mean a batch norm takes out.

With none, a deep network ends in one output for all images; with all, rounding errors grow with every layer. As it is,
outputs of Inception-v4 move by 3e-2 of their range between images, and two float32 libraries differ by 2e-6.
"""

QUIET: Final = 0.3
"""The size of what a batch norm reads: beside a variance of 0.1, an epsilon of 1e-3 is not one of 1e-5."""

SHIFTS: Final = frozenset({"bias", "running_mean"})
"""Vectors, by the last part of their names, that shift what they read: drawn from -0.5 to 0.5. All others scale it."""


def level(typed: Typed) -> float:
    """The size (root mean square) of a network's activations."""
    if any(isinstance(node.op, LRN) for node in typed.nodes):
        return LOUD
    return WIDE if any(isinstance(node.op, CURVED) for node in typed.nodes) else QUIET


def images(shape: tuple[int, ...], count: int, size: float) -> Array:
    """Draw smooth images, (count, channels, height, width), of root mean square `size`: sums of low frequencies."""
    import numpy as np

    channels, height, width = shape
    random = np.random.default_rng(SEED)
    waves, most = 12, 4  # waves in a channel, and periods of each over its height and width
    down, right = random.uniform(-most, most, (2, count, channels, waves))
    phase = random.uniform(0, 1, (count, channels, waves))
    rows = np.exp(2j * math.pi * (down[..., None] * np.arange(height) / height + phase[..., None]))
    columns = np.exp(2j * math.pi * right[..., None] * np.arange(width) / width)
    image = (rows.swapaxes(-1, -2) @ columns).real  # cos(a + b), summed over the waves
    return np.asarray(image * (size * math.sqrt(2 / waves)), dtype=np.float32)


def weights(typed: Typed) -> dict[str, Array]:
    """Draw every tensor of a network, by its name in a state_dict: He's normal for kernels, uniform for vectors."""
    import numpy as np

    random = np.random.default_rng(SEED)
    drawn = {}
    for name, weight in typed.weights.items():
        if len(weight.shape) > 1:
            values = random.normal(0, math.sqrt(2 / math.prod(weight.shape[1:])), weight.shape)
        else:
            centre = 0 if name.rpartition(".")[2] in SHIFTS else 1
            values = random.uniform(centre - 0.5, centre + 0.5, weight.shape)
        drawn[name] = values.astype(np.float32)
    return drawn


@contextmanager
def scaling(net: nn.Module, typed: Typed) -> Iterator[None]:
    """Where `net` is run on images, scale its drawn weights, in place and layer by layer, to what arrives there.

    A convolution or norm then gives values of about `level(typed)`, a fully connected layer of about 1, and a
    convolution before a norm of about `QUIET`. A channel that would be silent after a ReLU gets its sign turned.
    """
    from torch import nn

    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    norms = [node for node in typed.nodes if isinstance(node.op, Norm)]
    before_norm = {".".join(typed.nodes[node.inputs[0]].path) for node in norms if node.inputs[0] >= 0}

    def before(layer: Any, target: float) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> None:
            (x,) = inputs
            arrives = float(x.square().mean().sqrt()) or 1.0
            if hasattr(layer, "running_mean"):
                layer.running_mean.mul_(arrives).add_(x.transpose(0, 1).flatten(1).mean(1), alpha=CENTRED)
                layer.running_var.mul_(arrives**2)
            scale = target if isinstance(layer, kinds) else target / arrives
            own = [] if layer.weight is None else [layer.weight.mul_(scale)]
            own += [] if layer.bias is None else [layer.bias.mul_(target)]
            silent = layer.forward(x).transpose(0, 1).flatten(1).amax(1) <= 0
            for tensor in own:
                tensor.mul_(_signs(layer, tensor, silent))

        return hook

    targets: dict[type[nn.Module], float] = {nn.Linear: 1.0}
    targets |= dict.fromkeys((nn.Conv2d, nn.ConvTranspose2d), level(typed))
    targets |= dict.fromkeys(kinds, level(typed))
    handles = [
        layer.register_forward_pre_hook(before(layer, QUIET if name in before_norm else target))
        for name, layer in net.named_modules()
        for kind, target in targets.items()
        if isinstance(layer, kind)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _signs(layer: Any, tensor: Tensor, silent: Tensor) -> Tensor:
    """-1 for the numbers of a layer's tensor that make a silent channel, and 1 for the others.

    The channels are the first axis, and in the kernels of a transposed convolution the second, group by group.
    """
    signs = 1 - 2 * silent.to(tensor.dtype)
    if tensor.dim() > 1 and getattr(layer, "transposed", False):
        signs = signs.view(layer.groups, -1).repeat_interleave(tensor.shape[0] // layer.groups, 0)
    return signs.view(*signs.shape, *[1] * (tensor.dim() - signs.dim()))
