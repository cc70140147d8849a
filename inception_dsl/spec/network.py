"""A spec file as written: reads a `Document` as a `NetworkSpec`, with no names resolved and no defaults added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from inception_dsl.diagnostics.codes.extends import INVALID_SETTING
from inception_dsl.diagnostics.codes.layers import UNKNOWN_LAYER
from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME
from inception_dsl.diagnostics.codes.yaml import FORMER_NAME, INVALID_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Span
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.ir import names
from inception_dsl.ir.results import Result
from inception_dsl.ir.values import Name
from inception_dsl.spec.elsewhere import suggest
from inception_dsl.spec.fields import Section
from inception_dsl.spec.init import InitSpec, init_words
from inception_dsl.spec.input_size import read_input
from inception_dsl.spec.models import VERBS, Head, Module, Spec
from inception_dsl.spec.reported import read_results
from inception_dsl.spec.rows import RowReader, RowSpec, checked_name
from inception_dsl.spec.settings import OLD_TYPES, Setting, setting
from inception_dsl.spec.validation import validate
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.spec.vocabulary.plugins import failure, is_layer, layer_names, plugin_of
from inception_dsl.syntax import algebra, table
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.document import Document, KeyPath
from inception_dsl.syntax.formula import Formula, formula_of
from inception_dsl.syntax.table import Table
from inception_dsl.syntax.terms import WordTerm, value_names

if TYPE_CHECKING:
    from inception_dsl.ir.typed import Typed


@dataclass(frozen=True)
class ModuleSpec:
    """A module: its formula, and the columns that its calls pass as arguments, in order."""

    name: str
    columns: tuple[str, ...]
    graph: Formula
    doc: str
    origin: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class HeadSpec:
    """An auxiliary classifier that reads the output of the row `source`."""

    name: str
    source: str
    loss_weight: float
    graph: Formula
    origin: Span = field(compare=False, repr=False)
    source_origin: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class NetworkSpec:
    """One spec file, or a variant of the spec in `base`.

    `paper`, `published` and `training` are the keys of those sections as written. The rows were read from `table`.
    """

    network: str
    title: str
    paper: Mapping[str, Any]
    input: tuple[int, int, int]
    classes: int
    settings: Mapping[str, Setting]
    defaults: Mapping[str, tuple[WordTerm, ...]]
    modules: Mapping[str, ModuleSpec]
    rows: tuple[RowSpec, ...]
    heads: tuple[HeadSpec, ...]
    published: Mapping[str, Any]
    init: InitSpec | None
    training: Mapping[str, Any]
    reported: tuple[Result, ...]
    document: Document = field(compare=False, repr=False)
    table: Table = field(compare=False, repr=False)
    base: Base | None = field(default=None, compare=False, repr=False)
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False, repr=False)

    @cached_property
    def row_names(self) -> frozenset[str]:
        """The names of the rows."""
        return frozenset(row.name for row in self.rows)

    @property
    def file(self) -> str:
        """The file as generated files cite it, with the options that change its settings."""
        written = self
        while written.base and written.base.spec.document is self.document:
            written = written.base.spec
        changed = {name: setting.value for name, setting in self.settings.items() if setting != written.settings[name]}
        return self.document.source.name + "".join(f" --set {name}={value}" for name, value in changed.items())


class Base(NamedTuple):
    """The base of a variant: a spec, and its network, with the printed numbers that it has kept."""

    spec: NetworkSpec
    network: Typed


def read_spec(document: Document) -> NetworkSpec:
    """Read a document as a spec.

    Raises `SpecError` with all errors in its keys, or else with those of `build_spec`.
    """
    keys = validate(document, Spec, _advise)
    return build_spec(Document(document.source, keys.written(), document.root, document.names), keys)


def build_spec(
    document: Document,
    keys: Spec,
    cells: Table | None = None,
    base: Base | None = None,
) -> NetworkSpec:
    """Make a spec of the validated keys of a document, and of the `cells` of its table if they have been read already.

    Raises `SpecError` with all errors in names, formulas and the table.
    """
    findings = Findings()
    network = checked_name(keys.network, document.value_span(("network",)), findings)
    modules = {name: _module(name, module, document, findings) for name, module in keys.modules.items()}
    settings = {name: _setting(name, document, findings) for name in keys.settings}
    columns = [column for module in modules.values() if module for column in module.columns]
    broken, declared = None in modules.values(), _written(keys.published)
    cells = cells or table.read(document.text(("layers",)), findings) or Table((), ())
    heads = tuple(_head(name, head, document, findings) for name, head in keys.heads.items())
    spec = NetworkSpec(
        network,
        network if keys.title is None else keys.title,
        _written(keys.paper),
        read_input(keys.input, document.value_span(("input",)), findings),
        keys.classes,
        settings,
        {layer: _default(layer, words, document, findings) for layer, words in keys.defaults.items()},
        {name: module for name, module in modules.items() if module},
        RowReader(columns, broken, declared, settings, document.names, findings).read(cells),
        tuple(head for head in heads if head),
        declared,
        init_words(document, _written(keys.init), findings),
        _written(keys.training),
        read_results(document.text(("reported",)), findings) if keys.reported is not None else (),
        document,
        cells,
        base,
        tuple(findings.warnings),
    )
    findings.stop()
    return spec


def _advise(path: KeyPath, value: object) -> str:
    """The help for edits in a file that extends no spec."""
    if path in {("base",), ("extend",), ("from",), ("include",), ("inherits",), ("parent",)}:
        return "write `extends:` for the spec that this one is a variant of"
    return "a variant edits its base: name it with `extends:`" if path[0] in VERBS else ""


def _written(section: Section | None) -> dict[str, Any]:
    return section.written() if section else {}


def _setting(name: str, document: Document, findings: Findings) -> Setting:
    if not names.IDENTIFIER.fullmatch(name) or name in NAMES:
        rule = "a name is a letter, then letters, digits and `_`"
        problem = "this name is already defined in every formula" if name in NAMES else rule
        findings.error(INVALID_NAME, f"`{name}` cannot name a setting", document.key_span(("settings", name)), problem)
    read = setting(document.data["settings"][name])
    type_node = document.node(("settings", name)).children.get("type")
    if type_node and (now := OLD_TYPES.get(type_node.text or "")):
        message = f"the type `{type_node.text}` is now called `{now}`"
        findings.warn(FORMER_NAME, message, type_node.span, help=f"write `type: {now}`")
    if problem := read.problem():
        message = f"the setting `{name}` cannot be {read.value}"
        hint = suggest(str(read.value), layer_names()) if read.type == "layer" else ""
        findings.error(INVALID_SETTING, message, document.value_span(("settings", name)), problem, help=hint)
    return read


def _formula(path: tuple[str | int, ...], document: Document, findings: Findings) -> Formula | None:
    fragment = document.text(path)
    return formula_of(fragment, findings, document.names.get(fragment.source))


def _module(name: str, keys: Module, document: Document, findings: Findings) -> ModuleSpec | None:
    span = document.key_span(("modules", name))
    checked_name(name, span, findings)
    if name in LAYERS and not plugin_of("layers", name):
        findings.error(INVALID_NAME, f"a module cannot be called `{name}`", span, "this is the name of a layer")
    graph = _formula(("modules", name, "graph"), document, findings)
    if graph is None:
        return None
    settings = document.data.get("settings", {})
    used: dict[str, Name] = {}
    for value in value_names(graph.term):
        if value.name not in NAMES and value.name not in settings:
            used.setdefault(value.name, value)
    columns = [" ".join(column.split()) for column in (used if keys.columns is None else keys.columns)]
    known = dict.fromkeys(columns)
    unknown = [column for column in used if column not in known]
    seen: set[str] = set()
    for i, column in enumerate(columns):
        place = document.value_span(("modules", name, "columns", i)) if keys.columns is not None else span
        if column in seen:
            findings.error(
                DUPLICATE_NAME, f"`{name}` has two columns `{column}`", place, help="delete one, or rename it"
            )
        elif column in settings or column in NAMES:
            whose = "a setting" if column in settings else "a name of the language"
            message = f"`{column}` is {whose} and a column of `{name}`"
            findings.error(DUPLICATE_NAME, message, place, help="rename the column")
        elif column not in used and not did_you_mean(column, unknown):  # else the misspelling is reported below
            hint = f"delete it, or write `{{{column}}}` where it belongs"
            if place.source is not graph.fragment.source:  # a variant replaces the graph and not the columns
                hint = "override its `columns:` too: `null` takes them from its graph"
            findings.error(UNDEFINED_NAME, f"the graph of `{name}` never uses its column `{column}`", place, help=hint)
        seen.add(column)
    for column in unknown:
        hint = did_you_mean(column, known) or f"add it to the columns of `{name}`"
        findings.error(UNDEFINED_NAME, f"`{name}` has no column `{column}`", graph.span(used[column].at), help=hint)
    return ModuleSpec(name, (*columns, *unknown), graph, keys.doc, span)


def _head(name: str, keys: Head, document: Document, findings: Findings) -> HeadSpec | None:
    path = ("heads", name)
    checked_name(name, document.key_span(path), findings, names.head_problem)
    graph = _formula((*path, "graph"), document, findings)
    if graph is None:
        return None
    origin, source_origin = document.key_span(path), document.value_span((*path, "from"))
    return HeadSpec(name, keys.source, float(keys.loss_weight), graph, origin, source_origin)


def _default(layer: str, words: str, document: Document, findings: Findings) -> tuple[WordTerm, ...]:
    place = document.key_span(("defaults", layer))
    if not is_layer(layer):
        if why := failure("layers", layer):
            findings.error(UNUSABLE_PLUGIN, why, place, help=REMEDY)
        else:
            hint = suggest(layer, layer_names()) or "`inception-dsl ops` lists the layers"
            findings.error(UNKNOWN_LAYER, f"unknown layer `{layer}`", place, help=hint)
    fragment = document.text(("defaults", layer))
    try:
        return algebra.parse_words(words)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, fragment.span(*fault.at), fault.label, help=fault.help)
        return ()
