"""Mutants that are modules of torchvision, timm and pytorchcv: one submodule is replaced, and the network exported."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from audit_mutants import Mutant, Port, scrambled, typed_of
from torch import Tensor, nn

from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.torch.reader import read_torch

Edit = Callable[[Any], nn.Module | None]
"""What stands in place of a module; None if the edit does not apply."""


def _conv(old: nn.Conv2d, **changes: Any) -> nn.Conv2d:
    options: dict[str, Any] = {
        "kernel_size": old.kernel_size,
        "stride": old.stride,
        "padding": old.padding,
        "dilation": old.dilation,
        "groups": old.groups,
        "bias": old.bias is not None,
    }
    return nn.Conv2d(old.in_channels, old.out_channels, **(options | changes))


def _square(module: nn.Module, side: int) -> bool:
    """Whether it is a convolution that keeps the size of its image."""
    return isinstance(module, nn.Conv2d) and (module.kernel_size, module.stride, module.padding) == (
        (side, side),
        (1, 1),
        (side // 2, side // 2),
    )


def with_kernel(old: Any) -> nn.Module | None:
    """5x5 in place of 3x3, and 3x3 in place of 5x5."""
    sides = [side for side in (3, 5) if _square(old, side)]
    return _conv(old, kernel_size=8 - sides[0], padding=(8 - sides[0]) // 2) if sides else None


def with_other_side(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.Conv2d) or old.padding not in ((1, 1), (2, 2), (3, 3)):
        return None
    pad = 2 * int(old.padding[0])
    return nn.Sequential(nn.ZeroPad2d((0, pad, 0, pad)), _conv(old, padding=0))


def with_stride_moved(old: Any) -> Any:
    """The strides of the two first convolutions of a block, exchanged, where these keep the size of the image."""
    convs = [each for each in old.modules() if isinstance(each, nn.Conv2d)][:2]
    if not type(old).__name__.startswith(("Bottleneck", "Inception3x3Branch")) or convs[0].stride == convs[1].stride:
        return None
    new: Any = deepcopy(old)
    one, other = [each for each in new.modules() if isinstance(each, nn.Conv2d)][:2]
    one.stride, other.stride = other.stride, one.stride
    return new


def with_eps(old: Any) -> Any:
    if not isinstance(old, nn.BatchNorm2d):
        return None
    new: Any = deepcopy(old)
    new.eps = 1e-2
    return new


def with_other_norm(old: Any) -> nn.Module | None:
    """A group norm, with the activation that timm's norms have."""
    if not isinstance(old, nn.BatchNorm2d) or old.num_features % 8:
        return None
    return nn.Sequential(nn.GroupNorm(8, old.num_features), getattr(old, "act", nn.Identity()))


def with_bias(old: Any) -> nn.Module | None:
    return _conv(old, bias=old.bias is None) if isinstance(old, nn.Conv2d) else None


def with_groups(old: Any) -> nn.Module | None:
    even = isinstance(old, nn.Conv2d) and old.groups == 1 and old.in_channels % 4 == old.out_channels % 4 == 0
    return _conv(old, groups=4) if even else None


def with_dilation(old: Any) -> nn.Module | None:
    return _conv(old, dilation=2, padding=2) if _square(old, 3) else None


def with_other_pool(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.MaxPool2d | nn.AvgPool2d) or old.kernel_size in (7, 8):
        return None
    kind = nn.AvgPool2d if isinstance(old, nn.MaxPool2d) else nn.MaxPool2d
    return kind(old.kernel_size, old.stride, old.padding, ceil_mode=old.ceil_mode)


def with_counted_padding(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.AvgPool2d) or old.padding in (0, (0, 0)):
        return None
    return nn.AvgPool2d(old.kernel_size, old.stride, old.padding, count_include_pad=not old.count_include_pad)


def with_other_activation(old: Any) -> nn.Module | None:
    return nn.SiLU() if isinstance(old, nn.ReLU) else None


def without_norm(old: Any) -> nn.Module | None:
    """The activation that timm's norms have, or nothing, in place of a norm."""
    return getattr(old, "act", nn.Identity()) if isinstance(old, nn.BatchNorm2d) else None


def without_activation(old: Any) -> nn.Module | None:
    return nn.Identity() if isinstance(old, nn.ReLU) else None


def with_a_layer(old: Any) -> nn.Module | None:
    """A dropout of channels in front of a convolution."""
    return nn.Sequential(nn.Dropout(0.3), deepcopy(old)) if isinstance(old, nn.Conv2d) else None


def with_other_order(old: Any) -> nn.Module | None:
    """The first two branches exchanged, in the modules of torchvision and of pytorchcv."""
    new: Any = deepcopy(old)
    if type(old).__name__ == "Concurrent":
        names = [*new._modules]
        new._modules = {name: new._modules[name] for name in (names[1], names[0], *names[2:])}
    elif type(old).__name__.startswith("Inception") and (hasattr(old, "branch_pool") or hasattr(old, "branch4")):
        branches = new._forward
        new._forward = lambda x: [(given := branches(x))[1], given[0], *given[2:]]
    else:
        return None
    return new  # type: ignore[no-any-return]


def with_other_rate(old: Any) -> nn.Module | None:
    return nn.Dropout(0.75) if isinstance(old, nn.Dropout) and old.p else None


def without_dropout(old: Any) -> nn.Module | None:
    return nn.Identity() if isinstance(old, nn.Dropout) and old.p else None


def with_other_classes(old: Any) -> nn.Module | None:
    return nn.Linear(old.in_features, 10) if isinstance(old, nn.Linear) and old.out_features == 1000 else None


class OfBefore(nn.Module):
    """A head that leaves after an earlier module than it did, whose output `kept` has by then."""

    def __init__(self, kept: dict[str, Tensor], head: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.kept: Callable[[], Tensor] = lambda: kept[
            "source"
        ]  # torch warns of modules that hold tensors of an export

    def forward(self, x: Tensor) -> Any:
        return self.head(self.kept())


def with_head_moved(old: Any) -> Any:
    """The network whose second head leaves a module earlier."""
    if type(old).__name__ != "GoogLeNet":
        return None
    new: Any = deepcopy(old)
    conv = new.aux2.conv.conv
    new.aux2.conv.conv = nn.Conv2d(512, conv.out_channels, 1, bias=False)
    kept: dict[str, Tensor] = {}
    new.inception4c.register_forward_hook(lambda _, given, out: kept.update(source=out))
    new.aux2 = OfBefore(kept, new.aux2)
    return new


def without_head(old: Any) -> nn.Module | None:
    """The network without its last head."""
    heads = [name for name in ("aux2", "AuxLogits") if getattr(old, name, None) is not None]
    if not heads:
        return None
    new: nn.Module = deepcopy(old)
    setattr(new, heads[0], None)
    return new


class Replacement(NamedTuple):
    """A kind of edit of modules, and the code of what is found. `row` is where the edit does not tell it.

    `heads` says that it shows in training only.
    """

    edit: Edit
    code: str
    row: Mapping[str, str] = {}
    heads: bool = False


REPLACEMENTS: Mapping[str, Replacement] = {
    "kernel": Replacement(with_kernel, "E501"),
    "stride moved": Replacement(with_stride_moved, "E502"),
    "padding side": Replacement(with_other_side, "E503"),
    "counted padding": Replacement(with_counted_padding, "E504"),
    "pool kind": Replacement(with_other_pool, "E505"),
    "groups": Replacement(with_groups, "E507"),
    "bias": Replacement(with_bias, "E508"),
    "eps": Replacement(with_eps, "E509"),
    "norm kind": Replacement(with_other_norm, "E510"),
    "activation": Replacement(with_other_activation, "E511"),
    "dilation": Replacement(with_dilation, "E512"),
    "rate": Replacement(with_other_rate, "E512", heads=True),
    "lost norm": Replacement(without_norm, "E513"),
    "lost activation": Replacement(without_activation, "E513"),
    "lost dropout": Replacement(without_dropout, "E513", heads=True),
    "extra layer": Replacement(with_a_layer, "E514"),
    "order of concatenation": Replacement(with_other_order, "E515"),
    "classes": Replacement(with_other_classes, "E518", heads=True),
    "head moved": Replacement(with_head_moved, "E517", {"googlenet_torchvision": "aux2"}, heads=True),
    "lost head": Replacement(
        without_head, "E517", {"googlenet_torchvision": "aux2", "inception_v3_torchvision": "aux"}, heads=True
    ),
}


def module_mutants(ports: Sequence[Port], each: int) -> Iterator[Mutant]:
    """Up to `each` mutants of every kind of every port."""
    for port in ports:
        net = port.module("meta")
        for kind, (edit, code, rows, heads) in REPLACEMENTS.items():
            row = rows.get(port.spec, "")
            with torch.device("meta"):
                names = [
                    name
                    for name, module in net.named_modules()
                    if (row or port.row(name)) and edit(module) is not None and (name or row)
                ]
            random.Random(f"{port.spec} {kind}").shuffle(names)  # noqa: S311 - which of them
            for name in names[:each]:
                place = row or port.row(name)
                yield Mutant(port.spec, kind, name, code, place, Replaced(port, kind, name), heads)


@dataclass(frozen=True)
class Replaced:
    """Exports a network with an edit."""

    port: Port
    kind: str
    name: str

    def __call__(self, _: Path) -> Graph:
        net, kind = self.port.module("meta"), REPLACEMENTS[self.kind]
        with torch.device("meta"):
            new = kind.edit(net.get_submodule(self.name))
        assert new is not None
        if self.name:
            net.set_submodule(self.name, new)
        net = (net if self.name else new).to_empty(device="cpu")
        return scrambled(read_torch(net, typed_of(self.port.spec).input.shape, "mutant", heads=kind.heads))
