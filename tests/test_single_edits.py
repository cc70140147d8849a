"""Single edits: what is known of GoogLeNet's table 1, each edit against a network built with it, and the limits."""

from __future__ import annotations

import time
from dataclasses import replace

import handmade as h
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl.analysis.cost import RowCost, cost
from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import MaxPool
from inception_dsl.ir.program import Claim, Column
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.paper.single_edits import Edit, Suggestion, _edited, _edits, single_edits
from inception_dsl.paper.verdicts import compare_cells

KNOWN = dict.fromkeys(h.WRONG, "known")


def suggestions(typed: Typed) -> tuple[Suggestion, ...]:
    return single_edits(typed, compare_cells(typed))


def sentences(typed: Typed, row: str) -> list[str]:
    return [suggestion.sentence for suggestion in suggestions(typed) if suggestion.row == row]


@pytest.fixture(scope="module")
def googlenet() -> dict[str, list[Suggestion]]:
    found: dict[str, list[Suggestion]] = {}
    for suggestion in suggestions(h.googlenet(KNOWN)):
        found.setdefault(suggestion.row, []).append(suggestion)
    return found


def test_conv1_is_separable(googlenet: dict[str, list[Suggestion]]) -> None:
    """As 1610.02357 and 1502.03167 say; of the multipliers 1 to 21 only 8 fits."""
    sentence = "`params` and `ops` fit a depthwise separable 7x7 with multiplier 8 (now dense)"
    assert googlenet["conv1"] == [Suggestion("conv1", ("params", "ops"), sentence)]


def test_5a_reads_928_channels(googlenet: dict[str, list[Suggestion]]) -> None:
    sentence = "`params` and `ops` fit 928 input channels (now 832), biases not counted"
    assert googlenet["inception_5a"][0].sentence == sentence


def test_4a_is_204_wide(googlenet: dict[str, list[Suggestion]]) -> None:
    sentence = "`params` and `ops` fit a width of 204 in `b3x3/1` (now 208); the output would then be 14x14x508"
    assert sentence in [suggestion.sentence for suggestion in googlenet["inception_4a"]]
    assert len(googlenet["inception_4a"]) == 3  # of the many that fit, the nearest


@pytest.mark.parametrize("row", ["4c", "4d", "4e", "5b"])
def test_stale_rows_have_no_suggestion(googlenet: dict[str, list[Suggestion]], row: str) -> None:
    none = Suggestion(f"inception_{row}", (), "no single edit fits `params` and `ops`")
    assert googlenet[f"inception_{row}"] == [none]


def test_rows_that_hold_have_no_suggestions(googlenet: dict[str, list[Suggestion]]) -> None:
    assert list(googlenet) == [
        *("conv1", "inception_4a", "inception_4b", "inception_4c", "inception_4d", "inception_4e"),
        *("inception_5a", "inception_5b"),
    ]


def test_errata_make_no_difference(googlenet: dict[str, list[Suggestion]]) -> None:
    assert list(suggestions(h.googlenet())) == [suggestion for found in googlenet.values() for suggestion in found]


def test_it_is_fast() -> None:
    typed = h.googlenet(KNOWN)
    verdicts = compare_cells(typed)
    start = time.process_time()
    single_edits(typed, verdicts)
    assert time.process_time() - start < 3  # some 0.6 s


BINARY = Column("params", unit=1024)


def one_row(tree: h.Tree, arriving: tuple[int, ...], params: str, ops: str, column: Column = BINARY) -> Typed:
    claims = (Claim("row", "params", params), Claim("row", "ops", ops))
    return h.printing(h.network({"row": tree}, arriving), *claims, params=column, ops=Column("ops"))


@pytest.mark.parametrize(
    ("tree", "arriving", "params", "ops", "bias"),
    [
        (h.inception(256, 160, 320, 32, 128, 128), (928, 7, 7), "1072K", "54M", False),
        (h.inception(192, 96, 204, 16, 48, 64), (480, 14, 14), "364K", "73M", True),
        (h.separable(64, 8), (3, 224, 224), "2.7K", "34M", True),
    ],
)
def test_what_is_proposed_gives_what_is_printed(
    tree: h.Tree, arriving: tuple[int, ...], params: str, ops: str, bias: bool
) -> None:
    typed = one_row(tree, arriving, params, ops, BINARY._replace(bias=bias))
    assert {verdict.verdict for verdict in compare_cells(typed)} <= {"exact", "rounds"}
    assert suggestions(typed) == ()


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 9).map(lambda n: 4 * n), min_size=6, max_size=6),
    st.integers(1, 8).map(lambda n: 8 * n),
    st.sampled_from(["b1x1", "b3x3/0", "b3x3/1", "b5x5/0", "b5x5/1", "bpool/1"]),
    st.data(),
)
def test_an_edit_costs_what_the_edited_row_costs(
    widths: list[int], arriving: int, layer: str, data: st.DataObject
) -> None:
    """A width and an input depth, worked out from what changes, against the network built so from the start."""
    now = h.network({"row": h.inception(*widths)}, (arriving, 7, 7))
    edits = {edit.what: edit for edit in _edits(dict(enumerate(now.nodes)))}
    index = ["b1x1", "b3x3/0", "b3x3/1", "b5x5/0", "b5x5/1", "bpool/1"].index(layer)
    width = data.draw(st.integers(1, widths[index] // 2).map(lambda n: 4 * n))
    edited = [width if i == index else old for i, old in enumerate(widths)]
    if width != widths[index]:
        what = f"a width of {width} in `{layer}` (now {widths[index]})"
        assert apply(now, edits[what]) == same(h.network({"row": h.inception(*edited)}, (arriving, 7, 7)))
    wider = h.network({"row": h.inception(*widths)}, (arriving + 8, 7, 7))
    assert apply(now, edits[f"{arriving + 8} input channels (now {arriving})"]) == same(wider)


def apply(typed: Typed, edit: Edit) -> tuple[TensorType, int, int, int] | None:
    nodes: dict[int, Node] = dict(enumerate(typed.nodes))
    new = _edited(nodes, edit, cost(typed).rows["row"])
    return counts(new) if new else None


def same(typed: Typed) -> tuple[TensorType, int, int, int]:
    return counts(cost(typed).rows["row"])


def counts(row: RowCost) -> tuple[TensorType, int, int, int]:
    return row.out, row.params, row.biases, row.macs


@pytest.mark.parametrize(("kernel", "what"), [(5, "a 5x5 kernel (now 3x3)"), ((1, 7), "a 1x7 kernel (now 3x3)")])
def test_a_kernel_edit(kernel: int | tuple[int, int], what: str) -> None:
    now = h.network({"row": h.conv(3, 16, bn=True)}, (8, 9, 9))
    edits = {edit.what: edit for edit in _edits(dict(enumerate(now.nodes)))}
    assert apply(now, edits[what]) == same(h.network({"row": h.conv(kernel, 16, bn=True)}, (8, 9, 9)))


def test_a_separable_edit() -> None:
    now = h.network({"row": h.conv(7, 64, 2, bn=True)})
    edits = {edit.what: edit for edit in _edits(dict(enumerate(now.nodes)))}
    what = "a depthwise separable 7x7 with multiplier 5 (now dense)"
    assert apply(now, edits[what]) == same(h.network({"row": h.separable(64, 5)}))


def test_an_edit_that_makes_no_network_is_none() -> None:
    grouped = h.network({"row": h.conv(3, 16, groups=4)}, (8, 9, 9))
    edits = {edit.what: edit for edit in _edits(dict(enumerate(grouped.nodes)))}
    assert apply(grouped, edits["a width of 12 (now 16)"]) is not None
    residual = h.network({"row": h.add(a=(), b=h.conv(3, 8))}, (8, 9, 9))
    edits = {edit.what: edit for edit in _edits(dict(enumerate(residual.nodes)))}
    assert apply(residual, edits["a width of 12 in `b` (now 8)"]) is None
    too_large = h.network({"row": Conv(8, h.window(3, 1, h.VALID))}, (8, 5, 5))
    edits = {edit.what: edit for edit in _edits(dict(enumerate(too_large.nodes)))}
    assert apply(too_large, edits["a 5x5 kernel (now 3x3)"]) is not None
    assert apply(too_large, edits["a 7x7 kernel (now 3x3)"]) is None


def test_copies_of_a_layer_change_together() -> None:
    """`3 of a` writes its convolution once: its three copies have one origin."""
    origin = Span(Source("a.yaml", "conv 3x3 8"), 1, 1, 11)
    typed = h.network({"row": (h.conv(3, 8), h.conv(3, 8), h.conv(3, 8))}, (8, 9, 9))
    nodes = {i: replace(node, origin=origin) for i, node in enumerate(typed.nodes)}
    edits = {edit.what: edit for edit in _edits(nodes)}
    wider = h.network({"row": (h.conv(3, 12), h.conv(3, 12), h.conv(3, 12))}, (8, 9, 9))
    new = _edited(nodes, edits["a width of 12 in `0` (now 8)"], cost(typed).rows["row"])
    assert new is not None
    assert counts(new) == same(wider)
    assert "a width of 12 in `1` (now 8)" not in edits
    growing = h.network({"row": (h.conv(3, 8), h.conv(3, 8))}, (4, 9, 9))  # the copies read 4 and 8 channels
    nodes = {i: replace(node, origin=origin) for i, node in enumerate(growing.nodes)}
    edits = {edit.what: edit for edit in _edits(nodes)}
    what = "a depthwise separable 3x3 in `0` with multiplier 2 (now dense)"
    new = _edited(nodes, edits[what], cost(growing).rows["row"])
    assert new is not None
    assert new.params == (4 * 2 * 9 + 8 * 8 + 8) + (8 * 2 * 9 + 16 * 8 + 8)


# a convolution of 64 x 64 x 3 x 3 weights and 64 biases on 8 x 8 pixels
CONV = h.conv(3, 64)
WEIGHTS, MACS = 64 * 64 * 9, 64 * 64 * 9 * 64


@pytest.mark.parametrize(
    ("params", "column", "sentence"),
    [
        (str(WEIGHTS), BINARY, "`params` and `ops` fit biases not counted"),
        (str(WEIGHTS + 64), BINARY._replace(bias=False), "`params` and `ops` fit biases counted"),
        ("36.93K", BINARY, "`params` and `ops` fit params in units of 1000"),  # 36,928
        ("36.1K", BINARY._replace(rounding="down"), "`params` and `ops` fit params rounded the other way"),  # 36.06
        ("36.06K", Column("params"), "`params` and `ops` fit params in units of 1024"),
    ],
)
def test_how_a_column_counts(params: str, column: Column, sentence: str) -> None:
    assert sentences(one_row(CONV, (64, 8, 8), params, str(MACS), column), "row")[0] == sentence


def test_a_cell_that_nothing_fits() -> None:
    assert sentences(one_row(CONV, (64, 8, 8), "7", str(MACS)), "row") == [
        "no single edit fits `params` and `ops`, and none `params` alone"
    ]
    assert sentences(one_row(CONV, (64, 8, 8), "7", "7"), "row") == [
        "no single edit fits `params` and `ops`, and none `params` or `ops` alone"
    ]


def test_a_cell_alone() -> None:
    typed = h.network({"row": CONV}, (64, 8, 8))
    fits = h.printing(typed, Claim("row", "ops", str(MACS // 2)), ops=Column("ops"))
    assert sentences(fits, "row") == [
        "`ops` fit 32 input channels (now 64)",
        "`ops` fit a width of 32 (now 64); the output would then be 8x8x32",
    ]
    unfit = h.printing(typed, Claim("row", "ops", "7"), ops=Column("ops"))
    assert suggestions(unfit) == (Suggestion("row", (), "no single edit fits `ops`"),)


def test_three_cells() -> None:
    typed = h.printing(
        h.network({"row": CONV}, (64, 8, 8)),
        *(
            Claim("row", name, text)
            for name, text in (("w", str(WEIGHTS)), ("params", str(WEIGHTS)), ("ops", str(MACS)))
        ),
        w=Column("params", bias=False),
        params=Column("params"),
        ops=Column("ops"),
    )
    sentence = "`w`, `params` and `ops` fit biases not counted"
    assert suggestions(typed) == (Suggestion("row", ("w", "params", "ops"), sentence),)


@pytest.mark.parametrize("tree", [(), MaxPool(None), h.fc(10)])
def test_rows_with_little_to_edit(tree: h.Tree) -> None:
    (found,) = suggestions(one_row(tree, (8, 4, 4), "5", "3"))
    assert found == Suggestion("row", (), "no single edit fits `params` and `ops`, and none `params` or `ops` alone")


def test_shapes_depth_and_totals_have_no_suggestions() -> None:
    typed = h.printing(
        h.network({"row": CONV}, (64, 8, 8)),
        *(Claim("row", "depth", "7"), Claim("row", "output", "1x1x1"), Claim("totals", "params", "7")),
        depth=Column("depth"),
        output=Column("output"),
    )
    assert suggestions(typed) == ()


def test_effort_is_bounded() -> None:
    """A row of 400 different layers is given up in seconds."""
    typed = one_row(tuple(h.conv(1, 4 * (i + 1)) for i in range(400)), (8, 2, 2), "7", "7")
    start = time.process_time()
    assert len(suggestions(typed)) == 1
    assert time.process_time() - start < 20
