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
Weights may lie in other files, in the folder of the file or below it.
""",
    unread=True,
)

NOT_A_MODULE = Code(
    "E141",
    "not a module of torch",
    """\
A network of torch is named `package.module:callable`: the module is imported, which runs it, and the callable is called
with the arguments that are given. It must give an `nn.Module`. Its downloads are refused, also those of weights.
""",
    unread=True,
)

NOT_EXPRESSED = Code(
    "E142",
    "layer that the language cannot express",
    """\
A network that is adopted has a layer for which the language has no word, such as attention or a convolution in three
dimensions. Every kind is named with its number and the first of its nodes. No spec is written: one without these layers
would be another network. The same code stands for a network that is beyond a limit of the language, such as that on the
rows of a table.
""",
)

NOT_EQUAL = Code(
    "E143",
    "adopted spec differs from its source",
    """\
The spec that was written for somebody's network was compiled and compared with it, and does not compute the same: its
graph has another canonical form, or the same weights and images give other values, or none that could be compared. The
file is kept, so that it can be looked at; nothing is claimed of it.
""",
)
