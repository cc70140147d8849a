"""Warnings of products that may not mean what their author thinks."""

from __future__ import annotations

from collections.abc import Sequence

from inception_dsl.diagnostics.codes.layers import AMBIGUOUS_FACTOR
from inception_dsl.diagnostics.codes.values import GATE_WITHOUT_BRACKETS
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.elaborate.scope import Scope
from inception_dsl.ir.values import Number, Value
from inception_dsl.syntax.terms import Branches, Labelled, Term, Use


def check_factor(factor: Value, has_weights: bool, scope: Scope, findings: Findings) -> None:
    """Warn (W202) about `2 * conv ...`, which may be meant as `2 of conv ...`."""
    times = factor.value if isinstance(factor, Number) else 0
    if isinstance(times, int) and times > 1 and has_weights:
        hint = f"for {times} in a row, write `{times} of ...`; for a factor, write `{times}.0 * ...`"
        findings.warn(AMBIGUOUS_FACTOR, f"this scales the output by {times}", scope.span(factor.at), help=hint)


def check_gates(steps: Sequence[Term], scope: Scope, findings: Findings) -> None:
    """Warn (W207) about `pass * avgpool global -> conv ...`, where brackets around the gate may be missing."""
    for step in steps[:-1]:
        product = step.term if isinstance(step, Labelled) else step
        if not isinstance(product, Branches) or product.join != "*" or _in_brackets(product, scope):
            continue
        last = product.branches[-1]
        if isinstance(last, Use) and any(word.text == "global" for word in last.words):
            product_text, gate = (" ".join(scope.text(part.at).split()) for part in (product, last))
            hint = f"for a gate, write `* [{gate} -> ...]`; for this product, write `[{product_text}] -> ...`"
            message = "the next steps read this product: they are not steps of its last factor"
            findings.warn(GATE_WITHOUT_BRACKETS, message, scope.span(product.at), help=hint)


def _in_brackets(term: Term, scope: Scope) -> bool:
    """Whether brackets hold this term and nothing else."""
    text = scope.formula.fragment.text
    start, end = term.at
    return text[:start].rstrip().endswith("[") and text[end:].lstrip().startswith("]")
