"""Files of weights, and the networks and images they belong to."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

NOT_A_WEIGHTS_FILE = Code(
    "E130",
    "not a file of weights",
    """\
Weights are read from `.safetensors` files, from the `.pt`, `.pth` and `.pth.tar` files of
`torch.save(net.state_dict(), file)`, and, for keras, from `.weights.h5`, `.h5` and `.keras` files. The file is in none
of these formats, is damaged, holds something other than named tensors, would expand to far more memory than its size,
or has unreadable preprocessing metadata.
""",
)

UNSAFE_PICKLE = Code(
    "E131",
    "unsafe pickle",
    """\
A `.pt` or `.pth` file is a pickle, and reading a pickle can run any function. Only files that hold nothing but tensors
and plain data are read. This one asks for more; none of it was run. Save the state_dict alone, or use safetensors.
""",
)

WRONG_NETWORK = Code(
    "E132",
    "weights of another network",
    """\
The tensors in the file, or the layers of the spec, do not belong to this network of the library. The message says
which; use the spec of the network that the weights belong to. The help line names that network if it is a network of
the library or a built-in spec. `inception_dsl/weights/names/` lists the known names and their order, and
`inception_dsl/weights/published.py` the sets of weights that `--tag` accepts.
""",
)

MISSING_TENSOR = Code(
    "E133",
    "missing tensor",
    """\
The file lacks a tensor of the network. Nothing is written, because a network needs all of its weights. If the
library's network was saved without its heads, `--no-heads` reads the rest.
""",
)

UNEXPECTED_TENSOR = Code(
    "E134",
    "unexpected tensor",
    """\
The file has a tensor that no layer of the network uses, so it belongs to another network: one with a bias, say, where
the spec has none. Tensors of heads that the spec lacks, or that `--no-heads` leaves out, are ignored.
""",
)

TENSOR_MISMATCH = Code(
    "E135",
    "tensor of the wrong shape or type",
    """\
The tensor's shape differs from the layer's, or its values do not fit in float32. Half precision is widened, which
loses nothing. A tensor on the meta device has a shape but no values. The classifier differs in shape if the file was
trained on another number of classes, and the first layer if it was trained on images with other channels.
""",
)

NON_FINITE_WEIGHTS = Code(
    "E136",
    "NaN or infinite weights",
    """\
The file contains NaN or infinite values: training diverged, or the file was not written completely. Every result would
be NaN, so nothing is written or evaluated. Use an earlier checkpoint.
""",
)

NOT_A_NETWORK_OF_IMAGES = Code(
    "E137",
    "not an ONNX file for `features`",
    """\
`inception-dsl features` runs an ONNX file that holds a network with its weights, takes one batch of RGB images, and
states in its metadata how these are prepared. `inception-dsl export` writes such a file for weights that state their
preprocessing, as those of `weights import` do. `model.onnx` of `compile` has no weights in it: they are inputs.
`model.onnx` of a run states no preprocessing: docs/features.md shows how to add it.
""",
)

INVALID_MIGRATION = Code(
    "E138",
    "not a usable migration",
    """\
`inception-dsl weights migrate` reads the file that `inception-dsl diff BEFORE AFTER --map FILE` writes. It is JSON that
names, for every tensor of the network AFTER, the tensor of BEFORE whose values it takes, or null for one that is drawn
anew; a tensor of BEFORE that none takes is among the `dropped`. The file is in another form, or it was written for
another network than the spec's. Names in it may be edited: a tensor can take any tensor of the same shape.
""",
)

CHECKPOINT_BREAKS = Code(
    "E139",
    "a checkpoint no longer loads",
    """\
`inception-dsl diff BEFORE AFTER --breaking` fails if a state_dict of BEFORE does not load into AFTER: a tensor is
missing, unexpected, or has another shape, as torch's `load_state_dict(strict=True)` reports it. Heads count too. Keep
the names of rows, modules' branches and steps, or write a migration with `--map FILE` and apply it with
`inception-dsl weights migrate`.
""",
)

PREPROCESSING_DIFFERS = Code(
    "W130",
    "preprocessing differs from that of the weights",
    """\
The weights file records how images were prepared for training, as `inception-dsl weights import` writes it, or the
`config.json` of a run beside it does, and the spec's recipe prepares them differently. `eval` follows the weights: a
network trained on values from -1 to 1 may score no better than chance on values from 0 to 1. `--set data.mean=`, `--set
data.std=` and `--set augment.resize=` override both, and so does `--protocol` for the crops.
""",
)

TRAINED_FROM_ANOTHER_SPEC = Code(
    "W131",
    "weights were trained from another spec",
    """\
A run of `inception-dsl train` wrote the weights, but the spec has changed since, or it is another spec whose tensors
have the same names and shapes but, say, other strides or padding. The score is that of the current spec. `spec.yaml`
in the folder of the run is the spec that was trained.
""",
)
