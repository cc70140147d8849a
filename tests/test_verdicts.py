"""Printed cells: how they are read, when they agree with a computed number, and the findings where they do not."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import handmade as h
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.program import Claim, Column, Erratum
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import (
    MEASURES,
    Printed,
    Verdict,
    agreement,
    compare_cells,
    comparison,
    findings,
    parse_cell,
    why_unreadable,
)
from inception_dsl.spec.fields import COLUMN_MEASURES

BINARY = Column("params", unit=1024)
DECIMAL = Column("ops", unit=1000)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("2.7K", DECIMAL, "2700"),
        ("2.7 k", DECIMAL, "2700"),
        ("34M", DECIMAL, "34000000"),
        ("1.5B", DECIMAL, "1500000000"),
        ("1.5G", DECIMAL, "1500000000"),
        ("1072K", BINARY, str(1072 * 1024)),
        ("1.5M", BINARY, str(3 * 2**19)),
        ("2B", BINARY, str(2**31)),
        ("2M", Column("params", unit=1024**2), str(2**21)),
        ("34M", Column("ops", unit=1_000_000), "34000000"),  # a decimal unit is 1000 for every suffix
        ("1,024", BINARY, "1024"),
        ("6,998,552", BINARY, "6998552"),
        ("0", BINARY, "0"),
        ("27", DECIMAL, "27"),
        (" 3.50 ", DECIMAL, "3.5"),
    ],
)
def test_numbers(text: str, column: Column, value: str) -> None:
    printed = parse_cell(text, column)
    assert isinstance(printed, Printed)
    assert Fraction(printed.digits) * printed.unit / 10**printed.decimals == Fraction(value)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("112x112x64", (64, 112, 112)),
        ("35×36×288", (288, 35, 36)),
        ("1 x 1 x 1000", (1000, 1, 1)),
        (" 8 × 9x1280 ", (1280, 8, 9)),
    ],
)
def test_shapes(text: str, shape: tuple[int, ...]) -> None:
    assert parse_cell(text, Column("output")) == TensorType(shape)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "?",
            "-5",
            "1,00",
            "1.2.3",
            "12 34",
            "2.7KK",
            "2.7Q",
            "1e9",
            "0x10",
            ".5",
            "5.",
            "~34M",
            "1_000",
            "9" * 40,
        ),
        *("5\u212a", "\u0665", "\uff15K", "112x112", "1/2", "nan", "1\n2"),
    ],
)
def test_unreadable_numbers(text: str) -> None:
    assert "such as" in (why_unreadable("params", text) or "")


@pytest.mark.parametrize("text", ["", "112", "112x112", "1x2x3x4", "ax1x2", "1.5x2x3", "-1x1x1", "1x1x\u0665", "1*1*1"])
def test_unreadable_shapes(text: str) -> None:
    assert "28x28x256" in (why_unreadable("output", text) or "")


def test_readable_cells_are_readable() -> None:
    assert why_unreadable("params", "2.7K") is None
    assert why_unreadable("output", "1x1x1000") is None


def test_the_spec_knows_the_same_measures() -> None:
    assert tuple(MEASURES) == COLUMN_MEASURES


numbers = st.integers(0, 10**12)
suffixes = st.sampled_from(["", "K", "M", "B"])


def scale(suffix: str, unit: int) -> int:
    power: int = {"": 0, "K": 1, "M": 2, "B": 3}[suffix]
    return int(unit**power)


@given(numbers, suffixes, st.sampled_from([1000, 1024]), st.integers(0, 4), st.booleans())
def test_every_rounded_number_is_accepted(number: int, suffix: str, unit: int, decimals: int, down: bool) -> None:
    quantum = Decimal(1).scaleb(-decimals)
    exact = Decimal(number) / scale(suffix, unit)
    rounded = exact.quantize(quantum, ROUND_DOWN if down else ROUND_HALF_UP)
    printed = parse_cell(f"{rounded}{suffix}", Column("params", unit))
    assert agreement(printed, number, "either") in ("exact", "nearest", "down")
    assert agreement(printed, number, "down" if down else "nearest") in ("exact", "down" if down else "nearest")
    assert (agreement(printed, number, "either") == "exact") == (rounded == exact)


@given(numbers, suffixes, st.sampled_from([1000, 1024]), st.integers(0, 4), st.integers(1, 10**6), st.booleans())
def test_a_unit_of_the_last_place_off_is_not(
    number: int, suffix: str, unit: int, decimals: int, off: int, lower: bool
) -> None:
    """One unit away from either rounding, on the far side of it."""
    down = number * 10**decimals // scale(suffix, unit)
    digits = down - off if lower else down + 1 + off
    if digits >= 0:
        printed = Printed(digits, decimals, suffix, scale(suffix, unit))
        assert agreement(printed, number, "either") is None


@given(numbers, numbers)
def test_rounding_is_kept_to(number: int, other: int) -> None:
    """`nearest` and `down` accept one number each, and `either` those two."""
    printed = parse_cell(f"{other}K", DECIMAL)
    nearest, down = (agreement(printed, number, rounding) is not None for rounding in ("nearest", "down"))
    assert nearest == (other == (number + 500) // 1000)
    assert down == (other == number // 1000)
    assert (agreement(printed, number, "either") is not None) == (nearest or down)


def test_rounding_directions() -> None:
    printed = parse_cell("73M", DECIMAL)
    assert agreement(printed, 73_608_192, "either") == "down"
    assert agreement(printed, 73_608_192, "down") == "down"
    assert agreement(printed, 73_608_192, "nearest") is None
    assert agreement(printed, 72_500_000, "nearest") == "nearest"  # half up
    assert agreement(printed, 72_500_000, "down") is None
    assert agreement(printed, 72_499_999, "either") is None
    assert agreement(printed, 73_000_000, "nearest") == "exact"


def test_a_vector_prints_as_an_image_of_one_pixel() -> None:
    printed = parse_cell("1x1x1000", Column("output"))
    assert agreement(printed, TensorType((1000,)), "nearest") == "exact"
    assert agreement(printed, TensorType((1000, 1, 1)), "nearest") == "exact"
    assert agreement(printed, TensorType((1000, 1, 2)), "either") is None


@pytest.mark.parametrize(
    ("text", "number", "shown"),
    [
        ("463K", 509_440, "497.5K"),
        ("2.7K", 9_408, "9.19K"),
        ("7", 12, "12"),
        ("1,024", 6_998_552, "6,998,552"),
        ("1000K", 1_024_000, "1000.0K"),
        ("0.50M", 1024 * 1024, "1.000M"),
        ("3.5", 4, "4.00"),
    ],
)
def test_shown_in_the_unit_of_the_print(text: str, number: int, shown: str) -> None:
    printed = parse_cell(text, BINARY)
    assert isinstance(printed, Printed)
    assert printed.show(number) == shown


def by_cell(typed: Typed) -> dict[str, Verdict]:
    return {f"{verdict.claim.row}.{verdict.claim.column}": verdict for verdict in compare_cells(typed)}


def test_googlenet_table_1() -> None:
    found = by_cell(h.googlenet())
    assert {cell for cell, verdict in found.items() if verdict.verdict == "MISMATCH"} == set(h.WRONG)
    assert all(verdict.verdict == "exact" for cell, verdict in found.items() if cell.endswith(("output", "depth")))
    assert found["inception_4a.ops"][1:5] == ("rounds", 73_608_192, "73.6M", "down")
    assert found["inception_4c.ops"][1:5] == ("rounds", 99_850_240, "99.9M", "nearest")
    assert found["inception_4a.output"][1:] == ("exact", TensorType((512, 14, 14)), "14x14x512", "", None)
    assert [verdict.claim for verdict in compare_cells(h.googlenet())] == list(h.googlenet().program.published.claims)


# print / (weights / 1024) - 1 in percent, by an independent script
WEIGHTS_ONLY = {"3a": -0.31, "3b": 0.26, "4a": -0.75, "4b": -0.23, "4c": -6.93, "4d": -1.78, "4e": -0.83, "5a": 5.30}


def test_googlenet_without_biases() -> None:
    found = by_cell(h.googlenet(columns={"params": Column("params", unit=1024, bias=False)}))
    for row, percent in WEIGHTS_ONLY.items():
        assert found[f"inception_{row}.params"].deviation == pytest.approx(percent / 100, abs=5e-5)
    assert found["inception_4c.params"].shown == "497.5K"
    assert found["conv2.params"][1:] == ("exact", 114_688, "112.0K", "", 0.0)
    assert found["fc.params"].verdict == "exact"
    assert found["inception_3a.params"].reason == "down"  # 159.5
    assert found["inception_3b.params"].verdict == "MISMATCH"  # 379.0: its print counts biases


def test_an_erratum_explains_a_mismatch_and_nothing_else() -> None:
    typed = h.googlenet({cell: f"about {cell}" for cell in h.WRONG})
    found = by_cell(typed)
    assert {cell for cell, verdict in found.items() if verdict.verdict == "erratum"} == set(h.WRONG)
    assert all(found[cell].reason == f"about {cell}" for cell in h.WRONG)
    assert findings(typed, compare_cells(typed)) == ()


def found_in(typed: Typed) -> tuple[Diagnostic, ...]:
    return findings(typed, compare_cells(typed))


def test_a_mismatch_is_found_where_it_is_printed() -> None:
    typed = h.googlenet({cell: "known" for cell in h.WRONG if cell != "inception_4c.params"})
    (finding,) = found_in(typed)
    assert finding.code == "E301"
    assert finding.message == "`inception_4c` prints params 463K, 7.1% lower than the computed 498.1K (510,104)"
    assert finding.label == "computed 498.1K"
    assert "inception_4c.params" in finding.help
    assert finding.span is not None
    assert finding.span.source.lines[finding.span.line - 1][finding.span.column - 1 : finding.span.end - 1] == "463K"


def test_a_shape_that_mismatches() -> None:
    typed = h.printing(h.network({"conv": h.conv(3, 8)}), Claim("conv", "output", "224x224x9"), output=Column("output"))
    (finding,) = found_in(typed)
    assert finding.message == "`conv` prints output 224x224x9, computed 224x224x8"


def test_nothing_computed_has_no_ratio() -> None:
    typed = h.printing(h.network({"pool": h.maxpool()}), Claim("pool", "params", "3"), params=Column("params"))
    (finding,) = found_in(typed)
    assert finding.message == "`pool` prints params 3, computed 0"


def test_a_stale_erratum_is_found() -> None:
    for cell, text in (("inception_4b.ops", "right when rounded"), ("conv1.depth", "exact")):
        typed = h.googlenet(dict.fromkeys((*h.WRONG, cell), "known"))
        (finding,) = found_in(typed)
        assert finding.code == "E302"
        assert text in finding.label
        assert finding.notes[0].span.line > 1


@pytest.mark.parametrize(
    ("cell", "message", "hint"),
    [
        ("inception_4f.ops", "no row is called `inception_4f`", "`inception_4"),
        ("conv1.parms", "no column `parms` is printed", "did you mean `params`?"),
        ("pool1.params", "nothing is printed for params of `pool1`", "printed there: `output` and `depth`"),
        ("norm1.params", "nothing is printed for params of `norm1`", ""),
        ("totals.ops", "nothing is printed for ops of `totals`", ""),
    ],
)
def test_an_erratum_about_no_cell(cell: str, message: str, hint: str) -> None:
    (finding,) = found_in(h.googlenet(dict.fromkeys((*h.WRONG, cell), "known")))
    assert (finding.code, finding.message) == ("E303", message)
    assert hint in finding.help
    assert bool(finding.help) == bool(hint)


def test_totals_are_those_of_the_trunk() -> None:
    claims = (
        Claim("totals", "ops", "1.5B"),
        Claim("totals", "params", "6,998,552"),
        Claim("totals", "depth", "22"),
        Claim("totals", "weights", "6990272"),
    )
    weights = Column("params", bias=False)
    found = by_cell(h.printing(h.googlenet(), *claims, weights=weights))
    assert found["totals.ops"][1:5] == ("rounds", 1_582_671_872, "1.58B", "down")
    assert [found[f"totals.{name}"].verdict for name in ("params", "depth", "weights")] == ["exact"] * 3


def test_receptive_field_and_activations_can_be_printed() -> None:
    typed = h.printing(
        h.network({"conv": (h.conv((1, 7), 8), h.conv(3, 8))}, (3, 16, 16)),
        Claim("conv", "seen", "9"),
        Claim("conv", "kept", "4.1K"),
        seen=Column("receptive_field"),
        kept=Column("activations"),
    )
    assert [verdict.computed for verdict in compare_cells(typed)] == [9, 2 * 8 * 256]
    assert [verdict.verdict for verdict in compare_cells(typed)] == ["exact", "rounds"]


def test_unreadable_cells_are_all_reported() -> None:
    typed = h.network({"conv": h.conv(3, 8)})
    claims = h.claims("conv many 1x1 3", ("params", "output", "depth"))
    with pytest.raises(SpecError) as error:
        compare_cells(h.printing(typed, *claims))
    assert [(fault.code, fault.span and fault.span.column) for fault in error.value.diagnostics] == [
        ("E116", 6),
        ("E116", 11),
    ]


def test_a_small_deviation_is_not_shown_as_zero() -> None:
    verdict = Verdict(Claim("a", "ops", "10"), "MISMATCH", 10_000, "10,000", "", -0.0000123)
    assert comparison(verdict) == "10, 0.001% lower than the computed 10,000"


def test_a_declared_column_wins_over_its_measures_name() -> None:
    typed = h.printing(
        h.network({"fc": h.fc(10)}, (4, 1, 1)), Claim("fc", "params", "40"), params=Column("params", bias=False)
    )
    assert compare_cells(typed)[0].verdict == "exact"


def test_errata_are_about_cells_not_rows() -> None:
    typed = h.network({"fc": h.fc(10)}, (4, 1, 1))
    claims = (Claim("fc", "params", "41"), Claim("fc", "ops", "41"))
    verdicts = compare_cells(h.printing(typed, *claims, errata=(Erratum("fc", "ops", "a typing error"),)))
    assert [verdict.verdict for verdict in verdicts] == ["MISMATCH", "erratum"]
