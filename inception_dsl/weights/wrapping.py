"""Containers and name prefixes that training scripts add to a network's tensors, and their removal."""

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
"""Keys that hold the tensors in a checkpoint. Averaged weights come first: they are the ones that were evaluated.

`averaged` and `network` are the keys of a run's own checkpoints.
"""

PREFIXES: Final = ("module.", "_orig_mod.")
"""Prefixes that `DistributedDataParallel` and `torch.compile` add to every name, in any order."""

DEEPEST: Final = 4
"""Levels of nested containers."""

MAX_NAME_SHOWN: Final = 100
"""Characters of a name that messages show."""

AVERAGED_COUNT: Final = "n_averaged"
"""A tensor that `torch.optim.swa_utils.AveragedModel` adds to those of its `module`."""


def unwrap(
    loaded: Any, metadata: Mapping[str, str], file: str
) -> tuple[dict[str, Any], Mapping[str, str], tuple[str, ...]]:
    """Find the named tensors in a loaded file; give them with the file's metadata and notes on the containers read.

    Raises `SpecError` E130 if there are no named tensors.
    """
    notes: list[str] = []
    outer = loaded
    for _ in range(DEEPEST):
        found = [key for key in WRAPPERS if isinstance(loaded, dict) and isinstance(loaded.get(key), dict)]
        if not found:
            break
        others = f", not {listing(found[1:], 'or')}" * (len(found) > 1)
        notes.append(f"read `{found[0]}` of `{file}`{others}")
        loaded = loaded[found[0]]
    entries = loaded if isinstance(loaded, dict) else {}
    wrong = [name for name, value in entries.items() if not _is_tensor(name, value)]
    if not entries or wrong:
        message = f"`{file}` does not hold named tensors"
        if wrong and len(wrong) < len(entries):
            message += f": {quoted_name(wrong[0])} is not a tensor"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="write the file with `torch.save(net.state_dict(), file)`")]
        )
    identity = outer.get("identity") if isinstance(outer, dict) else None
    spec = identity.get("spec") if isinstance(identity, dict) else None
    return dict(entries), {**metadata, **({"spec": spec} if isinstance(spec, str) else {})}, tuple(notes)


def strip_prefixes(tensors: dict[str, Any], own: Collection[str], file: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Remove prefixes that all names share, unless a name is in `own`; give a note on what was removed."""
    removed = ""
    while found := next((prefix for prefix in PREFIXES if _all_start_with(tensors, prefix, own)), None):
        tensors = {name[len(found) :]: tensor for name, tensor in tensors.items() if name != AVERAGED_COUNT}
        removed += found
    return tensors, ((f"removed the prefix `{removed}` from the names in `{file}`",) if removed else ())


def _all_start_with(tensors: Mapping[str, Any], prefix: str, own: Collection[str]) -> bool:
    names = tensors.keys() - {AVERAGED_COUNT}
    return bool(names) and all(name.startswith(prefix) for name in names) and names.isdisjoint(own)


def _is_tensor(name: object, tensor: object) -> bool:
    import torch

    return isinstance(name, str) and isinstance(tensor, torch.Tensor)


def quoted_name(name: object) -> str:
    """A name from a file as messages quote it: on one line and of bounded length."""
    return f"`{shortened(visible(str(name)), MAX_NAME_SHOWN)}`"
