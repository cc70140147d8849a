"""The rules of the language, one by one, and networks that are not Inception in under thirty lines each."""

from __future__ import annotations

import pytest

from inception_dsl.analysis.cost import cost
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.norms import LRN, BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.shapes import Padding, Pair, Window
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Name, Number
from inception_dsl.lower import lower
from inception_dsl.passes import pipeline
from inception_dsl.spec.network import read_spec
from inception_dsl.syntax import algebra, yaml
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.terms import Branches, Chain, Labelled, Repeated, Scaled, Use, WordTerm

A, B, C = Use("a"), Use("b"), Use("c")


def compiled(text: str) -> Typed:
    """A whole file, lowered."""
    return lower(pipeline.run_passes(elaborate(read_spec(yaml.parse(Source("spec.yaml", text))))))


def network(table: str, modules: str = "", more: str = "", image: str = "3x8x8") -> Typed:
    """A network of a table; `modules` are lines `name: graph`."""
    lines = [f"network: test\ninput: {image}", more]
    lines += ["modules:"] if modules else []
    for line in modules.splitlines():
        name, _, graph = line.partition(": ")
        lines.append(f"  {name}:\n    graph: |\n      {graph}")
    return compiled("\n".join([*lines, "layers: |", *(f"  {line}" for line in table.splitlines())]) + "\n")


def layer(formula: str, more: str = "", image: str = "3x8x8") -> Typed:
    """A network of one formula."""
    return network(f"name | layer\nrow | [{formula}]", more=more, image=image)


def names(typed: Typed) -> list[str]:
    return ["/".join(node.path) for node in typed.nodes]


def ops(typed: Typed) -> list[str]:
    return [node.op.name for node in typed.nodes]


def only(formula: str) -> Op:
    """The one op of a formula."""
    (node,) = layer(formula).nodes
    return node.op


def widths(typed: Typed) -> list[int]:
    return [node.out.channels for node in typed.nodes if isinstance(node.op, Conv)]


def code(formula: str) -> str:
    """The code of the error that a formula is."""
    with pytest.raises(SpecError) as caught:
        layer(formula)
    return caught.value.diagnostics[0].code


# the algebra, as it is read


def test_a_chain_binds_tighter_than_a_sum_and_a_sum_tighter_than_branches() -> None:
    read = algebra.parse_formula("a -> b + c | a")

    assert read == Branches("|", (Branches("+", (Chain((A, B)), C)), A))


def test_brackets_group_and_leave_no_trace() -> None:
    assert algebra.parse_formula("[a | b] -> [c]") == Chain((Branches("|", (A, B)), C))
    assert algebra.parse_formula("[a -> b] -> c") == algebra.parse_formula("a -> b -> c")
    assert algebra.parse_formula("a | [b | c]") == algebra.parse_formula("a | b | c")
    assert algebra.parse_formula("[[[a]]]") == A


def test_a_factor_and_a_count_bind_tighter_than_a_chain() -> None:
    assert algebra.parse_formula("0.17 * a -> b") == Chain((Scaled(Number(0.17), A), B))
    assert algebra.parse_formula("4 of a -> b") == Chain((Repeated(Number(4), A), B))
    assert algebra.parse_formula("{n} of 0.5 * a") == Repeated(Name("n"), Scaled(Number(0.5), A))


def test_a_product_binds_tighter_than_all_but_brackets() -> None:
    assert algebra.parse_formula("x: a * b -> c") == Chain((Labelled("x", Branches("*", (A, B))), C))
    assert algebra.parse_formula("a + b * c") == Branches("+", (A, Branches("*", (B, C))))
    assert algebra.parse_formula("2 of a * b") == Repeated(Number(2), Branches("*", (A, B)))
    assert algebra.parse_formula("[a -> b] * c") == Branches("*", (Chain((A, B)), C))
    assert algebra.parse_formula("a * [b * c]") == algebra.parse_formula("[a * b] * c") == Branches("*", (A, B, C))


def test_a_number_on_the_left_of_a_star_is_a_factor() -> None:
    assert algebra.parse_formula("0.5 * a * b") == Scaled(Number(0.5), Branches("*", (A, B)))
    assert algebra.parse_formula("a * 0.5 * b") == Branches("*", (A, Scaled(Number(0.5), B)))
    assert algebra.parse_formula("{x} * a") == Scaled(Name("x"), A)
    assert algebra.parse_formula("{x} 3x3 * a").join == "*"  # type: ignore[attr-defined]
    assert algebra.parse_formula("2 of 0.5 * a") == Repeated(Number(2), Scaled(Number(0.5), A))


def test_a_leading_bar_says_nothing() -> None:
    assert algebra.parse_formula("| a\n| b") == algebra.parse_formula("a | b")


def test_a_label_names_the_whole_branch() -> None:
    assert algebra.parse_formula("x: a -> b | c") == Branches("|", (Labelled("x", Chain((A, B))), C))


def test_a_label_elsewhere_names_its_step() -> None:
    assert algebra.parse_formula("c -> x: a -> b") == Chain((C, Labelled("x", A), B))
    assert algebra.parse_formula("[x: a] -> b | c") == Branches("|", (Chain((Labelled("x", A), B)), C))


def test_of_is_a_word_like_others_where_no_count_is() -> None:
    assert algebra.parse_formula("4 of of of") == Repeated(Number(4), Use("of", words=(WordTerm("of"),)))


def test_a_count_is_followed_by_the_word_of() -> None:
    with pytest.raises(SyntaxFault):
        algebra.parse_formula("4 office")


def test_a_name_in_braces_is_a_column_verbatim() -> None:
    assert algebra.parse_formula("conv 1x1 {#3x3 reduce}").width == Name("#3x3 reduce")  # type: ignore[attr-defined]
    assert algebra.parse_braced("{pool  proj}") == Name("pool proj")


def test_a_number_with_an_exponent_is_no_column() -> None:
    assert algebra.parse_braced("{1e-5}") == Number(1e-5)
    assert algebra.parse_braced("{1e5}") == Number(100000)


def test_percent() -> None:
    assert algebra.parse_formula("dropout 70%").width == Number(0.7)  # type: ignore[attr-defined]
    assert only("dropout 40%") == only("dropout 0.4") == Dropout(0.4)


def test_a_percentage_is_bounded_like_any_number() -> None:
    with pytest.raises(SyntaxFault, match="the largest number is"):
        algebra.parse_formula(f"dropout {'9' * 400}%")


# the algebra, as it is compiled


def test_branches_are_joined_along_channels() -> None:
    typed = layer("conv 1x1 4 | conv 1x1 2 -> conv 1x1 6")

    assert ops(typed) == ["conv", "conv", "conv", "concat"]
    assert typed.nodes[-1].inputs == (0, 2)
    assert typed.out("row").shape == (10, 8, 8)


def test_terms_of_a_sum_are_added() -> None:
    typed = layer("[pass + 0.5 * [conv 1x1 3]] -> relu")

    assert ops(typed) == ["conv", "scale", "add", "relu"]
    assert typed.nodes[2].inputs == (-1, 1)


def test_factors_of_a_product_are_multiplied() -> None:
    typed = layer("pass * [avgpool global -> conv 1x1 3] * 0.5 * conv 3x3 3 same -> relu")

    assert ops(typed) == ["avgpool", "conv", "conv", "scale", "mul", "relu"]
    assert typed.nodes[4].inputs == (-1, 1, 3)
    assert typed.out("row").shape == (3, 8, 8)


def test_a_value_on_the_left_of_a_star_is_a_factor_unless_it_names_a_layer() -> None:
    settings = "settings: {word: relu, share: 0.5}"

    assert ops(layer("{word} * bn", settings)) == ops(layer("relu * bn")) == ["relu", "bn", "mul"]
    assert ops(layer("{share} * bn", settings)) == ops(layer("0.5 * bn")) == ["bn", "scale"]
    assert ops(layer("bn * {word}", settings)) == ["bn", "relu", "mul"]
    assert code("bn * {1 / 2}") == "E201"


def test_a_factor_that_is_left_out_gates_nothing() -> None:
    typed = network("name | layer | k\none | gated | 0\ntwo | gated | 3\n", "gated: pass * conv 1x1 {k}")

    assert ops(typed) == ["conv", "mul"]


def test_a_gate_is_one_pixel_and_the_stride_is_that_of_the_image() -> None:
    counted = cost(layer("conv 3x3/2 4 same -> pass * [avgpool global -> conv 1x1 4]")).trunk

    assert (counted.out.shape, counted.stride) == ((4, 4, 4), (2, 2))
    assert min(counted.receptive_field) >= 8


def test_repeats_have_weights_of_their_own() -> None:
    typed = layer("3 of conv 1x1 4")

    assert list(typed.weights) == ["row.0.weight", "row.1.weight", "row.2.weight"]
    assert [weight.shape[1] for weight in typed.weights.values()] == [3, 4, 4]


def test_labels_name_weights() -> None:
    typed = layer("3x3: conv 3x3 4 same -> tail: conv 1x1 2 | conv 1x1 2")

    assert list(typed.weights) == ["row.b3x3.0.weight", "row.b3x3.tail.weight", "row.branch2.weight"]


def test_pass_is_the_input_itself() -> None:
    assert ops(layer("pass | conv 1x1 4")) == ["conv", "concat"]
    assert layer("pass | conv 1x1 4").nodes[1].inputs == (-1, 0)


def test_in_is_what_arrives_at_this_layer() -> None:
    assert widths(layer("conv 1x1 {4 * in} -> conv 1x1 {in // 2} -> conv 3x3 {in} groups={in} same")) == [12, 6, 6]


def test_module_in_is_what_arrives_at_the_module() -> None:
    gate = "avgpool global -> conv 1x1 {in // 2} relu -> conv 1x1 {module.in}"
    nested = (
        f"se: pass * [{gate}]\nouter: conv 1x1 {{2 * in}} -> se -> conv 1x1 {{module.in + 1}} -> wide k={{module.in}}"
    )
    rows = "name | layer\na | conv 1x1 6\nb | se\nc | outer\nd | se"

    assert widths(network(rows, f"{nested}\nwide: conv 1x1 {{k + module.in}}")) == [6, 3, 6, 12, 6, 12, 7, 13, 6, 13]
    assert code("conv 1x1 {module.in}") == "E206"


def test_classes() -> None:
    assert layer("fc {classes}", "classes: 7").out("row").shape == (7,)
    assert layer("fc {classes}").out("row").shape == (1000,)


def test_settings_and_written_rounding() -> None:
    formula = "conv 1x1 {round(64 * width, 8)} -> conv 1x1 {ceil(10 * width)} -> conv 1x1 {floor(30 / 4)}"

    assert widths(layer(formula, "settings: {width: 0.33}")) == [24, 4, 7]


def test_half_rounds_up() -> None:
    assert widths(layer("conv 1x1 {round(2.5)} -> conv 1x1 {round(20, 8)}")) == [3, 24]


def test_arithmetic() -> None:
    values = ["max(min(9, 4), 2)", "2 + 3 * 4", "(2 + 3) * 4", "20 - 5 - 5", "2 * 9 // 4", "20 % 8", "9 / 3"]

    assert widths(layer(" -> ".join(f"conv 1x1 {{{value}}}" for value in values))) == [4, 14, 20, 10, 4, 4, 3]


@pytest.mark.parametrize("value", ["7 / 2", "1 / 0", "1 - 2", "1000000 * 1000000", "width"])
def test_a_width_is_a_whole_number(value: str) -> None:
    assert code(f"conv 1x1 {{{value}}}") == ("E206" if value == "width" else "E207")


def test_a_value_may_name_the_layer() -> None:
    typed = network(
        "name | layer | pool    | stride\n"
        "one  | stage | maxpool | 2\n"
        "two  | stage | avgpool | 1\n",
        "stage: {pool} 3x3/{stride} same",
    )  # fmt: skip

    assert ops(typed) == ["maxpool", "avgpool"]
    assert typed.out("two").image == (4, 4)


def test_words_of_a_convolution() -> None:
    typed = layer("conv 3x1/2x1 6 same groups=3 dilation=2 bias bn eps=0.01 relu")
    window = Window((3, 1), (2, 1), Padding("same"), (2, 2))

    assert [node.op for node in typed.nodes] == [Conv(6, window, groups=3, bias=True), BatchNorm(0.01), ReLU()]
    assert names(typed) == ["row/conv", "row/bn", "row/relu"]


def test_defaults_are_replaced_by_own_words() -> None:
    formula = "conv 1x1 4 -> conv 1x1 4 norm=none act=none -> conv 1x1 4 act=none"
    typed = layer(formula, "defaults: {conv: bn relu bias}")

    assert ops(typed) == ["conv", "bn", "relu", "conv", "conv", "bn"]


def test_own_padding_replaces_that_of_the_defaults_as_a_whole() -> None:
    typed = layer("maxpool 3x3/2 same -> maxpool 3x3/2", "defaults: {maxpool: ceil}")

    paddings = [node.op.window.padding for node in typed.nodes if isinstance(node.op, MaxPool) and node.op.window]
    assert paddings == [Padding("same"), Padding(ceil=True)]


@pytest.mark.parametrize(
    ("words", "out"),
    [("same", 4), ("same_upper", 4), ("valid", 3), ("ceil", 4), ("pad=1", 4), ("pad=1x0", 4)],
)
def test_padding_says_what_it_does(words: str, out: int) -> None:
    assert layer(f"maxpool 3x3/2 {words}").out("row").image == (out, 3 if words == "pad=1x0" else out)


def test_padding_is_never_guessed() -> None:
    assert code("conv 3x3 4") == "E210"
    assert code("maxpool 2x2/2") == "E210"
    assert code("maxpool 2x2 same") == "E211"
    assert widths(layer("conv 1x1 4")) == [4]  # there is nothing to pad


def test_average_pools_say_whether_padding_counts() -> None:
    assert only("avgpool 3x3/1 same") == AvgPool(Window((3, 3), padding=Padding("same")))
    assert only("avgpool 3x3/1 same count_pad") == AvgPool(Window((3, 3), padding=Padding("same")), count_pad=True)
    assert only("avgpool global") == AvgPool(None)
    assert only("avgpool to=4x3") == AvgPool(None, to=(4, 3))
    assert only("avgpool to=4") == AvgPool(None, to=(4, 4))


def test_numbers_of_a_norm() -> None:
    assert only("lrn 5 alpha=0.001 beta=0.5 k=2") == LRN(5, 0.001, 0.5, 2.0)
    assert only("bn eps=1e-5") == BatchNorm(1e-5)
    assert only("bn gamma=none eps=1e-5") == BatchNorm(1e-5, gamma=False)
    assert only("bn gamma") == BatchNorm()


def test_gamma_of_the_defaults_comes_back_on_a_layer_that_asks_for_it() -> None:
    typed = layer("conv 1x1 4 -> conv 1x1 4 gamma -> bn", "defaults: {conv: bn gamma=none}")

    assert [node.op for node in typed.nodes if isinstance(node.op, BatchNorm)] == [
        BatchNorm(gamma=False),
        BatchNorm(),
        BatchNorm(),
    ]
    assert [name for name in typed.weights if name.startswith("row.0.bn")] == [
        f"row.0.bn.{name}" for name in ("bias", "running_mean", "running_var")
    ]


def test_gamma_is_there_or_none() -> None:
    assert code("bn gamma=2") == code("conv 1x1 4 bn gamma=bn") == "E203"


@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (1, 0)])
@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (3, 5)])
def test_ceil_changes_nothing_at_a_stride_of_1(kernel: Pair, pad: Pair) -> None:
    """As W201 says of it, on an image of any size."""
    for side in range(5, 12):
        for width in range(5, 12):
            with_ceil, without = (Window(kernel, (1, 1), Padding("pad", pad, ceil)) for ceil in (True, False))
            assert with_ceil.axes((side, width)) == without.axes((side, width))


@pytest.mark.parametrize(
    ("formula", "warned"),
    [
        ("maxpool 3x3 ceil", ["W201"]),
        ("maxpool 3x3/1x2 ceil", []),
        ("avgpool 3x3 same count_pad", []),
        ("avgpool 3x3 valid skip_pad", []),
        ("avgpool 3x3/2 valid count_pad", ["W201"]),
        ("avgpool to=2x2 count_pad", ["W201"]),
        ("conv 1x3 4 same dilation=2", []),
        ("conv 1x1 4 dilation=1 groups=1 bias=none norm=none act=none", []),
        ("[ conv 1x1 4 | conv 1x1 4 ] -> {word} 3x3/{n} ceil", []),
        ("2 * conv 1x1 4", ["W202"]),
        ("12 * fc 4", ["W202"]),
        ("2 * [ relu -> bn ]", ["W202"]),
        ("2.0 * conv 1x1 4 -> 0.5 * bn -> {n} * bn -> 3 * relu -> 1 * bn -> 2 of bn", []),
    ],
)
def test_words_without_effect_are_reported(formula: str, warned: list[str]) -> None:
    """Those whose author wanted something; what says in full what holds anyway is no slip."""
    warnings = layer(formula, more="settings: {n: 1, word: maxpool}").program.warnings

    assert [warning.code for warning in warnings] == warned


@pytest.mark.parametrize(
    ("image", "meant"),
    [
        ("224x224x3", "3x224x224"),
        ("32x48x3", "3x32x48"),
        ("28x28x1", "1x28x28"),
        ("64x64x4", "4x64x64"),
        ("3x3x3", ""),
        ("512x1x1", ""),
        ("64x1000x1", ""),
        ("16x16x3", ""),
        ("3x224x224", ""),
        ("192x28x28", ""),
    ],
)
def test_an_input_with_its_channels_last_is_asked_about(image: str, meant: str) -> None:
    """Also where an error keeps the network from being made; features and strips of numbers are none."""
    warnings = layer("conv 1x1 4", image=image).program.warnings

    assert [(warning.code, warning.help) for warning in warnings] == (
        [("W203", f"did you mean `{meant}`?")] if meant else []
    )
    if meant:
        text = f"network: t\ninput: {image}\nlayers: |\n  name | layer\n  a | maxpool 9x9 valid\n"
        program = compile_source(Source("spec.yaml", text))
        with pytest.raises(SpecError) as caught:
            at_size(program)
        assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["W203", "E209"]


def test_modules_are_called_like_layers() -> None:
    table = "name | layer\nrow | pair k=4 l={2 * 3}"

    assert widths(network(table, "pair: conv 1x1 {k} -> conv 1x1 {l}")) == [4, 6]


def test_modules_take_their_columns_from_the_row() -> None:
    table = "name | layer | k | l\none | pair | 4 | {2 * width}\ntwo | 2 of pair | 1 | 2"

    assert widths(network(table, "pair: conv 1x1 {k} -> conv 1x1 {l}", "settings: {width: 3}")) == [4, 6, 1, 2, 1, 2]


def test_modules_call_modules() -> None:
    modules = "inner: conv 1x1 {k}\nouter: inner k={2 * k} -> inner k={in + 1}"

    assert widths(network("name | layer | k\nrow | outer | 2", modules)) == [4, 5]


# empty and zero cells


INCEPTION = (
    "mixed: one: conv 1x1 {#1x1} | two: conv 1x1 {k} -> conv 3x3 4 same | pool: maxpool 3x3 same -> conv 1x1 {proj}"
)


@pytest.mark.parametrize("nothing", ["", "0"])
def test_a_layer_without_width_is_left_out(nothing: str) -> None:
    typed = network(f"name | layer | #1x1 | k | proj\nrow | mixed | 2 | {nothing} | 3", INCEPTION)

    assert list(typed.weights) == ["row.one.weight", "row.two.weight", "row.pool.1.weight"]


@pytest.mark.parametrize("nothing", ["", "0"])
def test_a_branch_with_nothing_left_is_left_out(nothing: str) -> None:
    typed = network(f"name | layer | #1x1 | k | proj\nrow | mixed | {nothing} | 2 | ", INCEPTION)

    assert names(typed) == ["row/two/0", "row/two/1", "row/pool", "row/concat"]
    assert typed.out("row").channels == 4 + 3  # the pool passes its input on


@pytest.mark.parametrize("width", ["in * k", "k + in", "in // (2 * k)"])
def test_a_width_that_depends_on_an_empty_cell_is_empty(width: str) -> None:
    typed = network(
        "name | layer | k | l\nrow | both | | 2", f"both: left: conv 1x1 {{{width}}} | right: conv 1x1 {{l}}"
    )

    assert names(typed) == ["row/right"]


def test_a_join_of_one_branch_is_no_join() -> None:
    typed = network("name | layer | k | l\nrow | both | 2 |", "both: left: conv 1x1 {k} | right: conv 1x1 {l}")

    assert names(typed) == ["row/left"]


def test_a_row_with_nothing_left_is_an_error() -> None:
    with pytest.raises(SpecError) as caught:
        network("name | layer | k\nrow | conv 1x1 {k} |")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E213"]


def test_a_count_of_zero_is_nothing() -> None:
    assert widths(layer("0 of conv 1x1 4 -> conv 1x1 2")) == [2]


# the table


PLAIN = network("name | layer\none | conv 1x1 4\ntwo | [conv 1x1 2 | pass]")


def test_a_markdown_table_is_read_too() -> None:
    markdown = network(
        "| name | layer |\n"
        "|:-----|------:|\n"
        "| one  | conv 1x1 4 |\n"
        "| two  | [conv 1x1 2 | pass] |"
    )  # fmt: skip

    assert markdown.nodes == PLAIN.nodes


def test_a_bar_inside_brackets_belongs_to_the_formula() -> None:
    assert ops(PLAIN) == ["conv", "conv", "concat"]


def test_a_bar_outside_brackets_belongs_to_the_table() -> None:
    with pytest.raises(SpecError) as caught:
        network("name | layer\nrow | conv 1x1 2 | pass")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E113"]


def test_columns_stand_in_any_order() -> None:
    typed = network("output | layer | name | k\n8x8x4 | conv 1x1 {k} | one | 4\n8x8x4 | pass | two | ")

    assert widths(typed) == [4]
    assert typed.trunk == ("one", "two")


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("one | two | 4 | 8", "`c`"),
        ("one | two | 4", "`b` and `c`"),
        ("one  | two   | 4   8 | 2", "`b`"),
        ("one | two | 4 8 | 2", "`c`"),
        ("one", "`layer`, `a`, `b` and `c`"),
        ("| one | two | 4 | |", "`c`"),
    ],
    ids=["end", "two", "a bar lost between aligned cells", "a bar lost", "only a name", "outer bars"],
)
def test_a_row_has_as_many_cells_as_the_header(rows: str, columns: str) -> None:
    """A lost cell or bar never builds another network: empty cells are written too."""
    header = "| name | layer | a | b | c |" if rows.startswith("|") else "name | layer | a | b | c"
    with pytest.raises(SpecError) as caught:
        network(f"{header}\n{rows}", modules="two: [ conv 1x1 {a} | conv 1x1 {b} | conv 1x1 {c} ]")

    assert [(diagnostic.code, diagnostic.label) for diagnostic in caught.value.diagnostics] == [
        ("E113", f"no cell for {columns}")
    ]


def test_few_of_many_columns_without_a_cell_are_named() -> None:
    with pytest.raises(SpecError) as caught:
        network(f"name | layer | {' | '.join(f'c{i}' for i in range(2000))}\none | pass")

    (label,) = (diagnostic.label for diagnostic in caught.value.diagnostics if diagnostic.code == "E113")
    assert label == "no cell for `c0`, `c1`, `c2`, `c3`, `c4`, `c5` and 1,994 more"


def test_printed_numbers_are_claims_and_no_input() -> None:
    claimed = network("name | layer | output | params | nodes\none | conv 1x1 4 | 9x9x9 | 1K | 3", more=(
        "published: {nodes: {measure: depth}, totals: {params: 2K}}"
    ))  # fmt: skip
    claims = claimed.program.published.claims

    assert claimed.out("one").shape == (4, 8, 8)
    assert [(claim.row, claim.column, claim.text) for claim in claims] == [
        ("one", "output", "9x9x9"),
        ("one", "params", "1K"),
        ("one", "nodes", "3"),
        ("totals", "params", "2K"),
    ]


def test_a_column_that_nothing_uses_is_an_error() -> None:
    with pytest.raises(SpecError) as caught:
        network("name | layer | wdith\none | conv 1x1 {width} | 4", more="settings: {width: 4}")

    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("E115", "did you mean `width`?")


def test_a_number_that_its_row_does_not_use_is_an_error() -> None:
    with pytest.raises(SpecError) as caught:
        network("name | layer | k\none | conv 1x1 {k} | 4\ntwo | conv 1x1 4 | 5")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E216"]


# YAML 1.2 around it


def test_names_that_yaml_1_1_read_as_something_else() -> None:
    typed = network("name | layer\nno | on\nyes | off", "on: conv 1x1 {y}\noff: pass", "settings: {y: 4}")

    assert typed.trunk == ("no", "yes")
    assert widths(typed) == [4]


def test_cells_are_never_yaml() -> None:
    published = "published: {printed: {measure: depth}}"
    typed = network("name | layer | k | printed\none | conv 1x1 {k} | 010 | 1:30", more=published)

    assert widths(typed) == [10]
    assert [claim.text for claim in typed.program.published.claims] == ["1:30"]


def test_a_number_that_must_be_text_is_an_error() -> None:
    with pytest.raises(SpecError) as caught:
        layer("pass", "paper: {arxiv: 1409.4842}")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E105"]


def test_a_comment_in_a_formula_would_be_part_of_it() -> None:
    with pytest.raises(SpecError) as caught:
        network("name | layer\nrow | conv 1x1 4 # filters")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E110"]


# heads


HEAD = "heads:\n  aux:\n    from: one\n    loss_weight: 0.3\n    graph: fc {classes}\n"


def test_a_head_reads_its_row_and_is_no_part_of_the_trunk() -> None:
    typed = network("name | layer\none | conv 1x1 4\ntwo | fc {classes}", more=HEAD)
    (flatten, fc) = typed.of("aux")

    assert flatten.inputs == (typed.ends["one"],)
    assert fc.path == ("aux", "fc")
    assert typed.trunk == ("one", "two")
