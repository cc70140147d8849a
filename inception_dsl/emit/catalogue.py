"""What `inception-dsl ops` prints: the whole language, from its vocabulary, the ops' docstrings and the backends."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import chain
from typing import Any, Final

from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diagnostics.spelling import sentence
from inception_dsl.emit.backend import Backend
from inception_dsl.emit.backends import BACKENDS, offered
from inception_dsl.ir.op import Op
from inception_dsl.plugins import offers
from inception_dsl.spec import elsewhere
from inception_dsl.spec.models import optional_keys
from inception_dsl.spec.vocabulary import plugins
from inception_dsl.spec.vocabulary.entry import MAX_EXTENT, LayerEntry
from inception_dsl.spec.vocabulary.layers import LAYERS, STRIDE
from inception_dsl.spec.vocabulary.operators import FUNCTIONS, NAMES, OPERATORS
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.text.aligned import wrap

Entries = Mapping[str, Mapping[str, Any]]
MAX_LINE: Final = 100
"""The most columns of a line."""
NUMBER_SYNTAX: Final = {
    "": "",
    "number": "a number",
    "width": "a number",
    "offset": "a number of 0 or more",
    "reference": "`@name`, the value of a row above or of a step to the left",
    "share": "a number from 0 to 1",
    "pair": f"a whole number up to {MAX_EXTENT:,}, or two: height x width",
}


def entries() -> dict[str, Entries]:
    """The language by kind and name: layers, words on them, operators, functions, names in braces, and keys.

    Plugins are part of it.
    """
    plugins.offered()
    return {
        "layers": {name: _layer(name, layer) for name, layer in LAYERS.items()},
        "words": {name: _word(name) for name in WORDS},
        "operators": {
            written: {"meaning": operator.meaning, "backends": _backends([operator.op] if operator.op else [])}
            for written, operator in OPERATORS.items()
        },
        "functions": {name: {"meaning": meaning} for name, meaning in FUNCTIONS.items()},
        "names": {f"{{{name}}}": {"meaning": meaning} for name, meaning in NAMES.items()},
        "keys": {name: key._asdict() for name, key in optional_keys().items()},
    }


def left_out() -> list[Diagnostic]:
    """W009 for each layer, word and backend of a plugin that cannot be used."""
    return offers.left_out([*plugins.offered(), *offered()])


def _layer(name: str, layer: LayerEntry) -> dict[str, Any]:
    op = layer.ops[-1]
    sizes: dict[str, dict[str, Any]] = {}
    instead = [_written(word) for word in WORDS if word in layer.words and WORDS[word].slot == "extent"]
    if layer.kernel:
        sizes = {"KxK": {"meaning": "the kernel: height x width", "default": "", "instead": instead}}
        sizes["/S"] = {"meaning": "the stride, or two: /SxS", "default": f"{STRIDE}", "instead": []}
    if layer.number:
        spans = layer.number.kind == "span"
        sizes["K" if spans else "N"] = {"meaning": layer.number.example, "default": "", "instead": instead}
        sizes |= {"/S": {"meaning": "the stride", "default": f"{STRIDE}", "instead": []}} if spans else {}
    return {
        "written": layer.written,
        "doc": inspect.getdoc(op) or "",
        "fields": [field.name for field in fields(op)],
        "sizes": sizes,
        "words": {word: _default(layer, word) for word in WORDS if word in layer.words},
        "backends": _backends(layer.ops),
        "plugin": _plugin("layers", name),
    }


def _written(word: str) -> str:
    return word if WORDS[word].alone else f"{word}="


def required(size: Mapping[str, Any]) -> str:
    """What stands in place of a default for a kernel or a number that has none: the words that may replace it."""
    return " or ".join(["required", *size["instead"]])


def _default(layer: LayerEntry, word: str) -> str:
    """What holds where neither a word nor one that it excludes is written."""
    slot = WORDS[word].slot or word
    needed = slot in ("padding", layer.required) or WORDS[word].value == "reference"
    return layer.defaults.get(slot, "required" if needed else "off")


def _word(name: str) -> dict[str, Any]:
    word = WORDS[name]
    values = [f"{name}={choice}" for choice in word.choices]
    layers = {layer: entry for layer, entry in LAYERS.items() if name in entry.words}
    slot = word.slot or name
    return {
        "meaning": word.meaning,
        "values": " or ".join([name, *values] if word.alone and values else values) or NUMBER_SYNTAX[word.value],
        "alone": word.alone,
        "excludes": [other for other, entry in WORDS.items() if other != name and (entry.slot or other) == slot],
        "defaults": {layer: _default(entry, name) for layer, entry in layers.items()},
        "backends": _backends({*([word.op] if word.op else []), *chain(*(entry.ops for entry in layers.values()))}),
        "plugin": _plugin("words", name),
    }


def _plugin(kind: str, name: str) -> str:
    """The plugin that offers an entry, with its version; "" for ours."""
    offer = plugins.plugin_of(kind, name)
    return offer.origin if offer else ""


def _all_backends() -> dict[str, Backend]:
    """The backends by their titles; that of a plugin says where it comes from."""
    found = {f"{offer.thing.title} ({offer.origin})": offer.thing for offer in offered() if not offer.problem}
    return {backend.title: backend for backend in BACKENDS} | found


def _backends(ops: Iterable[type[Op]]) -> list[str]:
    return [title for title, backend in _all_backends().items() if all(op in backend.rules for op in ops)]


def find_entries(name: str) -> dict[str, Entries]:
    """The entries of a name, of every kind; a key by its last part too, and an operator by its sign."""
    found = {
        kind: {
            key: entry
            for key, entry in named.items()
            if name in (key, key.strip("{}"), key.rpartition(".")[2], *(key.split() if kind == "operators" else ()))
        }
        for kind, named in entries().items()
    }
    return {kind: named for kind, named in found.items() if named}


def instead(name: str) -> str:
    """A sentence about a name that is not an entry: what the language has instead; "" if that is not known."""
    known = [title for named in entries().values() for title in named]
    return sentence(elsewhere.suggest(name, known))


def catalogue_text(catalogue: Mapping[str, Entries], verbose: bool, room: int | None = None) -> str:
    """The catalogue for a terminal: a line an entry, or all that is known of each, in the `room` there is."""
    most = min(MAX_LINE, room or MAX_LINE)
    parts = []
    for kind, named in catalogue.items():
        show = {"layers": _show_layer, "words": _show_word}.get(kind) if verbose else None
        if show:
            parts += [show(name, entry, most) for name, entry in named.items()]
        else:
            heading = kind.capitalize() + (", each with its default" if kind in ("words", "keys") else "")
            parts.append(f"{heading}\n\n" + wrap([_line(kind, *entry) for entry in named.items()], most))
    return "\n\n".join([*parts, *_shared(catalogue)])


def _shared(catalogue: Mapping[str, Entries]) -> list[str]:
    """A line for each plugin, with its entries; then that of the backends, each with the entries that it lacks.

    The last one is left out where nothing needs a backend.
    """
    entries = [item for named in catalogue.values() for item in named.items() if "backends" in item[1]]
    of: dict[str, dict[str, None]] = {}
    for name, entry in entries:
        of.setdefault(entry.get("plugin", ""), {})[name] = None
    of.pop("", None)
    shown = []
    for title in _all_backends():
        gaps = [name for name, entry in entries if title not in entry["backends"]]
        shown.append(title + (f" (without {', '.join(gaps)})" if gaps else ""))
    plugins = [f"From {origin}: {', '.join(names)}" for origin, names in of.items()]
    return [*plugins, *([f"Backends: {', '.join(shown)}"] if entries else [])]


def _line(kind: str, name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "layers":
        return (
            entry["written"],
            f"stride {STRIDE}" if "/S" in entry["sizes"] else "",
            " ".join(entry["doc"].split("\n\n", maxsplit=1)[0].split()),
        )
    if kind == "words":
        defaults: dict[str, list[str]] = {}
        for layer, default in entry["defaults"].items():
            defaults.setdefault(default, []).append(layer)
        by_default = [f"{default} ({', '.join(layers)})" for default, layers in defaults.items()]
        shown = ", ".join(by_default if len(defaults) > 1 else defaults)
        return name, shown, f"{entry['meaning']} [{', '.join(entry['defaults'])}]"
    return name, entry.get("default", ""), entry["meaning"]


def _show_layer(name: str, entry: Mapping[str, Any], most: int) -> str:
    rows = [("written", "default", "meaning")]
    rows += [(size, about["default"] or required(about), about["meaning"]) for size, about in entry["sizes"].items()]
    for word, default in entry["words"].items():
        about = _word(word)
        values = f" ({about['values']})" if about["values"] else ""
        rows.append((_written(word), default, about["meaning"] + values))
    table = f"\n\n{wrap(rows, most)}" if len(rows) > 1 else ""
    smallest = "1x1" if "KxK" in entry["sizes"] else "1"
    table += f"\n\nA kernel larger than {smallest} must state its padding." if "valid" in entry["words"] else ""
    return f"{entry['written']}\n\n{entry['doc']}{table}"


def _show_word(name: str, entry: Mapping[str, Any], most: int) -> str:
    lines = [f"{name}, a word on a layer\n", f"{sentence(entry['meaning'])}."]
    lines += [f"Values: {entry['values']}."] if entry["values"] else []
    lines += [f"Excludes: {', '.join(entry['excludes'])}."] if entry["excludes"] else []
    return "\n".join([*lines, "", wrap([("layer", "default"), *entry["defaults"].items()], most)])
