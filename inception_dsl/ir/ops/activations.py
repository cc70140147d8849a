"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType, Weight


class ReLU(Op):
    """Rectified linear activation, max(x, 0)."""

    name = "relu"
    storage = "in_place"


class ReLU6(Op):
    """ReLU with an upper bound, min(max(x, 0), 6) (MobileNetV2, 1801.04381, section 4)."""

    name = "relu6"
    storage = "in_place"


class SiLU(Op):
    """Sigmoid linear unit, x * sigmoid(x) (1702.03118), which is Swish (1710.05941) with a beta of 1."""

    name = "silu"
    storage = "in_place"
    needs_input = True


class Hardswish(Op):
    """Piecewise form of SiLU, x * min(max(x + 3, 0), 6) / 6 (MobileNetV3, 1905.02244, section 5.2)."""

    name = "hardswish"
    storage = "in_place"
    needs_input = True


class Hardsigmoid(Op):
    """Piecewise form of the sigmoid, min(max(x + 3, 0), 6) / 6 (MobileNetV3, 1905.02244, section 5.2).

    That of Keras 2, and the default of ONNX, have another slope, 0.2.
    """

    name = "hardsigmoid"
    storage = "in_place"
    needs_input = True


class Sigmoid(Op):
    """Logistic sigmoid, 1 / (1 + exp(-x))."""

    name = "sigmoid"
    storage = "in_place"


class Tanh(Op):
    """Hyperbolic tangent."""

    name = "tanh"
    storage = "in_place"


class ELU(Op):
    """Exponential linear unit, x above 0 and exp(x) - 1 below (1511.07289, with an alpha of 1)."""

    name = "elu"
    storage = "in_place"


class GELU(Op):
    """Gaussian error linear unit, x * P(X <= x) for a normal X, by the error function (1606.08415, section 2)."""

    name = "gelu"


class GELUTanh(Op):
    """The approximation of GELU by x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) (1606.08415, section 2)."""

    name = "gelu_tanh"


class Mish(Op):
    """x * tanh(log(1 + exp(x))) (1908.08681)."""

    name = "mish"
    storage = "in_place"
    needs_input = True


@dataclass(frozen=True)
class LeakyReLU(Op):
    """ReLU with a small slope below 0, max(x, 0) + slope * min(x, 0)."""

    name = "leaky"
    storage = "in_place"
    slope: float


@dataclass(frozen=True)
class PReLU(Op):
    """Leaky ReLU whose slope is learnt (1502.01852): one for all channels, or one `per_channel`.

    weight: (1,), or (channels,); it starts at 0.25.
    """

    name = "prelu"
    per_channel: bool = False

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        return {"weight": Weight((inputs[0].channels if self.per_channel else 1,))}


class Softmax(Op):
    """Turns channels into probabilities: exp(x) / sum of exp(x)."""

    name = "softmax"
