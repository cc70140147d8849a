"""The words of the language, from the vocabulary, the ops' docstrings and what the backends write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import onnx
from prose import code, fenced, plain, table

import inception_dsl.syntax
from inception_dsl.emit import catalogue
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.network import Network, loads
from inception_dsl.paper.verdicts import MEASURES
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS

SLOTS: Final = {
    "padding": "Padding",
    "extent": "Windows that cover the image",
    "border": "Borders of averages",
    "norm": "Norms",
    "act": "Activations",
    "groups": "Groups",
    "mode": "Interpolation",
    "order": "Orders of axes",
    "": "Others",
}
"""The headings of the words, by what excludes each other."""

HEADINGS: Final = {"operators": "Operators", "names": "Names in braces", "functions": "Functions in braces"}


def pages() -> dict[str, str]:
    """The pages of layers, words and formulas."""
    entries = catalogue.entries()
    return {
        "language/layers.md": _layers(entries["layers"]),
        "language/words.md": _words(entries["words"]),
        "language/formulas.md": _formulas(entries),
    }


def _layers(layers: Mapping[str, Mapping[str, Any]]) -> str:
    parts = ["# Layers\n", "What `inception-dsl ops NAME` prints, and what the backends write for an example.\n"]
    for name, entry in layers.items():
        parts += [f"## `{entry['written']}` {{ #{name} }}\n", f"{plain(entry['doc'])}\n"]
        rows = [
            [code(size), code(of["default"]) or catalogue.required(of), of["meaning"]]
            for size, of in entry["sizes"].items()
        ]
        rows += _words_of(entry["words"])
        parts += [table(["written", "default", "meaning"], rows)] if rows else []
        example, network = _example(name)
        parts += [f"{code(example)} is, on 64 channels of 32x32 pixels:\n"]
        parts += [
            table(["backend", "spelling"], [[backend.title, _spelling(network, backend.name)] for backend in BACKENDS])
        ]
    return "\n".join(parts)


def _words_of(words: Mapping[str, str]) -> Iterator[list[str]]:
    """A row for the words of each slot, which exclude each other."""
    slots: dict[str, list[str]] = {}
    for word in words:
        slots.setdefault(WORDS[word].slot or word, []).append(word)
    for slot, names in slots.items():
        default = words[names[0]]
        meaning = SLOTS.get(slot) or plain(WORDS[names[0]].meaning)
        anchor = _anchor(SLOTS.get(slot, "")) or "others"
        written = " ".join(code(name if WORDS[name].alone else f"{name}=") for name in names)
        yield [written, _default(default), f"[{meaning}](words.md#{anchor})"]


def _default(word: str) -> str:
    """The word that holds where none is written; `required` and `off` are none."""
    return word if word in {"required", "off"} else code(word)


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _example(name: str) -> tuple[str, Network]:
    """An example of a layer, and a network that is this layer alone."""
    layer = LAYERS[name]
    shown = re.search("`(.+?)`", layer.number.example) if layer.number else None
    example = shown[1] if shown else f"{name} 3x3/2" if layer.kernel else name
    operands = layer.ops[0].operands
    words = ["same"] if "same" in layer.words and "same" not in example else []
    words += [word for word in WORDS if word in layer.words and WORDS[word].slot == layer.required != ""][:1]
    words += [f"{word}={WORDS[word].example}" for word in operands]
    example = " ".join([example, *words])
    before = "  conv1 | pass\n  pool1 | maxpool 3x3/2 same\n" if operands else ""
    return example, loads(f"network: example\ninput: 64x32x32\nlayers: |\n  name | layer\n{before}  row | {example}\n")


def _spelling(network: Network, backend: str) -> str:
    """What a backend writes for the row of an example."""
    (content,) = network.emit(backend).values()
    if backend == "onnx":
        nodes = onnx.load_from_string(content).graph.node
        row = [code(node.op_type) for node in nodes if node.name.partition("/")[0] == "row"]
        return " → ".join(row) or "its input"
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.row":
            return code(ast.unparse(node.value).replace("'", '"'))
    return "its input"


def _words(words: Mapping[str, Mapping[str, Any]]) -> str:
    parts = ["# Words on layers\n", "A layer takes at most one of the words under a heading, except the last.\n"]
    for slot, heading in SLOTS.items():
        rows = [_word(name, entry) for name, entry in words.items() if WORDS[name].slot == slot]
        parts += [f"## {heading}\n", table(["word", "meaning", "values", "default, by layer"], rows)]
    return "\n".join(parts)


def _word(name: str, entry: Mapping[str, Any]) -> list[str]:
    layers: dict[str, list[str]] = {}
    for layer, default in entry["defaults"].items():
        layers.setdefault(default, []).append(f"[`{layer}`](layers.md#{layer})")
    defaults = (f"{_default(word)}: {', '.join(of)}" for word, of in layers.items())
    values = " ".join(map(code, entry["values"].split(" or "))) if WORDS[name].choices else entry["values"]
    return [code(name if entry["alone"] else f"{name}="), plain(entry["meaning"]), values, "; ".join(defaults)]


def _formulas(entries: Mapping[str, catalogue.Entries]) -> str:
    grammar = files(inception_dsl.syntax).joinpath("layers.lark").read_text(encoding="utf-8")
    parts = ["# Formulas\n", "What stands in the column `layer`, in a `graph`, and between braces.\n"]
    for kind, heading in HEADINGS.items():
        rows = [[code(written), plain(entry["meaning"])] for written, entry in entries[kind].items()]
        parts += [f"## {heading}\n", table(["written", "meaning"], rows)]
    measures = [[code(name), plain(measure.meaning)] for name, measure in MEASURES.items()]
    parts += [
        "## Measures\n",
        "What printed columns, [claims](../papers.md#claims) and [sweeps](../sweeps.md) count.\n",
    ]
    parts += [table(["measure", "meaning"], measures)]
    parts += ["## Grammar\n", "The grammar that the parser reads, in the notation of Lark:\n", fenced(grammar)]
    return "\n".join(parts)
