"""The names that version 0.1 gave to weights, and those that they have now.

In 0.1 a convolution or fully connected layer with an activation was a subclass of the layer in `torch.nn`, so that its
weights had the module's own name (`conv1.weight`); now the module owns the layer (`conv1.conv.weight`). The branches of
a residual block stood in a module `residual`; now they are the block's own attributes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

OWNED: Final = ("conv", "fc")
"""The attributes that hold the layer of a module."""


def rename_former(tensors: dict[str, Any], own: Collection[str], file: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the tensors of a file of version 0.1 their present names; give a note if there are any.

    The tensors stay as they are unless all of them then have names in `own`, which a file of another library has not.
    """
    renamed = {}
    for name, tensor in tensors.items():
        new = next((new for new in (name, *_candidates(name)) if new in own), "")
        if not new or new in renamed:
            return tensors, ()
        renamed[new] = tensor
    changed = sum(name not in tensors for name in renamed)
    note = f"renamed {changed} tensors in `{file}`, which have the names of version 0.1"
    return renamed, (note,) if changed else ()


def _candidates(former: str) -> Iterator[str]:
    """The names that a tensor of version 0.1 may have now."""
    for name in (former, former.replace(".residual.0.", "."), former.replace(".residual.1.", ".")):
        module, _, tensor = name.rpartition(".")
        yield name
        yield from (f"{module}.{layer}.{tensor}" for layer in OWNED)
