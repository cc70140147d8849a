"""Networks of other tools, as graphs."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

NOT_A_GRAPH = Code(
    "E140",
    "not a graph of a network",
    """\
A graph is read from an ONNX file of opset 9 or newer, which has a network of images in it: one input that is a batch of
images, and an output that depends on it. The file is damaged, holds something else, or leaves the size of its images
open. A node that the language cannot say is allowed: such nodes are counted, and keep their names and shapes.
""",
)
