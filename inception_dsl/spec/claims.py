"""A file of claims as written: sentences of papers, each with a formula over specs; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from inception_dsl.diagnostics.codes.yaml import MISSING_KEY
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.ir.values import MEASURES, Function, Operation, Value
from inception_dsl.spec.schema import CLAIMS, validate
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.yaml import Document

DIFFERS: Final = ("false", "not reproduced")
"""The verdicts on a claim whose formula gives another number; both need a reason."""


@dataclass(frozen=True)
class Sentence:
    """What a paper says, as data: a formula over specs, the number `printed` for it, and the recorded `verdict`.

    `within` is how far "about" or "roughly" reaches, as printed (`10%`); "" where the sentence says no such word.
    """

    id: str
    source: str
    sentence: str
    formula: Value
    printed: str
    verdict: str
    rounding: str
    within: str
    reason: str
    text: Fragment = field(compare=False, repr=False)
    document: Document = field(compare=False, repr=False)

    @property
    def written(self) -> str:
        """The formula as written, on one line."""
        return " ".join(self.text.text.split())

    def span(self, key: str) -> Span:
        """The place of what one of its keys holds."""
        return self.document.value_span(("claims", self.id, key))


def read(document: Document) -> tuple[Sentence, ...]:
    """Read a document as claims, in their order.

    Raises `SpecError` with everything that is wrong in the keys, or, where those are right, in the formulas; E104 for
    a claim that is not so and does not say why.
    """
    findings = Findings()
    if "claims" not in document.data and {"layers", "extends"} & document.data.keys():
        place = document.key_span((next(iter(document.data)),))
        hint = f"`inception-dsl check {document.source.file}` checks a spec"
        findings.error(MISSING_KEY, "this is a spec, not a file of claims", place, help=hint)
        findings.stop()
    data = validate(document, CLAIMS)["claims"]
    read = [_sentence(name, claim, document, findings) for name, claim in data.items()]
    findings.stop()
    return tuple(sentence for sentence in read if sentence)


def measurements(formula: Value) -> Iterator[Function]:
    """What a formula measures, from left to right: `params(googlenet)`, `ops(googlenet.conv1)`."""
    match formula:
        case Function(name) if name in MEASURES:
            yield formula
        case Function(_, arguments):
            for argument in arguments:
                yield from measurements(argument)
        case Operation(_, left, right):
            yield from measurements(left)
            yield from measurements(right)


def _sentence(name: str, data: dict[str, Any], document: Document, findings: Findings) -> Sentence | None:
    def written(key: str) -> Fragment:
        return document.text(("claims", name, key))

    verdict = data["verdict"] or "false"
    if verdict in DIFFERS and "reason" not in data:
        place = document.value_span(("claims", name, "verdict"))
        findings.error(MISSING_KEY, f"`{name}` is {verdict}, and does not say why", place, help="add `reason:`")
    text = written("formula")
    try:
        formula = algebra.claim(text.text)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, text.span(*fault.at), fault.label, help=fault.help)
        return None
    within = written("within").text if "within" in data else ""
    return Sentence(
        name,
        data["source"],
        data["sentence"],
        formula,
        written("printed").text,
        verdict,
        data.get("rounding", "nearest"),
        within,
        data.get("reason", ""),
        text,
        document,
    )
