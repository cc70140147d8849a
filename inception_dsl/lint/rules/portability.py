"""What other frameworks, other opsets and other image sizes make of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Span, SpecError
from inception_dsl.edit.edit import Edit
from inception_dsl.emit.onnx.ops.pooling import CEIL
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.program import Head
from inception_dsl.ir.shapes import Pair, Window
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject
from inception_dsl.lower import lower
from inception_dsl.spec.vocabulary.words import WORDS

SKIP: Final = "skip_pad"
BORDERS: Final = frozenset(name for name, word in WORDS.items() if word.slot == "border")
PADS: Final = frozenset(name for name, word in WORDS.items() if word.slot == "padding")

MOST_HEADS: Final = 8
"""The most heads that are examined one by one, each with the trunk that it leaves."""

CEIL_WITH_PADDING: Final = Code(
    "L001",
    f"`ceil` with padding that opsets below {CEIL} count differently",
    f"""\
`ceil` keeps a last window that extends past the border, unless the window would lie wholly in the padding. ONNX has
that exception since opset {CEIL}. Where such a window can occur, depending on the image size, `compile` refuses every
older opset ({NOT_EXPRESSIBLE}), and runtimes that implement one may give a larger image.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | maxpool 2x2/2 ceil pad=1
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | maxpool 2x2/2 pad=1
""",
)

AMBIGUOUS_AVERAGE: Final = Code(
    "L002",
    "average over padding that frameworks count differently",
    """\
PyTorch and Caffe count padding as zeros in an average; TensorFlow and Keras leave it out. Both give images of one size,
so that weights trained with one load into the other, and give other values. Papers rarely say which they mean. Without
a word it is `skip_pad`: write `skip_pad` or `count_pad`, so that readers know that it was decided.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | avgpool 3x3/1 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | avgpool 3x3/1 same skip_pad
""",
)

PADDING_OF_TWO_FRAMEWORKS: Final = Code(
    "L003",
    "padding of two frameworks in one network",
    """\
With a stride, `same` pads both sides alike (Caffe, PyTorch), and `same_upper` puts an odd pixel at the right and
bottom (TensorFlow). On an even image they give the same size, from windows that lie one pixel apart. A network that
was trained in one framework has one of the two.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3/2 16 same_upper
  conv2 | conv 3x3/2 32 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3/2 16 same_upper
  conv2 | conv 3x3/2 32 same_upper
""",
)

HEAD_NEEDS_LARGE_IMAGES: Final = Code(
    "L004",
    "head that does not take smaller images, although the trunk does",
    """\
The rows of the trunk take images of half the size, with the same weights, but this head does not: the image that its
row gives there is smaller than a kernel of the head, or gives an `fc` another number of features. `avgpool global` or
`avgpool to=4x4` in the head takes images of any size.
""",
    wrong="""\
network: tiny
input: 3x64x64
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3/4 16 same
  conv2 | conv 3x3/2 32 same
  pool  | avgpool global
  fc    | fc {classes}
heads:
  aux: {from: conv1, graph: "avgpool 11x11/5 valid -> fc {classes}"}
""",
    right="""\
network: tiny
input: 3x64x64
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3/4 16 same
  conv2 | conv 3x3/2 32 same
  pool  | avgpool global
  fc    | fc {classes}
heads:
  aux: {from: conv1, graph: "avgpool to=2x2 -> fc {classes}"}
""",
)


def _ceil_with_padding(subject: Subject) -> Iterator[Finding]:
    for node in subject.typed.nodes:
        window = _pool_window(node)
        if window and window.may_end_in_padding and any(window.padding.amount):
            message = f"`{node.op.name}` rounds up, and its last window may lie wholly in the padding"
            hint = f"delete `ceil`, or pad less; if the paper has both, compile with `--opset {CEIL}` or newer"
            yield Finding(Diagnostic(CEIL_WITH_PADDING, message, node.origin, help=hint))


def _ambiguous_average(subject: Subject) -> Iterator[Finding]:
    default = {word.text for word in subject.spec.defaults.get(AvgPool.name, ())}
    for node in subject.typed.nodes:
        window = _pool_window(node) if isinstance(node.op, AvgPool) else None
        if window is None or not any(axis.before or axis.after for axis in window.axes(node.types[0].image)):
            continue
        if not node.origin or node.origin not in subject.uses:
            continue
        use, formula = subject.uses[node.origin]
        if BORDERS & (default | {word.text for word in use.words}):
            continue
        place, hint = node.origin, "write `skip_pad`, which it is, or `count_pad`"
        pad = next((word for word in use.words if word.text in PADS), None)
        edits: tuple[Edit, ...] = ()
        if pad is None and default & PADS:
            words = subject.spec.document.text(("defaults", AvgPool.name))
            place = words.span(0, len(words.text))
            edits = _with_skip_pad(place, words.text)
        elif use.name != AvgPool.name:  # a column names the pool, and no other has this word
            hint = "write `avgpool: skip_pad`, which it is, or `avgpool: count_pad`, under `defaults:`"
        elif pad:
            edits = _with_skip_pad(formula.span(pad.at), formula.fragment.text[slice(*pad.at)])
        message = "this average leaves padding out, and PyTorch and Caffe count it as zeros by default"
        yield Finding(Diagnostic(AMBIGUOUS_AVERAGE, message, place, help=hint), edits)


def _with_skip_pad(pads: Span, text: str) -> tuple[Edit, ...]:
    """The edit that states what holds, after the words about padding, where the file has them as they are read."""
    source, line, column, end = pads
    as_read = source.lines[line - 1][column - 1 : end - 1] == text
    return (Edit.insert(source, line, end, f" {SKIP}"),) if as_read else ()


def _padding_of_two_frameworks(subject: Subject) -> Iterator[Finding]:
    alike: list[Node] = []
    upper: list[Node] = []
    for node in subject.typed.nodes:
        window: Window | None = getattr(node.op, "window", None)
        if window is None or max(window.stride) == 1:
            continue
        if window.padding.kind == "same_upper" and _pads_oddly(window, node.types[0].image):
            upper.append(node)
        elif window.padding.kind == "same":
            shifted = replace(window, padding=replace(window.padding, kind="same_upper"))
            if _pads_oddly(shifted, node.types[0].image):
                alike.append(node)
    fewer, more = sorted((upper, alike), key=len)
    for node in fewer:
        both = {"same": "pads both sides alike", "same_upper": "puts an odd pixel at the right and bottom"}
        mine, other = ("same_upper", "same") if fewer is upper else ("same", "same_upper")
        message = f"`{mine}` {both[mine]}, but other layers of this network have `{other}`, which {both[other]}"
        notes = tuple(Note(each.origin, f"`{other}`") for each in more[:1] if each.origin)
        hint = f"write `{other}`, unless the paper's code has both"
        yield Finding(Diagnostic(PADDING_OF_TWO_FRAMEWORKS, message, node.origin, notes=notes, help=hint))


def _head_needs_large_images(subject: Subject) -> Iterator[Finding]:
    typed, heads = subject.typed, subject.typed.program.heads
    height, width = typed.input.image
    half = (-(-height // 2), -(-width // 2))
    if not heads or _obstacle(typed, (), half) or not _obstacle(typed, heads, half):
        return
    for head in heads[:MOST_HEADS]:
        if obstacle := _obstacle(typed, (head,), half):
            size = "x".join(map(str, half))
            message = f"`{head.name}` does not take images of {size}, and the trunk does"
            label = obstacle.message.removeprefix(f"`{head.name}`: ")
            hint = "write a pool that fits every size: `avgpool global`, or `avgpool to=4x4`"
            yield Finding(Diagnostic(HEAD_NEEDS_LARGE_IMAGES, message, head.origin, label, obstacle.notes, hint))


def _obstacle(typed: Typed, heads: tuple[Head, ...], image: Pair) -> Diagnostic | None:
    """Why the rows and some heads cannot take images of another size with the same weights; None if they can."""
    try:
        other = lower(replace(typed.program, heads=heads), image)
    except SpecError as error:
        return error.diagnostics[0]
    weights = {(node.path, node.use): node for node in typed.nodes}
    for node in other.nodes:
        own = weights.get((node.path, node.use))
        if own and own.weights != node.weights:
            features = f"{node.types[0].channels:,} features, not {own.types[0].channels:,}"
            notes = (Note(node.origin, "here"),) if node.origin else ()
            return Diagnostic(HEAD_NEEDS_LARGE_IMAGES, f"its `{node.op.name}` would read {features}", notes=notes)
    return None


def _pool_window(node: Node) -> Window | None:
    return node.op.window if isinstance(node.op, AvgPool | MaxPool) else None


def _pads_oddly(window: Window, image: Pair) -> bool:
    """Whether `same_upper` puts a pixel more on one side of an image than on the other."""
    return any(axis.before != axis.after for axis in window.axes(image))


RULES: Final = (
    Rule(CEIL_WITH_PADDING, _ceil_with_padding),
    Rule(AMBIGUOUS_AVERAGE, _ambiguous_average),
    Rule(PADDING_OF_TWO_FRAMEWORKS, _padding_of_two_frameworks),
    Rule(HEAD_NEEDS_LARGE_IMAGES, _head_needs_large_images),
)
