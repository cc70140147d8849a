"""Completion: keys, words, values, columns, modules, rows, recipes and settings, inside tables and formulas too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.lsp import formula_offers, key_offers, known
from inception_dsl.lsp.family import Member
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.offers import COLUMN, LAYER, ROW, VALUE, Offer
from inception_dsl.lsp.outline import Piece
from inception_dsl.lsp.place import Place
from inception_dsl.lsp.readers import is_formula
from inception_dsl.spec.vocabulary import plugins
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax import table
from inception_dsl.syntax.blocks import BLOCK_HEADER
from inception_dsl.syntax.document import KeyPath

_NEW: Final = 10**9
"""Stands for the index of a new item of a list."""


def completion(file: OpenFile, params: types.CompletionParams) -> types.CompletionList:
    """What can be written at a position, in place of the name or word that stands there; plugins are part of it."""
    plugins.offered()
    member, place = file.member, file.at(params.position)
    span = place.span if place.text else Span(place.span.source, *file.place(params.position), 0)
    span = span._replace(end=max(span.end, span.column))
    edit = file.range(span)
    items = [
        types.CompletionItem(
            label=offer.label or offer.text.strip(),
            kind=offer.kind,
            detail=offer.meaning or None,
            sort_text=f"{index:05}",
            filter_text=offer.text,
            text_edit=types.TextEdit(edit, offer.text),
        )
        for index, offer in enumerate(_unique(offers(member, place._replace(span=span))))
    ]
    return types.CompletionList(is_incomplete=False, items=items)


def offers(member: Member, place: Place) -> Iterator[Offer]:
    """What can be written at a place."""
    place = _begun(member, _outside(member, place))
    if (place.text and place.kind in ("number", "operator", "head")) or not _is_free(member, place):
        return iter(())
    piece = _piece(member, place)
    if place.path[:1] == ("claims",) and place.path[2:] == ("formula",):
        return iter(())
    if place.kind == "key" or (piece and piece.is_key):
        item = place.path if not place.text else place.path[:-1]
        values = key_offers.values(member, place._replace(path=item)) if item[-1:] == (_NEW,) else ()
        return chain(_keys(member, place, piece), values)
    if place.path == ("layers",):
        return _in_table(member, place)
    if is_formula(place.path) or (place.column and place.kind != "cell" and not place.defines):
        return formula_offers.offers(member, place) if not place.defines else iter(())
    if place.path == ("reported",):
        return iter(())
    return _fitting(place, key_offers.values(member, place))


def _outside(member: Member, place: Place) -> Place:
    """The place of a key, where an empty line ends a block scalar because it is indented no more than its key."""
    line, column = place.span.line, place.span.column
    outline = member.places.outline
    if not place.text and line in outline.blocks and not place.span.source.lines[line - 1][: column - 1].strip():
        keys = (piece for piece in outline.pieces if piece.is_key and piece.path == outline.blocks[line])
        if (key := next(keys, None)) and column <= key.span.column:
            return Place("key", "", place.span, outline.above(line, column))
    return place


def _begun(member: Member, place: Place) -> Place:
    """The place of a key that is being typed, which YAML takes for a value, and that of a new item of a list."""
    line, column = place.span.line, place.span.column
    before = place.span.source.lines[line - 1][: column - 1].strip()
    outline = member.places.outline
    piece = _piece(member, place)
    if before not in ("", "-") or line in outline.blocks or place.kind == "comment" or (piece and piece.is_key):
        return place
    above = outline.above(line, column)
    item = (_NEW,) if before and not (above and isinstance(above[-1], int)) else ()
    return place._replace(kind="key", path=(*above, *item, *((place.text,) if place.text else ())))


def _is_free(member: Member, place: Place) -> bool:
    """Whether a text can start at a place: no comment, no text right of it outside formulas, no missing space."""
    line = place.span.source.lines[place.span.line - 1]
    before, after = line[: place.span.column - 1], line[place.span.end - 1 :].lstrip()
    if place.kind == "comment" or before.endswith(":"):
        return False
    if place.kind != "key" and place.span.line in member.places.outline.blocks:
        numbers = [number for number, path in member.places.outline.blocks.items() if path == place.path]
        first = next((text for number in numbers if (text := place.span.source.lines[number - 1]).strip()), before)
        indented = len(before) >= len(first) - len(first.lstrip())
        return indented and bool(before.strip() or place.text or not after)
    if BLOCK_HEADER.match(before):
        return False
    in_value = bool(before.strip()) and is_formula(place.path)
    starts = before.strip()[-1:] in ("", ":", ",", "[", "{", "-") or _in_quotes(before)
    if not place.text and not in_value and not starts:
        return False
    spaced = after.startswith("#") and line[place.span.end - 1] in " \t"
    return bool(place.text or in_value or not after or after[0] in ",]}" or spaced)


def _piece(member: Member, place: Place) -> Piece | None:
    """The key or value that a place is, or is in."""
    line, column = place.span.line, place.span.column
    for piece in member.places.outline.pieces:
        if place.text and piece.span.line == line and piece.span.column <= column < piece.span.end:
            return piece
    return None


def _keys(member: Member, place: Place, piece: Piece | None) -> Iterator[Offer]:
    line = place.span.source.lines[place.span.line - 1]
    before, after = line[: place.span.column - 1], line[place.span.end - 1 :]
    flow = before.count("{") > before.count("}")
    if piece and piece.span != place.span:
        return iter(())  # a part of a key, such as the row of an erratum
    above = place.path[:-1] if place.text else place.path
    if not (flow or (piece and piece.is_key) or _is_in_line(member, place, above)):
        return iter(())
    written = after.lstrip("\"' \t").startswith(":")
    if written and place.text == "extends":
        return iter(())  # without it, the other keys are not those of this file
    return _fitting(place, key_offers.keys(member, above, place.text, flow, written))


def _fitting(place: Place, offers: Iterator[Offer]) -> Iterator[Offer]:
    """The offers that can stand at a place: inside quotes, those that need none of their own."""
    before = place.span.source.lines[place.span.line - 1][: place.span.column - 1]
    return (offer for offer in offers if not _in_quotes(before) or not offer.text.startswith('"'))


def _in_quotes(before: str) -> bool:
    """Whether a quote has been opened right at the end of a text."""
    return before[-1:] in ('"', "'") and before.count(before[-1]) % 2 == 1


def _is_in_line(member: Member, place: Place, above: KeyPath) -> bool:
    """Whether a key would start in the column of the other keys of its mapping."""
    pieces = member.places.outline.pieces
    column = next((each.span.column for each in pieces if each.is_key and each.path[:-1] == above), place.span.column)
    return place.span.column == column


def _in_table(member: Member, place: Place) -> Iterator[Offer]:
    """Offer columns in the header, formulas in the column `layer`, and in the others what their cells have."""
    if place.kind == "column" and (place.defines or not place.column):
        if not _is_alone(place):
            return
        here = {*known.header(member)} - {place.text}
        own = [column for column in known.columns(member) if column not in here]
        wanted = ("name", "layer", *own, *(column for column in known.PRINTED if column not in own))
        yield from (Offer(column, COLUMN, "a column") for column in wanted if column not in here)
    elif place.column == "layer":
        yield from formula_offers.offers(member, place)
    elif place.column == "name":
        return
    elif place.kind in ("row", "column", "setting", "name", "function"):
        yield from formula_offers.offers(member, place)
    elif place.column not in known.printed(member) and _takes(member, place):
        yield from _cells(member, place)


def _takes(member: Member, place: Place) -> bool:
    """Whether the layer of a row uses the column of an empty cell, or of one with this text alone."""
    row = [each for each in member.places.all if each.span.line == place.span.line and each.column == "layer"]
    used = {each.text for each in row if each.kind == "column"}
    used.update(*(known.columns(member, each.text) for each in row if each.kind == "module"))
    return _is_alone(place) and place.column in used


def _is_alone(place: Place) -> bool:
    """Whether nothing else stands in the cell of a place."""
    line = place.span.source.lines[place.span.line - 1]
    *_, (begin, _) = table.split(line[: place.span.column - 1])
    end = next((end for start, end in table.split(line) if start == begin), len(line))
    return line[begin:end].strip() in ("", place.text)


def _cells(member: Member, place: Place) -> Iterator[Offer]:
    """What other cells of the column have, and the rows above where they read rows."""
    texts = [each.text for each in member.places.all if each.column == place.column and each.kind in ("cell", "layer")]
    for text in dict.fromkeys(filter(None, texts)):
        if text != place.text:
            yield Offer(text, LAYER if text in LAYERS else VALUE)
    if any(each.kind == "row" and each.column == place.column for each in member.places.all):
        yield from (Offer(f"@{row}", ROW, "a row above") for row in known.rows_above(member, place))


def _unique(found: Iterable[Offer]) -> list[Offer]:
    return [*{offer.text: offer for offer in found}.values()]


TRIGGERS: Final = ["@", "{", "=", "|", ">", ".", " "]

FEATURE: Final = Feature(
    types.TEXT_DOCUMENT_COMPLETION, completion, types.CompletionOptions(trigger_characters=TRIGGERS)
)
