"""Drafts of modules: what the names of the columns say about branches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from inception_dsl.authoring.transcription.columns import Column

_KERNEL: Final = re.compile(r"(double |triple )?#?([0-9]{1,2})x([0-9]{1,2})", re.IGNORECASE)
_INSIDE: Final = re.compile(r"(?<![0-9])([1-9])x([1-9])(?![0-9])")
_REDUCE: Final = re.compile(r"(double |triple )?#?([0-9]{1,2}x[0-9]{1,2}) ?(reduc(e|tion)|bottleneck)", re.IGNORECASE)
_PROJECTION: Final = re.compile(r"(pool )?proj(ection)?", re.IGNORECASE)
_TIMES: Final = {"double ": 2, "triple ": 3}


class Branch(NamedTuple):
    """A branch of a module: its label, its steps, and whether the names of columns say what they are."""

    label: str
    steps: tuple[str, ...]
    sure: bool = True

    @property
    def text(self) -> str:
        """The branch as a formula."""
        return " -> ".join(self.steps)


class Draft(NamedTuple):
    """A drafted module: its graph, its columns, and whether every column is explained by its name."""

    graph: str
    columns: tuple[str, ...]
    sure: bool


def branches(columns: Sequence[Column], stride: int = 1, padding: str = "") -> Iterator[Branch]:
    """The branches that columns describe, each with the stride at its last convolution."""
    reduction: dict[str, str] = {}
    pool = ""
    for column in columns:
        name = column.name
        if column.role == "pool":
            pool = name
        elif (match := _REDUCE.fullmatch(name)) and (key := f"{match[1] or ''}{match[2]}".lower()) not in reduction:
            reduction[key] = name
        elif match := _KERNEL.fullmatch(name):
            times = (match[1] or "").lower()
            kernel = f"{match[2]}x{match[3]}"
            first = reduction.pop(f"{times}{kernel}", None)
            steps = [f"conv {kernel} {{{name}}}{padding if kernel != '1x1' else ''}"] * _TIMES.get(times, 1)
            steps[-1] = steps[-1].replace(kernel, f"{kernel}/{stride}", 1) if stride > 1 else steps[-1]
            label = f"{times}{kernel}".replace(" ", "_")
            yield Branch(label, (*([f"conv 1x1 {{{first}}}"] if first else []), *steps))
        elif _PROJECTION.fullmatch(name):
            kind = f"{{{pool}}}" if pool else "maxpool"
            pool = ""
            yield Branch("pool", (f"{kind} 3x3/{stride} same", f"conv 1x1 {{{name}}}"))
        else:
            kernel = f"{match[1]}x{match[2]}" if (match := _INSIDE.search(name)) else "1x1"
            words = padding if kernel != "1x1" else ""
            yield Branch("", (f"conv {kernel} {{{name}}}{words}",), sure=False)
    if pool:
        yield Branch("pool", (f"{{{pool}}} 3x3/{stride} same",))
    for name in reduction.values():
        yield Branch("", (f"conv 1x1 {{{name}}}",), sure=False)


def draft(columns: Sequence[Column], stride: int, padding: str, passes: bool) -> Draft:
    """The module of rows that fill these columns; `passes` says that a pool passes its input on beside the branches."""
    by_role: dict[str, str] = {column.role: column.name for column in columns}
    parts = list(branches([c for c in columns if c.role in ("argument", "pool")], stride, padding))
    parts += [Branch("pool", (f"maxpool 3x3/{stride}",))] if passes else []
    sure = all(part.sure for part in parts) and not {"width", "stride", "repeat"} & {*by_role}
    labelled = [part for part in parts if part.label]
    if len(parts) > 1 and len(labelled) == len(parts) == len({part.label for part in parts}):
        room = max(len(part.label) for part in parts) + 1
        graph = "\n".join(f"| {f'{part.label}:':{room}} {part.text}" for part in parts)
    else:
        graph = " | ".join(part.text for part in parts) or "pass"
    step = f"/{{{by_role['stride']}}}" if "stride" in by_role else f"/{stride}" if stride > 1 else ""
    opened = _then(graph, by_role, step, padding)
    if "repeat" in by_role:  # the first of several has the stride
        opened += f" -> {{{by_role['repeat']} - 1}} of [ {_then(graph, by_role, '', padding)} ]"
    return Draft(opened, tuple(column.name for column in columns), sure and graph != "pass")


def _then(graph: str, by_role: Mapping[str, str], stride: str, padding: str) -> str:
    """A graph with the layer behind it that takes the width and the stride of a row, where columns have them."""
    if "width" in by_role:
        last = f"conv 3x3{stride} {{{by_role['width']}}}{padding}"
    elif "stride" in by_role and stride:
        last = f"maxpool 1x1{stride} valid"
    else:
        return graph
    return last if graph == "pass" else f"[ {graph} ] -> {last}"
