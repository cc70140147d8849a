"""The layer names of a library's network, and the notation that the tables write them in.

A network is a list of names in canonical order: module by module, branches in the order in which they are joined, from
input to output inside a branch, and the heads after the trunk. `a{b,c}d` stands for `abd acd`, `{2-4}` for `{2,3,4}`;
the leftmost brace varies slowest. Each name is that of one op with weights; a tensor's name adds its own, as in
`conv1.bn.running_mean`. `a:scale` is a layer whose tensor `a.scale` is its weight here, and `a@2` one whose weight has
two dimensions there: the sides of 1 after them are left out, or added. Keras numbers unnamed layers in the order in
which its code makes them: `conv2d_17`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple


class Form(NamedTuple):
    """How a library keeps the weight of a layer: under which name, and with how many dimensions (0: as here)."""

    weight: str = "weight"
    dims: int = 0


class Names:
    """The layer names of one network, in canonical order.

    `name` is the network's name in its library, `spec` that of the built-in spec with the same layers.
    """

    def __init__(self, name: str, spec: str, trunk: str, heads: str = "") -> None:
        self.name, self.spec = name, spec
        self._trunk, self._heads = trunk, heads

    @cached_property
    def trunk(self) -> list[str]:
        """The layers of the trunk, which gives the logits."""
        return [re.split("[:@]", name)[0] for name in self._expanded]

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """The layers of the trunk whose weights have another name or other dimensions there."""
        written = (re.fullmatch(r"([^:@]+)(?::(\w+))?(?:@(\d))?", name) for name in self._expanded)
        forms = {found[1]: Form(found[2] or "weight", int(found[3] or 0)) for found in written if found}
        return {layer: form for layer, form in forms.items() if form != Form()}

    @cached_property
    def _expanded(self) -> list[str]:
        return [name for pattern in self._trunk.split() for name in expand(pattern)]

    @cached_property
    def heads(self) -> list[str]:
        """The layers of the heads, one head after the other."""
        return [name for pattern in self._heads.split() for name in expand(pattern)]


def expand(pattern: str) -> Iterator[str]:
    """The names that a pattern stands for."""
    before, brace, inner = pattern.partition("{")
    if not brace:
        yield pattern
        return
    choices, rest = _choices(inner)
    for choice in choices:
        for chosen in expand(choice):
            yield from (f"{before}{chosen}{after}" for after in expand(rest))


def _choices(inner: str) -> tuple[list[str], str]:
    """Split the text after an opening brace into its choices and the rest after the closing brace."""
    choices, depth = [""], 1
    for index, char in enumerate(inner):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            spans = [re.fullmatch(r"(\d+)-(\d+)", choice) for choice in choices]
            numbers = [range(int(span[1]), int(span[2]) + 1) if span else () for span in spans]
            expanded = [[str(n) for n in span] or [choice] for span, choice in zip(numbers, choices, strict=True)]
            return [name for names in expanded for name in names], inner[index + 1 :]
        if char == "," and depth == 1:
            choices.append("")
        else:
            choices[-1] += char
    raise ValueError(inner)
