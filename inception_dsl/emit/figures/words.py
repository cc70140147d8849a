"""The words in a box: those of the language, by its own printer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from inception_dsl.elaborate.printer import SIGNS, as_term
from inception_dsl.emit.figures.model import Kind
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import Softmax
from inception_dsl.ir.ops.channels import ChannelConv, ChannelMax, ChannelMean
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, L2Norm, LayerNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Layer
from inception_dsl.ir.values import Number, Scalar, Value, Width, spell
from inception_dsl.syntax.printer import spell_term, spell_words
from inception_dsl.syntax.terms import Use

LONGEST_LINE: Final = 34
"""Characters of a line in a box; longer ones are wrapped."""

MOST_LINES: Final = 4
"""Lines of one piece of text in a box; the rest is left out, and an ellipsis says so."""

_LONG: Final = re.compile(r"\b0\.\d{7,}\b")

_KINDS: Final[Mapping[type[Op], Kind]] = {
    **dict.fromkeys((Conv, ConvTranspose, ChannelConv), "convolution"),
    **dict.fromkeys((MaxPool, AvgPool, Unpool, ChannelMean, ChannelMax), "pool"),
    **dict.fromkeys((BatchNorm, GroupNorm, LayerNorm, LRN, L2Norm), "norm"),
    **dict.fromkeys((Concat, Add, Mul), "join"),
    **dict.fromkeys((FullyConnected, Softmax), "classifier"),
}


def kind_of(ops: tuple[Op, ...]) -> Kind:
    """The kind of a layer: that of its first op with a kind."""
    return next((_KINDS[type(op)] for op in ops if type(op) in _KINDS), "other")


def layer_words(ops: tuple[Op, ...]) -> tuple[str, str]:
    """The words of a layer: its name with kernel, stride and width, then the others (`conv 3x3 64`, `same bn relu`).

    Long fractions are rounded to four digits.
    """
    if isinstance(ops[0], Scale):
        return f"\u00d7 {ops[0].factor:g}", ""
    if type(ops[0]) in SIGNS:
        return join_sign(ops[0]), ""
    term = as_term(Layer(ops))
    if not isinstance(term, Use):
        return _rounded(spell_term(term)), ""
    title = _rounded(spell_term(replace(term, words=())))
    if isinstance(ops[0], MaxPool | AvgPool) and ops[0].window and not term.stride:
        title += "/1"  # as papers print it: most pools have another stride
    return title, _rounded(spell_words(term.words))


def _rounded(text: str) -> str:
    return _LONG.sub(lambda found: f"{float(found[0]):.4g}", text)


def join_sign(op: Op) -> str:
    """The sign of a join: `concat`, `+` or a multiplication sign."""
    return {"|": op.name, "*": "\u00d7"}.get(SIGNS[type(op)], SIGNS[type(op)])


def width_words(args: Iterable[tuple[str, Width | Scalar]]) -> str:
    """The widths of a call: `k=192, l=224`; a name with spaces stays on one line."""
    return ", ".join(f"{name}={_given(value)}".replace(" ", "\u00a0") for name, value in args)


def _given(value: Width | Scalar) -> str:
    return f"{{{spell(value)}}}" if isinstance(value, Value) and not isinstance(value, Number) else spell(value)


def flattens_first(ops: tuple[Op, ...], op: Op) -> bool:
    """Whether a layer begins with a `flatten` that the lowered network leaves out, as its first op is another."""
    return isinstance(ops[0], Flatten) and len(ops) > 1 and not isinstance(op, Flatten)


def wrapped(*pieces: str) -> tuple[str, ...]:
    """Pieces of text as lines of a box, broken at spaces, but not at no-break spaces; an empty piece gives none."""
    lines: list[str] = []
    for piece in pieces:
        found = [""]
        for word in filter(None, piece.split(" ")):
            parts = [word[at : at + LONGEST_LINE] for at in range(0, len(word), LONGEST_LINE)]
            for part in parts:
                longer = f"{found[-1]} {part}".strip()
                found = [*found[:-1], longer] if len(longer) <= LONGEST_LINE else [*found, part]
        if len(found) > MOST_LINES:
            found = [*found[: MOST_LINES - 1], f"{found[MOST_LINES - 1][: LONGEST_LINE - 2]} \u2026"]
        lines += [line.replace("\u00a0", " ") for line in found if line]
    return tuple(lines)
