"""The table of backends, and those of plugins. `compile`, `ops`, `check --against` and the tests read it."""

from __future__ import annotations

from typing import Any, Final

from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.emit.backend import Backend
from inception_dsl.emit.onnx.backend import ONNX
from inception_dsl.emit.pytorch.backend import PYTORCH
from inception_dsl.emit.rules import Rules
from inception_dsl.plugins import offers
from inception_dsl.plugins.offers import Offer, wrong_type

BACKENDS: Final[list[Backend]] = [
    PYTORCH,
    ONNX,
]
"""Those whose files `compile` always writes."""


def by_name() -> dict[str, Backend]:
    """Our backends by their names on the command line, in the order of the table."""
    return {backend.name: backend for backend in BACKENDS}


def find(name: str) -> Backend | None:
    """A backend by its name, perhaps of a plugin; None if there is none. Raises `SpecError` E009 for one that fails."""
    if found := by_name().get(name):
        return found
    offer = _look_up(name)
    if offer is None:
        return None
    if offer.problem:
        raise SpecError([Diagnostic(UNUSABLE_PLUGIN, offer.message, help=REMEDY)])
    backend: Backend = offer.thing
    return backend


def offered() -> list[Offer]:
    """What plugins offer as backends, for a listing."""
    return [offer for name in offers.names("backends") if (offer := _look_up(name))]


def _look_up(name: str) -> Offer | None:
    return offers.find("backends", name, by_name(), _problem)


def plugin_names() -> list[str]:
    """The names of the backends of plugins, loaded or not."""
    return [name for name in offers.names("backends") if name not in by_name()]


def _problem(name: str, backend: Any) -> str:
    if not isinstance(backend, Backend):
        return wrong_type(backend, "a `Backend`")
    rules: Any = backend.rules
    if backend.name != name:
        return f"its `name` is `{backend.name}`"
    if not isinstance(rules, Rules):
        return f"of its `rules`, {wrong_type(rules, 'a table of `Rules`')}"
    missing = rules.missing(BACKENDS[0].rules)
    return f"it has no rule for {listing(missing)}: give one for each op of ours, or a default" if missing else ""
