"""`swish_beta`, a Swish with a learnt slope: the op, the layer and words that name it, a rule for each backend."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_image
from inception_dsl.emit.python import CallExpr, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType, Weight
from inception_dsl.ir.values import Width
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.plugins import PluginLayer, PluginWord


@dataclass(frozen=True)
class SwishBeta(Op):
    """Swish with a learnt slope, x * sigmoid(weight * x) (1710.05941): one for each channel, which begins at `initial`.

    weight: (channels,).
    """

    name = "swish_beta"
    initial: float = 1.0

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        return {"weight": Weight((inputs[0].channels,))}


SOURCE = '''\
class SwishBeta(nn.Module):
    """Swish with a learnt slope for each channel, x * sigmoid(weight * x)."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        slope = self.weight.view(-1, *[1] * (x.dim() - 2))
        return x * torch.sigmoid(slope * x)
'''


def pytorch(op: SwishBeta, channels: Width, layers: LayerPrinter) -> CallExpr:
    """The call of the class in `SOURCE`, which then stands in the generated file."""
    return layers.plugin_class(SOURCE, layers.width(channels), ("initial", literal(op.initial)))


def onnx(op: SwishBeta, site: Site) -> Spelling:
    """Three nodes; over an image, after one that gives the weight its axes."""
    image = len(site.types[0].shape) > 1
    return [
        *([over_image("weight")] if image else []),
        OnnxNode("Mul", inputs=("x", "weight_image" if image else "weight"), name="scaled"),
        OnnxNode("Sigmoid", inputs=("scaled",), name="gate"),
        OnnxNode("Mul", inputs=("x", "gate")),
    ]


def mermaid(op: SwishBeta, label: str) -> str:
    """A hexagon, in the drawing of `mermaid.py`."""
    return f'{{{{"{label}"}}}}'


LAYER = PluginLayer(
    LayerEntry("swish_beta", (SwishBeta,), defaults={"initial": "initial=1.0"}),
    rules={"pytorch": pytorch, "onnx": onnx, "mermaid": mermaid},
)

WORD = PluginWord(
    Word("adds a Swish with a learnt slope after it", "act", op=SwishBeta),
    layers=("conv", "conv_transpose", "fc"),
)

INITIAL = PluginWord(
    Word("is what the slope of `swish_beta` begins at", value="number", alone=False, example="1.5"),
    layers=("swish_beta", "conv", "conv_transpose", "fc"),
)
