"""Variants of specs: the parts of a base are edited and read as a spec.

Edits are made before formulas are parsed, so that the result is checked like any spec, and each part still knows the
file and line where it was written. Nothing is merged that no edit names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inception_dsl.diagnostics.codes.extends import EDITS_CONFLICT, NO_SUCH_PART, PART_EXISTS
from inception_dsl.diagnostics.diagnostic import Findings, Note, Span
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.spec.draft import Draft, cell_at
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.init import LAYER_WORDS, SOURCE
from inception_dsl.spec.network import Base, NetworkSpec
from inception_dsl.spec.settings import override
from inception_dsl.spec.validation import validate
from inception_dsl.spec.variant_advice import advice
from inception_dsl.spec.variant_models import KINDS, REPLACED, Variant
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax.document import Document, KeyPath, YamlNode
from inception_dsl.syntax.yaml_printer import flow

MAX_NAMES_LISTED: Final = 12
"""The most names that are listed where one is unknown."""

WORDS_OF: Final = {"defaults": LAYERS, "totals": COLUMN_MEASURES, "columns": COLUMN_MEASURES}
"""The possible names of parts, for kinds whose names are given by the language."""

NAMED: Final = ("rows", "modules", "heads", "settings")
"""The kinds of parts whose names their author chooses."""


def vary(base: Base, document: Document) -> NetworkSpec:
    """Read a document that extends `base` as the spec that its edits make of the base.

    Raises `SpecError`: the errors of `validate`, E122 for an edit of a missing part, E123 for an insertion of an
    existing one, E124 for conflicting edits; then the errors that `network.build` finds in the result.
    """
    edits = _Edits(base, document)
    edits.check_conflicts()
    edits.findings.stop()
    edits.rename()
    edits.remove()
    edits.override()
    edits.insert()
    edits.check_heads()
    edits.findings.stop()
    return edits.draft.spec(document)


class _Edits:
    """The edits of one document, made on a draft of its base."""

    def __init__(self, base: Base, document: Document) -> None:
        self.base = base.spec
        self.document = document
        self.draft = Draft(base)
        advise = advice({kind: dict.fromkeys(self.draft.known(kind)) for kind in KINDS})
        self.data = validate(document, Variant, advise).written()
        self.findings = Findings()
        self.renamed: dict[tuple[str, str], str] = {}
        for key in ("network", *REPLACED):
            if key in self.data:
                self.draft.data[key] = self.data[key]
                self.draft.root.children[key] = document.root.children[key]

    def _edits_of(self, verb: str, kind: str) -> Iterator[tuple[str, Any, KeyPath]]:
        """The edits of a verb on a kind of part: the part's name, the edit's value, and its path."""
        edits = self.data.get(verb, {}).get(kind, {})
        if isinstance(edits, dict):
            yield from ((name, value, (verb, kind, name)) for name, value in edits.items())
        else:
            for i, value in enumerate(edits):
                yield value["name"] if verb == "insert" else value, value, (verb, kind, i)

    def _place(self, path: KeyPath) -> Span:
        if path[:2] == ("insert", "rows"):
            return self.document.value_span((*path, "name"))
        return self.document.key_span(path)

    def _nodes(self, path: KeyPath) -> tuple[YamlNode, YamlNode]:
        """The node of an edit, and that of all edits of its kind."""
        return self.document.node(path), self.document.node(path[:-1])

    # --- conflicts ----------------------------------------------------------------------------------------------------

    def check_conflicts(self) -> None:
        """E124: parts that are removed and edited, removed twice, or inserted and overridden."""
        for kind, what in KINDS.items():
            removed: dict[str, KeyPath] = {}
            for name, _, path in self._edits_of("remove", kind):
                if name in removed:
                    self._conflict(f"the {what} `{name}` is removed twice", path, removed[name], "removed here first")
                removed[name] = path
            new = {name: path for name, _, path in self._edits_of("insert", kind) if not self.draft.has(kind, name)}
            for verb, done in (("rename", "renamed"), ("override", "overridden")):
                for name, _, path in self._edits_of(verb, kind):
                    for places, other in ((removed, "removed"), (new, "inserted")):
                        if name in places:
                            message = f"the {what} `{name}` is both {other} and {done}"
                            self._conflict(message, path, places[name], f"{other} here")

    def _conflict(self, message: str, path: KeyPath, other: KeyPath, label: str) -> None:
        notes = [Note(self._place(other), label)]
        self.findings.error(EDITS_CONFLICT, message, self._place(path), notes=notes, help="keep one of the two edits")

    def check_heads(self) -> None:
        """E124: a head that leaves after a row which is removed."""
        heads, node = self.draft.at("heads")
        removed = {name: path for name, _, path in self._edits_of("remove", "rows") if not self.draft.has("rows", name)}
        for name, head in heads.items():
            if head["from"] in removed:
                message = f"the head `{name}` branches off `{head['from']}`, which is removed"
                notes = [Note(node.children[name].children["from"].span, "it branches off here")]
                hint = f"remove `{name}` too, or override its `from`"
                self.findings.error(EDITS_CONFLICT, message, self._place(removed[head["from"]]), notes=notes, help=hint)

    # --- existing parts -----------------------------------------------------------------------------------------------

    def _is_there(self, kind: str, name: str, place: Span, new: str = "") -> bool:
        """Whether a part exists; E122 if not. `new` is how an insertion of it is written, where that is possible."""
        if self.draft.has(kind, name):
            return True
        known = self.draft.known(kind)
        renamed = self.renamed.get((kind, name))
        hint = f"it is renamed to `{renamed}`" if renamed else ""
        if new and name in WORDS_OF.get(kind, ()):  # before any name that merely looks like it
            hint = hint or f"write it under `insert: {{{kind}: {new}}}`"
        hint = hint or did_you_mean(name, known)
        if not hint:
            there = f"its {kind} are {listing(known)}" if known else f"it has no {kind}"
            insert = f"write a new one under `insert: {{{kind}: ...}}`" if new else ""
            if len(known) > MAX_NAMES_LISTED:
                there = f"`inception-dsl show {self.base.document.source.file} --resolved` prints its {kind}"
            hint = "; ".join(filter(None, (there, insert)))
        self.findings.error(NO_SUCH_PART, f"`{self.base.network}` has no {KINDS[kind]} `{name}`", place, help=hint)
        return False

    def _is_new(self, kind: str, name: str, place: Span) -> bool:
        """Whether a part does not exist yet; E123 if it does."""
        if not self.draft.has(kind, name) or (kind == "columns" and self._is_added(name)):
            return True
        message = f"there is already {_a(kind)} `{name}`"
        hint = "override it, or choose another name" if kind in NAMED else f"write it under `override: {{{kind}: ...}}`"
        notes = [Note(self.draft.place(kind, name), "here")]
        self.findings.error(PART_EXISTS, message, place, notes=notes, help=hint)
        return False

    def _is_added(self, column: str) -> bool:
        """Whether a column only has the cells that this variant has overridden."""
        cell = self.draft.header.get(column)
        own = cell is not None and cell.within.source is self.document.source
        return own and not self.draft.declares(column)

    # --- the verbs, in their order ------------------------------------------------------------------------------------

    def rename(self) -> None:
        """Rename rows, modules and heads, all at once, and their uses in formulas, `from`, errata and `init`."""
        for kind in ("rows", "modules", "heads"):
            edits = [
                (name, new, path)
                for name, new, path in self._edits_of("rename", kind)
                if self._is_there(kind, name, self._place(path))
            ]
            taken = {*self.draft.known(kind)} - {name for name, _, _ in edits}
            for _, new, path in edits:
                if new in taken:
                    message = f"there is already {_a(kind)} `{new}`"
                    place = self.document.value_span(path)
                    self.findings.error(PART_EXISTS, message, place, help="choose another name")
                taken.add(new)
            self._rename(kind, {name: new for name, new, _ in edits})

    def _rename(self, kind: str, names: Mapping[str, str]) -> None:
        if not names or self.findings.diagnostics:
            return
        self.renamed |= {(kind, name): new for name, new in names.items()}
        if kind == "rows":
            self.draft.rename_rows({name: cell_at(self.document, ("rename", kind, name)) for name in names})
        else:
            self.draft.rename_parts(kind, names, lambda name: self.document.value_span(("rename", kind, name)))
        if kind == "modules":
            self.draft.rename_calls(names)
        else:
            for part, paths in (("errata", self.draft.known("errata")), ("init", self._inherited_init())):
                split = {path: path.partition(".") for path in paths}
                moved = {path: f"{names[row]}{dot}{rest}" for path, (row, dot, rest) in split.items() if row in names}
                self.draft.rename_parts(part, moved, lambda _: None)

    def _inherited_init(self) -> list[str]:
        """The paths in the `init` of the base, unless the variant replaces it."""
        paths = [] if "init" in self.data else self.draft.known("init")
        return [path for path in paths if path not in (*LAYER_WORDS, SOURCE)]

    def remove(self) -> None:
        """Remove parts; rows and heads with the entries of `init` for their weights."""
        for kind in KINDS:
            for name, _, path in self._edits_of("remove", kind):
                if self._is_there(kind, name, self._place(path)):
                    self.draft.remove(kind, name)
                    for entry in self._inherited_init() if kind in ("rows", "heads") else ():
                        if entry.partition(".")[0] == name:
                            self.draft.remove("init", entry)

    def override(self) -> None:
        """Change parts: rows by cell; modules, heads, columns and settings by key; other parts as a whole."""
        for kind in KINDS:
            for name, value, path in self._edits_of("override", kind):
                new = f"{{{flow(name)}: {flow(value) if isinstance(value, str) else '...'}}}"
                if not self._is_there(kind, name, self._place(path), new):
                    continue
                if kind == "rows":
                    self._override_cells(name, value, path)
                elif kind == "settings":
                    self._override_setting(name, value, path)
                elif isinstance(value, dict):
                    self._override_keys(kind, name, value, path)
                else:
                    self.draft.put(kind, name, value, *self._nodes(path))

    def _override_cells(self, name: str, value: Mapping[str, Any], path: KeyPath) -> None:
        for column in value:
            place = self.document.key_span((*path, column))
            if column == "name":
                hint = f"write `rename: {{rows: {{{name}: {value[column]}}}}}`"
                self.findings.error(EDITS_CONFLICT, "the name of a row cannot be overridden", place, help=hint)
            else:
                self._set_cell(name, column, (*path, column))

    def _set_cell(self, row: str, key: str, path: KeyPath) -> None:
        column = " ".join(key.split())
        self.draft.add_column(column, self.document.key_span(path))
        self.draft.rows[row][column] = cell_at(self.document, path)

    def _override_setting(self, name: str, value: Any, path: KeyPath) -> None:
        old = self.draft.at("settings")[0][name]
        self.draft.put("settings", name, override(old, value), *self._nodes(path))

    def _override_keys(self, kind: str, name: str, keys: Mapping[str, Any], path: KeyPath) -> None:
        old, node = self.draft.part(kind, name, *self._nodes(path))
        for key, value in keys.items():
            if value is None:
                old.pop(key, None)
                node.children.pop(key, None)
            else:
                old[key] = value
                node.children[key] = self.document.node((*path, key))

    def insert(self) -> None:
        """Add parts: rows after or before another, other parts after the last of their kind."""
        for kind in KINDS:
            for name, value, path in self._edits_of("insert", kind):
                if not self._is_new(kind, name, self._place(path)):
                    continue
                if kind == "rows":
                    self._insert_row(name, value, path)
                else:
                    self.draft.put(kind, name, value, *self._nodes(path))

    def _insert_row(self, name: str, value: Mapping[str, Any], path: KeyPath) -> None:
        anchors = [key for key in ("after", "before") if key in value]
        if len(anchors) != 1:
            message = f"`{name}` is inserted {'both after and before a row' if anchors else 'without a position'}"
            hint = "give `after:` or `before:`, with the name of a row"
            self.findings.error(EDITS_CONFLICT, message, self._place(path), help=hint)
            return
        anchor = value[anchors[0]]
        if not self._is_there("rows", anchor, self.document.value_span((*path, anchors[0]))):
            return
        self.draft.add_row(cell_at(self.document, (*path, "name")), anchor, anchors[0] == "before")
        for column in value:
            if column not in ("name", *anchors):
                self._set_cell(name, column, (*path, column))


def _a(kind: str) -> str:
    """The name of a kind of part, with its article."""
    return f"{'an' if KINDS[kind][0] in 'aeiou' else 'a'} {KINDS[kind]}"
