"""Networks of keras that run on torch: modules that take images with the channels last.

Their layers hold variables, whose tensors torch records as constants, and their dropouts leave no trace in inference.
keras is not imported here: who has a network of keras has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor, nn

from inception_dsl.interchange import rules

PREFIX: Final = "_torch_params."
"""What keras puts before the path of a variable in a module's state_dict."""


def is_keras(module: nn.Module) -> bool:
    """Whether a module is a network of keras."""
    keras: Any = sys.modules.get("keras")
    return keras is not None and isinstance(module, keras.Model)


def _image_shape(module: nn.Module) -> tuple[int | None, ...]:
    """The shape of an image as a network of keras declares it; none for other modules, and for several inputs."""
    shape: Any = getattr(module, "input_shape", ()) if is_keras(module) else ()
    return shape[1:] if isinstance(shape, tuple) and len(shape) == 4 and not isinstance(shape[0], tuple) else ()


def channels_last(module: nn.Module) -> bool:
    """Whether a module takes images with the channels last."""
    return bool(shape := _image_shape(module)) and rules.channels_last(shape)


def fitted(module: nn.Module, image: Sequence[int]) -> tuple[int, ...]:
    """The shape of an image, channels first, with the sizes that the module fixes itself."""
    shape = _image_shape(module)
    if channels_last(module):
        shape = shape[2], *shape[:2]
    return tuple(own or size for own, size in zip(shape, image, strict=True)) if shape else tuple(image)


def batch_of(module: nn.Module, images: Tensor) -> Tensor:
    """Images with the channels first, as a module takes them."""
    return images.permute(0, 2, 3, 1).contiguous() if channels_last(module) else images


def tensors(module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a module by their names: a variable of keras is called `block1_conv1.kernel`, with torch's dot."""
    return {
        name.removeprefix(PREFIX).replace("/", ".") if name.startswith(PREFIX) else name: tensor
        for name, tensor in module.state_dict().items()
    }


@contextmanager
def dropouts_shown() -> Iterator[None]:
    """The dropouts of networks of keras leave a trace in inference, as torch's do."""
    keras: Any = sys.modules.get("keras")
    if keras is None:
        yield
        return

    def call(self: Any, inputs: Any, training: bool = False) -> Any:
        return torch.dropout(inputs, float(self.rate), False) if self.noise_shape is None else inputs

    with patch.object(keras.layers.Dropout, "call", call):
        yield


@contextmanager
def replaced(module: nn.Module, given: Mapping[str, Tensor]) -> Iterator[None]:
    """Tensors of a module have other values for a while."""
    own = tensors(module)
    kept = {name: own[name].clone() for name in given}
    try:
        _copy(own, given)
        yield
    finally:
        _copy(own, kept)


def _copy(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, values in given.items():
            own[name].copy_(values)
