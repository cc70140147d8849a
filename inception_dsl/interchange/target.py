"""A network that was not written here, by what a command line calls it: a file, or a callable that makes it."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import builtin, paths

WEIGHTS: Final = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt.tar", ".pth.tar")
"""The ends of names of files that hold tensors and no graph."""

KERAS: Final = (".h5", ".keras")

MODELS: Final = (*KERAS, ".pb", ".tflite", ".mlmodel", ".pt2", ".caffemodel", ".prototxt", ".pdmodel")
"""The ends of names of files in which other tools keep graphs."""

CALLABLE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

Kind = Literal["onnx", "weights", "torch"]


def kind_of(target: str) -> Kind:
    """What a target is. Raises `SpecError` E140 for what is neither."""
    if kind := _kind(target):
        return kind
    what = "is not a network: its name is neither that of a file nor of a callable"
    if target.lower().endswith(MODELS):
        what = (
            "holds weights of keras, and no graph"
            if _is_weights_of_keras(target)
            else "is a model of another tool, which is not read"
        )
    raise SpecError([Diagnostic(NOT_A_GRAPH, f"`{target}` {what}", help=_advice(target))])


def is_target(name: str) -> bool:
    """Whether a name is that of a network, and not of a spec."""
    return _kind(name) is not None


def stem_of(name: str) -> str:
    """What a network is called: the name of the file, or of the function or class that gives it."""
    return Path(name).stem if _kind(name) != "torch" else name.rpartition(":")[2]


def _kind(target: str) -> Kind | None:
    if "://" in target:
        return None
    if target.lower().endswith(".onnx"):
        return "onnx"
    if target.endswith(WEIGHTS):
        return "weights"
    return "torch" if CALLABLE.fullmatch(target) and not target.startswith(builtin.PREFIX) else None


def _advice(target: str) -> str:
    """What to write in place of a name that is not that of a network."""
    if target.startswith(builtin.PREFIX) or target.endswith((".yaml", ".yml")):
        return "it is a spec: `inception-dsl diff` compares two of them"
    if "://" in target:
        return "download it, and give the file"
    if _is_weights_of_keras(target):
        return "give the network, as `package.module:callable`"
    if target.lower().endswith(KERAS):
        return "give a callable that loads it, as `package.module:callable`, or `model.export(FILE, format='onnx')`"
    if target.lower().endswith(MODELS):
        return "export the network as ONNX, and give that file"
    any_of = "give an `.onnx` file, a file of weights (`.safetensors`, `.pt`, `.pth`), or `package.module:callable`"
    return _meant(target) or any_of


def _meant(target: str) -> str:
    """How the callable or the file is written that a name seems to mean; "" for a name of neither."""
    module, _, name = target.partition(":")
    bare = name.partition("(")[0]
    dotted = os.path.normpath(module).removesuffix(".py").replace(os.sep, ".")
    above, _, last = dotted.rpartition(".")
    if CALLABLE.fullmatch(f"{dotted}:{bare}"):
        return f"write `{dotted}:{bare}`" + "; its arguments are given with `--arg NAME=VALUE`" * (bare != name)
    if os.path.isdir(module) or module.endswith(".py"):
        if CALLABLE.fullmatch(f"{dotted}:CALLABLE"):
            return f"name what makes the network in it: `{dotted}:CALLABLE`"
    elif not os.path.exists(target) and target:
        if hint := paths.nearest(target):
            return hint
        if CALLABLE.fullmatch(f"{above}:{last}") and _is_importable(above.partition(".")[0]):
            return f"write `{above}:{last}`: a colon stands before the callable"
    return ""


def _is_weights_of_keras(target: str) -> bool:
    return target.lower().endswith(".weights.h5")


def _is_importable(name: str) -> bool:
    """Whether Python finds a module of this name, here or among those that are installed; none is run."""
    return os.path.exists(name) or os.path.exists(f"{name}.py") or find_spec(name) is not None
