"""Names every part; the names make up the names of its weights in every target.

A part with a label is named by it. Otherwise a step of a module is named by its word (`conv`, or `conv1`, `conv2`,
...), a branch by its position (`branch1`, ...), and a step of any other chain by its index, as in `nn.Sequential`.
A term of a sum or factor of a product that joins branches and has no label is written out in the module's `forward`:
its steps and branches belong to the module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from inception_dsl.ir.names import from_label, problem
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.program import Body, Call, Join, Layer, Part, Program, Repeat, Sequence, Template


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
        self.names = _Names(*_joins(parts))
        self.branches = 0
        own = [*_attributes(parts)]
        self.labels = {id(part): self.names.take(from_label(part.label)) for part, _ in own if part.label}
        self.words = Counter(word(part.body) for part, is_step in own if is_step and not part.label)
        self.used: Counter[str] = Counter()

    def sequence(self, body: Sequence) -> Sequence:
        return replace(body, parts=tuple(self._step(part) for part in body.parts))

    def _step(self, part: Part) -> Part:
        if _is_join(part):
            assert isinstance(part.body, Join)
            return replace(part, name="", body=self.join(part.body))
        return replace(part, name=self.labels.get(id(part)) or self._word(part.body), body=_numbered(part.body))

    def _word(self, body: Body) -> str:
        name = word(body)
        self.used[name] += 1
        return self.names.take(name if self.words[name] == 1 else f"{name}{self.used[name]}")

    def join(self, body: Join) -> Join:
        return replace(body, branches=tuple(self._branch(part, body) for part in body.branches))

    def _branch(self, part: Part, join: Join) -> Part:
        if isinstance(part.body, Sequence) and not part.body.parts:
            return part  # `pass` needs no name
        if _is_opened(part, join):
            assert isinstance(part.body, Sequence)
            return replace(part, body=self.sequence(part.body))
        if part.label:
            name = self.labels[id(part)]
        else:
            self.branches += 1
            name = self.names.take(f"branch{self.branches}")
        return replace(part, name=name, body=_numbered(part.body))


def _is_join(part: Part) -> bool:
    return not part.label and isinstance(part.body, Join)


def _joins(parts: tuple[Part, ...]) -> Iterator[Op]:
    """The ops of the joins that a module writes out."""
    for part in parts:
        if _is_join(part):
            assert isinstance(part.body, Join)
            yield part.body.op
            for branch in part.body.branches:
                if _is_opened(branch, part.body):
                    assert isinstance(branch.body, Sequence)
                    yield from _joins(branch.body.parts)


def _is_opened(branch: Part, join: Join) -> bool:
    """Whether a term or factor is a chain that joins branches itself: these become the module's own too."""
    if branch.label or not isinstance(join.op, Add | Mul) or not isinstance(branch.body, Sequence):
        return False
    return any(_is_join(part) for part in branch.body.parts)


def _attributes(parts: tuple[Part, ...]) -> Iterator[tuple[Part, bool]]:
    """The parts that become a module's own attributes, and whether each is a step; the others are branches."""
    for part in parts:
        if not _is_join(part):
            yield part, True
            continue
        assert isinstance(part.body, Join)
        for branch in part.body.branches:
            if _is_opened(branch, part.body):
                assert isinstance(branch.body, Sequence)
                yield from _attributes(branch.body.parts)
            else:
                yield branch, False
