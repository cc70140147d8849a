"""Layers and words of plugins: they join the vocabulary when a spec first names them.

A spec's own modules, columns and rows come before them, so that no spec depends on what else is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.ir.op import Op
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS, NAMES
from inception_dsl.spec.vocabulary.words import ADDED, WORDS

if TYPE_CHECKING:
    from inception_dsl.plugins.offers import Offer

HOOKS: Final = ("pytorch", "onnx")
"""The backends that `compile` always writes: a layer must have a rule for each of them."""

SYNTAX: Final = frozenset({"again", "of", "x", *FUNCTIONS, *NAMES})
"""Words that mean something else to the grammar, or to values."""


class PluginLayer(NamedTuple):
    """What `inception_dsl.layers` holds: a layer with one op, and the rule of that op by the name of a backend.

    A rule is what the backend's own are: see `emit/pytorch/ops` and `emit/onnx/ops`.
    """

    entry: LayerEntry
    rules: Mapping[str, Callable[..., Any]]


class PluginWord(NamedTuple):
    """What `inception_dsl.words` holds: a word, and the names of the layers that take it."""

    word: Word
    layers: tuple[str, ...]


FOUND: Final[dict[tuple[str, str], Offer]] = {}
"""The offers that were looked up, by kind and name; those without a problem are in the vocabulary."""


def is_layer(name: object) -> bool:
    """Whether this is the name of a layer: one of ours or, where no module of the spec has it, one of a plugin."""
    return name in LAYERS or (isinstance(name, str) and _is_added("layers", name))


def is_word(name: str) -> bool:
    """Whether this is a word on layers, perhaps of a plugin."""
    return name in WORDS or _is_added("words", name)


def layer_names() -> list[str]:
    """The names of all layers, also of plugins that are not loaded."""
    from inception_dsl.plugins import offers

    return [*LAYERS, *(name for name in offers.names("layers") if name not in LAYERS)]


def plugin_of(kind: str, name: str) -> Offer | None:
    """What a plugin offers as a layer or word of the vocabulary; None for ours."""
    offer = FOUND.get((kind, name))
    return offer if offer and not offer.problem else None


def failure(kind: str, name: str) -> str:
    """Why a plugin cannot give the layer or word that it offers; "" where none offers it, or it can."""
    offer = FOUND.get((kind, name))
    return offer.message if offer and offer.problem else ""


def rule(op: type[Op], backend: str) -> Callable[..., Any] | None:
    """The rule of a plugin's op for a backend."""
    offer = plugin_of("layers", op.name)
    if offer is None or offer.thing.entry.ops != (op,):
        return None
    found: Callable[..., Any] | None = offer.thing.rules.get(backend)
    return found


def offered() -> list[Offer]:
    """What plugins offer as layers and words, for a listing; all that have no problem are then in the vocabulary."""
    from inception_dsl.plugins import offers

    named = [(kind, name) for kind in ("layers", "words") for name in offers.names(kind)]
    return [offer for kind, name in named if (offer := _look_up(kind, name))]


def _is_added(kind: str, name: str) -> bool:
    """Whether a plugin offers a layer or word, which is then in the vocabulary."""
    if name in SYNTAX or not name:
        return False
    offer = _look_up(kind, name)
    return offer is not None and not offer.problem


def _look_up(kind: str, name: str) -> Offer | None:
    """The offer of a layer or word, added to the vocabulary where nothing is wrong with it."""
    if (kind, name) in FOUND:
        return FOUND[kind, name]
    from inception_dsl.plugins import offers

    ours = {*LAYERS, *WORDS, *SYNTAX} - {other for kind_, other in FOUND if plugin_of(kind_, other)}
    offer = offers.find(kind, name, ours, _layer_problem if kind == "layers" else _word_problem)
    if offer is not None:
        FOUND[kind, name] = offer
        if not offer.problem:
            (_add_layer if kind == "layers" else _add_word)(name, offer.thing)
    return offer


def _add_layer(name: str, layer: PluginLayer) -> None:
    LAYERS[name] = layer.entry


def _add_word(name: str, added: PluginWord) -> None:
    word = WORDS[name] = added.word
    if word.op:
        ADDED[name] = word
        if word.alone:  # `act=NAME`
            WORDS[word.slot] = WORDS[word.slot]._replace(choices=(*WORDS[word.slot].choices, name))
    for layer in added.layers:
        LAYERS[layer] = LAYERS[layer]._replace(words=LAYERS[layer].words | {name})


def _layer_problem(name: str, layer: Any) -> str:
    from inception_dsl.plugins.offers import wrong_type

    if not isinstance(layer, PluginLayer):
        return wrong_type(layer, "a `PluginLayer`")
    entry: Any = layer.entry
    if not isinstance(entry, LayerEntry):
        return f"of its `entry`, {wrong_type(entry, 'a `LayerEntry`')}"
    op: Any = entry.ops[0] if len(entry.ops) == 1 else None
    if not (isinstance(op, type) and issubclass(op, Op)):
        return "its `ops` must be one class that extends `Op`"
    if getattr(op, "name", "") != name:
        return f"its op must have the `name` of the layer, not {getattr(op, 'name', '')!r}"
    taken = {kind.__name__ for known in LAYERS.values() for kind in known.ops}
    if op.__name__ in taken:
        return f"its op must have a class name of its own: `{op.__name__}` is that of another op"
    if missing := [backend for backend in HOOKS if backend not in layer.rules]:
        return f"its `rules` lack the hook `{missing[0]}`, the function that writes `{op.__name__}` for that backend"
    rules: Any = layer.rules
    if wrong := [backend for backend, found in rules.items() if not callable(found)]:
        return f"its rule for the backend `{wrong[0]}` is not a function"
    if unknown := sorted(word for word in entry.words if word not in WORDS):
        return f"its `words` have `{unknown[0]}`, which is not one of ours; a word of a plugin names its layers itself"
    return _name_problem(name)


def _word_problem(name: str, added: Any) -> str:
    from inception_dsl.plugins.offers import wrong_type

    if not isinstance(added, PluginWord):
        return wrong_type(added, "a `PluginWord`")
    word: Any = added.word
    if not isinstance(word, Word):
        return f"of its `word`, {wrong_type(word, 'a `Word`')}"
    if word.op and (word.slot not in ("norm", "act") or word.op.name != name):
        return "a word that adds an op has the op's name, and the slot `norm` or `act`"
    if word.op and not (is_layer(name) and LAYERS[name].ops == (word.op,)):
        return f"it adds the op of a layer `{name}`, which is not there{_because(name)}"
    if unknown := [layer for layer in added.layers if not is_layer(layer)]:
        return f"it is for the layer `{unknown[0]}`, which is not there{_because(unknown[0])}"
    return _name_problem(name)


def _because(layer: str) -> str:
    offer = FOUND.get(("layers", layer))
    return f": {offer.problem}" if offer and offer.problem else ""


def _name_problem(name: str) -> str:
    return "" if re.fullmatch(r"[a-z][a-z0-9_]*", name) else "a name has a-z, 0-9 and `_`, and begins with a letter"
