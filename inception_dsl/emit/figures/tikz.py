"""Scene -> TikZ: a LaTeX document of one picture, with a style for each kind of box, so that it can be edited."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from inception_dsl.emit.figures.latex import UNICODE, latex
from inception_dsl.emit.figures.model import Figure
from inception_dsl.emit.figures.paint import CORNERS, PAINTS
from inception_dsl.emit.figures.placement import scene
from inception_dsl.emit.figures.scene import Group, Line, Part, Role, Scene, Shape, Text, coordinate
from inception_dsl.emit.picture.look import INK, LABEL, WIRE

LARGEST: Final = 8000
"""Points of a page at most, half of what TeX counts to; a larger figure is drawn smaller."""

MISMATCH: Final = r"\newcommand{\mismatch}{\raisebox{.1ex}{\rlap{/}\textbackslash}}"
"""A cross, which Computer Modern does not have."""

_FONTS: Final[Mapping[Role, str]] = {
    "heading": r"\Large\bfseries",
    "caption": r"\fontsize{12}{15}\selectfont\bfseries",
    "title": r"\fontsize{12}{15}\selectfont\bfseries",
    "detail": r"\fontsize{10}{13}\selectfont",
    "value": r"\fontsize{10.95}{14}\selectfont\itshape",
    "edge": r"\fontsize{10}{13}\selectfont",
}
"""The fonts of the roles of text, in the sizes that Computer Modern has."""

_IN_BOXES: Final[tuple[Role, ...]] = ("title", "detail", "value")


def tikz(figure: Figure, down: bool = True) -> str:
    """The figure as a LaTeX file for pdfLaTeX, which needs the packages TikZ, geometry and amssymb alone."""
    return "".join(f"{line}\n" for line in _document(figure, scene(figure, down)))


def _document(figure: Figure, placed: Scene) -> Iterator[str]:
    scale = min(1, math.floor(1e4 * LARGEST / max(placed.width, placed.height)) / 1e4)
    width, height = (f"{math.ceil(side * scale) + 1}" for side in (placed.width, placed.height))  # TeX rounds, too
    yield r"% Compile it with pdflatex, or copy the preamble and the picture to another document."
    yield r"\documentclass{article}"
    yield rf"\usepackage[paperwidth={width}pt, paperheight={height}pt, margin=0pt]{{geometry}}"
    yield r"\usepackage{amssymb}"
    yield r"\usepackage{tikz}"
    yield r"\usetikzlibrary{arrows.meta}"
    yield from _styles(scale)
    yield from (UNICODE, MISMATCH)
    yield from (rf"\newcommand{{\box{role}}}[1]{{{{{_FONTS[role]} #1}}}}" for role in _IN_BOXES)
    yield r"\begin{document}"
    yield r"\pagestyle{empty}\noindent"
    small = f", every node/.style={{scale={scale:g}}}" if scale < 1 else ""
    yield rf"\begin{{tikzpicture}}[x={scale:g}pt, y=-{scale:g}pt{small}]"
    yield f"  \\path (0,0) rectangle ({coordinate(placed.width)},{coordinate(placed.height)});"
    for group in placed.groups:
        yield from (f"  {line}" for line in _group(group, scale))
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _styles(scale: float) -> Iterator[str]:
    """The colours, and the styles of boxes, lines and words; TikZ scales none of these lengths by itself."""
    yield from (_colour("ink", INK.light), _colour("label", LABEL.light), _colour("wire", WIRE.light))
    for kind, paint in PAINTS.items():
        if paint.fill.light != "none":
            yield _colour(f"{kind} fill", paint.fill.light)
        yield _colour(f"{kind} line", paint.stroke.light)
    yield r"\tikzset{"
    yield r"  words/.style={font=\sffamily, text=ink, inner sep=0pt},"

    def points(length: float) -> str:
        return f"{length * scale:g}pt"

    yield rf"  box/.style={{words, align=center, rounded corners={points(3)}, line width={points(1)}}},"
    for kind, paint in PAINTS.items():
        fill = "" if paint.fill.light == "none" else f", fill={kind} fill"
        corners = f", rounded corners={points(CORNERS[kind])}" if kind in CORNERS else ""
        dashed = ", densely dashed" if kind == "value" else ""
        yield f"  {kind} box/.style={{box{fill}, draw={kind} line{corners}{dashed}}},"
    yield rf"  wire/.style={{draw=wire, line width={points(1.25)}}},"
    yield r"  skip/.style={wire, dashed},"
    yield rf"  arrow/.style={{-{{Triangle[length={points(7)}, width={points(6)}]}}}},"
    yield rf"  dot/.style={{{{Circle[length={points(5)}, sep={points(-2.5)}]}}-}},"
    yield r"  line of words/.style={words, text height=1.4ex, text depth=0pt},"
    labels: Mapping[Role, str] = {"heading": "ink", "caption": "ink", "edge": "label"}
    for role, colour in labels.items():
        yield f"  {role} words/.style={{line of words, font={_FONTS[role]}\\sffamily, text={colour}}},"
    yield "}"


def _colour(name: str, colour: str) -> str:
    return rf"\definecolor{{{name}}}{{HTML}}{{{colour.removeprefix('#').upper()}}}"


def _group(group: Group, scale: float) -> Iterator[str]:
    name = re.sub(r"[^A-Za-z0-9]+", " ", group.row).strip()
    if name:
        yield f"% {name}"
    for part in group.parts:
        yield from _part(part, name, scale)
        if isinstance(part, Shape):
            name = ""  # only the first shape of a row has its name


def _part(part: Part, name: str, scale: float) -> Iterator[str]:
    match part:
        case Shape(region, kind, words):
            named = f"({name}) " if name else ""
            middle = _point(region.x + region.width / 2, region.y + region.height / 2)
            text = r" \\ ".join(rf"\box{role}{{{latex(words)}}}" for words, role in words)
            if max(region.width, region.height) > LARGEST:  # TeX cannot count to the size that it would scale
                own = f"{kind} box, scale={1 / scale:g}, {_size(region.width * scale, region.height * scale)}"
                yield rf"\node[{own}] {named}at {middle} {{}};"
                yield rf"\node[words, align=center] at {middle} {{{text}}};"
            else:
                yield rf"\node[{kind} box, {_size(region.width, region.height)}] {named}at {middle} {{{text}}};"
        case Line(points, arrow, dashed, dot):
            style = f"{'skip' if dashed else 'wire'}{', arrow' * arrow}{', dot' * dot}"
            yield rf"\draw[{style}] {' -- '.join(_point(x, y) for x, y in points)};"
        case Text(x, y, text, role, anchor):
            side = ", anchor=west" if anchor == "start" else ""
            yield rf"\node[{role} words{side}] at {_point(x, y)} {{{latex(text)}}};"


def _size(width: float, height: float) -> str:
    return f"minimum width={coordinate(width)}pt, minimum height={coordinate(height)}pt"


def _point(x: float, y: float) -> str:
    return f"({coordinate(x)},{coordinate(y)})"
