"""The migration of weights that a comparison gives, and the finding that one is needed."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.weights import CHECKPOINT_BREAKS
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diff.diff import Diff
from inception_dsl.diff.sides import Side
from inception_dsl.diff.wording import tensor_counts
from inception_dsl.weights.migration import Endpoint, Migration


def migration(diff: Diff) -> Migration:
    """What becomes of the weights: tensors take the values of their partners where these have the same shape."""
    kept = {tensor.after: tensor.before for tensor in diff.tensors if tensor.change in ("kept", "renamed")}
    tensors = {tensor.after: kept.get(tensor.after) for tensor in diff.tensors if tensor.after is not None}
    lost = (tensor.before for tensor in diff.tensors if tensor.change in ("lost", "reshaped"))
    dropped = tuple(name for name in lost if name is not None)
    return Migration(_endpoint(diff.before), _endpoint(diff.after), tensors, dropped)


def breaks(diff: Diff) -> list[Diagnostic]:
    """E139 if a checkpoint no longer loads, at the first row that keeps it from loading."""
    if diff.loads:
        return []
    before, after = diff.before.label, diff.after.label
    message = f"a checkpoint of `{before}` does not load into `{after}`: {tensor_counts(diff)}"
    broken = [entry.after for entry in diff.entries if entry.after and entry.tensors_by_change()]
    places = [entry.origin for entry in diff.after.typed.program.entries if entry.name in broken]
    hint = "write a migration with `--map FILE`, and apply it with `inception-dsl weights migrate`"
    return [Diagnostic(CHECKPOINT_BREAKS, message, next(iter(places), None), help=hint, file=diff.after.file)]


def _endpoint(side: Side) -> Endpoint:
    return Endpoint(side.spec.network, side.label)
