"""A graph as a spec: rows, modules, columns and defaults, and the layers in the order in which the spec has them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from inception_dsl.adopt.columns import Sample
from inception_dsl.adopt.decompose import Decomposed, Piece, decompose
from inception_dsl.adopt.modules import Candidate, Modules
from inception_dsl.adopt.names import head_name, own_paths, row_names
from inception_dsl.adopt.parts import with_parts
from inception_dsl.adopt.rows import Block, Row, rows_of
from inception_dsl.adopt.scopes import Path, common, paths_of
from inception_dsl.adopt.slots import skeleton
from inception_dsl.adopt.terms import Spelling, in_a_row, letters, reads, with_runs
from inception_dsl.adopt.tree import Again, Chain, Given, Join, Layer, made_in, steps_of
from inception_dsl.adopt.units import Units, units_of
from inception_dsl.adopt.words import uses_of, with_classes
from inception_dsl.interchange.graph import INPUT, Graph
from inception_dsl.ir.ops.joins import Mul
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.values import Number
from inception_dsl.syntax.terms import Labelled, Repeated, Term, Use, renamed, walk


@dataclass
class AdoptedRow:
    """A row: its formula, the cells of its columns, and its path in the source."""

    name: str
    term: Term
    cells: dict[str, Any]
    path: Path


@dataclass
class AdoptedHead:
    """A head: the row that it leaves, and its graph."""

    name: str
    source: str
    term: Term


@dataclass
class Adopted:
    """A graph as the parts of a spec. `order` are its units as the spec's layers come, first uses and others."""

    network: Units
    rows: list[AdoptedRow]
    heads: list[AdoptedHead]
    modules: Modules
    order: list[int] = field(default_factory=list)
    left_out: tuple[str, ...] = ()


def adopted(graph: Graph) -> Adopted:
    """Find the structure of a graph that the language says, all but opaque nodes."""
    network = units_of(graph)
    return _Adoption(network, decompose(network)).result()


class _Adoption:
    def __init__(self, network: Units, parts: Decomposed) -> None:
        self.network, self.parts = network, parts
        self.units, self.paths = network.units, paths_of(network)
        self.spelling = Spelling(network, with_classes(network, uses_of(network)), {})
        self.modules = Modules()

    def result(self) -> Adopted:
        pieces = [*self.parts.trunk]
        if any(value == INPUT for piece in pieces for value in self.network.given(piece.chain)):
            pieces.insert(0, Piece(Chain(()), INPUT, INPUT))
        ends = self._ends(pieces)
        heads = self._heads()
        rows = rows_of(pieces, self.network, self.paths, heads.values(), ends, self._skeleton)
        blocks = [*(block for row in rows for block in row.blocks), *heads.values()]
        self._gates(blocks)
        self._name_rows(rows, heads)
        paths = own_paths([block.path for block in blocks])
        found = [self._candidate(*each) for each in zip(blocks, paths, strict=True)]
        found = with_parts(found, self.modules)
        terms = {id(block): candidate.sample.term for block, candidate in zip(blocks, found, strict=True)}
        calls = {
            block: call or (term if isinstance(term, Use) and self._is_call(term) else None)
            for (block, term), call in zip(terms.items(), self.modules.extract(found), strict=True)
        }
        rows = self._runs(rows, calls, ends)
        before = self.spelling.rows
        self._name_rows(rows, heads, calls)
        new = {f"@{before[unit]}": f"@{name}" for unit, name in self.spelling.rows.items()}
        self.written = {block: renamed(calls[block] or term, new) for block, term in terms.items()}
        for module in self.modules.found.values():
            module.graph = self._with_runs(module.graph)
        written = [self._row(row) for row in rows]
        own = [
            AdoptedHead(name, self.spelling.rows[block.piece.arrives], self._with_runs(self.written[id(block)]))
            for name, block in heads.items()
        ]
        order = [unit for block in blocks for unit in self._layers(block.piece)]
        return Adopted(self.network, written, own, self.modules, order, self.parts.left_out)

    def _runs(self, rows: Sequence[Row], calls: Mapping[int, Use | None], ends: Collection[int]) -> list[Row]:
        """Rows without a name in the source that call a module alike, one after the other, as one."""
        found: list[Row] = []
        for row in rows:
            before = found[-1] if found else None
            call = calls[id(row.blocks[-1])]
            alike = before and call and call == calls[id(before.blocks[-1])]
            if before and alike and not (row.path or before.path) and before.end not in ends and len(row.blocks) == 1:
                found[-1] = Row((*before.blocks, *row.blocks), ())
            else:
                found.append(row)
        return found

    def _heads(self) -> dict[str, Block]:
        """The heads by their names: those of their outputs, or of their modules where outputs have numbers."""
        heads: dict[str, Block] = {}
        for name, piece in self.parts.heads.items():
            units = [step.unit for step in steps_of(piece.chain) if not isinstance(step, Given)]
            path = common([self.paths[unit] for unit in units])
            own = path[-1] if name.isdigit() and path else f"aux{len(heads) + 1}" if name.isdigit() else name
            heads[head_name(own, heads)] = Block(piece, path)
        return heads

    def _ends(self, pieces: Sequence[Piece]) -> set[int]:
        """The values that other rows or heads read."""
        own = {piece.end for piece in pieces}
        heads = self.parts.heads.values()
        read = {value for piece in (*pieces, *heads) for value in self.network.given(piece.chain)}
        return (read & own) | {head.arrives for head in heads}

    def _term(self, piece: Piece, labelled: Collection[str] = ()) -> Term:
        return self.spelling.chain(piece.chain, self._labels(piece, labelled))

    def _labels(self, piece: Piece, labelled: Collection[str]) -> dict[int, str]:
        """Labels for the values that are read again, in the order in which they are made; those given are taken."""
        if not piece.read:
            return {}
        taken = {*self.spelling.rows.values(), *labelled}
        free = (label for label in letters() if label not in taken)
        return {unit: next(free) for unit in dict.fromkeys(made_in(piece.chain)) if unit in piece.read}

    def _skeleton(self, piece: Piece) -> Hashable:
        return skeleton(_unnamed(self.spelling, piece), self.modules.kinds)

    def _candidate(self, block: Block, path: Path) -> Candidate:
        piece = block.piece
        sample = Sample(self._term(piece), tuple(self._arriving(piece.chain)), self._channels(piece.arrives))
        return Candidate(sample, path, self._class(path))

    def _class(self, path: Path) -> str:
        kind = self.network.graph.classes.get(".".join(path), "") if path else ""
        return "" if kind in ("Sequential", "ModuleList", "Conv2d", "") else kind.lstrip("_")

    def _channels(self, unit: int) -> int:
        return self.network.graph.input.channels if unit == INPUT else self.units[unit].out.channels

    def _arriving(self, chain: Chain) -> Iterator[int]:
        """The channels that arrive at every layer and call of a chain, in the order of its term."""
        for step in chain.steps:
            if isinstance(step, Join):
                if step.unit in self.spelling.calls:
                    yield self._channels_at(step)
                else:
                    for branch in step.branches:
                        yield from self._arriving(branch)
            elif isinstance(step, Layer) and not isinstance(self.units[step.unit].ops[0], Scale):
                yield self.units[step.unit].arrives.channels

    def _channels_at(self, join: Join) -> int:
        """The channels that arrive at a join."""
        for branch in join.branches:
            match branch.steps:
                case (Layer(unit), *_):
                    return self.units[unit].arrives.channels
                case (Join() as inner, *_):
                    return self._channels_at(inner)
        return self.units[join.unit].out.channels

    def _gates(self, blocks: Sequence[Block]) -> None:
        """Products inside blocks become calls of modules of their own, where they occur several times."""
        joins = [
            step
            for block in blocks
            for step in steps_of(block.piece.chain)
            if isinstance(step, Join) and isinstance(self.units[step.unit].ops[0], Mul)
            if self._is_closed(step, block.piece)
        ]
        found = []
        for join in joins:
            piece = Piece(Chain((join,)), join.unit, join.unit)
            sample = Sample(_unnamed(self.spelling, piece), tuple(self._arriving(piece.chain)), self._channels_at(join))
            found.append(Candidate(sample, self.paths[join.unit]))
        calls = self.modules.extract(found) if len(found) > 1 else []
        self.spelling.calls = {join.unit: call for join, call in zip(joins, calls, strict=False) if call}

    def _is_closed(self, join: Join, piece: Piece) -> bool:
        """Whether a join reads nothing but what arrives, and nothing else reads what is made in it."""
        inside = [step for branch in join.branches for step in steps_of(branch)]
        made = all(isinstance(step, Layer | Join) and step.unit not in piece.read for step in inside)
        return made and not any(True for _ in self.network.given(Chain((join,))))

    def _name_rows(self, rows: Sequence[Row], heads: Collection[str], calls: Any = None) -> None:
        kinds = [self._kind(row, calls) for row in rows]
        names = row_names([row.path for row in rows], kinds, heads)
        self.spelling.rows = {row.end: name for row, name in zip(rows, names, strict=True)}

    def _kind(self, row: Row, calls: Any) -> str:
        called = [call for block in row.blocks if calls and (call := calls[id(block)])]
        if called:
            return str(called[-1].name)
        steps = row.blocks[-1].piece.chain.steps
        layers = [step for step in steps if isinstance(step, Layer)]
        if not layers:
            return "join" if any(isinstance(step, Join) for step in steps) else "output" if steps else "image"
        weighted = [step for step in layers if self.units[step.unit].key]
        ops = self.units[(weighted or layers)[0].unit].ops
        name = ops[isinstance(ops[0], Flatten) and len(ops) > 1].name  # a layer that flattens is what it does then
        return KINDS.get(name, name)

    def _row(self, row: Row) -> AdoptedRow:
        terms: list[Term] = []
        for block in row.blocks:
            labelled = {inner.label for term in terms for inner in walk(term) if isinstance(inner, Labelled)}
            term = self.written[id(block)]
            own = {inner.label for inner in walk(term) if isinstance(inner, Labelled)}
            terms.append(self._term(block.piece, labelled) if labelled & own else term)
        cells: dict[str, Any] = {}
        for term in terms:
            for word in term.words if isinstance(term, Use) and self._is_call(term) else ():
                cells.setdefault(word.text, word.value)
        steps: list[Term] = []
        for term, run in groupby(terms):
            count = len([*run])
            plain = _without(term, cells) if self._is_call(term) else term
            steps += [Repeated(Number(count), plain)] if count > 1 and not reads(term) else [plain] * count
        return AdoptedRow(self.spelling.rows[row.end], self._with_runs(in_a_row(steps)), cells, row.path)

    def _with_runs(self, term: Term) -> Term:
        return with_runs(term, self.modules.found)

    def _is_call(self, term: Term) -> bool:
        return isinstance(term, Use) and term.name in self.modules.found

    def _layers(self, piece: Piece) -> Iterator[int]:
        return (step.unit for step in steps_of(piece.chain) if isinstance(step, Layer | Join | Again))


KINDS = {"maxpool": "pool", "avgpool": "pool", "dropout": "drop", "bn": "norm", "lrn": "norm"}


def _unnamed(spelling: Spelling, piece: Piece) -> Term:
    """A piece as a term with labels that depend on the order alone."""
    made = dict.fromkeys(made_in(piece.chain))
    labels = {unit: f"v{number}" for number, unit in enumerate(made) if unit in piece.read}
    outside = {value: f"r{value}" for value in spelling.network.given(piece.chain)}
    return spelling.chain(piece.chain, labels | {unit: name for unit, name in outside.items() if unit not in labels})


def _without(call: Term, cells: dict[str, Any]) -> Use:
    """A call without the arguments that the cells of its row give."""
    assert isinstance(call, Use)
    return Use(call.name, words=tuple(word for word in call.words if cells.get(word.text) != word.value))
