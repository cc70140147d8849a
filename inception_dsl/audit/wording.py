"""The words for what an audit found, which the text, the Markdown and the diagnostics share."""

from __future__ import annotations

from inception_dsl.audit.effects import Count
from inception_dsl.audit.findings import NOTHING, Deviation, Finding
from inception_dsl.diagnostics.spelling import listing

MOST_ROWS = 3
"""The most rows that a sentence names."""


def sentence(finding: Finding) -> str:
    """What differs, and in which rows of the spec."""
    return f"{_difference(finding.first)}, in {where(finding)}"


def _difference(deviation: Deviation) -> str:
    what, spec, target = deviation.what, deviation.spec, deviation.target
    if NOTHING in (spec, target) and what in ("layer", "head"):
        have = f"`{spec}` is missing" if target == NOTHING else f"`{target}` is not in the spec"
        return have if what == "layer" else f"head {have}"
    match what:
        case "layer":  # that cannot be compared
            kind, _, why = target.partition(": ")
            return f"`{kind}` in place of `{spec}` ({why})"
        case "kind" | "layers":
            return f"`{target}` in place of `{spec}`"
        case "bias" if {spec, target} == {"yes", "no"}:
            return "no bias" if target == "no" else "a bias that is not in the spec"
        case "order":
            return f"branches joined as {target}"
        case "place":
            layer, _, before = spec.partition(" after ")
            return f"`{layer}` stands {target}, and in the spec after {before}"
        case "place of the stride":
            return f"stride {target} in place of {spec.partition(' in ')[2]}"
    return f"{what} {target} in place of {spec}"


def where(finding: Finding) -> str:
    """The rows of a finding in a sentence, with the number of its places where that is another."""
    names = [row for row in finding.rows if row]
    if len(names) <= MOST_ROWS:
        text = listing(names) or "the network"
    else:
        text = f"{len(names)} rows from `{names[0]}` to `{names[-1]}`"
    places = len(finding.deviations)
    details = [f"repetition {repeated}"] if (repeated := _repetitions(finding)) else []
    details += [f"{places} places"] if places != max(len(names), 1) else []
    return f"{text} ({', '.join(details)})" if details else text


def _repetitions(finding: Finding) -> str:
    """Which repetitions of its one row a finding concerns: `2, 4 of 5`; "" where it concerns all of them, or others."""
    found = [each.repetition for each in finding.deviations if each.repetition]
    numbers, counts = sorted({each.number for each in found}), {each.of for each in found}
    several = len(finding.rows) > 1 or len(found) < len(finding.deviations) or len(counts) != 1
    if several or len(numbers) > MOST_ROWS or len(numbers) == max(counts):
        return ""
    return f"{', '.join(map(str, numbers))} of {max(counts)}"


def rows(finding: Finding) -> str:
    """The rows of a finding in a cell: of many, the first and the last; of one, the repetition; or the input."""
    names = [row for row in finding.rows if row]
    if len(names) > 2:
        return f"{names[0]} ... {names[-1]}"
    repeated = _repetitions(finding)
    return f"{names[0]} ({repeated})" if repeated else ", ".join(names) or "input"


def effect(count: Count) -> str:
    """What a target has more or less of: `380,928 parameters and 84,295,680 multiply-adds fewer`; "" for neither."""
    parts = [(number, name) for number, name in ((count.params, "parameters"), (count.macs, "multiply-adds")) if number]
    words = [f"{abs(number):,} {name}" for number, name in parts]
    signs = ["more" if number > 0 else "fewer" for number, _ in parts]
    if len({*signs}) == 1:
        return f"{' and '.join(words)} {signs[0]}"
    return " and ".join(f"{text} {sign}" for text, sign in zip(words, signs, strict=True))


def label(deviation: Deviation) -> str:
    """What the target has in the place of a layer of the spec."""
    own = f"`{deviation.found}`" if deviation.found else "the target"
    if NOTHING in (deviation.spec, deviation.target) and deviation.what in ("layer", "head"):
        if deviation.target == NOTHING:
            return "not in the target"
        return f"here, {own} is `{deviation.target}`"
    match deviation.what:
        case "layer":
            return f"{own} is `{deviation.target.partition(': ')[0]}`"
        case "bias" if {deviation.spec, deviation.target} == {"yes", "no"}:
            return f"{own} has {'a' if deviation.target == 'yes' else 'no'} bias"
        case "kind" | "layers":
            return f"{own} is `{deviation.target}`"
        case "order":
            return f"{own} joins {deviation.target}"
        case "place":
            return f"{own} stands {deviation.target}"
        case "place of the stride":
            return f"the target has stride {deviation.target}"
    return f"{own} has {deviation.what} {deviation.target}"


def signed(number: int) -> str:
    """A number with its sign; nothing for 0."""
    return f"{number:+,}" if number else ""
