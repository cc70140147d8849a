"""Networks of other tools, as graphs."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

NOT_A_GRAPH = Code(
    "E140",
    "not a graph of a network",
    """\
A graph is read from an ONNX file of opset 9 or newer, which has a network of images in it: one input that is a batch of
images, and an output that depends on it. The file is damaged, holds something else, or leaves the size of its images
open. A node that the language cannot express is allowed: such nodes are counted, and keep their names and shapes.
""",
)

NOT_A_MODULE = Code(
    "E141",
    "not a module of torch",
    """\
A network of torch is named `package.module:callable`: the module is imported, which runs it, and the callable is called
with the arguments that are given. It must give an `nn.Module`. Weights are never downloaded.
""",
)
