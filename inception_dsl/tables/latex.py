r"""Tables as LaTeX: `&` and `\\`, with rules, spans and the markup of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.extra import library
from inception_dsl.tables.grid import MAX_COLUMNS, MAX_ROWS, Cell, Grid, grid, offset_span, spread, unreadable

NAMES: Final = "tabular|tabularx|tabulary|tabu|longtable|longtabu|array|matrix|xtabular|NiceTabular|tblr"
_COMMENT: Final = re.compile(r"(?<!\\)(?:\\\\)*+%[^\n]*")
_ENVIRONMENT: Final = re.compile(rf"\\(begin|end)\s*+\{{({NAMES})\*?\}}")

# macros and their arguments, of which the last is shown; those that show nothing come after them
_SHOWN: Final = {
    "multicolumn": "{{{",
    "multirow": "[{[{[{",
    "textcolor": "[{{",
    "parbox": "[{{",
    "adjustbox": "{{",
    "resizebox": "{{{",
    "scalebox": "{{",
    "rotatebox": "[{{",
    "raisebox": "{[[{",
    "makebox": "[[{",
    "shortstack": "[{",
    "makecell": "[{",
    "thead": "[{",
    "num": "[{",
    **dict.fromkeys(
        ("bm", "boldsymbol", "operatorname", "ensuremath", "uline", "underline", "textsubscript", "ref"), "{"
    ),
}
_SUPERSCRIPTS: Final = {"textsuperscript": "{", "tnote": "{", "footnotemark": "[", "sups": "{"}
_HIDDEN: Final = {
    "cline": "{",
    "rowcolor": "[{[[",
    "cellcolor": "[{",
    "color": "[{",
    "rule": "[{{",
    "specialrule": "{{{",
    "addlinespace": "[",
    **dict.fromkeys(("vspace", "hspace", "phantom", "footnote", "cite", "citep", "label", "caption"), "{"),
    **dict.fromkeys(("hline", "toprule", "midrule", "bottomrule", "noalign", "endhead", "endfirsthead", "strut"), ""),
}
_CMIDRULE: Final = re.compile(r"\\cmidrule\s*+(\[[^\]\n]{0,40}\])?\s*+(\([^)\n]{0,40}\))?\s*+\{[^}\n]{0,40}\}")
"""A rule whose argument in parentheses is none to the library."""

_ROW_ENDS: Final = ("\\", "tabularnewline", "cr")


def read(source: Source) -> list[Grid]:
    """Read the tables of a text, or lines of cells without an environment. Raises `SpecError`.

    E005 without the library, E118 for a text that cannot be read, and the errors of `grid`.
    """
    return [_table(source, start, end) for start, end in _regions(source)]


def _regions(source: Source) -> Iterator[tuple[int, int]]:
    """The ranges of the outermost tables, or of the whole text if it has no environment."""
    start = depth = 0
    found = False
    for match in _ENVIRONMENT.finditer(_COMMENT.sub(lambda comment: " " * len(comment[0]), source.text)):
        found = True
        if match[1] == "begin":
            start, depth = (start, depth + 1) if depth else (match.start(), 1)
        elif depth:
            depth -= 1
            if not depth:
                yield start, match.end()
    if depth:
        span = offset_span(source, start, start + 1)
        raise unreadable(span, "this table has no end", r"close its environment with `\end{...}`")
    if not found:
        yield 0, len(source.text)


def _table(source: Source, start: int, end: int) -> Grid:
    walker = library("pylatexenc.latexwalker")
    text = _CMIDRULE.sub(lambda rule: " " * len(rule[0]), source.text[start:end])
    try:
        nodes, _, _ = walker.LatexWalker(text, latex_context=_arguments()).get_latex_nodes()
        inner = _body(nodes)
        parts = spread(_rows(inner, source, start))
    except RecursionError:
        span = offset_span(source, start, start + 1)
        raise unreadable(span, "the markup of this table is nested too deeply", "write its cells as text") from None
    except walker.LatexWalkerError as error:
        place = start + min(getattr(error, "pos", None) or 0, max(end - start - 1, 0))
        message = " ".join(str(getattr(error, "msg", error)).split())
        raise unreadable(offset_span(source, place, place + 1), f"this is not valid LaTeX: {message}") from None
    return grid([row for row in parts if len(row) > 1 or any(cell.text for cell in row)], source)


@cache
def _arguments() -> Any:
    """The macros of tables, beside those that the library knows."""
    walker, macros = library("pylatexenc.latexwalker"), library("pylatexenc.macrospec")
    context = walker.get_default_latex_context_db()
    specs = [macros.MacroSpec(name, args) for name, args in {**_SHOWN, **_SUPERSCRIPTS, **_HIDDEN}.items()]
    specs += [macros.MacroSpec("stackanchor", "[{{"), macros.MacroSpec("tabularnewline", "["), macros.MacroSpec("cr")]
    environments = [macros.EnvironmentSpec(name, "{") for name in ("longtabu", "tabu", "tblr", "NiceTabular")]
    environments += [macros.EnvironmentSpec(name, "{{") for name in ("tabularx", "tabulary", "tabular*")]
    environments += [macros.EnvironmentSpec(name, "[{") for name in ("tabular", "array", "longtable", "xtabular")]
    context.add_context_category("tables", prepend=True, macros=specs, environments=environments)
    return context


@cache
def _texts() -> Any:
    """What turns nodes into plain text."""
    module = library("pylatexenc.latex2text")
    context = module.get_default_latex_context_db()
    macros = [module.MacroTextSpec(name, _last) for name in _SHOWN]
    macros += [module.MacroTextSpec(name, _superscript) for name in _SUPERSCRIPTS]
    macros += [module.MacroTextSpec(name, "") for name in _HIDDEN]
    macros += [module.MacroTextSpec("stackanchor", _stack), module.MacroTextSpec("\\", " ")]
    macros += [module.MacroTextSpec("textasciicircum", "^"), module.MacroTextSpec("circ", "°")]
    environments = [module.EnvironmentTextSpec(name, _environment) for name in NAMES.split("|")]
    context.add_context_category("tables", prepend=True, macros=macros, environments=environments)
    return module.LatexNodes2Text(
        latex_context=context, math_mode="text", keep_comments=False, strict_latex_spaces=False
    )


def _arguments_of(node: Any) -> list[Any]:
    return list(node.nodeargd.argnlist) if node.nodeargd else []


def _last(node: Any, l2tobj: Any) -> str:
    return _text(_arguments_of(node)[-1:])


def _superscript(node: Any, l2tobj: Any) -> str:
    return f"^{_text(_arguments_of(node)[-1:])}"


def _stack(node: Any, l2tobj: Any) -> str:
    return " ".join(_text([argument]) for argument in _arguments_of(node)[1:])


def _environment(node: Any, l2tobj: Any) -> str:
    """A table inside a cell: its rows one after the other."""
    return " ".join(filter(None, (_text(cell) for row in _split(node.nodelist) for cell in row)))


def _text(nodes: Sequence[Any]) -> str:
    """The plain text of nodes, on one line."""
    return " ".join(str(_texts().nodelist_to_text([node for node in nodes if node is not None])).split())


def _body(nodes: Sequence[Any]) -> Sequence[Any]:
    """The nodes inside the environment; all nodes where there is none."""
    for node in nodes:
        if getattr(node, "environmentname", "").removesuffix("*") in NAMES.split("|"):
            return list(node.nodelist)
    return nodes


def _split(nodes: Sequence[Any]) -> Iterator[list[list[Any]]]:
    """The nodes of every cell, row by row."""
    row: list[list[Any]] = [[]]
    for node in nodes:
        if getattr(node, "specials_chars", "") == "&":
            row.append([])
        elif getattr(node, "macroname", None) in _ROW_ENDS:
            yield row
            row = [[]]
        else:
            row[-1].append(node)
    yield row


def _rows(nodes: Sequence[Any], source: Source, start: int) -> Iterator[list[tuple[Cell, int, int]]]:
    """The cells of every row, and what they span; the rows below a `multirow` leave its cells out."""
    covered: dict[int, int] = {}
    for row in _split(nodes):
        if not any(_is_content(node) for cell in row for node in cell) and len(row) == 1:
            continue
        cells: list[tuple[Cell, int, int]] = []
        column = 0
        for inner in row:
            cell, columns, lines = _cell(inner, source, start)
            if covered.get(column) and not cell.text:
                covered[column] -= 1
            else:
                cells.append((cell, columns, lines))
                covered[column] = lines - 1
            column += columns
        yield cells


def _is_content(node: Any) -> bool:
    return not (
        getattr(node, "macroname", None) in _HIDDEN
        or hasattr(node, "comment")
        or not getattr(node, "chars", "x").strip()
    )


def _cell(nodes: list[Any], source: Source, start: int) -> tuple[Cell, int, int]:
    """A cell, and the columns and rows that it spans."""
    columns = lines = 1
    while (single := _single(nodes)) is not None and single.macroname in ("multicolumn", "multirow"):
        arguments = _arguments_of(single)
        if single.macroname == "multicolumn":
            columns = _count(arguments[0], MAX_COLUMNS)
        else:
            lines = _count(arguments[1], MAX_ROWS)
        nodes = list(getattr(arguments[-1], "nodelist", [arguments[-1]]))
    shown = [node for node in nodes if _is_content(node)]
    text = _text(nodes)
    if shown:
        begin, end = start + shown[0].pos, start + shown[-1].pos + shown[-1].len
        written = source.text[begin:end]
        begin += len(written) - len(written.lstrip())
        return Cell(text, offset_span(source, begin, begin + len(written.strip()))), columns, lines
    place = start + (nodes[0].pos if nodes else 0)
    return Cell(text, offset_span(source, place, place + 1)), columns, lines


def _single(nodes: list[Any]) -> Any:
    """The only node of a cell that shows something, if it is a macro."""
    shown = [node for node in nodes if _is_content(node)]
    return shown[0] if len(shown) == 1 and hasattr(shown[0], "macroname") else None


def _count(argument: Any, most: int) -> int:
    digits = _text([argument])[:9] if argument is not None else ""
    return min(max(int(digits), 1), most + 1) if digits.isascii() and digits.isdecimal() else 1
