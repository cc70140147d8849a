"""For the tests of repositories that have a network: it is the one of a spec, or the test says where it is not."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from inception_dsl.audit import report
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.audit_structure import UNLIKE
from inception_dsl.network import load

if TYPE_CHECKING:
    from torch import nn


def assert_matches_spec(
    target: nn.Module | str | os.PathLike[str],
    spec: str | os.PathLike[str],
    heads: bool = True,
    allow: Collection[str] = (),
    *,
    values: bool = False,
) -> None:
    """Assert that a network is the one of a spec, which may be a file or `builtin:googlenet`.

    The target is a module of torch, an ONNX file, a file of weights, or `package.module:callable`. `heads=False` leaves
    the heads out; `allow` has the codes of deviations that are meant, such as `E512` for the rate of a dropout.
    `values` also runs both on the same weights. Raises `AssertionError` with every deviation at its row, and
    `SpecError` for a target that cannot be read.
    """
    found = load(spec).audit(target, heads, values=values)
    left_over = [each for each in found.findings if each.first.code not in allow]
    diagnostics = [
        each for each in report.diagnostics(found) if each.code not in allow and (left_over or each.code != UNLIKE)
    ]
    if diagnostics:
        places = "\n".join(each.message for each in diagnostics)
        raise AssertionError(f"not the network of {os.fspath(spec)}:\n{places}\n\n{render.text(diagnostics)}")
