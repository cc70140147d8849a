"""Figure -> Mermaid: a flowchart with the same boxes, for pages that draw Mermaid themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inception_dsl.emit.figures.model import Box, Element, Figure, Fork, Frame, Kind, Steps, Trunk
from inception_dsl.emit.figures.paint import PAINTS
from inception_dsl.emit.picture.look import INK
from inception_dsl.text.terminal import visible

_SHAPES: Final[dict[Kind, tuple[str, str]]] = {"pool": ("(", ")"), "join": ("([", "])"), "value": ("([", "])")}
"""The brackets around the words of a box; square ones for the others."""

_SAFE: Final = frozenset(" .,+-=/@()")

End = tuple[str, str]
"""A box that an edge leaves, and the label of the edge."""


def mermaid(figure: Figure, down: bool = True) -> str:
    """The figure as the text of a Mermaid flowchart."""
    return "".join(f"{line}\n" for line in _Flowchart(figure, down).lines())


class _Flowchart:
    def __init__(self, figure: Figure, down: bool) -> None:
        self.figure = figure
        self.direction = "TB" if down else "LR"
        self.number = 0
        self.edges: list[str] = []
        self.given: dict[int, str] = {}
        """The boxes of labelled steps."""

    def lines(self) -> Iterator[str]:
        """The whole chart, line by line."""
        figure = self.figure
        yield f"flowchart {self.direction}"
        yield f"  accTitle: {_sentence(figure.title)}"
        yield f"  accDescr: {_sentence(figure.description)}"
        for trunk in figure.trunks:
            if trunk.caption:
                yield f'  subgraph {self._name()}["{_text(trunk.caption)}"]'
            yield from self._trunk(trunk)
            if trunk.caption:
                yield "  end"
        yield from (f"  {edge}" for edge in self.edges)
        for kind, paint in PAINTS.items():
            if kind not in ("frame", "header"):
                yield f"  classDef {kind}_ fill:{paint.fill.light},stroke:{paint.stroke.light},color:{INK.light}"

    def _trunk(self, trunk: Trunk) -> Iterator[str]:
        lines, ends = self._element(trunk.start, [], "  ")
        yield from lines
        given: dict[str, list[End]] = {}
        for row in trunk.rows:
            skips = [end for name in row.reads for end in given.get(name, [])]
            lines, ends = self._element(row.element, ends, "  ")
            yield from lines
            for source, _ in skips:
                self.edges.append(f"{source} -.-> {self.entry}")
            given[row.name] = ends
        for head in trunk.heads:
            lines, _ = self._element(head.row.element, given[head.source], "  ")
            yield from lines

    def _element(self, element: Element, ends: list[End], indent: str) -> tuple[list[str], list[End]]:
        """The lines of an element that is read from some ends, and its own end; `entry` is then its first box."""
        match element:
            case Box():
                name = self._name()
                opening, closing = _SHAPES.get(element.kind, ("[", "]"))
                words = "<br/>".join(map(_text, (element.title, *element.detail)))
                self.entry = name
                if not element.source:
                    self.edges += [_edge(end, name) for end in ends]
                    self.given[element.step] = name
                elif element.step in self.given:
                    self.edges.append(f"{self.given[element.step]} -.-> {name}")
                return [f'{indent}{name}{opening}"{words}"{closing}:::{element.kind}_'], [(name, element.out)]
            case Frame("", inner):
                return self._steps(inner, ends, indent)
            case Frame(title, inner, detail, out):
                name = self._name()
                opened = f'{indent}subgraph {name}["{"<br/>".join(map(_text, (title, *detail)))}"]'
                lines, found = self._steps(inner, ends, indent + "  ")
                return [opened, *lines, f"{indent}end"], [(source, out or label) for source, label in found]
            case Fork(branches, join, labels):
                lines, found = [], []
                for branch, label in zip(branches, labels, strict=True):
                    named = [(source, ": ".join(filter(None, (label, out)))) for source, out in ends]
                    more, last = self._steps(branch, named, indent)
                    lines += more
                    found += last
                more, last = self._element(join, found, indent)
                return [*lines, *more], last

    def _steps(self, steps: Steps, ends: list[End], indent: str) -> tuple[list[str], list[End]]:
        lines: list[str] = []
        entry = ""
        for step in steps:
            more, ends = self._element(step, ends, indent)
            lines += more
            entry = entry or self.entry
        self.entry = entry
        return lines, ends

    def _name(self) -> str:
        self.number += 1
        return f"n{self.number}"


def _edge(end: End, target: str) -> str:
    source, label = end
    return f'{source} -->|"{_text(label)}"| {target}' if label else f"{source} --> {target}"


def _text(text: str) -> str:
    """Text between quotes, with character references (`#34;`) for all but letters, digits and harmless signs."""
    return "".join(char if char in _SAFE or char.isalnum() else f"#{ord(char)};" for char in visible(text))


def _sentence(text: str) -> str:
    """Text to the end of a line, where Mermaid knows no references: only letters, digits and harmless signs stay."""
    return "".join(char if char in _SAFE or char.isalnum() else " " for char in visible(text)).strip() or "figure"
