"""What a rule of `lint` is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.edit.edit import Edit
from inception_dsl.lint.subject import Subject


class Finding(NamedTuple):
    """What a rule found, and the edits that put it right; none where the author must choose.

    After the edits the network is the same, and the rule finds it no more.
    """

    diagnostic: Diagnostic
    edits: tuple[Edit, ...] = ()


class Rule(NamedTuple):
    """A rule: its code, whose page `explain` prints, and what finds the places in a network that break it.

    `check` yields findings in any order, at places in any of the files that a spec is made of.
    """

    code: Code
    check: Callable[[Subject], Iterable[Finding]]
