"""The network's class: a line for each row of the paper, its arguments in columns, its output at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from inception_dsl.analysis.initializers import initializer_targets
from inception_dsl.emit.python import CallExpr, Expression, argument, layout, single_line
from inception_dsl.emit.pytorch.forward import Built
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.pytorch.modules import TemplateClasses
from inception_dsl.ir.dataflow import inputs, split_source
from inception_dsl.ir.program import Body, Call, Sequence
from inception_dsl.ir.shapes import Pair, TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Width
from inception_dsl.text.aligned import pad

MOST_CALLS = 4
"""Calls in one line of `forward`."""
MAX_CALL_LINE = 96


@dataclass(frozen=True)
class ClassLine:
    """A line of the network's class, or several: the rows and heads that it is about, and the classes that it calls."""

    text: str
    rows: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


def network_class(typed: Typed, layers: LayerPrinter, classes: TemplateClasses, name: str) -> list[ClassLine]:
    """The lines of the network's class."""
    lines = _Lines(typed, layers, classes)
    rows = list(lines.rows())
    takes_classes = any("num_classes" in row.text for row in rows)
    layers.names = {}
    size = typed.input
    doc = f"{single_line(typed.program.title)}: images of {size.shape[0]}x{size.shape[1]}x{size.shape[2]}"
    option = f", num_classes: int = {typed.program.env['classes']}" if takes_classes else ""
    out = "Tensor | Output" if typed.heads else "Tensor"
    head = [
        f"class {name}(nn.Module):",
        f'    """{doc}{" -> logits" if takes_classes else ""}."""',
        "",
        f"    def __init__(self{option}) -> None:",
        "        super().__init__()",
        "        # fmt: off",
    ]
    middle = [
        "        # fmt: on",
        *(["        initialise(self)"] if any(initializer_targets(typed).values()) else []),
        "",
        f"    def forward(self, x: Tensor) -> {out}:",
    ]
    return [*map(ClassLine, head), *rows, *map(ClassLine, middle), *forward(typed)]


class _Entry(NamedTuple):
    """A row or head with its constructor call, its output, and the classes that the call uses."""

    name: str
    body: Body
    built: Built
    out: TensorType
    calls: tuple[str, ...]

    @property
    def code(self) -> Expression | None:
        """The constructor call; None for a row that only passes on what it reads."""
        return None if _is_identity(self.body) else self.built.code


class _Lines:
    """Writes the constructor's lines."""

    def __init__(self, typed: Typed, layers: LayerPrinter, classes: TemplateClasses) -> None:
        self.typed = typed
        self.layers = layers
        self.classes = classes
        self.sources = {row.name: inputs(row.body)[0] for row in typed.program.rows}
        layers.names = {"classes": "num_classes"}

    def rows(self) -> Iterator[ClassLine]:
        """Every row, then every head, aligned."""
        program = self.typed.program
        channels: Width = program.input.channels
        built: list[_Entry] = []
        at: dict[str, Width] = {}
        for row in program.rows:
            source, body = split_source(row.body)
            entry = self._entry(row.name, body, at[source.name] if source else channels)
            channels = at[row.name] = entry.built.channels
            built.append(entry)
        yield from self._aligned(built)
        for head in program.heads:
            source, body = split_source(head.body)
            entry = self._entry(head.name, body, at[source.name if source else head.source])
            about = f"        # reads {head.source}; the weight of its loss is {head.loss_weight:g}"
            code = layout(entry.built.code or "nn.Identity()", 8, len(head.name) + 8)
            yield ClassLine(f"{about}\n        self.{head.name} = {code}", (head.name,), entry.calls)

    def _entry(self, name: str, body: Body, channels: Width) -> _Entry:
        before = len(self.layers.called)
        built = self.classes.build(body, channels, [(name,)])
        return _Entry(name, body, built, self.typed.out(name), tuple(self.layers.called[before:]))

    def _aligned(self, entries: list[_Entry]) -> Iterator[ClassLine]:
        tables = self._tables(entries)
        longest = max((len(entry.name) for entry in entries if entry.code), default=0)
        lines: list[tuple[ClassLine, TensorType | None]] = []
        for entry in entries:
            name, code = entry.name, entry.code
            target = f"        self.{name.ljust(longest)} = "
            if code is None:
                idle = "is left to the loss" if name == "softmax" else f"returns {self.sources[name] or 'its input'}"
                text = f"        # {name} {idle}"
            elif isinstance(entry.body, Call) and isinstance(code, CallExpr):
                columns = tables[code.head]
                lines += [(ClassLine(line), None) for line in columns.header(len(target) + len(code.head) + 1)]
                text = f"{target}{code.head}({columns.row(code)})"
            else:
                text = target + layout(code, 8, len(target) - 8, 20)
            lines.append((ClassLine(text, (name,), entry.calls), entry.out))
        width = min(MAX_CALL_LINE, max(len(line.text.split("\n")[-1]) for line, out in lines if out))
        sizes = [max(len(str(n)) for entry in entries for n in entry.out.shape[i : i + 1] or (1,)) for i in range(3)]
        yield ClassLine(f"        #{' ' * (width - 9)}  # output: C x H x W")
        for line, shape in lines:
            if shape is None:
                yield line
            else:
                numbers = " x ".join(str(n).rjust(w) for n, w in zip(shape.shape, sizes, strict=False))
                blanks = " " * (width - len(line.text.split("\n")[-1]))
                yield replace(line, text=f"{line.text}{blanks}  # {numbers}")

    def _tables(self, entries: list[_Entry]) -> dict[str, _Table]:
        calls: dict[str, list[CallExpr]] = {}
        params: dict[str, list[str]] = {}
        for entry in entries:
            body, code = entry.body, entry.code
            if isinstance(body, Call) and isinstance(code, CallExpr):
                params[code.head] = self.classes.columns(self.classes.variants.base[body.template])
                calls.setdefault(code.head, []).append(code)
        return {name: _Table(params[name], calls[name]) for name in calls}


class _Table:
    """The constructor calls of one class, their arguments in columns under the names that the paper gives them."""

    def __init__(self, params: list[str], calls: list[CallExpr]) -> None:
        names = [param.split() for param in params] if len(params) > 1 else []
        height = max(map(len, names), default=0)
        header = zip(*([""] * (height - len(words)) + words for words in names), strict=True)  # one word to a line
        cells = [[argument(item) for item in call.items[: len(params)]] for call in calls]
        padded = pad([*header, *cells], left=0)
        self.names = padded[:height]
        self.cells = dict(zip(calls, padded[height:], strict=True))

    def row(self, call: CallExpr) -> str:
        """The arguments of a call; those by keyword stand after the columns."""
        cells = self.cells[call]
        return ", ".join([*cells, *(argument(item) for item in call.items[len(cells) :])])

    def header(self, indent: int) -> list[str]:
        """The names of the columns; only before the first call, and only for several columns."""
        names, self.names = self.names, []
        return [f"        #{' ' * (indent - 9)}{'  '.join(words)}".rstrip() for words in names]


def forward(typed: Typed) -> Iterator[ClassLine]:
    """The lines of `forward`: a line for the rows of one image size, broken where a value is read again."""
    program = typed.program
    reads = {entry.name: inputs(entry.body) for entry in program.entries}
    kept = {head.source for head in program.heads}
    kept |= {row for source, passed in reads.values() for row in (source, *passed)}
    held: dict[str, str] = {}  # the variable of each row that is read again
    code, size, current = "x", _grid(typed.input), "x"
    called: list[str] = []  # the rows in `code`

    def flush(target: str = "x") -> Iterator[ClassLine]:
        nonlocal code
        if code != "x" or target != "x":
            yield ClassLine(
                f"        return {code}" if target == "return" else f"        {target} = {code}", tuple(called)
            )
            code = "x"
            called.clear()

    for row in program.rows:
        out = _grid(typed.out(row.name))
        source, passed = reads[row.name]
        identity = _is_identity(split_source(row.body)[1])
        if source or not identity:
            if out != size or len(called) == MOST_CALLS or source or passed:
                yield from flush()
            start = held[source] if source else code
            extra = "".join(f", {held[name]}" for name in passed)
            code = start if identity else f"self.{row.name}({start}{extra})"
            called.append(row.name)
            size, current = out, row.name
        if row.name in kept:
            held[row.name] = row.name if current == "x" else current
            if current == "x":  # rows that pass the image on
                yield ClassLine(f"        {row.name} = x", (row.name,))
            elif code != "x":
                yield from flush(f"x = {current}")
    if not program.heads:
        yield from flush("return")
        return
    yield from flush()
    heads = ""
    for head in program.heads:
        source, passed = reads[head.name]
        read = ", ".join(held[name] for name in (source or head.source, *passed))
        heads += f", self.{head.name}({read})"
    yield ClassLine(f"        if self.training:\n            return Output(x{heads})", typed.heads)
    yield ClassLine("        return x")


def _grid(out: TensorType) -> Pair:
    return out.image if len(out.shape) > 1 else (1, 1)


def _is_identity(body: Body) -> bool:
    return isinstance(body, Sequence) and not body.parts
