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
    yield from _styles()
    yield from (UNICODE, MISMATCH)
    yield from (rf"\newcommand{{\box{role}}}[1]{{{{{_FONTS[role]} #1}}}}" for role in _IN_BOXES)
    yield r"\begin{document}"
    yield r"\pagestyle{empty}\noindent"
    small = f", every node/.style={{scale={scale:g}}}" if scale < 1 else ""
    yield rf"\begin{{tikzpicture}}[x={scale:g}pt, y=-{scale:g}pt{small}]"
    yield f"  \\path (0,0) rectangle ({coordinate(placed.width)},{coordinate(placed.height)});"
    for group in placed.groups:
        yield from (f"  {line}" for line in _group(group))
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _styles() -> Iterator[str]:
    yield from (_colour("ink", INK.light), _colour("label", LABEL.light), _colour("wire", WIRE.light))
    for kind, paint in PAINTS.items():
        if paint.fill.light != "none":
            yield _colour(f"{kind} fill", paint.fill.light)
        yield _colour(f"{kind} line", paint.stroke.light)
    yield r"\tikzset{"
    yield r"  words/.style={font=\sffamily, text=ink, inner sep=0pt},"
    yield r"  box/.style={words, align=center, rounded corners=3pt, line width=1pt},"
    for kind, paint in PAINTS.items():
        fill = "" if paint.fill.light == "none" else f", fill={kind} fill"
        corners = f", rounded corners={CORNERS[kind]:g}pt" if kind in CORNERS else ""
        dashed = ", densely dashed" if kind == "value" else ""
        yield f"  {kind} box/.style={{box{fill}, draw={kind} line{corners}{dashed}}},"
    yield r"  wire/.style={draw=wire, line width=1.25pt},"
    yield r"  skip/.style={wire, dashed},"
    yield r"  arrow/.style={-{Triangle[length=7pt, width=6pt]}},"
    yield r"  dot/.style={{Circle[length=5pt, sep=-2.5pt]}-},"
    yield r"  line of words/.style={words, text height=1.4ex, text depth=0pt},"
    labels: Mapping[Role, str] = {"heading": "ink", "caption": "ink", "edge": "label"}
    for role, colour in labels.items():
        yield f"  {role} words/.style={{line of words, font={_FONTS[role]}\\sffamily, text={colour}}},"
    yield "}"


def _colour(name: str, colour: str) -> str:
    return rf"\definecolor{{{name}}}{{HTML}}{{{colour.removeprefix('#').upper()}}}"


def _group(group: Group) -> Iterator[str]:
    name = re.sub(r"[^A-Za-z0-9]+", " ", group.row).strip()
    if name:
        yield f"% {name}"
    for part in group.parts:
        yield _part(part, name)
        if isinstance(part, Shape):
            name = ""  # only the first shape of a row has its name


def _part(part: Part, name: str) -> str:
    match part:
        case Shape(region, kind, words):
            x, y = region.x + region.width / 2, region.y + region.height / 2
            size = f"minimum width={coordinate(region.width)}pt, minimum height={coordinate(region.height)}pt"
            text = r" \\ ".join(rf"\box{role}{{{latex(words)}}}" for words, role in words)
            return rf"\node[{kind} box, {size}] {f'({name}) ' if name else ''}at {_point(x, y)} {{{text}}};"
        case Line(points, arrow, dashed, dot):
            style = f"{'skip' if dashed else 'wire'}{', arrow' * arrow}{', dot' * dot}"
            return rf"\draw[{style}] {' -- '.join(_point(x, y) for x, y in points)};"
        case Text(x, y, text, role, anchor):
            side = ", anchor=west" if anchor == "start" else ""
            return rf"\node[{role} words{side}] at {_point(x, y)} {{{latex(text)}}};"


def _point(x: float, y: float) -> str:
    return f"({coordinate(x)},{coordinate(y)})"
