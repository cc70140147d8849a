"""Edits of a variant, drawn at random for a given spec: every verb and kind, most of them possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import strategies as st

from inception_dsl.analysis.cost import cost
from inception_dsl.ir.program import TOTALS
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import MEASURES, column_of
from inception_dsl.spec.models import VERBS
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.variant_models import KINDS

T = TypeVar("T")

LAYERS = (
    "conv 3x3 8 same",
    "conv 1x1 4 norm=bn",
    "bn",
    "lrn 5",
    "pass",
    "relu",
    "dropout 20%",
    "[ pass | conv 1x1 2 ]",
)
"""What may stand in any row that gives an image."""
GRAPHS = ("conv 1x1 6", "[ pass + conv 3x3 {in} same ]", "conv 1x1 {k} -> conv 3x3 4 same", "bn -> relu")
"""Of a module."""
HEADS = ("avgpool global -> fc 7", "fc {classes}", "avgpool global -> fc 6 -> fc {classes}")
DEFAULTS = {
    "conv": ("same relu", "same bn", "same_upper bias"),
    "lrn": ("k=2", "alpha=0.001"),
    "fc": ("bias=none", "relu"),
}
WORDS = {"conv": ("he", "normal std=0.01"), "fc": ("glorot", "xavier bias=0.1")}
COLUMNS = ({"unit": 1024}, {"rounding": "down"}, {"bias": False}, {"unit": 1000, "rounding": "nearest"})


def edits(spec: NetworkSpec, network: Typed) -> st.SearchStrategy[dict[str, Any]]:
    """The data of a variant of a spec: its keys but `extends` and `network`."""
    return st.composite(lambda draw: _Variant(draw, spec, network).data())()


class _Variant:
    """Draws the edits of one variant; a method a kind of part says what may be said of one."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], spec: NetworkSpec, network: Typed) -> None:
        self._draw = draw
        self.spec = spec
        self.network = network
        self.published = network.program.published
        self.fresh = iter(f"new{i}" for i in range(99))
        published = spec.published
        self.parts: dict[str, list[str]] = {
            "rows": [row.name for row in spec.rows],
            "columns": [column for column in spec.rows[0].cells if column not in ("name", "layer")],
            "modules": [*spec.modules],
            "heads": [head.name for head in spec.heads],
            "defaults": [*spec.defaults],
            "settings": [*spec.settings],
            "totals": [*published.get("totals", {})],
            "errata": [*published.get("errata", {})],
        }

    def pick(self, *choices: T) -> T:
        picked: T = self._draw(st.sampled_from(choices))
        return picked

    def data(self) -> dict[str, Any]:
        """One to three edits, and perhaps keys that are given anew."""
        made: dict[str, Any] = {}
        for _ in range(self.pick(1, 1, 2, 3)):
            verb = self.pick(*VERBS)
            kind = self.pick("rows", *(("modules", "heads") if verb == "rename" else KINDS))
            getattr(self, verb)(made.setdefault(verb, {}), kind)
        if self.pick(False, False, True):
            made |= self.anew()
        return {key: value for key, value in made.items() if value}

    def anew(self) -> dict[str, Any]:
        return self.pick(
            {"title": "Another"},
            {"paper": {"year": 2020}},
            {"classes": 5},
            {"input": f"3x{self.pick(33, 40)}x{self.pick(32, 41)}"},
            {"reported": "metric | value | data | source\nerror | 2% | drawn | nowhere\n"},
            {"init": {"source": "nowhere", self.pick(*WORDS): self.pick(*WORDS["conv"])}},
        )

    # --- the verbs ----------------------------------------------------------------------------------------------------

    def rename(self, document: dict[str, Any], kind: str) -> None:
        """One part gets a new name, or two swap theirs."""
        if names := self.parts[kind]:
            one, other = self.pick(*names), self.pick(*names, None)
            document.setdefault(kind, {}).update(
                {one: next(self.fresh)} if other in (None, one) else {one: other, other: one}
            )

    def remove(self, document: dict[str, Any], kind: str) -> None:
        if names := self.parts[kind]:
            document.setdefault(kind, []).append(self.pick(*names))

    def override(self, document: dict[str, Any], kind: str) -> None:
        """Of rows, rather those that the paper errs in."""
        if names := self.parts[kind]:
            wrong = [each.row for each in self.published.errata if each.row in names]
            name = self.pick(*names, *wrong, *wrong, *wrong)
            document.setdefault(kind, {})[name] = getattr(self, kind)(name, new=False)

    def insert(self, document: dict[str, Any], kind: str) -> None:
        """A part of a name that is new, or not: what cannot be must be told alike."""
        if kind == "rows":
            anchor = {self.pick("after", "before"): self.pick(*self.parts["rows"][:-1])}
            row = {**anchor, "name": next(self.fresh), **self.rows(self.parts["rows"][0], new=True)}
            document.setdefault("rows", []).append(row)
            return
        name = self.pick(*dict.fromkeys(self.new_names(kind)))
        document.setdefault(kind, {})[name] = getattr(self, kind)(name, new=True)

    def new_names(self, kind: str) -> Iterator[str]:
        match kind:
            case "defaults":
                yield from DEFAULTS
            case "totals":
                yield from ("params", "ops", "depth")
            case "columns":
                yield from ("params", "ops")
            case "errata":
                yield from (f"{row}.params" for row in (*self.parts["rows"], TOTALS))
            case _:
                yield next(self.fresh)

    # --- what is said of a part of a kind -----------------------------------------------------------------------------

    def rows(self, name: str, *, new: bool) -> dict[str, Any]:
        cells: dict[str, Any] = {"layer": self.layer()} if new or self.pick(True, False) else {}
        for column in self.pick([], ["params"], ["output"], ["params", "ops"]):
            wrong = "7x7x7" if column == "output" else "12K"
            cells[column] = self.pick(None, wrong, self.computed(name, column))
        return cells or {"depth": self.pick(None, 1, 2)}

    def layer(self) -> str:
        """A layer of any image, or a call of a module."""
        return self.pick(*LAYERS, *self.spec.modules)

    def computed(self, name: str, column: str) -> str:
        """What the network has before the edit."""
        counted = cost(self.network)
        row = counted.trunk if name == TOTALS else counted.rows[name]
        printed = column_of(self.published, column)
        value = MEASURES[printed.measure].of(row, printed)
        return str(value)

    def columns(self, name: str, *, new: bool) -> dict[str, Any]:
        return self.pick(*COLUMNS)

    def modules(self, name: str, *, new: bool) -> dict[str, Any]:
        graph = {"graph": self.pick(*GRAPHS)}
        return graph if new else self.pick(graph, {"doc": "another"}, {"doc": None}, {**graph, "columns": None})

    def heads(self, name: str, *, new: bool) -> dict[str, Any]:
        source = {"from": self.pick(*self.parts["rows"][:-1])}
        graph = {"graph": self.pick(*HEADS)}
        return {**source, **graph} if new else self.pick(source, graph, {"loss_weight": 0.5}, {"loss_weight": None})

    def defaults(self, name: str, *, new: bool) -> str:
        return self.pick(*DEFAULTS.get(name, ("",)))

    def settings(self, name: str, *, new: bool) -> Any:
        return self.pick(1, 2) if new or name != "width" else self.pick(0.5, 2.0, {"max": 8})

    def totals(self, name: str, *, new: bool) -> Any:
        return self.pick("12K", self.computed(TOTALS, name))

    def errata(self, name: str, *, new: bool) -> str:
        return self.pick("a slip", "the paper says so")
