"""Hover: what a row computes and what its paper prints of it, and what a word, a module or any other name means."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from inception_dsl.compilation import Build
from inception_dsl.emit import catalogue
from inception_dsl.lsp import key_offers
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.place import Place
from inception_dsl.paper.verdicts import MEASURES, Verdict
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.text.markdown import code, escaped, fenced, table

_ENTRIES = {
    "layer": "layers",
    "module": "layers",  # one of a plugin, where the spec has no module of that name
    "word": "words",
    "name": "names",
    "function": "functions",
    "operator": "operators",
}
"""The kinds of the vocabulary's entries, by the kinds of places."""


def hover(file: OpenFile, params: types.HoverParams) -> types.Hover | None:
    """What is known of the name or word under the pointer; of anything else in a row, what is known of the row."""
    place = file.at(params.position)
    texts = [*_about(place, file)] or [*_about_row(place, file)]
    if not texts:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(texts))
    return types.Hover(content, file.range(place.span))


def _about(place: Place, file: OpenFile) -> Iterator[str]:
    """What a name, word or key means."""
    name, spec = place.text, file.spec
    match place.kind:
        case "key" if name and (meaning := key_offers.meaning(file.member, place.path)):
            yield f"{code(name)}: {escaped(meaning)}"
        case "module" if spec and name in spec.modules:
            module = spec.modules[name]
            yield f"**{escaped(name)}**" + (f": {escaped(module.doc)}" if module.doc else "")
            yield fenced(module.graph.fragment.text.rstrip())
            if module.columns:
                yield f"Its columns are {', '.join(code(column) for column in module.columns)}."
        case "layer" | "module" | "word" | "name" | "function" | "operator":
            kind = _ENTRIES[place.kind]
            if named := catalogue.find_entries(name).get(kind):
                yield fenced(catalogue.catalogue_text({kind: named}, verbose=True))
        case "setting" if spec and name in spec.settings:
            setting = spec.settings[name]
            bounds = {"at least": setting.minimum, "at most": setting.maximum}
            limits = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
            yield f"**{escaped(name)}** is {code(str(setting.value))} ({', '.join([setting.type, *limits])})"
            if setting.doc:
                yield escaped(setting.doc)
        case "column":
            yield from _about_column(name, spec)


def _about_column(name: str, spec: NetworkSpec | None) -> Iterator[str]:
    """What a column is: an argument of modules, or what it measures."""
    if name in MEASURES:
        yield f"**{name}**, as the paper prints it: {MEASURES[name].meaning}"
    if spec:
        users = [code(module.name) for module in spec.modules.values() if name in module.columns]
        if users:
            yield f"{code(name)} is an argument of {', '.join(users)}."


def _about_row(place: Place, file: OpenFile) -> Iterator[str]:
    """What the row of a place computes: of the last text that compiled."""
    name = place.text if place.kind in ("row", "head") else place.row
    build = file.build
    if build is None or name not in build.own.ends:
        return
    row = build.cost.rows[name]
    field, stride = ("x".join(map(str, dict.fromkeys(pair))) for pair in (row.receptive_field, row.stride))
    facts = [
        ("output", str(row.out)),
        ("parameters", f"{row.params:,}"),
        ("multiply-adds", f"{row.macs:,}"),
        ("depth", str(row.depth)),
        ("receptive field", f"{field}, stride {stride}"),
    ]
    whose = "" if file.analysis.build else ", by the last text that compiled"
    yield f"**{escaped(name)}**{whose}\n\n{table(('', ''), facts)}"
    yield from _verdicts(name, build)


def _verdicts(row: str, build: Build) -> Iterator[str]:
    """The verdicts on what the paper prints of a row."""
    found = [verdict for verdict in build.verdicts if verdict.claim.row == row]
    if found:
        rows = [(escaped(each.claim.column), escaped(each.claim.text), each.shown, _judged(each)) for each in found]
        yield table(("printed", "", "computed", "verdict"), rows, left=4)


def _judged(verdict: Verdict) -> str:
    return f"{verdict.verdict}: {escaped(verdict.reason)}" if verdict.reason else verdict.verdict


FEATURE = Feature(types.TEXT_DOCUMENT_HOVER, hover)
