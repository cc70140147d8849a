"""The network's class: a line for each row of the paper, its arguments in columns, its output at the end."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.analysis.initializers import initializer_targets
from inception_dsl.emit.python import CallExpr, Expression, argument, layout, single_line
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


def network_class(typed: Typed, layers: LayerPrinter, classes: TemplateClasses, name: str) -> str:
    """The source of the network's class."""
    lines = _Lines(typed, layers, classes)
    rows = list(lines.rows())
    takes_classes = any("num_classes" in row for row in rows)
    layers.names = {}
    size = typed.input
    doc = f"{single_line(typed.program.title)}: images of {size.shape[0]}x{size.shape[1]}x{size.shape[2]}"
    option = f", num_classes: int = {typed.program.env['classes']}" if takes_classes else ""
    out = "Tensor | Output" if typed.heads else "Tensor"
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            f'    """{doc}{" -> logits" if takes_classes else ""}."""',
            "",
            f"    def __init__(self{option}) -> None:",
            "        super().__init__()",
            "        # fmt: off",
            *rows,
            "        # fmt: on",
            *(["        initialise(self)"] if any(initializer_targets(typed).values()) else []),
            "",
            f"    def forward(self, x: Tensor) -> {out}:",
            *forward(typed),
        ]
    )


class _Lines:
    """Writes the constructor's lines."""

    def __init__(self, typed: Typed, layers: LayerPrinter, classes: TemplateClasses) -> None:
        self.typed = typed
        self.classes = classes
        self.sources = {row.name: inputs(row.body)[0] for row in typed.program.rows}
        layers.names = {"classes": "num_classes"}

    def rows(self) -> Iterator[str]:
        """Every row, then every head, aligned."""
        program = self.typed.program
        channels: Width = program.input.channels
        built: list[tuple[str, Body, Expression | None, TensorType]] = []
        at: dict[str, Width] = {}
        for row in program.rows:
            source, body = split_source(row.body)
            module = self.classes.build(body, at[source.name] if source else channels, [(row.name,)])
            channels = at[row.name] = module.channels
            code = None if _is_identity(body) else module.code
            built.append((row.name, body, code, self.typed.out(row.name)))
        trunk = len(built)
        for head in program.heads:
            source, body = split_source(head.body)
            module = self.classes.build(body, at[source.name if source else head.source], [(head.name,)])
            built.append((head.name, body, module.code, self.typed.out(head.name)))
        yield from self._aligned(built[:trunk])
        for name, _, code, _ in built[trunk:]:
            head = next(head for head in program.heads if head.name == name)
            yield f"        # reads {head.source}; the weight of its loss is {head.loss_weight:g}"
            yield f"        self.{name} = {layout(code or 'nn.Identity()', 8, len(name) + 8)}"

    def _aligned(self, built: list[tuple[str, Body, Expression | None, TensorType]]) -> Iterator[str]:
        tables = self._tables(built)
        longest = max((len(name) for name, _, code, _ in built if code), default=0)
        texts: list[tuple[str, TensorType | None]] = []
        for name, body, code, out in built:
            target = f"        self.{name.ljust(longest)} = "
            if code is None:
                idle = "is left to the loss" if name == "softmax" else f"returns {self.sources[name] or 'its input'}"
                texts.append((f"        # {name} {idle}", out))
            elif isinstance(body, Call) and isinstance(code, CallExpr):
                columns = tables[code.head]
                texts += [(line, None) for line in columns.header(len(target) + len(code.head) + 1)]
                texts.append((f"{target}{code.head}({columns.row(code)})", out))
            else:
                texts.append((target + layout(code, 8, len(target) - 8, 20), out))
        width = min(MAX_CALL_LINE, max(len(text.split("\n")[-1]) for text, out in texts if out))
        sizes = [max(len(str(n)) for _, _, _, out in built for n in out.shape[i : i + 1] or (1,)) for i in range(3)]
        yield f"        #{' ' * (width - 9)}  # output: C x H x W"
        for text, shape in texts:
            if shape is None:
                yield text
            else:
                numbers = " x ".join(str(n).rjust(w) for n, w in zip(shape.shape, sizes, strict=False))
                yield f"{text}{' ' * (width - len(text.split(chr(10))[-1]))}  # {numbers}"

    def _tables(self, built: list[tuple[str, Body, Expression | None, TensorType]]) -> dict[str, _Table]:
        calls: dict[str, list[CallExpr]] = {}
        params: dict[str, list[str]] = {}
        for _, body, code, _ in built:
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


def forward(typed: Typed) -> Iterator[str]:
    """The lines of `forward`: a line for the rows of one image size, broken where a value is read again."""
    program = typed.program
    reads = {entry.name: inputs(entry.body) for entry in program.entries}
    kept = {head.source for head in program.heads}
    kept |= {row for source, passed in reads.values() for row in (source, *passed)}
    held: dict[str, str] = {}  # the variable of each row that is read again
    code, calls, size, current = "x", 0, _grid(typed.input), "x"

    def flush(target: str = "x") -> Iterator[str]:
        nonlocal code, calls
        if code != "x" or target != "x":
            yield f"        return {code}" if target == "return" else f"        {target} = {code}"
            code, calls = "x", 0

    for row in program.rows:
        out = _grid(typed.out(row.name))
        source, passed = reads[row.name]
        identity = _is_identity(split_source(row.body)[1])
        if source or not identity:
            if out != size or calls == MOST_CALLS or source or passed:
                yield from flush()
            start = held[source] if source else code
            extra = "".join(f", {held[name]}" for name in passed)
            code = start if identity else f"self.{row.name}({start}{extra})"
            calls, size, current = calls + 1, out, row.name
        if row.name in kept:
            held[row.name] = row.name if current == "x" else current
            if current == "x":  # rows that pass the image on
                yield f"        {row.name} = x"
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
    yield "        if self.training:"
    yield f"            return Output(x{heads})"
    yield "        return x"


def _grid(out: TensorType) -> Pair:
    return out.image if len(out.shape) > 1 else (1, 1)


def _is_identity(body: Body) -> bool:
    return isinstance(body, Sequence) and not body.parts
