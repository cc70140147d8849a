"""Modules: structures of a network that occur several times, or are too large for a row of its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inception_dsl.adopt.columns import Sample, template
from inception_dsl.adopt.names import valid
from inception_dsl.adopt.scopes import Path
from inception_dsl.adopt.slots import is_layer, skeleton
from inception_dsl.elaborate.references import AGAIN
from inception_dsl.ir.values import Name, Number, Value
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax.terms import Branches, Chain, Labelled, Scaled, Term, Use, WordTerm, given_in, walk

FEWEST_LAYERS: Final = 4
"""The fewest layers of a module that occurs once; a chain has to be as long to be one at all."""

MOST_COLUMNS: Final = 3
"""The most columns that structures which differ in kernels, strides and activations may add to become one module."""

MOST_LETTERS: Final = 9
"""The most modules of one name that letters distinguish."""


@dataclass(frozen=True)
class Candidate:
    """A structure that may become a call of a module, with its path in the source and the class of its module."""

    sample: Sample
    path: Path
    kind: str = ""


@dataclass
class Module:
    """A module: its graph, its columns with their kinds, and the structures that it stands for."""

    name: str
    graph: Term
    kinds: dict[str, str]
    places: list[Candidate]


@dataclass
class Modules:
    """The modules found so far, by name."""

    found: dict[str, Module] = field(default_factory=dict)

    @property
    def kinds(self) -> Mapping[str, Mapping[str, str]]:
        """The kinds of the columns of every module."""
        return {name: module.kinds for name, module in self.found.items()}

    def extract(self, candidates: Sequence[Candidate]) -> list[Use | None]:
        """A call for every candidate that becomes one, with its arguments as words; None for the others."""
        calls: list[Use | None] = [None] * len(candidates)
        groups = self._groups(candidates)
        templates = [template([candidates[index].sample for index in group], self.kinds) for group in groups]
        names = [
            self._name([candidates[index] for index in group], made.term)
            for group, made in zip(groups, templates, strict=True)
        ]
        letters: Counter[str] = Counter()
        for group, made, base in zip(groups, templates, names, strict=True):
            letters[base] += 1
            letter = f"_{chr(ord('a') + letters[base] - 1)}" if 1 < names.count(base) <= MOST_LETTERS else ""
            name = valid(f"{base}{letter}", {*self.found, *LAYERS, AGAIN})
            members = [candidates[index] for index in group]
            self.found[name] = Module(name, with_labels(made.term), made.kinds, members)
            for place, index in enumerate(group):
                words = (WordTerm(column, _value(values[place])) for column, values in made.values.items())
                calls[index] = Use(name, words=tuple(words))
        return calls

    def _groups(self, candidates: Sequence[Candidate]) -> list[list[int]]:
        """The candidates that are calls of one module."""
        strict: dict[Hashable, list[int]] = {}
        for index, candidate in enumerate(candidates):
            strict.setdefault(skeleton(candidate.sample.term, self.kinds), []).append(index)
        loose: dict[Hashable, list[list[int]]] = {}
        for group in strict.values():
            first = candidates[group[0]]
            loose.setdefault((first.kind, skeleton(first.sample.term, self.kinds, loose=True)), []).append(group)
        groups: list[list[int]] = []
        for alike in loose.values():
            together = sorted(index for group in alike for index in group)
            if len(alike) > 1:
                own = [len(self._columns(candidates, group)) for group in alike]
                more = len(self._columns(candidates, together)) - max(own)
                groups += [together] if more <= MOST_COLUMNS else alike
            else:
                groups.append(together)
        groups = [group for group in groups if is_worth(candidates[group[0]].sample.term, len(group))]
        return sorted(groups)

    def _columns(self, candidates: Sequence[Candidate], group: Sequence[int]) -> dict[str, str]:
        return template([candidates[index].sample for index in group], self.kinds).kinds

    def _name(self, places: Sequence[Candidate], graph: Term) -> str:
        kinds = Counter(place.kind for place in places if place.kind)
        return kinds.most_common(1)[0][0] if kinds else _described(graph)


def _value(value: Any) -> Value | str:
    return Number(value) if isinstance(value, int | float) else value


def is_worth(term: Term, times: int) -> bool:
    """Whether a structure that occurs this often should be a module."""
    layers = sum(map(is_layer, walk(term)))
    joins = any(isinstance(inner, Branches) for inner in walk(term))
    if times == 1:
        reads_rows = any(True for inner in walk(term) for _ in given_in(inner))  # then a row is as clear as a call
        return joins and layers >= FEWEST_LAYERS * (1 + reads_rows)
    return layers >= 2 if joins else layers + (times > 3) >= FEWEST_LAYERS - any(map(_is_depthwise, walk(term)))


def _is_depthwise(term: Term) -> bool:
    return isinstance(term, Use) and any(word.text == "depthwise" for word in term.words)


def _described(graph: Term) -> str:
    """A word for a structure."""
    inner = list(walk(graph))
    if any(isinstance(step, Use) and isinstance(step.name, Name) for step in inner):
        return "cell"
    outer = graph.steps if isinstance(graph, Chain) else (graph,)
    join = next((step for step in outer if isinstance(step, Branches)), None)
    depthwise = any(map(_is_depthwise, inner))
    if any(isinstance(step, Use) and step.name == "shuffle" for step in inner):
        return "shuffle_unit"
    if join is None or (join.join == "*" and len(outer) > 2):
        leads = next((step for step in outer if isinstance(step, Use) and step.kernel), graph)
        return "block" if not depthwise else "separable" if _is_depthwise(leads) else "inverted"
    passes = any(_passes(branch) for branch in join.branches)
    match join.join:
        case "*":
            pools = any(isinstance(step, Use) and step.name == "avgpool" for step in inner)
            return "se" if passes and pools else "gate"
        case "+" if any(isinstance(step, Branches) and step.join == "|" for step in inner):
            return "inception_residual"
        case "+" if not passes:
            return "projection"
        case "+":
            convs = sum(isinstance(step, Use) and step.name == "conv" for step in inner)
            return "inverted_residual" if depthwise else "bottleneck" if convs > 2 else "residual"
        case _ if passes:
            return "dense"
        case _ if len(outer) > 1 and join is outer[-1] and len(join.branches) == 2:
            return "fire"
        case _:
            first = [branch.steps[0] if isinstance(branch, Chain) else branch for branch in join.branches]
            uses = [step for step in first if isinstance(step, Use)]
            strided = any(str(use.name).endswith("pool") and use.stride for use in uses)
            return "reduction" if strided else "inception"


def with_labels(graph: Term) -> Term:
    """The branches of a concatenation with labels, as papers call them: by their largest kernel, or by their pool."""
    if not isinstance(graph, Branches) or graph.join != "|" or any(isinstance(each, Labelled) for each in walk(graph)):
        return graph
    labels = [_label(branch) for branch in graph.branches]
    if "" in labels or len(labels) < 3:
        return graph
    found: list[str] = []
    for label, branch in zip(labels, graph.branches, strict=True):
        deep = sum(isinstance(inner, Use) and inner.kernel is not None for inner in walk(branch)) > 2
        name = f"{label}dbl" if labels.count(label) > 1 and deep and f"{label}dbl" not in found else label
        number = 2
        while name in found:
            name, number = f"{label}_{number}", number + 1
        found.append(name)
    return Branches("|", tuple(Labelled(label, branch) for label, branch in zip(found, graph.branches, strict=True)))


def _label(branch: Term) -> str:
    """What a branch is called; "" for one that passes its input, or that has no kernel."""
    uses = [inner for inner in walk(branch) if isinstance(inner, Use) and is_layer(inner)]
    if any(str(use.name).endswith("pool") for use in uses):
        return "pool"
    sizes = [size for use in uses if (size := _kernel(use))]
    return max(sizes, key=lambda size: max(map(int, size.split("x")))) if sizes else ""


def _kernel(use: Use) -> str:
    values = [size.value for size in use.kernel or () if isinstance(size, Number)]
    return "x".join(map(str, values)) if len(values) == 2 else ""


def _passes(branch: Term) -> bool:
    return (isinstance(branch, Use) and branch.name == "pass") or (isinstance(branch, Scaled) and _passes(branch.term))
