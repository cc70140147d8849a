"""The Python API: the public names, and the types of what they give, which mkdocstrings describes by docstrings."""

from __future__ import annotations

import inspect
from typing import Any, Final

from prose import code, plain, table

import inception_dsl

PAGES: Final = {
    "networks": ("Networks", "network.load network.loads network.Network network.Size formatting.format.format"),
    "verdicts": ("Verdicts", "network.Check paper.verdicts.Verdict ir.program.Claim ir.results.Result"),
    "costs": ("Costs", "analysis.cost.Cost analysis.cost.RowCost ir.shapes.TensorType"),
    "diagnostics": (
        "Diagnostics",
        "diagnostics.diagnostic.SpecError diagnostics.diagnostic.Diagnostic diagnostics.codes.code.Code "
        "diagnostics.diagnostic.Span diagnostics.diagnostic.Note diagnostics.diagnostic.Source "
        "lint.rule.Finding edit.edit.Edit",
    ),
    "differences": ("Differences", "diff.diff.Diff diff.changes.EntryChange diff.changes.Change"),
    "audits": (
        "Audits",
        "audit.audit.Audit audit.findings.Finding audit.findings.Deviation audit.effects.Count audit.printed.Cell",
    ),
    "sweeps": (
        "Sweeps",
        "sweeps.sweep.sweep sweeps.sweep.Sweep sweeps.sweep.Counts sweeps.search.feasible_sampler",
    ),
    "layers": ("The lowered network", "ir.typed.Typed ir.typed.Node ir.shapes.Weight"),
}
"""The pages, their titles and what they describe, by path below the package."""

PATHS: Final = {path: f"api/{page}.md" for page, (_, paths) in PAGES.items() for path in paths.split()}
"""The page of everything that is described."""


def pages() -> dict[str, str]:
    """The list of the public names, and the pages that describe them."""
    return {"api/index.md": _index()} | {f"api/{page}.md": _page(*about) for page, about in PAGES.items()}


def home(name: str) -> str:
    """The path of a public name below the package."""
    thing: Any = getattr(inception_dsl, name)
    return f"{thing.__module__}.{thing.__qualname__}".removeprefix("inception_dsl.")


def _page(title: str, paths: str) -> str:
    return "\n\n".join([f"# {title}", *(f"::: inception_dsl.{path}" for path in paths.split())]) + "\n"


def _index() -> str:
    rows = []
    for name in sorted(inception_dsl.__all__, key=str.lower):
        path = home(name)
        doc = inspect.getdoc(getattr(inception_dsl, name)) or ""
        page = PATHS[path].removeprefix("api/")
        rows.append([f"[{code(name)}]({page}#inception_dsl.{path})", plain(doc.partition("\n\n")[0])])
    return "\n".join(
        [
            "# Python API\n",
            "`import inception_dsl` has these names, which [Python](../python.md) shows at work. Their pages also "
            "describe the types of what they give.\n",
            table(["name", ""], rows),
        ]
    )
