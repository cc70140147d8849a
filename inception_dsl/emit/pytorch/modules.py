"""Templates as classes of PyTorch: `nn.Sequential` where there is no branching, a `forward` only where there is."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.emit.python import WIDTH, Code, camel, layout, literal, prose, signature
from inception_dsl.emit.python import Call as New
from inception_dsl.emit.pytorch.layers import Item, Speller, free
from inception_dsl.emit.pytorch.widths import UNKNOWN, closed_by, short
from inception_dsl.ir.names import from_column
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import Add, Flatten, FullyConnected, ReLU, Scale
from inception_dsl.ir.program import Body, Call, Join, Layer, Part, Repeat, Sequence, Template
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.ir.values import Name, Width, substitute

Place = tuple[str, ...]
"""The path of a part in the lowered network; a template has one for each of its calls."""

IN = Name("in")
LONG = 76
"""A call in `forward` that is longer gets a line of its own."""


@dataclass(frozen=True)
class Built:
    """A module's constructor, and the channels it gives."""

    code: Code
    channels: Width


class Classes:
    """The classes of a network's templates, and the constructor calls that use them; `network` is its own class."""

    def __init__(self, typed: Typed, speller: Speller, network: str) -> None:
        self.typed = typed
        self.speller = speller
        self.templates = typed.program.templates
        self.at = {node.path: node for node in typed.nodes}
        self.places: dict[str, list[Place]] = {name: [] for name in self.templates}
        for each in typed.program.entries:
            self._find(each.body, (each.name,))
        self.names: dict[str, str] = {}
        for name in self.templates:
            self.names[name] = free(camel(name), {network, *self.names.values()}, "Module")
        self.takes_input: dict[str, bool] = {}
        self.extras: dict[str, dict[Place, str]] = {name: {} for name in self.templates}
        self.first: dict[int, dict[Place, Node]] = {}
        self.current = ""
        self.gives: dict[str, Width] = {}
        self.text: dict[str, str] = {}

    def sources(self) -> list[str]:
        """The source of every class in use, those that others use first."""
        for name, template in self.templates.items():
            if self.places[name]:
                self.text[name] = self._class(template)
        return list(self.text.values())

    def build(self, body: Body, channels: Width, places: list[Place]) -> Built:
        """The constructor of a body that reads `channels`, at the places where the lowered network has it."""
        match body:
            case Layer(ops):
                return self._layer(body, ops, channels, places)
            case Call(template, args):
                return self._call(template, args, channels, places)
            case Sequence(parts):
                return self._sequence(parts, channels, places)
            case Join(op, branches):
                built = [(part, self.build(part.body, channels, _under(places, part))) for part in branches]
                items = tuple((part.name, each.code) for part, each in built)
                head = self.speller.need("Add" if isinstance(op, Add) else "Concat")
                return Built(New(head, items), short(op.channels(*(each.channels for _, each in built))))
            case Repeat(count, inner):
                return self._repeat(count, inner, channels, places)
            case _:
                raise TypeError(body)

    def _layer(self, layer: Layer, ops: tuple[Op, ...], channels: Width, places: list[Place]) -> Built:
        channels = self._arriving(channels, places)
        spelled = tuple(closed_by(channels, op) for op in ops)
        main = next((op for op in spelled if op.depth), spelled[0])
        owned = [(*place, main.name) if (*place, main.name) in self.at else place for place in places]
        features = self.speller.width(self._read("features", owned)) if isinstance(main, FullyConnected) else ""
        flattens = len(ops) == 1 or self._is_flat(places)
        kept = tuple(op for op in spelled if flattens or not isinstance(op, Flatten))
        code = self.speller.layer(Layer(kept), channels, features)
        return Built(code, short(main.channels(channels)))

    def _is_flat(self, places: list[Place]) -> bool:
        """Whether a fully connected layer flattens what it reads, at any of its places."""
        return any((*place, "flatten") in self.at for place in places)

    def _arriving(self, channels: Width, places: list[Place]) -> Width:
        """The channels that arrive at some places; those that are unknown as the lowered network has them."""
        there = [place for place in places if self._first(place)] if channels == UNKNOWN else []
        return self._read("channels", there) if there else channels

    def _read(self, what: str, places: list[Place]) -> Width:
        """What the first layer at some places reads; an argument of the class, if they differ."""
        read = {node.types[0].channels for place in places if (node := self._first(place))}
        if len(read) == 1:
            return read.pop()
        extras = self.extras[self.current]
        suffix = places[0][len(self.places[self.current][0]) :]
        if suffix not in extras:
            words = [what, *(suffix[:-1] if what == "features" else suffix)]
            extras[suffix] = from_column("_".join(words), {*self.speller.names.values()})
            self.speller.names[extras[suffix]] = extras[suffix]
        return Name(extras[suffix])

    def _first(self, place: Place) -> Node | None:
        """The first node at a place, which reads what arrives there; None where nothing is."""
        length = len(place)
        if length not in self.first:
            self.first[length] = {node.path[:length]: node for node in reversed(self.typed.nodes)}
        return self.first[length].get(place)

    def _call(self, template: str, args: tuple[tuple[str, Width], ...], channels: Width, places: list[Place]) -> Built:
        channels = self._arriving(channels, places)
        known = {param: substitute(value, {"in": channels}) for param, value in args}
        items: list[Item] = [self.speller.width(channels)] if self.takes_input[template] else []
        items += [self.speller.width(value) for value in known.values()]
        for suffix, name in self.extras[template].items():
            read = self._read(name.partition("_")[0], [(*place, *suffix) for place in places])
            items.append(self.speller.width(read))
            known[name] = read
        out = short(substitute(self.gives[template], {**known, "in": channels}))
        return Built(New(self.names[template], tuple(items)), out)

    def _sequence(self, parts: tuple[Part, ...], channels: Width, places: list[Place]) -> Built:
        if not parts:
            return Built("nn.Identity()", channels)
        items: list[tuple[str, Code]] = []
        for part in parts:
            built = self.build(part.body, channels, _under(places, part))
            items.append((part.name, built.code))
            channels = built.channels
        if [part.name for part in parts] == [str(i) for i in range(len(parts))]:
            return Built(New("nn.Sequential", tuple(code for _, code in items)), channels)
        if all(part.name.isidentifier() for part in parts):
            return Built(New("nn.Sequential", (New("OrderedDict", tuple(items)),)), channels)
        pairs = tuple(New("", (f'"{name}"', code)) for name, code in items)
        return Built(New("nn.Sequential", (New("OrderedDict", (New("", pairs),)),)), channels)

    def _repeat(self, count: int, inner: Body, channels: Width, places: list[Place]) -> Built:
        steps: list[Code] = []
        for i in range(count):
            built = self.build(inner, channels, [(*place, str(i)) for place in places])
            if built.channels == channels and count - i > 1:  # and so do all that follow
                rest = [(*place, str(j)) for place in places for j in range(i, count)]
                steps.append(f"*({self.build(inner, channels, rest).code} for _ in range({count - i}))")
                break
            steps.append(built.code)
            channels = built.channels
        return Built(New("nn.Sequential", tuple(steps)), channels)

    def _class(self, template: Template) -> str:
        params: list[str] = []
        for param in template.params:
            params.append(param if param == "classes" else from_column(param, {*params, "in_channels"}))
        names = dict(zip(template.params, params, strict=True))
        self.speller.names = {**names, "in": "in_channels"}
        self.current = template.name
        writer = _Forward(self)
        built = writer.write(template.body, IN, self.places[template.name])
        self.gives[template.name] = built
        takes_input = any("in_channels" in line for line in writer.lines)
        self.takes_input[template.name] = takes_input
        extras = self.extras[template.name].values()
        arguments = [f"{name}: int" for name in [*(["in_channels"] if takes_input else []), *params, *extras]]
        base = "nn.Module" if writer.forward else "nn.Sequential"
        doc = prose(template.doc) or f"The module `{template.module}`."
        lines = [f"class {self.names[template.name]}({base}):", f'    """{doc}"""', ""]
        lines += [signature(arguments), "        super().__init__()"]
        lines += writer.lines
        if writer.forward:
            lines += ["", "    def forward(self, x: Tensor) -> Tensor:", *writer.forward]
        self.speller.names = {}
        return "\n".join(lines)

    def _find(self, body: Body, path: tuple[str, ...]) -> None:
        match body:
            case Call(template):
                self.places[template].append(path)
                self._find(self.templates[template].body, path)
            case Sequence(parts) | Join(_, parts):
                for part in parts:
                    self._find(part.body, (*path, part.name) if part.name else path)
            case Repeat(count, inner):
                if _has_places(inner):
                    for i in range(count):
                        self._find(inner, (*path, str(i)))
            case _:
                pass


class _Forward:
    """Writes the attributes of a class, and its `forward` where it branches."""

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self.lines: list[str] = []
        self.forward: list[str] = []
        self.code = "x"

    def write(self, body: Body, channels: Width, places: list[Place]) -> Width:
        """A template's body, opened up; gives the channels of what it returns."""
        parts = body.parts if isinstance(body, Sequence) else (Part("", body),)
        branching = any(not part.name for part in parts)
        for part in parts:
            if part.name:
                channels = self._step(part, channels, places, branching)
            else:
                assert isinstance(part.body, Join)
                channels = self._join(part.body, channels, places)
        if branching:
            self.forward.append(f"        return {self.code}")
        return channels

    def _step(self, part: Part, channels: Width, places: list[Place], branching: bool) -> Width:
        if branching and part.body == Layer((ReLU(),)):
            self.code = f"F.relu({self.code})"
            return channels
        channels = self._attribute(part, channels, places)
        if branching:  # else it is an `nn.Sequential`, which has a `forward`
            if len(self.code) > LONG:
                self._assign()
            self.code = f"self.{part.name}({self.code})"
        return channels

    def _attribute(self, part: Part, channels: Width, places: list[Place]) -> Width:
        built = self.classes.build(part.body, channels, _under(places, part))
        target = f"self.{part.name} = "
        self.lines.append(f"        {target}{layout(built.code, 8, len(target))}")
        return built.channels

    def _assign(self) -> None:
        if self.code != "x":
            self.forward.append(f"        x = {self.code}")
            self.code = "x"

    def _join(self, join: Join, channels: Width, places: list[Place]) -> Width:
        self._assign()
        terms, widths = [], []
        for branch in join.branches:
            factor, part = _unscaled(branch)
            if isinstance(part.body, Sequence) and not part.body.parts:
                terms.append(f"{factor}x")
                widths.append(channels)
            else:
                widths.append(self._attribute(part, channels, places))
                terms.append(f"{factor}self.{part.name}(x)")
        if isinstance(join.op, Add):
            self.code = " + ".join(terms)
        else:
            self.code = f"torch.cat(({', '.join(terms)}), 1)"
            if len(self.code) > WIDTH - 15:
                listed = "".join(f"                {term},\n" for term in terms)
                self.code = f"torch.cat(\n            (\n{listed}            ),\n            1,\n        )"
        return short(join.op.channels(*widths))


def _unscaled(part: Part) -> tuple[str, Part]:
    """A branch that ends in a factor as the factor and the rest, where the rest is a chain still."""
    body = part.body
    if isinstance(body, Sequence) and len(body.parts) > 2:
        last = body.parts[-1].body
        if isinstance(last, Layer) and isinstance(last.ops[0], Scale):
            rest = Sequence(body.parts[:-1], origin=body.origin)
            return f"{literal(last.ops[0].factor)} * ", Part(part.label, rest, part.name)
    return "", part


def _under(places: list[Place], part: Part) -> list[Place]:
    return [(*place, part.name) for place in places] if part.name else places


def _has_places(body: Body) -> bool:
    """Whether a body calls a template, or has a fully connected layer: what must be known at each of its places."""
    match body:
        case Call():
            return True
        case Layer(ops):
            return any(isinstance(op, FullyConnected) for op in ops)
        case Sequence(parts) | Join(_, parts):
            return any(_has_places(part.body) for part in parts)
        case Repeat(_, inner):
            return _has_places(inner)
        case _:
            return False
