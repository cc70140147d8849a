"""A file of claims as written: sentences of papers, each with a formula over specs; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from inception_dsl.diagnostics.codes.yaml import MISSING_KEY
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.ir.values import Function, Measurement, Operation, Value
from inception_dsl.spec.fields import Line, Omittable, PrintedNumber, Reason, Rounding, Section, Text
from inception_dsl.spec.validation import validate
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.yaml import Document

DIFFERS: Final = ("false", "not reproduced")
"""The verdicts on a claim whose formula gives another number; both need a reason."""


_Word = Literal["exact", "rounds", "false", "not reproduced"]
StatedVerdict = Annotated[
    _Word,
    BeforeValidator(
        lambda value: "false" if value is False else value,  # an unquoted `false` is not a string in YAML
        json_schema_input_type=Literal[_Word, False],
    ),
]


class ClaimEntry(Section):
    """A sentence of a paper that states a number."""

    source: Line = Field(description="The paper and the section.", examples=["1409.1556, Table 2"])
    sentence: Line = Field(description="The sentence.", examples=["Configuration D: 138 million parameters."])
    formula: Text = Field(
        description="A formula over specs that gives the number, such as `params(googlenet)`.",
        examples=["params(vgg16)"],
    )
    printed: PrintedNumber = Field(description="The number as the sentence states it.", examples=["138M"])
    verdict: StatedVerdict = Field(description="How the value of the formula compares with the printed number.")
    rounding: Rounding = Field(default="nearest", description="How the paper rounds.")
    within: Omittable[PrintedNumber] = Field(
        default=None, description='How far "about" or "roughly" reaches, such as 10%.', examples=["10%"]
    )
    reason: Reason = Field(
        default="",
        description="Why the two differ.",
        examples=["the two-tower network of the paper has 60,965,224"],
    )


class ClaimsFile(Section):
    """A file of claims."""

    claims: dict[str, ClaimEntry] = Field(
        description="The claims, by name.",
        examples=[
            {
                "vgg16_parameters": {
                    "source": "1409.1556, Table 2",
                    "sentence": "Configuration D: 138 million parameters.",
                    "formula": "params(vgg16)",
                    "printed": "138M",
                    "verdict": "rounds",
                }
            }
        ],
    )


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


def read_claims(document: Document) -> tuple[Sentence, ...]:
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
    claims = validate(document, ClaimsFile).claims
    read = [_sentence(name, claim, document, findings) for name, claim in claims.items()]
    findings.stop()
    return tuple(sentence for sentence in read if sentence)


def measurements(formula: Value) -> Iterator[Measurement]:
    """What a formula measures, from left to right: `params(googlenet)`, `ops(googlenet.conv1)`."""
    match formula:
        case Measurement():
            yield formula
        case Function(_, arguments):
            for argument in arguments:
                yield from measurements(argument)
        case Operation(_, left, right):
            yield from measurements(left)
            yield from measurements(right)


def networks_in(sentence: Sentence) -> set[str]:
    """The networks that a sentence's formula measures: `googlenet` of `ops(googlenet.conv1)`."""
    return {measurement.place.name.partition(".")[0] for measurement in measurements(sentence.formula)}


def _sentence(name: str, claim: ClaimEntry, document: Document, findings: Findings) -> Sentence | None:
    def written(key: str) -> Fragment:
        return document.text(("claims", name, key))

    verdict = claim.verdict
    if verdict in DIFFERS and not claim.reason:
        place = document.value_span(("claims", name, "verdict"))
        findings.error(MISSING_KEY, f"`{name}` is {verdict}, but gives no reason", place, help="add `reason:`")
    text = written("formula")
    try:
        formula = algebra.parse_claim(text.text)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, text.span(*fault.at), fault.label, help=fault.help)
        return None
    within = written("within").text if claim.within is not None else ""
    return Sentence(
        name,
        claim.source,
        claim.sentence,
        formula,
        written("printed").text,
        verdict,
        claim.rounding,
        within,
        claim.reason,
        text,
        document,
    )
