"""Everything that the language can say, drawn at random.

`values` and `terms` are syntax alone. `specs` are whole files that elaborate and lower without a fault by
construction: small images, few channels, so that torch and onnxruntime can run them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from inception_dsl.ir.ops.linear import ConvTranspose
from inception_dsl.ir.shapes import Padding, TensorType, Window
from inception_dsl.ir.values import (
    MAX_NUMBER,
    MEASURE_FUNCTIONS,
    PART_COUNTS,
    Function,
    Measurement,
    Name,
    Number,
    Operation,
    Value,
    is_reference,
)
from inception_dsl.syntax.terms import (
    Branches,
    Chain,
    Dimensions,
    Fraction,
    Labelled,
    Reference,
    Repeated,
    Scaled,
    Term,
    Use,
    WordTerm,
)

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

COLUMNS = ("#1x1", "#3x3 reduce", "pool proj", "k", "in", "classes", "x", "of", "min", "#", "1x", "a of 3")
WORDS = ("conv", "maxpool", "inception", "pass", "x", "of", "same", "relu", "größe", "_a1", "round", "in")
REPORTED = (
    "reported: |\n  metric | value | data | source\n  top-5 error | 6.67% | drawn, test | a table",
    "reported: |\n  source | network | value | metric | data\n  a table | 7 of it | 31.0M | steps | drawn",
    "reported: |\n  metric|value|data|protocol|source\n  mAP|0.439|drawn|one crop, [1|2] of it|4\n  mAP|1,024|drawn||5",
)
"""What was measured of a random network, as its spec may say it."""

LONG = f"conv 1x1 {{in{' + 1 - 1' * 20}}}"
"""A layer after which a generated class has no formula for the channels."""

LABELS = ("a", "1x1", "3x3", "pool", "x", "of", "7")


def integers() -> st.SearchStrategy[Number]:
    """Whole numbers as written: none has a sign."""
    return st.builds(Number, st.integers(0, 12) | st.integers(0, MAX_NUMBER))


def numbers() -> st.SearchStrategy[Number]:
    """Numbers as written."""
    real = st.floats(0, MAX_NUMBER, allow_subnormal=False).map(abs) | st.sampled_from(
        [0.17, 0.4, 1e-5, 1e-12, 0.405, 2.0]
    )
    return integers() | st.builds(Number, real)


def names() -> st.SearchStrategy[Name]:
    """Names of columns: words of letters, digits, `_` and `#`, that do not read as a number."""
    word = r"([a-zA-Zé_#]|[0-9]{1,2}[a-df-zé_])[a-z0-9_#]{0,4}"
    drawn = st.from_regex(rf"{word}( [a-z0-9_#]{{1,4}}){{0,2}}", fullmatch=True)
    return st.builds(Name, st.sampled_from(COLUMNS) | drawn)


def values(leaves: st.SearchStrategy[Value] | None = None) -> st.SearchStrategy[Value]:
    """Arithmetic on some leaves: those that stand in braces, or others."""

    def deeper(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
        some = st.lists(inner, min_size=1, max_size=2).map(tuple)
        more = st.lists(inner, min_size=2, max_size=3).map(tuple)
        rounding = st.builds(Function, st.sampled_from(["round", "ceil", "floor"]), some)
        extreme = st.builds(Function, st.sampled_from(["min", "max"]), more)
        return st.builds(Operation, st.sampled_from("+ - * / // %".split()), inner, inner) | rounding | extreme

    return st.recursive(numbers() | names() if leaves is None else leaves, deeper, max_leaves=5)


def formulas() -> st.SearchStrategy[Value]:
    """Formulas of claims."""
    word = r"[a-zA-Zé_][a-z0-9_]{0,4}"
    place = st.builds(Name, st.from_regex(rf"{word}(\.[a-z0-9_]{{1,4}})?", fullmatch=True))
    settings = st.dictionaries(st.sampled_from(["size", "width", "n"]), numbers(), max_size=2)
    measured = st.builds(
        Measurement,
        st.sampled_from([*MEASURE_FUNCTIONS, *PART_COUNTS]),
        place,
        settings.map(lambda chosen: tuple(chosen.items())),
    )
    return values(numbers() | measured)


def _words() -> st.SearchStrategy[WordTerm]:
    key = st.sampled_from(["groups", "pad", "norm", "#1x1", "3x3", "pool proj", "double #3x3", ""])
    setting = values() | _dimensions() | st.sampled_from([*WORDS, "@row"])
    return st.builds(WordTerm, st.sampled_from([word for word in WORDS if word != "of"])) | st.builds(
        WordTerm, key, setting
    )


def _dimensions() -> st.SearchStrategy[Dimensions]:
    return st.tuples(integers() | values(), integers() | values())


def uses() -> st.SearchStrategy[Use]:
    """Layers and calls of modules, in any combination of their parts that can be written."""
    words = st.lists(_words(), max_size=3).map(tuple)
    name = st.sampled_from(WORDS) | values()
    width = st.none() | values()
    sized = st.builds(Use, name, _dimensions(), st.none() | _dimensions(), width, words)
    plain = st.builds(Use, name, width=width, words=words, fraction=st.none() | st.builds(Fraction, values(), values()))
    return plain | sized


def terms() -> st.SearchStrategy[Term]:
    """Formulas in the form that the parser gives: no chain directly in a chain, no join directly in its like."""
    return _terms("|+*", uses() | st.builds(Reference, st.sampled_from(LABELS)))


def former_terms() -> st.SearchStrategy[Term]:
    """Those of the language before it grew: without products, fractions and references."""
    return _terms("|+", uses().map(_former))


def _former(use: Use) -> Use:
    return replace(use, fraction=None, words=tuple(word for word in use.words if not is_reference(word.value)))


def _terms(joins: str, leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Term]:
    def deeper(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        some = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(
            some.map(_chain),
            st.builds(_branches, st.sampled_from(joins), some),
            st.builds(Labelled, st.sampled_from(LABELS), inner),
            st.builds(Scaled, values(), inner),
            st.builds(Repeated, integers() | values(), inner),
        )

    return st.recursive(leaves, deeper, max_leaves=8)


def _chain(terms: list[Term]) -> Chain:
    return Chain(tuple(step for term in terms for step in (term.steps if isinstance(term, Chain) else (term,))))


def _branches(join: str, terms: list[Term]) -> Branches:
    alike = (term.branches if isinstance(term, Branches) and term.join == join else (term,) for term in terms)
    return Branches(join, tuple(branch for branches in alike for branch in branches))


def specs() -> st.SearchStrategy[str]:
    """Spec files that compile, as text."""
    return st.composite(lambda draw: _Network(draw).text())()


@dataclass(frozen=True)
class _Shape:
    """What arrives at a layer. `channels` is None inside a module, where it differs from call to call."""

    channels: int | None
    image: tuple[int, int] | None

    def wide(self, channels: int | None) -> _Shape:
        return replace(self, channels=channels)


Written = tuple[str, _Shape]

BORDERS = ("same", "same_upper")
"""What keeps the size of any image, whatever the kernel, and so may stand anywhere in a module."""

ARGUMENTS = ("#1x1", "#3x3 reduce", "#3x3", "pool proj", "k", "features")
"""Columns that are widths."""

SHAPING = {
    "times": ("0", "1", "2", "{n}"),
    "factor": ("1", "0.5", "{width / 4}"),
    "eps": ("0.01", "0.001"),
    "dilation": ("1", "2"),
    "act": ("relu", "bn", "pass", "softmax", "{word}", "silu", "gelu", "mish", "ln", "prelu"),
    "nonlinearity": ("none", "relu6", "hardswish", "gelu_tanh", "prelu", "elu"),
    "norm": ("none", "bn", "ln"),
}
"""Columns that shape a module, and what their cells hold."""

ACTIVATIONS = (
    *("relu", "relu6", "silu", "hardswish", "hardsigmoid", "sigmoid", "tanh", "elu", "gelu", "gelu_tanh", "mish"),
    *("leaky=0.1", "leaky={width / 4}", "prelu", "prelu per_channel", "act=silu", "act={word}"),
)
NORMS = ("bn", "bn eps=0.01", "ln", "ln eps=0.001", "gn=1", "norm=ln")
"""Words for what follows a layer."""


class _Module:
    """A module as its callers see it: which columns are widths, which of those may be empty, what shape it gives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.widths: dict[str, bool] = {}  # whether it may be empty
        self.stride = self.pool = False
        self.shaping: dict[str, tuple[str, ...]] = {}  # other columns that shape it, and what their cells may hold
        self.halves = False  # the image, without being asked
        self.reads = False  # a row, in its column `prev`


class _Network:
    """Draws a network; every method writes a part of it and says what shape it gives."""

    def __init__(self, draw: Draw[Any]) -> None:
        self._draw = draw
        self.modules: dict[str, tuple[_Module, str]] = {}
        self.settings = {"width": draw(st.sampled_from([0.5, 1, 2])), "n": draw(st.integers(0, 2))}
        self.classes = draw(st.integers(2, 7))
        self.inside: _Module | None = None
        self.erratum = False
        self.labels = 0
        self.given: dict[str, _Shape] = {}  # the rows so far

    def draw(self, strategy: st.SearchStrategy[T]) -> T:
        drawn: T = self._draw(strategy)
        return drawn

    def pick(self, *choices: T) -> T:
        return self.draw(st.sampled_from(choices))

    def label(self, word: str) -> str:
        """A label that no other part has."""
        self.labels += 1
        return f"{word}{self.labels}: "

    def maybe(self, *words: str) -> str:
        """One of some words, each after a blank, or none."""
        return self.pick("", *(f" {word}" for word in words))

    # the file

    def text(self) -> str:
        """A whole file."""
        for i in range(self.pick(0, 1, 2, 3)):
            name = f"module{i}"
            self.inside = _Module(name)
            graph = self.module()
            self.modules[name] = self.inside, graph
        self.inside = None
        shape = _Shape(3, (self.pick(17, 20, 24, 33), self.pick(17, 18, 25, 33)))
        lines = [f"network: drawn\ninput: {shape.channels}x{'x'.join(map(str, shape.image or ()))}"]
        lines += [f"classes: {self.classes}", *self.said_settings()]
        some = ("lrn: alpha=0.001 k=2, fc: relu", "conv: bn, softmax: ''", "conv: 'gn=1 eps=0.1 act={word}', fc: elu")
        lines += [self.pick(*(f"defaults: {{{defaults}}}" for defaults in some), "")]
        rows, shape = self.stem(shape) if self.pick(True, False) else ([], shape)
        stem = bool(rows)
        self.given |= {row["name"]: shape for row in rows}
        for i in range(self.pick(1, 2, 3, 4, 5)):
            row, shape = self.row(f"row{i}", shape)
            rows.append(row)
            self.given[row["name"]] = shape
        rows += [{"name": name, "layer": layer} for name, layer in self.ends().items()]
        if self.modules:
            lines.append("modules:")
        for name, (module, graph) in self.modules.items():
            columns = ", ".join(f'"{column}"' for column in self.columns(module))
            key = f"\n    columns: [{columns}]" if columns else self.pick("\n    columns: []", "")
            lines.append(f"  {name}:{key}\n    graph: |\n      {graph}" + self.pick("", "\n    doc: drawn"))
        header = list(dict.fromkeys(["name", "layer", *(column for row in rows for column in row)]))
        lines.append("layers: |\n  " + " | ".join(header))
        lines += ["  " + " | ".join(row.get(column, "") for column in header) for row in rows]
        heads = self.heads([row["name"] for row in rows[:-1]])
        lines += heads + self.after(stem, "aux0" if heads else "")
        return "\n".join(line for line in lines if line) + "\n"

    def said_settings(self) -> list[str]:
        """The settings: short and in full, a number and the name of a layer."""
        width, n = self.settings["width"], self.settings["n"]
        full = f"\n  width: {{default: {width}, min: 0.5, max: 2, doc: how wide}}\n  n: {n}\n  word: relu"
        return [self.pick(f"settings: {{width: {width}, n: {n}, word: silu}}", f"settings:{full}")]

    def stem(self, shape: _Shape) -> tuple[list[dict[str, str]], _Shape]:
        """A first row whose shape is printed: rightly, or wrongly and known to be so."""
        assert shape.image is not None
        height, width = shape.image
        self.erratum = self.pick(True, False)
        printed = f"{height + 1}x{width}x4" if self.erratum else f"{height}x{width}x4"
        layer = self.pick("conv 3x3 4 same", "first: conv 3x3 4 same relu")
        row = {"name": "stem", "layer": layer, "output": self.pick(printed, printed if self.erratum else "")}
        return [row], shape.wide(4)

    def ends(self) -> dict[str, str]:
        """The last rows: a pool, and a classifier."""
        last = f"fc {{classes}} act=none{self.maybe('bias=none')}{self.maybe('-> softmax')}"
        last = self.pick(
            last,
            f"dropout 40% -> {last}",
            f"hidden: fc 5 {self.pick('', *NORMS)} {self.pick('', *ACTIVATIONS)} -> out: [{last}]",
            f"fc 5 -> {self.pick('bn', 'ln', 'gn 1', 'prelu per_channel', 'mish')} -> {last}",
            f"flatten -> {last}",
        )
        pool = self.pick("avgpool global", "maxpool global", "avgpool to=2x3", "avgpool to=5 count_pad", "pass", "")
        return {"pool": pool, "fc": last} if pool else {"fc": last}

    def heads(self, rows: list[str]) -> list[str]:
        """Classifiers that leave after rows."""
        lines = []
        for i in range(self.pick(0, 0, 1, 2)):
            graph = self.pick(
                "avgpool global -> fc 5 relu -> dropout 70% -> fc {classes}",
                "fc {classes}",
                "fc 6 norm=bn bias=none silu -> gn 3 -> fc {classes}",
                "[ bn | pass ] -> fc {classes}",
                f"@{rows[0]} -> avgpool global -> fc {{classes}}" if rows else "fc {classes}",
                *([f"{self.call()} -> fc {{classes}}"] if self.modules else []),
            )
            weight = self.pick("", "0.3", "0", "2")
            key = f"\n    loss_weight: {weight}" if weight else ""
            lines.append(f"  aux{i}:\n    from: {self.pick(*rows)}{key}\n    graph: '{graph}'" if rows else "")
        return ["heads:", *lines] if any(lines) else []

    def after(self, stem: bool, head: str) -> list[str]:
        """What a spec says beside its network: how weights begin, how it is trained, where its paper is wrong."""
        lines = []
        if stem and self.erratum:
            lines.append("published: {errata: {stem.output: drawn so}}")
        if self.pick(True, False):
            paths = {"fc": self.pick("glorot", "normal std=0.01 bias={width}", "constant value=0.5")}
            paths |= {"conv": "truncated_normal std=0.02", "stem": self.pick("he fan=out", "xavier")} if stem else {}
            paths |= {head: "xavier bias=0.2"} if head else {}
            lines.append("init:\n  source: drawn\n" + "\n".join(f"  {path}: {words}" for path, words in paths.items()))
        if self.pick(True, False, False, False):
            lines.append("training: {source: drawn, optim: {lr: 0.05}, notes: {optim.lr: so}}")
        if self.pick(True, False, False):
            lines.append(self.pick(*REPORTED))
        return lines

    def columns(self, module: _Module) -> list[str]:
        """The columns of a module."""
        own = [*(["stride"] if module.stride else []), *(["pool"] if module.pool else [])]
        return [*module.widths, *own, *module.shaping, *(["prev"] if module.reads else [])]

    def row(self, name: str, shape: _Shape) -> tuple[dict[str, str], _Shape]:
        """A row: a call whose cells are its arguments, or a formula of its own."""
        if not self.modules or self.pick(True, False):
            layer, shape = self.referring(shape) if self.pick(True, False) else self.chain(shape, depth=2)
            return {"name": name, "layer": f"[{layer}]" if "|" in layer else layer}, shape
        module, _ = self.modules[self.pick(*self.modules)]
        row = {"name": name}
        for column, optional in module.widths.items():
            row[column] = self.pick("", "0", "3", "6") if optional else self.pick("2", "4", "6", "{4 * width}")
        stride = 2 if module.halves else 1
        if module.stride:
            stride = self.pick(1, 2)
            row["stride"] = str(stride)
        if module.pool:
            row["pool"] = self.pick("maxpool", "avgpool")
        row |= {column: self.pick(*cells) for column, cells in module.shaping.items()}
        if module.reads:
            near = [f"@{given}" for given, other in self.given.items() if other.image == shape.image]
            row["prev"] = self.pick("pass", *near, *near)
            if row["prev"] != "pass":
                it = module.name
                row["layer"] = self.pick(
                    it, it, f"part: {it}", f"{it} -> relu", f"[ {it} | pass ]", f"bn -> {it} -> bn"
                )
                return row, _Shape(None, shape.image)
        it = module.name
        ways = [it, it, f"part: {it}", f"{it} -> relu", f"[{it}]", f"1 of {it}", f"0.5 * {it}"]
        if stride == 1:
            ways += [f"2 of {it}", f"{{n + 1}} of [x1: {it} -> bn]", f"[ {it} | pass ]", f"[ a: {it} | b: {it} ]"]
        ways += [f"[ {it} + {it} ]", f"[ {it} + other: [ {it} -> bn ] ] -> relu"]
        row["layer"] = self.pick(*ways)
        height, width = shape.image or (0, 0)
        return row, _Shape(None, (-(-height // stride), -(-width // stride)))

    # a module

    def module(self) -> str:
        """The graph of a module: a chain without columns, a call, or branches, the first of which always stays."""
        assert self.inside is not None
        readers = any(module.reads for module, _ in self.modules.values())
        called = ["called" if self.modules else "plain", "referred" if readers else "reads"]
        kind = self.pick("branches", "branches", "branches", "plain", "reads", *called)
        shape = _Shape(None, None)
        if kind == "reads":
            self.inside.reads = True
            step = "conv 3x3 4 same"
            return self.pick(
                f"[ {{prev}} -> {step} bn | conv 1x1 2 ]",
                "[ {prev} -> conv 1x1 {module.in} | conv 3x3 {in} same depthwise ]",
                f"all: pass -> p: [ {{prev}} -> {step} ] -> h: [ @all -> {step} ] -> [ @p | @h + pass | bn + @p ]",
                "a: conv 1x1 {in} -> [ pass | b: [ bn -> c: relu ] | [ @c + @b ] ] -> [ pass | @a | {prev} -> relu ]",
                f"[ {{prev}} | first: [ {step} -> inner: bn ] ] -> [ pass | @inner | @first * @inner ]",
                "u: [ {prev} -> bn ] -> maxpool 3x3/2 pad=1 -> relu -> unpool 3x3/2 pad=1 pooled=@u",
                "[ pass + f: 0.5 * [ conv 3x3 {in} same -> bn ] + [ @f -> again f ] | {prev} ]",
            )
        if kind == "plain":
            self.inside.halves = self.pick(True, False)
            first = f"{self.pick('maxpool', 'avgpool', 'conv')} 3x3/2" if self.inside.halves else ""
            first = first.replace("conv 3x3/2", "conv 3x3/2 5") + " same" if first else ""
            kept = [
                "lrn 9",
                "bn",
                "a: [ lrn 9 ]",
                "b: bn -> relu",
                "pass",
                "[ pass | bn -> relu ]",
                "flat: [ bn + pass ]",
            ]
            squeezed = "avgpool global -> conv 1x1 {ceil(in / 2)} relu bias -> conv 1x1 {module.in} -> softmax"
            kept += [f"pass * [ {squeezed} ]", f"[gate: [ {squeezed} ]] * pass -> relu", "channel_max * pass"]
            half = "slice {(in + 1) // 2}"  # of one channel, that one
            kept += [f"[ {half} | {half} start={{module.in // 2}} ] -> conv 1x1 {{module.in}}"]
            kept += ["[ permute HCW -> conv 1x1 {in} -> permute HCW | pass ] -> conv 1x1 {module.in}"]
            kept += ["permute WHC -> prelu per_channel -> permute WHC -> conv 1x1 {in}"]
            kept += ["conv 1x1 {2 * in} -> conv 1x1 {3 * module.in} groups={module.in} -> conv 1x1 {module.in}"]
            kept += ["pass * bn", "bn * [gate: [ bn -> softmax ]] * [ [ bn + pass ] -> relu ]", "{word} * bn"]
            kept += ["conv 1x1 {in}", "2 of bn", "bn -> {n} of relu", "{word}", "0.5 * [ bn -> relu ]", "softmax"]
            kept += [f"{LONG} -> 2 of [ pass | conv 1x1 {{in}} ]"]
            kept += ["gn {in} -> mish", "ln", "conv 1x1 {in} gn={in} prelu per_channel", "leaky 0.3 -> prelu"]
            return first or self.pick(*kept)
        if kind == "referred":  # what its call reads has other channels than what arrives there
            return f"s: bn -> conv 1x1 {{in + 1}} -> {LONG} -> {self.call(prev='@s')}"
        if kind == "called":
            call = self.call()
            return self.pick(call, f"inner: {call}", f"{call} -> {self.layer(shape)[0]}", f"[ {call} | pass ]")
        stride = ""
        if self.pick(True, False):
            self.inside.stride, stride = True, "/{stride}"
        branches = []
        for i in range(self.pick(2, 3, 4)):
            label = self.pick(f"{i}x{i}: ", f"way{i}: ", "")
            branches.append(label + (self.pooled(stride) if i == 2 else self.convolved(stride, shape, optional=i > 0)))
        joined = "\n      ".join(f"| {branch}" for branch in branches)
        if self.pick(True, False):
            return joined
        body = " | ".join(branches)
        end = self.pick(self.layer(shape)[0], "{act}", "join: conv 1x1 {in} -> relu")
        end = self.shaped("act") if end == "{act}" else end
        return f"[ {body} ]\n      -> {end}" if self.pick(True, False) else f"all: [ {body} ] -> {end}"

    def shaped(self, column: str) -> str:
        """A value of a column that shapes the module being written."""
        assert self.inside is not None
        self.inside.shaping[column] = SHAPING[column]
        return f"{{{column}}}"

    def open(self, *, optional: bool) -> str:
        """A width of the module being written: a column, new or of its kind."""
        assert self.inside is not None
        own = self.inside.widths
        free = [name for name in ARGUMENTS if own.get(name, optional) == optional]
        name = self.pick(*free) if free else ""
        if not name:
            return "4"
        own[name] = optional
        return f"{{{name}}}"

    def convolved(self, stride: str, shape: _Shape, *, optional: bool) -> str:
        """A branch of convolutions; all of an optional one is left out together."""
        width = self.open(optional=optional and self.pick(True, False))
        inner = width.strip("{}")
        border = self.pick(*BORDERS)
        after = f"{self.maybe('bn', 'ln', 'gn=1')}{self.maybe(*ACTIVATIONS)}{self.maybe('bias')}"
        last = f"conv 3x3{stride} {width} {border}{after}"
        assert self.inside is not None
        if self.inside.widths.get(inner):  # what is left out must not widen what stays
            return last
        kinds = ("plain", "grouped", "called", "droppable", "repeated", "shaped", "shaped")
        match self.pick(*kinds):
            case "grouped":
                grouped = f"conv 1x1 {{2 * {inner}}} bn -> conv 3x3{stride} {{4 * {inner}}} {border} groups={{{inner}}}"
                return self.pick(grouped, f"conv 3x3{stride} {{in}} {border} depthwise -> conv 1x1 {width}")
            case "called" if self.modules:
                return f"{self.call()} -> {last}"
            case "droppable":
                return f"conv 1x1 {self.open(optional=True)} -> {last}"
            case "repeated":
                rounded = f"conv 1x1 {{round({inner} * width, 2)}} -> conv 1x3 {{in // 2 + 1}} same"
                repeated = f"{self.layer(shape)[0]} -> {{n}} of conv 1x1 3"
                return f"{self.pick(rounded, repeated, 'conv 1x1 {classes}')} -> {last}"
            case "shaped":
                return self.structured(width, border, last)
            case _:
                return last

    def structured(self, width: str, border: str, last: str) -> str:
        """A branch that a column shapes: a count, a factor, a dilation and epsilon, the name of a layer."""
        match self.pick("times", "factor", "dilation", "act", "nonlinearity"):
            case "times" as column:
                return f"{self.shaped(column)} of conv 1x1 3 -> {last}"
            case "factor" as column:
                return f"{self.shaped(column)} * [ conv 1x1 3 -> {last} ]"
            case "dilation" as column:
                words = f"dilation={self.shaped(column)} bn eps={self.shaped('eps')}"
                return f"conv 3x3 {width} {border} {words} -> {last}"
            case "nonlinearity" as column:
                return f"conv 1x1 3 act={self.shaped(column)} norm={self.shaped('norm')} -> {last}"
            case column:
                return f"conv 1x1 3 -> {self.shaped(column)} -> {last}"

    def pooled(self, stride: str) -> str:
        """A branch that pools, with a projection that may be left out."""
        assert self.inside is not None
        word = self.pick("maxpool", "avgpool", "{pool}")
        self.inside.pool |= word == "{pool}"
        counted = self.maybe("count_pad") if word == "avgpool" else ""
        projection = f" -> conv 1x1 {self.open(optional=True)} relu" if self.pick(True, False) else ""
        return f"{word} 3x3{stride} {self.pick(*BORDERS)}{counted}{projection}"

    def call(self, prev: str = "pass") -> str:
        """A call of an earlier module that keeps the image, its columns given by name; of none, a layer.

        Where `prev` is given, the module reads it, and the call is not repeated: a repeat reads nothing from outside.
        """
        referred = prev != "pass"
        fit = [module for module, _ in self.modules.values() if not module.halves and (module.reads or not referred)]
        if not fit:
            return "bn"
        inner = self.pick(*fit)
        given = []
        for column, optional in inner.widths.items():
            if self.inside is None or self.pick(True, False):
                given.append(f'"{column}"={0 if optional else 3}')
                continue
            own = self.open(optional=optional)
            value = own if optional else self.pick(own, "{2 * " + own.strip("{}") + "}")
            given.append(f'"{column}"={value}')
        given += [f"prev={prev}"] if inner.reads else []
        given += ["stride=1"] if inner.stride else []
        given += [f"pool={self.pick('maxpool', 'avgpool')}"] if inner.pool else []
        for column in inner.shaping:
            passed = self.inside is not None and self.pick(True, False)
            given.append(f"{column}={self.shaped(column) if passed else self.pick(*SHAPING[column])}")
        times = "" if referred else self.pick("", "", "2 of ", "1 of ", "{n + 1} of ")
        return times + " ".join([inner.name, *given])

    # formulas with known shapes

    def referring(self, shape: _Shape) -> Written:
        """A formula that reads earlier rows, steps of its own, or applies one of these again."""
        ways: list[Written] = []
        for row, given in self.given.items():
            ways += [(f"@{row} -> bn -> relu", given), (f"@{row}", given)]
            border = self.pick("2x2/2 ceil", "3x3/2 pad=1", "3x2 pad=1x0", "3x3 same")
            unpooled = f"[ @{row} -> maxpool {border} -> relu -> unpool {border} pooled=@{row} ]"
            ways += [
                (f"{unpooled} -> bn", given),
                (
                    f"u: @{row} -> [ pass + {unpooled} ] -> [ pass | @u ]",
                    given.wide(given.channels and 2 * given.channels),
                ),
            ]
            if given.image == shape.image:
                both = shape.channels and given.channels and shape.channels + given.channels
                ways.append((f"[ pass | {self.maybe('b: ').strip()} @{row} ]", shape.wide(both or None)))
                ways.append((f"[ conv 3x3 2 same + [ @{row} -> conv 1x1 2 ] ] -> relu", shape.wide(2)))
            if given == shape and shape.channels:
                ways += [
                    (f"[ bn + @{row} ]", shape),
                    (f"pass * [ @{row} -> softmax ]", shape),
                    (f"bn -> [ pass + 0.5 * @{row} ]", shape),
                ]
        width = shape.channels or 2
        twice = f"[ pass + f: [ conv 3x3 {width} same -> bn ] + [ @f -> again f ] ] -> relu"
        ways += [(f"conv 1x1 {width} -> {twice}", shape.wide(width))]
        ways += [
            (
                f"a: conv 1x1 {width} -> again a -> [ @a * pass ]" if shape.channels else "a: conv 1x1 2 -> bn -> @a",
                shape.wide(width),
            )
        ]
        ways += [(f"3x3: conv 3x3 {width} same -> b: bn -> [ @3x3 + @b ] -> [ pass + @b ]", shape.wide(width))]
        return self.pick(*ways)

    def chain(self, shape: _Shape, depth: int) -> Written:
        """Steps, of which some change the size of the image."""
        steps = []
        for _ in range(self.pick(1, 1, 2, 3)):
            text, shape = self.step(shape, depth)
            label = "" if re.match(r"\w+:", text) else self.pick(self.label("step"), "", "")
            steps.append(label + text)
        return " -> ".join(steps), shape

    def step(self, shape: _Shape, depth: int) -> Written:
        """One layer, or a group of branches."""
        kinds = (
            *("window", "layer", "join", "sum", "product", "dense", "repeat", "scale", "mixed", "nested"),
            *("split", "shift", "resize", "transpose", "exchange"),
        )
        kind = self.pick(*kinds) if depth else "window"
        written = {"resize": self.resized, "transpose": self.transposed, "exchange": self.exchanged}
        written |= {"window": self.window, "sum": self.sum, "product": self.product, "mixed": self.mixed}
        written |= {"split": self.split}
        if kind in written:
            return written[kind](shape)
        if kind == "join":
            return self.join(shape, depth)
        if kind == "shift":
            fits = shape.image is not None and min(shape.image) > 2
            moves = ("shift 1", "shift 2", "[ pass | shift 1 ] -> conv 1x1 {in // 2}")
            margins = (
                "crop 1 bottom right -> pad 1 top left",
                "pad 1x2 -> crop 1x2",
                "pad 1 reflect -> crop 1",
                "crop {n + 1} left -> pad {n + 1} right",
            )
            return self.pick(*moves, *margins) if fits and max(shape.image or ()) > 4 else "pass", shape
        if kind == "nested":
            text, shape = self.chain(shape, depth - 1)
            return self.pick(f"[ {text} ]", f"1 of [ {text} ]", f"[ {self.label('in')}[ {text} ] ]"), shape
        if kind == "dense":
            count = self.pick(1, 2)
            grown = shape.wide(shape.channels + 2 * count if shape.channels else None)
            return f"{count} of [pass | bn -> relu -> conv 3x3 2 same]", grown
        if kind == "repeat":
            return f"{self.pick(1, 2)} of [{self.layer(shape)[0]} -> conv 3x3 4 {self.pick(*BORDERS)}]", shape.wide(4)
        text, shape = self.layer(shape)
        return (f"{self.pick('0.17', '2', '{width / 4}')} * [{text}]" if kind == "scale" else text), shape

    def join(self, shape: _Shape, depth: int) -> Written:
        """Branches that agree on the size: all keep it, or all have the same stride."""
        stride = self.pick("", "", "/2")
        branches, channels = [], 0
        for i in range(self.pick(2, 3)):
            width = self.pick(1, 2, 3)
            text = f"conv {self.kernel()}{stride} {width} {self.pick(*BORDERS)}{self.maybe('relu')}"
            if depth > 1 and self.pick(True, False):
                text = f"{text} -> {self.pick(f'[conv 1x1 {width} | conv 3x1 {width} same]', f'conv 1x1 {2 * width}')}"
                width *= 2
            branches.append(self.pick(f"b{i}: ", "") + text)
            channels += width
        if self.pick(True, False):
            branches.append(f"maxpool 3x3{stride} same")
            channels += shape.channels or 0
        height, width = shape.image or (0, 0)
        image = (-(-height // 2), -(-width // 2)) if stride else (height, width)
        label = self.pick("", "", self.label("joined"))
        return f"{label}[ {' | '.join(branches)} ]", _Shape(channels if shape.channels else None, image)

    def sum(self, shape: _Shape) -> Written:
        """Branches of equal width, added; a scaled residual where the width is known."""
        width = self.pick(2, 4) if shape.channels is None else shape.channels
        residual = f"conv 1x1 3 -> conv {self.kernel()} {width} same"
        first = f"conv 1x1 {width}" if shape.channels is None else "pass"
        depthwise = "[ pass + conv 3x3 {in} groups={in} same ]", shape
        scaled = f"[ {first} + 0.17 * [ {residual} ] ] -> relu", shape.wide(width)
        plain = f"[ {first} + left: {residual} bn + right: conv 1x1 {width} bias ]", shape.wide(width)
        joined = f"[ a: conv 1x1 2 relu | conv 3x3 3 same ] -> conv {self.kernel()} {width} same"
        written_out = f"[ {first} + 0.17 * [ {joined} ] ] -> relu", shape.wide(width)
        return self.pick(depthwise, scaled, plain, written_out)

    def resized(self, shape: _Shape) -> Written:
        """An image made smaller, then larger, so that it does not grow."""
        assert shape.image is not None
        factor = self.pick((2, 2), (1, 2), (3, 1), (1, 1))
        image = tuple(-(-size // 2) * by for size, by in zip(shape.image, factor, strict=True))
        written = f"{factor[0]}x{factor[1]}" if factor[0] != factor[1] else f"{factor[0]}"
        if self.pick(True, False):
            image = self.pick(shape.image, (9, 14), (8, 8))
            written = f"to={image[0]}x{image[1]}"
        words = self.maybe("nearest", "bilinear", "bilinear align_corners")
        return f"avgpool 3x3/2 same -> resize {written}{words}", replace(shape, image=(image[0], image[1]))

    def transposed(self, shape: _Shape) -> Written:
        """An image made smaller, then larger by a transposed convolution."""
        assert shape.image is not None
        kernel, (stride, dilation) = (
            self.pick((1, 1), (3, 3), (2, 3), (4, 4), (5, 3)),
            self.pick((2, 1), (1, 2), (2, 1)),
        )
        borders = ["same_upper", "valid", "pad=1", *(["same"] if all(size % 2 for size in kernel) else [])]
        words = self.pick(*borders if max(kernel) > 1 else borders[:2])
        paddings = {"valid": Padding(), "pad=1": Padding("pad", (1, 1)), "same": Padding("same")}
        padding = paddings.get(words, Padding("same_upper"))
        more = self.pick(0, 1) if stride > 1 and padding.kind == "pad" else 0
        groups, width = self.pick((1, 3), (1, 4), (2, 4))
        window = Window(kernel, (stride, stride), padding, (dilation, dilation))
        op = ConvTranspose(width, window, groups, output_padding=(more, 0))
        image = op.infer(TensorType((groups, *(-(-size // 2) for size in shape.image)))).image
        words += f" output_padding={more}x0" * more + f" groups={groups}" * (groups > 1)
        words += f" dilation={dilation}" * (dilation > 1) + self.maybe("bias", *NORMS) + self.maybe(*ACTIVATIONS)
        size = f"{kernel[0]}x{kernel[1]}" + f"/{stride}" * (stride > 1)
        return f"conv 3x3/2 4 same -> conv_transpose {size} {width} {words}", _Shape(width, image)

    def exchanged(self, shape: _Shape) -> Written:
        """Axes of an image exchanged, and back, or not; between the two, layers on the rows or columns as channels."""
        assert shape.image is not None
        height, width = shape.image
        there, back = self.pick(("HCW", "HCW"), ("WHC", "WHC"), ("HWC", "WCH"), ("WCH", "HWC"), ("CWH", "CWH"))
        gate = "pass * [ [ channel_max | channel_mean ] -> conv 3x3 1 same sigmoid ]"
        along = f"conv {self.kernel()} {{in}} same{self.maybe('depthwise', 'bias', 'bn')}{self.maybe(*ACTIVATIONS)}"
        layers = "relu", "ln", "2 of bn", "[ pass + softmax ]", "avgpool 3x3 same", "pass"
        way = f"permute {there} -> {self.pick(along, along, gate, *layers)} -> permute {back}"
        turned = "permute CWH -> conv 1x1 {in}", replace(shape, image=(width, height))
        ways = [(way, shape), (f"[ {way} | pass ] -> conv 1x1 4", shape.wide(4)), turned]
        if shape.channels and shape.channels > 2:
            rows = self.pick("permute HCW", "permute WHC -> 0.5 * permute HWC")
            ways.append((f"{rows} -> conv 3x3 3 same", _Shape(3, (shape.channels, width))))
        return self.pick(*ways)

    def split(self, shape: _Shape) -> Written:
        """Parts of the channels, of which one is convolved alone, joined and shuffled."""
        width = 2 * self.pick(1, 2, 3)
        by = self.pick(1, 2, 3)
        if self.pick(True, False, False, False) and shape.image and not any(size % by for size in shape.image):
            turn, back = self.maybe(f"-> shuffle {by**2}"), self.maybe(f"-> shuffle {by**2}", f"-> shuffle {width}")
            large = f"conv 1x1 {by**2 * width}{back} -> pixel_shuffle {by}"
            return f"pixel_unshuffle {by}{turn} -> {large}", shape.wide(width)
        last = f"part 2/2 -> conv {self.kernel()} {{in}} depthwise same"
        unit = f"[ {self.pick('', 'left: ')}part 1/2 | {last} ] -> shuffle {self.pick(1, 2, width)}"
        halved = f"[ {last} + part 1/2 ]", shape.wide(width // 2)
        ranges = f"[ slice 1 -> bn | slice {{in - 1}} start=1{self.maybe('-> relu')} ]"
        along = f"channel_conv {self.pick('4/2 pad=1', '1/2')} kernels=2{self.maybe('bias')}"
        ways = (
            (along, shape.wide(width)),
            (unit, shape.wide(width)),
            (ranges, shape.wide(width)),
            (f"part {{n // 2 + 1}}/{width}", shape.wide(1)),
        )
        text, shape = self.pick(*ways, halved)
        return f"conv 1x1 {width} -> {text}", shape

    def product(self, shape: _Shape) -> Written:
        """Branches of equal width, multiplied; some gate the channels, as a map of one pixel, or of one row."""
        width = self.pick(2, 4) if shape.channels is None else shape.channels
        first = self.pick("conv 1x1", "value: conv 3x3") if shape.channels is None else "pass"
        first = f"[{first} {width} same]" if "conv" in first else first
        squeezed = (
            f"avgpool {self.pick('global', 'to=1x1', 'to=1')} -> conv 1x1 3 relu -> conv 1x1 {width} bias -> softmax"
        )
        gate = self.pick(f"[ {squeezed} ]", f"[ gate: [ {squeezed} ] ]", f"[ [ {squeezed} ] + [ {squeezed} ] ]")
        local = self.pick(f"conv 3x3 {width} same", f"[mul: conv 1x1 {width}]", f"2 of conv 1x1 {width}")
        text = self.pick(
            f"{first} * {gate}", f"{gate} * {first}", f"{first} * {gate} * {local}", f"{first} * 0.5 * {gate}"
        )
        along = f"avgpool global -> conv 1x1 {width} -> channel_conv {self.pick('3 same', '5 same bias')} -> sigmoid"
        text = self.pick(text, f"{first} * [ {along} ]")
        places = f"[ channel_mean | channel_max ] -> conv 3x3 {self.pick(1, width)} same sigmoid"
        text = self.pick(text, f"{first} * [ {places} ]", f"[ {places} ] * {first}")
        joined = f"[ {text} | {local} ]"
        text = self.pick(text, f"[ {text} + {local} ]", joined)
        return f"[ {text} ]", shape.wide(2 * width if text == joined else width)

    def mixed(self, shape: _Shape) -> Written:
        """Sums of joins and joins of sums, whose branches keep the image; labels at every place that takes one."""
        width = self.pick(1, 2, 3)
        joined = f"[ a: conv 1x1 {width} | {self.maybe('b: ').strip()} conv 3x3 {width} same ]"
        label = self.pick("", self.label("both"))
        if self.pick(True, False):
            residual = self.pick(
                f"conv 1x1 {2 * width}", f"c: conv 1x1 {2 * width} bn", f"2 of [ conv 1x1 {2 * width} ]"
            )
            return f"{label}[ {joined} + {residual} ]", shape.wide(2 * width)
        sums = f"[ conv 1x1 {width} + conv 3x3 {width} same ]"
        return f"{label}[ {sums} | d: {sums} | {joined} ]", shape.wide(4 * width)

    def layer(self, shape: _Shape) -> Written:
        """A layer that keeps the shape."""
        words = (
            "relu",
            "bn",
            "bn eps=0.00001",
            "bn momentum=0.01",
            "bn gamma=none",
            "lrn 5",
            "lrn 3 alpha=0.01 beta=0.5",
            "dropout 25%",
            "drop_path 20%",
            "l2norm",
            "affine",
            "affine bias=none",
            "channel_conv {2 * n + 1} same",
            "pass",
            "softmax",
            "{word}",
            "{width / 4} * bn",
            "{n + 1} of bn",
            "leaky 0.1",
            "gn 1",
            "gn {in} eps=0.01",
            *(word for word in (*ACTIVATIONS, *NORMS) if "=" not in word),
        )
        return self.pick(*words), shape

    def kernel(self) -> str:
        """A kernel that `same` can pad alike on both sides."""
        return self.pick("1x1", "3x3", "1x3", "5x1", "3x5")

    def window(self, shape: _Shape) -> Written:
        """A convolution or pool with any padding, where its window fits on the image."""
        assert shape.image is not None
        word = self.pick("conv", "conv", "maxpool", "avgpool")
        kernel = self.pick((1, 1), (2, 2), (3, 3), (3, 3), (5, 5), (1, 7), (3, 2))
        stride = self.pick((1, 1), (1, 1), (2, 2), (1, 2), (3, 2)) if min(shape.image) > 6 else (1, 1)
        dilation = self.pick((1, 1), (2, 2), (1, 2)) if word == "conv" else (1, 1)
        reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
        paddings = {"same_upper": Padding("same_upper")}
        paddings |= {"same": Padding("same")} if all(size % 2 for size in reach) else {}
        if all(size <= side for size, side in zip(reach, shape.image, strict=True)):
            half = (kernel[0] // 2, kernel[1] // 2)
            paddings |= {"valid": Padding(), f"pad={half[0]}x{half[1]}": Padding("pad", half)}
            paddings |= {"pad=1": Padding("pad", (1, 1))} if word == "conv" or min(kernel) > 1 else {}
            if word != "conv":
                paddings["ceil"] = Padding(ceil=True)
                paddings[f"pad={half[0]}x{half[1]} ceil"] = Padding("pad", half, ceil=True)
        border = self.pick(*paddings)
        out = Window(kernel, stride, paddings[border], dilation).out(shape.image)
        size = "x".join(map(str, kernel)) + self.pick("/{}x{}".format(*stride), *(["/2"] if stride == (2, 2) else []))
        if word != "conv":
            counted = self.maybe("count_pad", "skip_pad") if word == "avgpool" else ""
            return f"{word} {size} {border}{counted}", replace(shape, image=out)
        words = border + ("" if dilation == (1, 1) else " dilation={}x{}".format(*dilation))
        groups = self.pick(*(g for g in (1, 2, 3) if (shape.channels or 1) % g == 0))
        width = groups * self.pick(1, 2)
        words += f" groups={groups}" if groups > 1 else ""
        words += self.maybe("bias", "norm=none", "norm=bn bias", *NORMS) + self.maybe(*ACTIVATIONS)
        return f"conv {size} {width} {words}", _Shape(width, out)
