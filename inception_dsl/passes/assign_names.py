"""Names every part; the names make up the names of its weights in every target.

A part with a label is named by it. Otherwise a step of a module is named by its word (`conv`, or `conv1`, `conv2`,
...), a branch by its position (`branch1`, ...), and a step of any other chain by its index, as in `nn.Sequential`.
A term of a sum or factor of a product that joins branches and has no label is written out in the module's `forward`:
its steps and branches belong to the module. So do those of any part that reads values beside what arrives, or of which
a step inside is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from inception_dsl.ir.dataflow import parts_of, references, split_source, steps_read
from inception_dsl.ir.names import from_label, problem
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.program import (
    Again,
    Body,
    Call,
    Join,
    Layer,
    Part,
    Program,
    Reference,
    Repeat,
    Sequence,
    Template,
)


def assign_names(program: Program) -> Program:
    """Name every part; the branches of an unlabelled join directly in a module become attributes of the module."""
    return replace(
        program,
        templates={key: replace(value, body=_module_names(value)) for key, value in program.templates.items()},
        rows=tuple(replace(row, body=_numbered(row.body)) for row in program.rows),
        heads=tuple(replace(head, body=_numbered(head.body)) for head in program.heads),
    )


def word(body: Body) -> str:
    """The word for a layer or call in the language."""
    match body:
        case Layer(ops):
            return next((op.name for op in ops if op.depth), ops[0].name)
        case Call(template):
            return template
        case Repeat(_, inner):
            return word(inner)
        case _:
            return "part"


class _Names:
    """The unique names of one namespace, in which some joins stand."""

    def __init__(self, *joins: Op) -> None:
        self.taken = {"concat", "add", *(op.name for op in joins)}

    def take(self, name: str) -> str:
        """`name`, with a number added if it is taken."""
        unique, number = name, 2
        while unique in self.taken or problem(unique if unique[0].isalpha() else f"b{unique}"):
            unique, number = f"{name}_{number}", number + 1
        self.taken.add(unique)
        return unique


def _numbered(body: Body) -> Body:
    source, rest = split_source(body)
    if source is not None:
        return Sequence((Part("", source), Part("", _numbered(rest))), origin=body.origin)
    match body:
        case Sequence(parts) if parts:
            return replace(body, parts=_named(parts, [str(i) for i in range(len(parts))]))
        case Join(op, branches):
            return replace(body, branches=_named(branches, [f"branch{i}" for i in range(1, len(branches) + 1)], op))
        case Repeat(_, inner):
            return replace(body, body=_numbered(inner))
        case _:
            return body


def _named(parts: tuple[Part, ...], defaults: list[str], *joins: Op) -> tuple[Part, ...]:
    names = _Names(*joins)
    labels = [names.take(from_label(part.label)) if part.label else "" for part in parts]
    return tuple(
        replace(part, name=label or names.take(default), body=_numbered(part.body))
        for part, label, default in zip(parts, labels, defaults, strict=True)
    )


def _module_names(template: Template) -> Body:
    body = template.body
    if isinstance(body, Join):
        return _ModuleNames((Part("", body),)).join(body)
    sequence = body if isinstance(body, Sequence) else Sequence((Part("", body),), origin=body.origin)
    return _ModuleNames(sequence.parts).sequence(sequence)


class _ModuleNames:
    """The namespace of a module's attributes."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.read = steps_read(Sequence(parts))
        found = [*self._walk(parts)]
        joins = (part.body.op for part, _, inline in found if inline and isinstance(part.body, Join))
        own = [(part, join) for part, join, inline in found if not inline]
        self.names = _Names(*joins)
        self.labels = {id(part): self.names.take(from_label(part.label)) for part, _ in own if part.label}
        self.words = Counter(word(part.body) for part, join in own if not (join or part.label))
        self.used: Counter[str] = Counter()
        self.branches = 0

    def sequence(self, body: Sequence) -> Sequence:
        return replace(body, parts=tuple(self._part(part) for part in body.parts))

    def join(self, body: Join) -> Join:
        return replace(body, branches=tuple(self._part(part, body.op) for part in body.branches))

    def _part(self, part: Part, join: Op | None = None) -> Part:
        """A step, or a branch of a join, with its name; none where `forward` writes it out."""
        if not self._is_inline(part, join):
            name = self.labels.get(id(part)) or (self._branch() if join else self._word(part.body))
            return replace(part, name=name, body=_numbered(part.body))
        match part.body:
            case Join() as body:
                return replace(part, name="", body=self.join(body))
            case Sequence() as body:
                return replace(part, name="", body=self.sequence(body))
            case _:
                return replace(part, name="")

    def _word(self, body: Body) -> str:
        name = word(body)
        self.used[name] += 1
        return self.names.take(name if self.words[name] == 1 else f"{name}{self.used[name]}")

    def _branch(self) -> str:
        self.branches += 1
        return self.names.take(f"branch{self.branches}")

    def _walk(self, parts: tuple[Part, ...], join: Op | None = None) -> Iterator[tuple[Part, Op | None, bool]]:
        """The parts of the module's own: each with the op that joins it, and whether `forward` writes it out."""
        for part in parts:
            inline = self._is_inline(part, join)
            yield part, join, inline
            match part.body:
                case Sequence(inner) if inline:
                    yield from self._walk(inner)
                case Join(op, branches) if inline:
                    yield from self._walk(branches, op)

    def _is_inline(self, part: Part, join: Op | None) -> bool:
        """Whether `forward` writes a part out: the layers in it are the module's own attributes."""
        match part.body:
            case Reference() | Again() | Sequence(()):
                return True
            case Layer() | Call() | Repeat():
                return False
            case Join() if not (part.label or join):
                return True
            case Sequence(steps) if isinstance(join, Add | Mul) and not part.label:
                if any(isinstance(step.body, Join) and not step.label for step in steps):
                    return True
        # what it reads, or what is read of it, is a variable of `forward`
        return any(references(part.body)) or any(inner.label in self.read for inner in parts_of(part.body))
