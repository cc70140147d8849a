"""One template for several terms that differ in numbers: what differs is a column, or follows from what arrives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inception_dsl.adopt.slots import ROW, WIDTHS, is_layer, with_slots
from inception_dsl.ir.values import MODULE_IN, Name, Number, Operation, Value
from inception_dsl.syntax.terms import Branches, Chain, Term, Use, walk

FACTORS: Final = (2, 3, 4, 6, 8)
DIVISORS: Final = (2, 4, 8, 16, 32)
"""How many times what arrives, or which part of it, a width may be."""

NAMES: Final = {"kernel": "k", "act": "act", "scale": "scale", "stride": "stride", "rate": "rate", ROW: "prev"}
"""The names of columns by what they hold; widths have several."""

IN: Final = Name("in")
FROM_MODULE: Final = Name(MODULE_IN)


@dataclass(frozen=True)
class Sample:
    """A term, with the channels that arrive at each of its layers, and at its beginning."""

    term: Term
    arriving: tuple[int, ...]
    entry: int


@dataclass
class Template:
    """A term with columns: their kinds by name, and the values of every sample by column."""

    term: Term
    kinds: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)


Vector = tuple[Any, ...]


def template(samples: Sequence[Sample], kinds: Mapping[str, Mapping[str, str]]) -> Template:
    """The template of samples that have one skeleton."""
    vectors = _vectors(samples, kinds)
    columns: dict[tuple[str, Vector], str] = {}
    found = Template(samples[0].term)
    wide = [(number, vector) for number, (kind, vector, _, _) in enumerate(vectors) if kind in WIDTHS]
    naming = _Naming(samples[0].term, len({vector for number, vector in wide if not _plain(vectors[number], samples)}))
    place = iter(vectors)

    def slot(kind: str, value: Any, use: Use | None, number: int, column: str) -> Any:
        kind, vector, ins, _ = next(place)
        if use is not None and kind == "width" and any(word.text == "depthwise" for word in use.words):
            return IN if vector == ins else value
        if len(set(vector)) == 1 and kind != ROW:
            return value
        if kind in WIDTHS:
            entries = tuple(sample.entry for sample in samples)
            if related := _related(vector, ins, entries):
                return related
            for (other, theirs), name in columns.items():
                if other in WIDTHS and (found_ := _multiple(vector, theirs, Name(name))):
                    return found_
        sort = "width" if kind in WIDTHS else kind
        if (sort, vector) not in columns:
            name = naming.name(sort, use, number, column)
            columns[sort, vector] = name
            found.kinds[name], found.values[name] = sort, vector
        return Name(columns[sort, vector])

    found.term = with_slots(samples[0].term, slot, kinds)
    return found


def _vectors(
    samples: Sequence[Sample], kinds: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, Vector, Vector, int]]:
    """For every slot its kind, its values in the samples, what arrives there, and the number of its use."""
    tables: list[list[tuple[str, Any, int, int]]] = []
    for sample in samples:
        slots: list[tuple[str, Any, int, int]] = []

        def take(
            kind: str, value: Any, _: Use | None, number: int, __: str, slots: Any = slots, sample: Sample = sample
        ) -> Any:
            arrives = sample.arriving[number] if number >= 0 else sample.entry
            slots.append((kind, value.value if isinstance(value, Number) else value, arrives, number))
            return value

        with_slots(sample.term, take, kinds)
        tables.append(slots)
    return [
        (column[0][0], tuple(each[1] for each in column), tuple(each[2] for each in column), column[0][3])
        for column in zip(*tables, strict=True)
    ]


def _plain(slot: tuple[str, Vector, Vector, int], samples: Sequence[Sample]) -> bool:
    """Whether a width needs no column."""
    _, vector, ins, _ = slot
    entries = tuple(sample.entry for sample in samples)
    return len(set(vector)) == 1 or _related(vector, ins, entries) is not None


def _related(vector: Vector, ins: Vector, entries: Vector) -> Value | None:
    """A width by what arrives at its layer or at the module, where all samples agree."""
    if not all(isinstance(each, int) for each in vector):
        return None
    for base, name in ((ins, IN), (entries, FROM_MODULE)):
        if vector == base:
            return name
    for base, name in ((ins, IN), (entries, FROM_MODULE)):
        if found := _multiple(vector, base, name):
            return found
    return None


def _multiple(vector: Vector, base: Vector, name: Name) -> Value | None:
    if not all(isinstance(each, int) for each in (*vector, *base)):
        return None
    if vector == base:
        return name
    for factor in FACTORS:
        if vector == tuple(factor * each for each in base):
            return Operation("*", Number(factor), name)
    for divisor in DIVISORS:
        if base == tuple(divisor * each for each in vector):
            return Operation("//", name, Number(divisor))
    return None


class _Naming:
    """Names for the columns of a term."""

    def __init__(self, term: Term, widths: int) -> None:
        self.alone = widths < 2
        self.roles = _roles(term)
        self.gate = isinstance(term, Branches) and term.join == "*"
        self.taken: Counter[str] = Counter()

    def name(self, kind: str, use: Use | None, number: int, column: str) -> str:
        name = column or NAMES.get(kind, "width")
        if name == "width" and self.gate:
            name = "squeeze"
        elif name == "width" and not self.alone and use is not None:
            name = self.roles.get(number, "width")
        self.taken[name] += 1
        return name if self.taken[name] == 1 else f"{name} {chr(ord('a') + self.taken[name] - 1)}"


def _roles(term: Term) -> dict[int, str]:
    """What the widths of a term's layers are, by the numbers of the layers."""
    by_id = {id(inner): number for number, inner in enumerate(filter(is_layer, walk(term)))}
    roles: dict[int, str] = {}
    for inner in walk(term):
        steps = inner.steps if isinstance(inner, Chain) else (inner,)
        uses = [(by_id[id(step)], step) for step in steps if isinstance(step, Use) and id(step) in by_id]
        for place, (number, use) in enumerate(uses):
            if number in roles or not use.kernel:
                continue
            after = next((other for _, other in uses[place + 1 :] if other.kernel and other.name == "conv"), None)
            before = uses[place - 1][1] if place else None
            roles[number] = _role(use, before, after)
    return roles


def _role(use: Use, before: Use | None, after: Use | None) -> str:
    size = _size(use)
    if size == "1x1" and after is not None:
        return "exp" if any(word.text == "depthwise" for word in after.words) else f"{_size(after)} reduce"
    if size == "1x1" and before is not None:
        return "pool proj" if str(before.name).endswith("pool") else "out"
    return size


def _size(use: Use) -> str:
    assert use.kernel
    return "x".join(str(size.value) if isinstance(size, Number) else "k" for size in use.kernel)
