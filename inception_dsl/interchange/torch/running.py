"""Modules of torch as their users run them: for images of a shape, in inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from inception_dsl.interchange.graph import Array, Graph
from inception_dsl.ir.shapes import Pair

USUAL: Final = (3, 224, 224)
"""The shape of the images of a module that states no other."""


def shape_of(module: nn.Module, image: Pair | None = None) -> tuple[int, int, int]:
    """The shape of a module's images: with this height and width, or as timm and pytorchcv note it, or as usual."""
    config: Any = getattr(module, "default_cfg", None) or {}
    noted = tuple(config.get("input_size") or ()) if isinstance(config, Mapping) else ()
    size: Any = getattr(module, "in_size", None)
    first = next((each for each in module.modules() if isinstance(each, nn.Conv2d)), None)
    channels = first.in_channels if first is not None else USUAL[0]
    if image:
        return (channels, *image)
    if len(noted) == len(USUAL):
        return noted
    if isinstance(size, tuple) and len(size) == len(USUAL) - 1:
        return (min(channels, USUAL[0]), *size)  # the first layer of some reads an image that was rearranged
    return (channels, *USUAL[1:])


def run(module: nn.Module, graph: Graph, images: Array, weights: Mapping[str, Array]) -> Array:
    """The main output of a module in inference, with some of its tensors replaced."""
    own = module.state_dict()
    given = {key: torch.from_numpy(value).reshape(own[key].shape) for key, value in weights.items() if key in own}
    training = module.training
    try:
        with torch.no_grad():
            outputs = tree_leaves(functional_call(module.eval(), given, (torch.from_numpy(images),)))
    finally:
        module.train(training)
    main: Array = outputs[int(next(iter(graph.outputs)))].numpy()
    return main
