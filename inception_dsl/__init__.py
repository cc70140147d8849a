"""Compile a paper's architecture table into a network you can trust.

>>> import inception_dsl as idsl
>>> idsl.load("specs/googlenet.yaml")
<Network googlenet from specs/googlenet.yaml>
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, which takes longer to import than all else here
if TYPE_CHECKING:
    from typing import Any

    from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
    from inception_dsl.formatting.format import format  # noqa: A004 - what it is called in every language
    from inception_dsl.network import Check, Network, load, loads
    from inception_dsl.paper.verdicts import Verdict
    from inception_dsl.sweeps.search import feasible_sampler
    from inception_dsl.sweeps.sweep import sweep

_HOMES = {
    "Diagnostic": "diagnostics.diagnostic",
    "SpecError": "diagnostics.diagnostic",
    "Check": "network",
    "Network": "network",
    "format": "formatting.format",
    "load": "network",
    "loads": "network",
    "Verdict": "paper.verdicts",
    "feasible_sampler": "sweeps.search",
    "sweep": "sweeps.sweep",
}

__all__ = [
    "Check",
    "Diagnostic",
    "Network",
    "SpecError",
    "Verdict",
    "feasible_sampler",
    "format",
    "load",
    "loads",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import inception_dsl` alone costs nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"inception_dsl.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """All names, also those that are not imported yet."""
    return sorted({*globals(), *__all__})
