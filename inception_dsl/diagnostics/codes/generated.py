"""The files that the tool generates, exports and formats."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

NOT_EXPRESSIBLE = Code(
    "E401",
    "not expressible in this ONNX opset",
    """\
Every ONNX operator has a first opset. Some layers need a newer opset than the requested one, and some cannot be
expressed at all. Others need constants beside the weights, such as the scale of 1 of a norm without `gamma` or the
weights of an average pool with unevenly overlapping windows; a graph holds at most a million numbers of such
constants. The message names the layer and says what to do.
""",
)

STALE_FILE = Code(
    "E402",
    "generated file is stale, missing or orphaned",
    """\
`--check` compares the generated files with what their specs give now. Run the command that the message names and
commit the files that it writes; delete a file whose spec no longer exists.
""",
)

EXPORT_DIFFERS = Code(
    "E403",
    "exported file gives other values",
    """\
After `inception-dsl export` has written an ONNX file, onnxruntime runs it beside the PyTorch network on the same
images and weights. Their outputs may differ by at most 1e-4 of the range of the values. The file matches the spec; the
difference comes from one of the two libraries, or from weights that overflow float32.
""",
)

EDITED_FILE = Code(
    "E404",
    "edited file would be overwritten",
    """\
`train.py` and `support.py` are meant to be edited. Their third line holds a hash of the lines below it. If the hash no
longer matches, someone has edited the file, and `inception-dsl compile` and `train` leave it alone. Keep it under
another name, or overwrite it with `--force`.
""",
)

NOT_FORMATTED = Code(
    "E405",
    "file is not formatted",
    """\
`fmt --check` and `fmt --diff` write nothing and report files that `inception-dsl fmt` would change. Formatting changes
spaces and line breaks, never the meaning: `inception-dsl fmt FILE`, and commit the file.
""",
)

ORPHANED_FILE = Code(
    "W402",
    "orphaned file",
    """\
`compile` writes the files of a network and never deletes any. Other files in the network's folder are orphaned, and so
is the folder of a network whose spec no longer exists. Delete them, or `compile --check` will fail (E402). `site` does
not delete files either: pages of networks that no longer exist stay in the folder of the site until you delete them.
""",
)
