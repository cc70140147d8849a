"""What training scripts put around a network's tensors, and how it comes off: containers, and prefixes of names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.text.terminal import shortened, visible

WRAPPERS: Final = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "averaged"),
    *("state_dict", "model_state_dict", "model", "network", "net"),
)
"""Keys under which tensors are kept beside other things, the preferred first: an average is what was evaluated.

`averaged` and `network` are those of a run's own checkpoints.
"""

PREFIXES: Final = ("module.", "_orig_mod.")
"""What `DistributedDataParallel` and `torch.compile` put before every name, in any order."""

DEEPEST: Final = 4
LONGEST: Final = 100
"""Containers inside each other, and the columns of a name that are shown."""

COUNTED: Final = "n_averaged"
"""What `torch.optim.swa_utils.AveragedModel` keeps beside the tensors of its `module`."""


def unwrapped(
    held: Any, about: Mapping[str, str], file: str
) -> tuple[dict[str, Any], Mapping[str, str], tuple[str, ...]]:
    """The tensors by name in what a file holds, the text with them, and which of its containers they were in.

    Raises `SpecError` E130 where there are none.
    """
    notes: list[str] = []
    outer = held
    for _ in range(DEEPEST):
        found = [key for key in WRAPPERS if isinstance(held, dict) and isinstance(held.get(key), dict)]
        if not found:
            break
        beside = f", not {listing(found[1:], 'or')}" * (len(found) > 1)
        notes.append(f"read `{found[0]}` of `{file}`{beside}")
        held = held[found[0]]
    entries = held if isinstance(held, dict) else {}
    wrong = [name for name, each in entries.items() if not _is_entry(name, each)]
    if not entries or wrong:
        message = f"`{file}` does not hold tensors by their names"
        if wrong and len(wrong) < len(entries):
            message += f": {shown(wrong[0])} is none"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="write it by `torch.save(net.state_dict(), file)`")]
        )
    identity = outer.get("identity") if isinstance(outer, dict) else None
    spec = identity.get("spec") if isinstance(identity, dict) else None
    return dict(entries), {**about, **({"spec": spec} if isinstance(spec, str) else {})}, tuple(notes)


def unprefixed(tensors: dict[str, Any], own: Collection[str], file: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The tensors without prefixes that all their names have, unless a name is among `own`; and what was taken off."""
    off = ""
    while found := next((each for each in PREFIXES if _all_begin(tensors, each, own)), None):
        tensors = {name[len(found) :]: each for name, each in tensors.items() if name != COUNTED}
        off += found
    return tensors, ((f"took `{off}` off the names in `{file}`",) if off else ())


def _all_begin(tensors: Mapping[str, Any], prefix: str, own: Collection[str]) -> bool:
    names = tensors.keys() - {COUNTED}
    return bool(names) and all(name.startswith(prefix) for name in names) and names.isdisjoint(own)


def _is_entry(name: object, tensor: object) -> bool:
    import torch

    return isinstance(name, str) and isinstance(tensor, torch.Tensor)


def shown(name: object) -> str:
    """A name from a file as messages quote it: on one line, and not endless."""
    return f"`{shortened(visible(str(name)), LONGEST)}`"
