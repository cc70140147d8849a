"""Which pieces of a network make a row of its table, and which a block within a row.

Where the source says in which module a layer stands, its modules are the blocks: those that occur several times under
names that differ in digits, and that are short enough for one row. Else blocks are known by what belongs together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from inception_dsl.adopt.decompose import Piece, in_one
from inception_dsl.adopt.scopes import Path, common
from inception_dsl.adopt.tree import Chain, Given, Join, Layer, made_in
from inception_dsl.adopt.units import Unit, Units, is_depthwise
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.spec.vocabulary.words import ACTIVATIONS

REORDERED: Final = ({ChannelShuffle, PixelShuffle}, {PixelUnshuffle, ChannelShuffle})
"""Layers that belong together: the order of the channels that become pixels, or that came from pixels."""

MOST_BLOCKS: Final = 4
"""The most blocks of a row, where a run of equal ones counts as one."""

MOST_STEPS: Final = 8
"""The most layers in a chain that is one block."""


@dataclass(frozen=True)
class Block:
    """Pieces that belong together, and their path in the source."""

    piece: Piece
    path: Path


@dataclass(frozen=True)
class Row:
    """The blocks of a row, and their path in the source."""

    blocks: tuple[Block, ...]
    path: Path

    @property
    def end(self) -> int:
        """The value that it gives."""
        return self.blocks[-1].piece.end


Skeleton = Callable[[Piece], Hashable]


def rows_of(
    pieces: Sequence[Piece],
    network: Units,
    paths: Sequence[Path],
    heads: Collection[Block],
    ends: Collection[int],
    skeleton: Skeleton,
) -> list[Row]:
    """The rows of a trunk that has `heads`. `ends` are values that others read: a row ends in each."""
    units = network.units
    found = [Block(piece, _path(piece, paths)) for piece in _attached(pieces, units, ends)]
    if any(block.path for block in found):
        rows = _Grouping([*found, *heads], units, ends, skeleton).rows(found, 0)
    else:
        rows = [Row((block,), ()) for block in _related(found, units, ends)]
    return _split([_led(row) for row in rows], network, paths, skeleton)


def _path(piece: Piece, paths: Sequence[Path]) -> Path:
    known = [path for unit in made_in(piece.chain) if (path := paths[unit])]
    return common(known) if known else ()


def _led(row: Row) -> Row:
    """A row with the value that it begins with as a block of its own, so that what follows can be a call."""
    piece, path = row.blocks[0].piece, row.blocks[0].path
    match piece.chain.steps:
        case (Given(unit) as first, *rest) if rest:
            lead = Block(Piece(Chain((first,)), unit, piece.arrives), ())
            own = Block(Piece(Chain(tuple(rest)), piece.end, unit, piece.read), path)
            return Row((lead, own, *row.blocks[1:]), row.path)
        case _:
            return row


def _split(rows: Sequence[Row], network: Units, paths: Sequence[Path], skeleton: Skeleton) -> list[Row]:
    """Rows whose last block begins as several others are, such as a cell with an activation after it, with two."""
    times = Counter(skeleton(block.piece) for row in rows for block in row.blocks)

    def split(row: Row) -> Row:
        block = row.blocks[-1]
        own = times[skeleton(block.piece)]
        two = next((two for two in _in_two(block.piece, network) if times[skeleton(two[0])] > own), None)
        if two is None:
            return row
        path = _path(two[0], paths)
        blocks = (*row.blocks[:-1], Block(two[0], path), Block(two[1], ()))
        return Row(blocks, path if row.path == block.path else row.path)

    return [split(row) for row in rows]


def _in_two(piece: Piece, network: Units) -> Iterator[tuple[Piece, Piece]]:
    """The ways to write a piece as two, of which the first has branches and the second reads nothing inside it."""
    for place in range(len(piece.chain.steps) - 1, 0, -1):
        first, rest = Chain(piece.chain.steps[:place]), Chain(piece.chain.steps[place:])
        made = {*made_in(first)}
        if isinstance(end := first.steps[-1], Join) and not made & network.referred(rest):
            one = Piece(first, end.unit, piece.arrives, piece.read & made)
            yield one, Piece(rest, piece.end, end.unit, piece.read - made)


def joined(blocks: Sequence[Block]) -> Block:
    """Blocks as one."""
    pieces = [block.piece for block in blocks]
    piece = in_one(pieces, {value for piece in pieces for value in piece.read})
    return Block(piece, common([block.path for block in blocks]))


# --- what belongs together whatever the names -------------------------------------------------------------------------


def _attached(pieces: Sequence[Piece], units: Sequence[Unit], ends: Collection[int]) -> list[Piece]:
    """Activations and factors with the join that they follow, and `flatten` with the pool."""
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if before and before.end not in ends and before.end == piece.arrives and _belongs(piece, before, units):
            found[-1] = joined([Block(before, ()), Block(piece, ())]).piece
        else:
            found.append(piece)
    return found


def _belongs(piece: Piece, before: Piece, units: Sequence[Unit]) -> bool:
    match piece.chain.steps, before.chain.steps:
        case (Layer(unit),), (*_, last):
            op = units[unit].ops[0]
            if isinstance(op, Flatten) and not units[unit].key:
                return isinstance(last, Layer) and not units[last.unit].key
            if isinstance(last, Layer) and {type(op), type(units[last.unit].ops[0])} in REORDERED:
                return True
            after_norm = isinstance(last, Layer) and isinstance(units[last.unit].ops[0], BatchNorm | Scale)
            return isinstance(op, (*ACTIVATIONS, Scale, ChannelShuffle)) and (isinstance(last, Join) or after_norm)
        case _:
            return False


def _related(blocks: Sequence[Block], units: Sequence[Unit], ends: Collection[int]) -> list[Block]:
    """Blocks without names: pre-activated layers, and the parts of separable convolutions and inverted bottlenecks."""
    found: list[Block] = []
    for block in blocks:
        before = found[-1] if found else None
        if before and before.piece.end not in ends and _continues(block.piece, before.piece, units):
            found[-1] = joined([before, block])
        else:
            found.append(block)
    return found


def _continues(piece: Piece, before: Piece, units: Sequence[Unit]) -> bool:
    match piece.chain.steps, before.chain.steps:
        case (step, *_), (*_, last):
            one, other = _unit(last, units), _unit(step, units)
            if isinstance(step, Join):
                gate = isinstance(units[step.unit].ops[0], Mul)
                return gate and one is not None and is_depthwise(one)
            if other is None:
                return False
            if isinstance(last, Join):
                gate = isinstance(units[last.unit].ops[0], Mul)
                return gate and len(before.chain.steps) > 1 and _is_pixelwise(other)
            if one is None:
                return False
            if is_depthwise(other):
                return _is_pixelwise(one) and len(before.chain.steps) == 1 and one.out.channels > one.arrives.channels
            if is_depthwise(one):
                return _is_pixelwise(other)
            if isinstance(one.ops[0], ACTIVATIONS) and isinstance(other.ops[0], Conv):
                return len(before.chain.steps) == 2 and isinstance(_first(before, units), BatchNorm)
            return False
        case _:
            return False


def _unit(step: object, units: Sequence[Unit]) -> Unit | None:
    return units[step.unit] if isinstance(step, Layer) else None


def _first(piece: Piece, units: Sequence[Unit]) -> object:
    step = piece.chain.steps[0]
    return units[step.unit].ops[0] if isinstance(step, Layer) else None


def _is_pixelwise(unit: Unit) -> bool:
    op = unit.ops[0]
    return isinstance(op, Conv) and op.window.kernel == (1, 1) and op.groups == 1


# --- what the source's modules say ------------------------------------------------------------------------------------


class _Grouping:
    """Groups blocks by the modules of the source, inner ones first; those of `known` tell which there are."""

    def __init__(
        self, known: Sequence[Block], units: Sequence[Unit], ends: Collection[int], skeleton: Skeleton
    ) -> None:
        self.units, self.ends, self.skeleton = units, ends, skeleton
        self.siblings: dict[tuple[Path, str], set[Path]] = {}
        for block in known:
            for length in range(1, len(block.path) + 1):
                path = block.path[:length]
                self.siblings.setdefault(_pattern(path), set()).add(path)

    def rows(self, blocks: Sequence[Block], depth: int) -> list[Row]:
        """The rows of blocks that have the first `depth` parts of their paths in common."""
        rows: list[Row] = []
        for path, run in groupby(blocks, key=lambda block: block.path[: depth + 1]):
            group = [*run]
            if len(group) == 1 or len(path) <= depth:
                rows += [Row((block,), block.path) for block in group]
                continue
            inner = self.rows(group, depth + 1)
            rows += self._merged(path, inner)
        return rows

    def _merged(self, path: Path, rows: list[Row]) -> list[Row]:
        """The rows of a module as one, if it is one of several and short; else as they are."""
        blocks = [block for row in rows for block in row.blocks]
        if len(rows) == 1 or any(row.end in self.ends for row in rows[:-1]):
            return rows
        several = len(self.siblings[_pattern(path)]) > 1
        chained = any(_is_layer(block.piece, self.units) for block in blocks)
        if several and chained:
            blocks = self._chains(blocks, path)
            if max(len(block.piece.chain.steps) for block in blocks) > MOST_STEPS:
                return rows
        runs = sum(1 for _ in groupby(blocks, key=lambda block: self.skeleton(block.piece)))
        few = runs <= MOST_BLOCKS if several else runs == 1 and not chained
        return [Row(tuple(blocks), path)] if few else rows

    def _chains(self, blocks: Sequence[Block], path: Path) -> list[Block]:
        """Layers in a row as one block; what has a residual connection is a block of its own."""
        found: list[Block] = []
        for residual, run in groupby(blocks, key=lambda block: _is_residual(block.piece, self.units)):
            group = [*run]
            found += group if residual else [replace(joined(group), path=path)]
        return found


def _is_residual(piece: Piece, units: Sequence[Unit]) -> bool:
    first = piece.chain.steps[0] if piece.chain.steps else None
    return isinstance(first, Join) and isinstance(units[first.unit].ops[0], Add)


def _is_layer(piece: Piece, units: Sequence[Unit]) -> bool:
    """Whether a piece is one layer with weights, perhaps on the value of another row."""
    first, *rest = piece.chain.steps or (None,)
    steps = rest if isinstance(first, Given) else piece.chain.steps
    return len(steps) == 1 and isinstance(steps[0], Layer) and bool(units[steps[0].unit].key)


def _pattern(path: Path) -> tuple[Path, str]:
    """A path without its numbers: `layer1` and `layer2`, `repeat` and `repeat_1` have one pattern."""
    parts = [re.sub(r"_?\d+", "#", part) for part in path]
    return tuple(parts[:-1]), parts[-1].removesuffix("#")
