"""Templates as classes of PyTorch, and their calls as constructor calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from inception_dsl.emit.python import CallExpr, Expression, Item, camel, literal, signature, single_line
from inception_dsl.emit.pytorch.class_names import free, plugin_classes
from inception_dsl.emit.pytorch.forward import Built, ClassBody
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.pytorch.variants import Variants
from inception_dsl.emit.pytorch.widths import here, short, with_input
from inception_dsl.ir.dataflow import within
from inception_dsl.ir.names import from_column
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.linear import FullyConnected
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Body, Call, Join, Layer, Part, Repeat, Sequence, Template
from inception_dsl.ir.typed import Node, PartPath, Typed
from inception_dsl.ir.values import UNKNOWN, Name, Width, substitute

IN: Final = Name("in")


class Extra(NamedTuple):
    """An argument of a class beside its template's: what a layer in it reads, where that differs between calls."""

    name: str
    what: Literal["channels", "features"]


class TemplateClasses:
    """The classes of a network's templates, and the constructor calls that use them; `network` is its own class.

    `calls` are the classes of the file that each of them calls.
    """

    def __init__(self, typed: Typed, layers: LayerPrinter, network: str) -> None:
        self.typed = typed
        self.layers = layers
        self.variants = Variants(typed.program.templates)
        self.templates = self.variants.templates
        self.at = {node.path: node for node in typed.nodes}
        self.paths: dict[str, list[PartPath]] = {name: [] for name in self.templates}
        for entry in typed.program.entries:
            self._find(entry.body, (entry.name,))
        self.names: dict[str, str] = {}
        ops = plugin_classes(typed)
        for name in self.templates:
            self.names[name] = free(camel(name), {network, *self.names.values()}, "Module", ops)
        self.takes_input: dict[str, bool] = {}
        self.extras: dict[str, dict[PartPath, Extra]] = {name: {} for name in self.templates}
        self.first: dict[int, dict[PartPath, Node]] = {}
        self.current = ""
        self.returns: dict[str, Width] = {}
        self.calls: dict[str, list[str]] = {}

    def sources(self) -> list[str]:
        """The source of every class in use, each after those that it uses."""
        sources = []
        for name, template in self.templates.items():
            if self.paths[name]:
                before = len(self.layers.called)
                sources.append(self._class(template))
                self.calls[self.names[name]] = self.layers.called[before:]
        return sources

    def build(self, body: Body, channels: Width, paths: list[PartPath]) -> Built:
        """The constructor call of a body that reads `channels` and stands at some paths of the lowered network."""
        match body:
            case Layer(ops):
                return self._layer(ops, channels, paths)
            case Call():
                return self._call(body, channels, paths)
            case Sequence(parts):
                return self._sequence(parts, channels, paths)
            case Join(op, branches):
                built = [(part, self.build(part.body, channels, under(paths, part))) for part in branches]
                items = tuple((part.name, branch.code) for part, branch in built)
                name = self.layers.helper(type(op).__name__).head
                return Built(CallExpr(name, items), short(op.channels(*(branch.channels for _, branch in built))))
            case Repeat(count, inner):
                return self._repeat(count, inner, channels, paths)
            case _:
                raise TypeError(body)

    def columns(self, template: str) -> list[str]:
        """The positional arguments of a template's class, as the paper or the file calls them."""
        extras = [extra.name for extra in self.extras[template].values()]
        return [*(["in"] if self.takes_input[template] else []), *self.templates[template].params, *extras]

    def _layer(self, ops: tuple[Op, ...], channels: Width, paths: list[PartPath]) -> Built:
        channels = self._arriving(channels, paths)
        self.layers.ranks = {len(node.types[0].shape) for path in paths if (node := self._first(path))}
        ops = tuple(with_input(op, channels) for op in ops)
        main = next((op for op in ops if op.depth), ops[0])
        features, flattens = "", False
        if isinstance(main, FullyConnected):
            owned = [(*path, main.name) if (*path, main.name) in self.at else path for path in paths]
            features = self.layers.width(self._read("features", owned))
            flattens = any((*path, Flatten.name) in self.at for path in paths)
            flattens |= len(ops) == 2 and Flatten() in ops and owned != paths
        code = self.layers.layer(Layer(ops), channels, features, flattens)
        out = short(main.channels(channels))
        return Built(code, IN if out == UNKNOWN and self._gives_input(paths) else out)

    def _gives_input(self, paths: list[PartPath]) -> bool:
        """Whether a layer of a class gives as many channels as arrive at the class, wherever that stands."""
        if IN.name not in self.layers.names:
            return False
        inside = len(paths[0]) - len(self.paths[self.current][0])
        pairs = ((self.at.get(path), path[: len(path) - inside]) for path in paths)
        return all(node and node.out.channels == self.typed.arriving.get(owner) for node, owner in pairs)

    def _arriving(self, channels: Width, paths: list[PartPath]) -> Width:
        """The channels that arrive at some paths; the lowered network knows those whose formula is too long."""
        there = [path for path in paths if self._first(path)] if channels == UNKNOWN else []
        return self._read("channels", there) if there else channels

    def _read(self, what: Literal["channels", "features"], paths: list[PartPath]) -> Width:
        """The channels that arrive at some paths, or the features that the first layer there reads.

        If they differ between the paths, they are an argument of the class.
        """
        there = [(path, node) for path in paths if (node := self._first(path))]
        read = {self.typed.arriving[path] if what == "channels" else node.types[0].channels for path, node in there}
        if len(read) == 1:
            return read.pop()
        extras = self.extras[self.current]
        suffix = paths[0][len(self.paths[self.current][0]) :]
        if suffix not in extras:
            words = [what, *(word for word in (suffix[:-1] if what == "features" else suffix) if not word.isdigit())]
            name = from_column("_".join(words), {*self.layers.names.values()})
            extras[suffix] = Extra(name, what)
            self.layers.names[name] = name
        return Name(extras[suffix].name)

    def _first(self, path: PartPath) -> Node | None:
        """The first node at a path; None if there is none."""
        length = len(path)
        if length not in self.first:
            self.first[length] = {node.path[:length]: node for node in reversed(self.typed.nodes)}
        return self.first[length].get(path)

    def _call(self, call: Call, channels: Width, paths: list[PartPath]) -> Built:
        template = self.variants.base[call.template]
        channels = self._arriving(channels, paths)
        known = {param: here(value, channels) for param, value in call.args}
        items: list[Item] = [self.layers.width(channels)] if self.takes_input[template] else []
        items += [self.layers.width(value) for value in known.values()]
        for suffix, extra in self.extras[template].items():
            read = self._read(extra.what, [(*path, *suffix) for path in paths])
            items.append(self.layers.width(read))
            known[extra.name] = read
        items += self.variants.keywords(call.template)
        out = short(substitute(self.returns[template], {**known, "in": channels}))
        return Built(self.layers.call(self.names[template], *items), out)

    def _sequence(self, parts: tuple[Part, ...], channels: Width, paths: list[PartPath]) -> Built:
        if not parts:
            return Built("nn.Identity()", channels)
        items: list[tuple[str, Expression]] = []
        for part in parts:
            built = self.build(part.body, channels, under(paths, part))
            items.append((part.name, built.code))
            channels = built.channels
        if [part.name for part in parts] == [str(i) for i in range(len(parts))]:
            return Built(CallExpr("nn.Sequential", tuple(code for _, code in items)), channels)
        if all(part.name.isidentifier() for part in parts):
            return Built(CallExpr("nn.Sequential", (CallExpr("OrderedDict", tuple(items)),)), channels)
        pairs = tuple(CallExpr("", (f'"{name}"', code)) for name, code in items)
        return Built(CallExpr("nn.Sequential", (CallExpr("OrderedDict", (CallExpr("", pairs),)),)), channels)

    def _repeat(self, count: int, inner: Body, channels: Width, paths: list[PartPath]) -> Built:
        steps: list[Expression] = []
        for i in range(count):
            turn = [(*path, str(i)) for path in paths]
            channels = self._arriving(channels, turn)  # two that are unknown need not be equal
            built = self.build(inner, channels, turn)
            if built.channels == channels and count - i > 1:  # so it is for all that follow
                rest = [(*path, str(j)) for path in paths for j in range(i, count)]
                steps.append(f"*({self.build(inner, channels, rest).code} for _ in range({count - i}))")
                break
            steps.append(built.code)
            channels = built.channels
        return Built(CallExpr("nn.Sequential", tuple(steps)), channels)

    def _class(self, template: Template) -> str:
        arguments: list[str] = []
        for param in template.params:
            name = "num_classes" if param == "classes" else from_column(param, {*arguments, "in_channels"})
            arguments.append(f"{name}_" if name in arguments else name)
        self.layers.names = {**dict(zip(template.params, arguments, strict=True)), "in": "in_channels"}
        self.current = template.name
        options = self.variants.options(template.name)
        self.layers.names |= {name: name for name in options.defaults}
        tensors: dict[str, str] = {}
        for name in template.tensors:
            tensors[name] = from_column(name, {*tensors.values(), "x"})
        reads = ["x", *tensors.values()]
        body = ClassBody(self.build, options, tensors)
        self.returns[template.name] = body.write(template.body, IN, self.paths[template.name])
        self.takes_input[template.name] = any("in_channels" in line for line in body.attributes)
        self._leave_out_unused(template.name, body.attributes)
        arguments += [extra.name for extra in self.extras[template.name].values()]
        arguments = [f"{name}: int" for name in (["in_channels"] * self.takes_input[template.name] + arguments)]
        arguments += [
            f"{name}: {type(value).__name__} = {literal(value)}" for name, value in body.options.defaults.items()
        ]
        self.layers.names = {}
        made = [signature(arguments), "        super().__init__()", *body.attributes, ""] if body.attributes else []
        return "\n".join(
            [
                f"class {self.names[template.name]}(nn.Module):",
                f'    """{single_line(template.doc) or f"The module `{template.module}`."}"""',
                "",
                *made,
                f"    def forward(self, {', '.join(f'{name}: Tensor' for name in reads)}) -> Tensor:",
                *body.forward,
            ]
        )

    def _leave_out_unused(self, template: str, lines: Iterable[str]) -> None:
        """Leave out the arguments of a class that none of its lines has: a layer in it may not care what it reads."""
        used = {word for line in lines for word in re.findall(r"\w+", line)}
        extras = self.extras[template]
        unused = dict.fromkeys((extra.name for extra in extras.values() if extra.name not in used), UNKNOWN)
        self.extras[template] = {suffix: extra for suffix, extra in extras.items() if extra.name not in unused}
        self.returns[template] = short(substitute(self.returns[template], unused))

    def _find(self, body: Body, path: PartPath) -> None:
        """Record where the templates stand that a body calls."""
        match body:
            case Call(template):
                template = self.variants.base[template]
                self.paths[template].append(path)
                self._find(self.templates[template].body, path)
            case Sequence(parts) | Join(_, parts):
                for part in parts:
                    self._find(part.body, (*path, part.name) if part.name else path)
            case Repeat(count, inner):
                if _depends_on_path(inner):
                    for i in range(count):
                        self._find(inner, (*path, str(i)))
            case _:
                pass


def under(paths: Iterable[PartPath], part: Part) -> list[PartPath]:
    """The paths of a part whose owner stands at `paths`."""
    return [(*path, part.name) if part.name else path for path in paths]


def _depends_on_path(body: Body) -> bool:
    """Whether a body calls a template or has a fully connected layer: what is built by what arrives at each path."""
    ops = [op for inner in within(body) if isinstance(inner, Layer) for op in inner.ops]
    return any(isinstance(op, FullyConnected) for op in ops) or any(isinstance(inner, Call) for inner in within(body))
