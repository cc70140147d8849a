"""References: `@name`, the value of an earlier row or step, and `again label`, a step applied once more.

A formula is read from left to right, and so are its references: they read what stands to their left, or rows above.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.dataflow import parts_of, references, steps_read
from inception_dsl.ir.program import Again, Body, Reference

AGAIN = "again"
Explain = Callable[[str, str], Exception]
"""Makes the error of a reference from its message and its hint."""


@dataclass
class Given:
    """What the references in a formula can read so far: rows above it, and its own labelled steps.

    `all_rows` are the rows of the network, `columns` those of the module whose graph it is. Steps inside a repeat give
    several values, and labels that two steps have give none in particular; both are in `unclear`.
    """

    rows: tuple[str, ...] = ()
    all_rows: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    steps: dict[str, Body] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    repeats: int = 0

    def record(self, label: str, body: Body) -> None:
        """Note the value of a labelled step."""
        if label in self.steps:
            self.unclear[label] = f"two steps here are labelled `{label}`"
        elif self.repeats:
            self.unclear[label] = f"`{label}` stands in a repeat, and has a value for every turn"
        self.steps[label] = body

    def read(self, name: str, labels: Collection[str], explain: Explain) -> Reference:
        """The value that `@name` reads in a formula with these labels; `@{name}` reads a column.

        Raises what `explain` makes.
        """
        if name in labels:
            if name in self.rows:
                raise explain(f"`{name}` is a row, and a label in this formula", "rename the label")
            self._check_step(name, explain)
            return Reference(name, "step")
        if self.repeats:
            raise explain("a repeat cannot read values from outside", "write its turns one after the other")
        if name.startswith("{"):
            return Reference(name[1:-1], "argument")
        if name in self.rows:
            return Reference(name, "row")
        known = [*labels, *self.rows]
        if name in self.all_rows and self.columns is None:
            raise explain(f"the row `{name}` has given no value yet", "a row reads the rows above it")
        if name in (self.columns or ()):
            raise explain(f"`{name}` is a column", f"write `{{{name}}}`, and `@row` in the cell or the call")
        if name in self.all_rows:
            hint = f"give the module a column, and write `{{column}}` here and `@{name}` in the call"
            raise explain(f"a module cannot read the row `{name}` itself", hint)
        hint = f"these have given a value: {listing(known)}" if known else "a reference reads what stands before it"
        hint = did_you_mean(name, known) or hint
        raise explain(f"no step or row is called `{name}`", hint)

    def again(self, label: str, labels: Collection[str], explain: Explain) -> Again:
        """The step that `again label` applies once more. Raises what `explain` makes."""
        if label not in labels:
            known = sorted(labels)
            hint = did_you_mean(label, known) or f"write `{AGAIN}` and the label of a step to the left of it"
            first, _, words = label.partition(" ")
            hint = f"`{AGAIN} {first}` takes no words: write `-> {words}`" if words and first in known else hint
            raise explain(f"no step is labelled `{label}`" if label else f"`{AGAIN}` names no step", hint)
        self._check_step(label, explain)
        if any(references(self.steps[label])):
            hint = "only a step that reads nothing but what arrives can be applied to something else"
            raise explain(f"`{label}` reads other values", hint)
        return Again(label)

    def _check_step(self, label: str, explain: Explain) -> None:
        if self.repeats:
            raise explain("a repeat cannot read labelled steps", "make the repeated part a module of its own")
        if label not in self.steps:
            raise explain(f"`{label}` has given no value yet", "a reference reads what stands to its left")
        if label in self.unclear:
            raise explain(self.unclear[label], "a reference reads one value: label another step")


def check_again(body: Body, explain: Explain) -> None:
    """Raise what `explain` makes where a step that is applied again has a step inside that is read by itself."""
    read = steps_read(body)
    applied = {found.label for found in references(body) if isinstance(found, Again)}
    for part in parts_of(body):
        inside = [inner.label for inner in parts_of(part.body) if inner.label in read]
        if part.label in applied and inside:
            message = f"`{part.label}` is applied again, and `{inside[0]}` in it is read by itself"
            raise explain(message, "make one of them a module")
