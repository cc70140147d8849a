"""Completion in formulas: layers, modules, words and their values, columns, settings, functions, rows and steps.

The grammar decides which kinds of words can stand at a place: nothing is offered that it would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inception_dsl.elaborate.references import AGAIN
from inception_dsl.lsp import known
from inception_dsl.lsp.family import Member
from inception_dsl.lsp.formulas import INIT
from inception_dsl.lsp.offers import COLUMN, FUNCTION, LAYER, MODULE, NAME, ROW, SETTING, WORD, Offer
from inception_dsl.lsp.place import Place
from inception_dsl.spec.init import DISTRIBUTIONS
from inception_dsl.spec.vocabulary import plugins
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS, NAMES, OPERATORS
from inception_dsl.spec.vocabulary.words import ADDED, WORDS
from inception_dsl.syntax import table
from inception_dsl.syntax.prefix import Start, follows

_KEY: Final = re.compile(r'([\w#]+|"[^"\n]*")[ \t]*=[ \t]*$')
_BARE: Final = re.compile(r"[\w#]+")
_SIGN: Final = re.compile(r"\w+(?=[ \t]*:)|->|[\[\]|+]")


def offers(member: Member, place: Place) -> Iterator[Offer]:
    """What can be written at a place in a formula, in place of the name that stands there."""
    text, start = _before(member, place)
    can = follows(text.removesuffix("@"), start)
    after = place.span.source.lines[place.span.line - 1][place.span.end - 1 :].lstrip(" \t")
    if text.endswith("@"):
        yield from _references(member, place, text) if "REFERENCE" in can else ()
    elif "NAME" in can:
        yield from _values(member, place) if not after.startswith("(") else _functions(after)
    elif key := _KEY.search(text):
        word = WORDS.get(key[1])
        if word and word.value == "reference":
            yield from _references(member, place, text, "@") if "REFERENCE" in can else ()
        else:
            yield from _settings(member, place, key[1].strip('"')) if "WORD" in can else ()
    elif re.search(rf"(?<!\w){AGAIN}[ \t]+$", text):
        yield from (Offer(label, ROW, "a step to the left") for label in _given(text))
    elif "LABEL" in can or "LSQB" in can:
        yield from _steps(member, place) if not after.startswith((":", "=")) else ()
        if _given(text):
            yield Offer(f"{AGAIN} ", WORD, OPERATORS["again label"].meaning)
    elif "WORD" in can:
        yield from _words(member, place, keyed=after.startswith("="))


def _references(member: Member, place: Place, text: str, mark: str = "") -> Iterator[Offer]:
    """The values given before: of steps to the left, and of rows above."""
    steps = _given(text)
    rows = [row for row in known.rows_above(member, place) if row not in steps]
    yield from (Offer(f"{mark}{label}", ROW, "a step to the left") for label in steps)
    yield from (Offer(f"{mark}{row}", ROW, "a row above") for row in rows)


def _before(member: Member, place: Place) -> tuple[str, Start]:
    """The formula up to a place, and what it is."""
    source, line, column, _ = place.span
    text = source.lines[line - 1][: column - 1]
    outline = member.places.outline
    start: Start = "words" if place.path[-2:-1] in (("defaults",), (INIT,)) else "formula"
    if place.path == ("layers",):
        *_, (begin, _) = table.split(text)
        return text[begin:], start if place.column == "layer" else "braced"
    if line in outline.blocks:
        numbers = [number for number, path in outline.blocks.items() if path == place.path and number < line]
        return "\n".join([*(source.lines[number - 1] for number in numbers), text]), start
    pieces = [piece for piece in outline.pieces if piece.path == place.path and not piece.is_key]
    begin = next((piece.span.column - 1 for piece in pieces if piece.span.line == line), column - 1)
    cell = start == "formula" and place.path[-1] not in ("layer", "graph")
    return text[begin:], "braced" if cell else start


def _steps(member: Member, place: Place) -> Iterator[Offer]:
    for name, entry in LAYERS.items():
        yield Offer(name, LAYER, entry.written)
    for name in known.names(member, "module"):
        if name != known.enclosing(place.path):  # a module cannot call itself
            yield Offer(name, MODULE, "a module")


def _words(member: Member, place: Place, keyed: bool) -> Iterator[Offer]:
    """The words of the layer, or the columns of the module, that are not on it yet."""
    owner = place.owner
    others = [each for each in _beside(member, place) if each.kind in ("word", "column")]
    taken = {each.text for each in others}
    if owner == INIT:
        yield from _of_init(others, keyed)
    elif plugins.is_layer(owner):
        for name in sorted(LAYERS[owner].words - taken):
            word = WORDS[name]
            if _fits(member, owner, name, taken) and (not keyed or word.value or word.choices):
                yield Offer(name if word.alone or keyed else f"{name}=", WORD, word.meaning)
    else:
        for column in known.columns(member, owner) if owner else ():
            spelled = column if _BARE.fullmatch(column) else f'"{column}"'
            if column not in taken and (not keyed or spelled == column):
                yield Offer(column if keyed else f"{spelled}=", COLUMN, f"a column of `{owner}`", column)


def _fits(member: Member, owner: str, name: str, taken: set[str]) -> bool:
    """Whether a word says something beside those that are on a layer, and does not contradict them."""
    slots = {WORDS[other].slot for other in taken if other in WORDS} - {""}
    apart = {"ceil": {"same", "same_upper"}, "same": {"ceil"}, "same_upper": {"ceil"}}
    places = (place for each in member.chain for place in each.places.all)
    given = {place.text for place in places if place.path[-2:] == ("defaults", owner) and place.kind == "word"}
    about = {added for added in ADDED if added != owner and name in LAYERS[added].words}
    return (
        WORDS[name].slot not in slots
        and not apart.get(name, set()) & taken
        and (owner in ADDED or not about or bool(about & (taken | given)))
    )


def _beside(member: Member, place: Place) -> Iterator[Place]:
    """The other words of the layer that a place is in, on both sides."""
    formula = [each for each in member.places.all if each.formula == place.formula]
    for back, side in (
        (True, [each for each in formula if each.span[1:3] < place.span[1:3]]),
        (False, [each for each in formula if each.span[1:3] > place.span[1:3]]),
    ):
        for each in reversed(side) if back else side:
            if each.kind in ("layer", "module", "operator", "label", "row") and each.owner == "":
                break
            yield each


def _of_init(others: list[Place], keyed: bool) -> Iterator[Offer]:
    """The distributions, then the parameters of the one that is written."""
    first = next((each.text for each in others if each.text in DISTRIBUTIONS), "")
    if not first:
        yield from (Offer(name, WORD, "a distribution of initial weights") for name in DISTRIBUTIONS if not keyed)
        return
    distribution = DISTRIBUTIONS[first]
    for name in filter(None, (distribution.needs, distribution.takes, "bias")):
        if name not in {each.text for each in others}:
            yield Offer(name if keyed else f"{name}=", WORD, f"of `{first}`")


def _settings(member: Member, place: Place, key: str) -> Iterator[Offer]:
    """What can follow the `=` of a word: its choices."""
    if place.owner == INIT:
        yield from (Offer(word, WORD) for word in ("in", "out") if key == "fan")
    elif plugins.is_layer(place.owner) and key in WORDS:
        word = WORDS[key]
        yield from (Offer(choice, WORD, WORDS[choice].meaning if choice in WORDS else "") for choice in word.choices)
        if word.example:
            yield Offer(word.example, NAME, f"an example of `{key}=`")


def _values(member: Member, place: Place) -> Iterator[Offer]:
    """The names and functions of values in braces."""
    module = known.enclosing(place.path)
    in_row = place.path == ("layers",) or "rows" in place.path
    for column in [*known.columns(member, module)] if module else known.header(member) if in_row else []:
        if column not in ("name", "layer", *known.printed(member)):
            yield Offer(column, COLUMN, "a column")
    for setting in known.names(member, "setting"):
        yield Offer(setting, SETTING, "a setting")
    for name, meaning in NAMES.items():
        if module or "." not in name:
            yield Offer(name, NAME, meaning)
    yield from _functions("")


def _functions(after: str) -> Iterator[Offer]:
    for name, meaning in FUNCTIONS.items():
        yield Offer(name if after.startswith("(") else f"{name}(", FUNCTION, meaning, name)


def _given(text: str) -> list[str]:
    """The labelled steps and branches that are complete where a text ends."""
    opened: list[tuple[str, int, bool]] = []
    complete: list[str] = []
    depth, last = 0, ""
    for found in _SIGN.finditer(text):
        sign = found[0]
        depth += (sign == "[") - (sign == "]")
        for label in opened.copy():
            _, level, names_branch = label
            if level > depth or (level == depth and (sign in "|+" or (sign == "->" and not names_branch))):
                opened.remove(label)
                complete.append(label[0])
        if sign[0] not in "[]|+-":
            opened.append((sign, depth, last in ("|", "+")))
        last = sign
    return complete
