"""The key `init`: how weights are initialised, by layer word or path, from one of `DISTRIBUTIONS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.layers import CONFLICTING_WORDS, UNKNOWN_WORD, WRONG_LAYER_ARGUMENTS
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.ops.activations import PReLU
from inception_dsl.ir.ops.channels import ChannelConv
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm, GroupNorm, LayerNorm
from inception_dsl.ir.ops.scaling import Affine
from inception_dsl.ir.program import Init, Initializer
from inception_dsl.ir.values import Scalar, Value, ValueFault, evaluate
from inception_dsl.spec import elsewhere
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.document import Document
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.terms import WordTerm

SOURCE: Final = "source"
LAYER_WORDS: Final = tuple(
    op.name for op in (Conv, ConvTranspose, ChannelConv, FullyConnected, BatchNorm, GroupNorm, LayerNorm, PReLU, Affine)
)
"""The layer words that stand for all layers of their kind, even where a row has that name."""

Values = Mapping[str, Scalar | None]
MAX_INITIAL_VALUE: Final = 1000
"""The largest initial value."""


class Distribution(NamedTuple):
    """The parameter that a distribution needs, the one that it takes besides, and whether it needs a fan in.

    The scale of a single channel has none.
    """

    needs: str = ""
    takes: str = ""
    fan: bool = False


DISTRIBUTIONS: Final = {
    "normal": Distribution("std"),
    "truncated_normal": Distribution("std"),
    "he": Distribution(takes="fan", fan=True),
    "xavier": Distribution(fan=True),
    "glorot": Distribution(fan=True),
    "constant": Distribution("value"),
}
"""The distributions of initial weights.

`normal` has mean 0 and standard deviation `std`. `truncated_normal` is TensorFlow's: values beyond two deviations are
drawn again, which leaves 0.88 of the deviation. `he` is normal with variance 2 / fan in (or fan out with `fan=out`),
`xavier` is Caffe's, uniform with variance 1 / fan in, and `glorot` is uniform with variance 2 / (fan in + fan out).
"""


class InitSpec(NamedTuple):
    """How weights are initialised, as written, by layer word or path."""

    source: str
    words: Mapping[str, tuple[WordTerm, ...]]


def init_words(document: Document, keys: Mapping[str, str], findings: Findings) -> InitSpec | None:
    """Parse the keys of `init`; None where a document has none."""
    if not keys:
        return None
    words = {path: _words(document.text(("init", path)), findings) for path in keys if path != SOURCE}
    return InitSpec(keys[SOURCE], words)


def _words(fragment: Fragment, findings: Findings) -> tuple[WordTerm, ...]:
    try:
        return algebra.parse_words(fragment.text)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, fragment.span(*fault.at), fault.label, help=fault.help)
        return ()


def init(spec: InitSpec | None, document: Document, values: Values, findings: Findings) -> Init | None:
    """Resolve the initialisation of a spec, None where it states none; `values` are the values of names."""
    if spec is None:
        return None
    read = (_Reader(path, document, values, findings).initializer(words) for path, words in spec.words.items())
    initializers = tuple(initializer for initializer in read if initializer)
    return Init(spec.source, initializers) if initializers else None


class _Reader:
    """Reads the words for one path."""

    def __init__(self, path: str, document: Document, values: Values, findings: Findings) -> None:
        self.path = path
        self.fragment = document.text(("init", path))
        self.origin = document.key_span(("init", path))
        self.values = values
        self.findings = findings

    def initializer(self, words: tuple[WordTerm, ...]) -> Initializer | None:
        """The words as an `Initializer`; None where they are not one, which is a finding."""
        first, *others = words or (WordTerm(""),)
        kind = DISTRIBUTIONS.get(first.text)
        if kind is None or first.value is not None:
            hint = elsewhere.suggest(first.text, DISTRIBUTIONS, elsewhere.INIT)
            hint = hint or f"it must start with {listing(DISTRIBUTIONS, 'or')}"
            self._report(UNKNOWN_WORD, f"`{first.text}` is not a distribution", first, hint)
            return None
        known = [key for key in (kind.needs, kind.takes, "bias") if key]
        given: dict[str, float | str] = {}
        for word in others:
            if word.text not in known:
                hint = elsewhere.suggest(word.text, known, {}) or f"it takes {listing(known)}"
                self._report(UNKNOWN_WORD, f"`{first.text}` does not take the word `{word.text}`", word, hint)
                continue
            if word.text in given:
                self._report(CONFLICTING_WORDS, f"`{word.text}` is given twice", word, "keep one of them")
            for value in self._value(word):
                given[word.text] = value
        if kind.needs and kind.needs not in (word.text for word in others):
            self._report(
                WRONG_LAYER_ARGUMENTS,
                f"`{first.text}` needs `{kind.needs}`",
                first,
                f"write `{first.text} {kind.needs}=0.01`",
            )
        bias = float(given.pop("bias", 0.0))
        return Initializer(self.path, first.text, tuple(given.items()), bias, origin=self.origin)

    def _value(self, word: WordTerm) -> Iterator[float | str]:
        if word.text == "fan":
            if word.value in ("in", "out"):
                yield str(word.value)
            else:
                self._report(UNKNOWN_WORD, "`fan` must be `in` or `out`", word, "write `he`, or `he fan=out`")
            return
        try:
            number = evaluate(word.value, self.values) if isinstance(word.value, Value) else None
        except ValueFault as fault:
            self.findings.error(fault.code, fault.message, self.fragment.span(*fault.at))
            return
        least = 0 if word.text == "std" else -MAX_INITIAL_VALUE
        if not isinstance(number, int | float):
            self._report(CANNOT_EVALUATE, f"`{word.text}` must be a number", word, f"write `{word.text}=0.1`, say")
        elif not least <= number <= MAX_INITIAL_VALUE:
            self._report(
                OUT_OF_BOUNDS, f"`{word.text}` must be from {least} to {MAX_INITIAL_VALUE}, not {number}", word
            )
        else:
            yield float(number)

    def _report(self, code: Code, message: str, word: WordTerm, hint: str = "") -> None:
        self.findings.error(code, message, self.fragment.span(*word.at), help=hint)
