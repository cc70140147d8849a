"""The accounting against published totals, against counting by hand, and against brute force."""

from __future__ import annotations

import time
from collections.abc import Mapping

import handmade as h
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl.analysis.cost import Cost, cost, storage
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten, Identity
from inception_dsl.ir.typed import Typed

# weights, biases and multiply-adds of table 1's rows, counted from its widths by an independent script
GOOGLENET = {
    "conv1": (9_408, 64, 118_013_952),
    "conv2": (114_688, 256, 359_661_568),
    "inception_3a": (163_328, 368, 128_049_152),
    "inception_3b": (388_096, 640, 304_267_264),
    "inception_4a": (375_552, 624, 73_608_192),
    "inception_4b": (448_512, 648, 87_908_352),
    "inception_4c": (509_440, 664, 99_850_240),
    "inception_4d": (604_672, 704, 118_515_712),
    "inception_4e": (867_328, 1_024, 169_996_288),
    "inception_5a": (1_042_432, 1_024, 51_079_168),
    "inception_5b": (1_442_816, 1_264, 70_697_984),
    "fc": (1_024_000, 1_000, 1_024_000),
}


@pytest.fixture(scope="module")
def googlenet() -> Cost:
    return cost(h.googlenet())


@pytest.mark.parametrize("row", h.GOOGLENET)
def test_rows_of_googlenet(googlenet: Cost, row: str) -> None:
    weights, biases, macs = GOOGLENET.get(row, (0, 0, 0))
    counted = googlenet.rows[row]
    assert (counted.params - counted.biases, counted.biases, counted.macs) == (weights, biases, macs)


def test_totals_of_googlenet(googlenet: Cost) -> None:
    assert (googlenet.trunk.params, googlenet.trunk.biases) == (6_998_552, 8_280)
    assert googlenet.trunk.macs == 1_582_671_872
    assert googlenet.total.params == 13_378_280  # the Caffe model with both heads
    assert googlenet.trunk.depth == googlenet.total.depth == 22  # "22 layers deep", section 5
    assert str(googlenet.trunk.out) == "1x1x1000"


def test_totals_of_bn_inception() -> None:
    trunk = cost(h.network(h.BN_INCEPTION)).trunk
    assert (trunk.params, trunk.params - trunk.biases) == (11_278_528, 11_257_496)
    assert trunk.macs == 1_948_605_440


def test_a_head_is_counted_from_where_it_leaves(googlenet: Cost) -> None:
    head = googlenet.rows["aux1"]
    assert head.depth == 3
    assert head.params == 512 * 128 + 128 + 2048 * 1024 + 1024 + 1024 * 1000 + 1000
    assert googlenet.total.macs == googlenet.trunk.macs + sum(googlenet.rows[name].macs for name in ("aux1", "aux2"))


def test_a_deep_head_deepens_the_total() -> None:
    rows: dict[str, h.Tree] = {"a": h.conv(1, 8), "b": h.conv(1, 8)}
    counted = cost(h.network(rows, (3, 8, 8), {"aux": ("a", tuple(h.conv(1, 8) for _ in range(4)))}))
    assert (counted.trunk.depth, counted.rows["aux"].depth, counted.total.depth) == (2, 4, 5)


def test_running_statistics_are_no_parameters() -> None:
    counted = cost(h.network({"bn": BatchNorm()}, (16, 8, 8))).trunk
    assert (counted.params, counted.biases) == (32, 32)


@pytest.mark.parametrize(
    ("tree", "depth"),
    [
        ((), 0),
        (h.maxpool(), 0),
        (h.conv(3, 8), 1),
        ((h.conv(1, 8), h.conv(3, 8)), 2),
        (h.concat(a=h.conv(1, 8), b=(h.conv(1, 8), h.conv(3, 8), h.conv(3, 8)), c=()), 3),
        ((h.concat(a=(), b=h.conv(1, 8)), h.conv(1, 8), h.concat(a=h.conv(1, 8), b=())), 3),
        (h.separable(64, 8), 1),
        ((h.conv(1, 8), h.fc(10)), 2),
    ],
)
def test_depth_is_the_longest_path(tree: h.Tree, depth: int) -> None:
    rows: dict[str, h.Tree] = {"before": h.conv(1, 3), "row": tree, "after": h.conv(1, 3) if depth != 2 else ()}
    assert cost(h.network(rows, (3, 16, 16))).rows["row"].depth == depth


def test_receptive_field_and_stride(googlenet: Cost) -> None:
    rows: dict[str, h.Tree] = {
        "conv": h.conv(3, 8),  # 3
        "pool": h.maxpool(2, 2),  # 3 + 1
        "module": h.concat(a=h.conv(1, 8), b=h.conv((1, 7), 8), c=h.conv(5, 8)),  # 4 + 2 * 4 high, 4 + 2 * 6 wide
        "nothing": (),
    }
    counted = cost(h.network(rows, (3, 32, 32))).rows
    assert [row.receptive_field for row in counted.values()] == [(3, 3), (4, 4), (12, 16), (12, 16)]
    assert [row.stride for row in counted.values()] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert googlenet.rows["fc"].receptive_field == (907, 907)
    empty = cost(h.network({"nothing": ()})).rows["nothing"]
    assert (empty.receptive_field, empty.stride, str(empty.out)) == ((1, 1), (1, 1), "224x224x3")


def test_old_names_still_work() -> None:
    row = cost(h.network({"conv": h.conv(3, 8)}, (3, 32, 32))).trunk

    with pytest.deprecated_call(match="receptive_field"):
        assert row.field == row.receptive_field
    with pytest.deprecated_call(match="receptive_fields"):
        assert row.seen == row.receptive_fields


@pytest.mark.parametrize(
    ("tree", "numbers"),
    [
        (h.conv(1, 8), 8 * 16),  # the ReLU writes over what the convolution wrote
        (h.conv(1, 8, bn=True), 2 * 8 * 16),  # the norm does not: the backward pass needs both
        ((h.conv(1, 8), Identity(), Flatten()), 8 * 16),
        (Dropout(), 2 * 16),
        (ReLU(), 2 * 16),  # never over the network's input
        ((Scale(0.1), ReLU(), ReLU()), 2 * 16),
        ((Scale(0.1), h.add(a=(), b=ReLU())), 3 * 2 * 16),  # the sum reads what the ReLU would write over
        ((Scale(0.1), h.add(a=Identity(), b=(Identity(), ReLU()))), 3 * 2 * 16),  # also through views
        (h.concat(a=h.conv(1, 8), b=h.conv(1, 4)), 2 * 12 * 16),
    ],
)
def test_activations_are_what_the_ops_write(tree: h.Tree, numbers: int) -> None:
    assert cost(h.network({"row": tree}, (2, 4, 4))).rows["row"].activations == numbers


def test_a_head_is_a_reader_too() -> None:
    rows: dict[str, h.Tree] = {"conv": Conv(8, h.window(1)), "relu": ReLU()}
    alone = h.network(rows, (2, 4, 4))
    shared = h.network(rows, (2, 4, 4), {"aux": ("conv", h.fc(10))})
    assert cost(alone).rows["relu"].activations == 0
    assert cost(shared).rows["relu"].activations == 8 * 16


def test_peak_by_hand() -> None:
    # the image, then the convolution's output beside it; the pool's output beside that
    assert cost(h.network({"conv": h.conv(1, 8), "pool": h.maxpool(2, 2)}, (3, 4, 4))).peak == (3 + 8) * 16
    # both branches and the image, then both branches and their concatenation
    assert cost(h.network({"row": h.concat(a=h.conv(1, 8), b=h.conv(1, 4))}, (3, 4, 4))).peak == 2 * 12 * 16
    assert cost(h.network({"row": h.concat(a=h.conv(1, 8), b=())}, (3, 4, 4))).peak == (3 + 8 + 11) * 16
    assert cost(h.network({"drop": (Dropout(), Dropout())}, (3, 4, 4))).peak == 3 * 16  # nothing, in inference
    assert cost(h.googlenet()).peak == 2 * 56 * 56 * 192  # norm2, and the convolution before it


def trees() -> st.SearchStrategy[h.Tree]:
    ops: list[h.Tree] = [Conv(4, h.window(3)), Conv(2, h.window(1)), ReLU(), Dropout(), Identity(), Scale(0.5), ()]
    joins: list[h.Tree] = [h.maxpool(3, 1, h.SAME), BatchNorm()]
    return st.recursive(
        st.sampled_from(ops + joins),
        lambda tree: st.one_of(
            st.lists(tree, max_size=4).map(tuple),
            st.lists(tree, min_size=1, max_size=3).map(
                lambda branches: h.concat(**{f"b{i}": branch for i, branch in enumerate(branches)})
            ),
        ),
        max_leaves=12,
    )


def networks() -> st.SearchStrategy[Typed]:
    rows: st.SearchStrategy[Mapping[str, h.Tree]] = st.lists(trees(), min_size=1, max_size=4).map(
        lambda found: {f"r{i}": tree for i, tree in enumerate(found)}
    )
    return st.builds(
        lambda found, aux: h.network(found, (2, 4, 4), {"aux": ("r0", aux)} if aux is not None else {}),
        rows,
        st.none() | trees(),
    )


def brute_force(typed: Typed, views: tuple[type[Op], ...]) -> list[int]:
    """Where each output lies, found by asking the whole network about every ReLU."""

    def origin(i: int) -> int:
        while i >= 0 and isinstance(typed.nodes[i].op, views):
            i = typed.nodes[i].inputs[0]
        return i

    def place(i: int) -> int:
        if i < 0:
            return -1
        node = typed.nodes[i]
        if isinstance(node.op, views):
            return place(node.inputs[0])
        if isinstance(node.op, ReLU) and origin(node.inputs[0]) >= 0:
            reads = [
                source
                for other in typed.nodes
                if not isinstance(other.op, views)
                for source in other.inputs
                if origin(source) == origin(node.inputs[0])
            ]
            if len(reads) == 1:
                return place(node.inputs[0])
        return i

    return [place(i) for i in range(len(typed.nodes))]


VIEWS = (Flatten, Identity)


@settings(max_examples=200)
@given(networks())
def test_peak_and_activations_are_those_of_brute_force(typed: Typed) -> None:
    counted = cost(typed)
    kept = brute_force(typed, VIEWS)
    assert storage(typed.nodes) == kept
    assert counted.total.activations == sum(typed.nodes[i].out.size for i in set(kept) - {-1})

    place = {-1: -1, **dict(enumerate(brute_force(typed, (*VIEWS, Dropout))))}
    steps = [i for i, node in enumerate(typed.nodes) if node.row in typed.trunk]
    sizes = {-1: typed.input.size, **{i: typed.nodes[i].out.size for i in steps}}
    touched = {i: {place[j] for j in (*typed.nodes[i].inputs, i)} for i in steps}
    alive = [
        {
            buffer
            for buffer in sizes
            if any(buffer in touched[i] for i in steps[: now + 1] if buffer >= 0) or buffer == -1
            if any(buffer in touched[i] for i in steps[now:])
        }
        for now in range(len(steps))
    ]
    assert counted.peak == max((sum(sizes[buffer] for buffer in step) for step in alive), default=typed.input.size)


@settings(max_examples=50)
@given(networks())
def test_rows_add_up(typed: Typed) -> None:
    counted = cost(typed)
    trunk = [counted.rows[row] for row in typed.trunk]
    assert counted.trunk.depth == sum(row.depth for row in trunk)
    assert counted.trunk.params == sum(row.params for row in trunk)
    trained = [node.op.weights(*node.types) for node in typed.nodes]
    sizes = [weight.shape for weights in trained for weight in weights.values() if weight.trained]
    total = 0
    for shape in sizes:
        number = 1
        for side in shape:
            number *= side
        total += number
    assert counted.total.params == total


def test_time_is_linear_in_the_nodes() -> None:
    typed = h.network({f"row{i}": h.conv(1, 8) for i in range(10_000)}, (8, 4, 4))
    start = time.process_time()
    counted = cost(typed)
    assert counted.trunk.depth == 10_000
    assert time.process_time() - start < 5  # some 0.3 s; a quadratic count takes minutes


def test_a_vector_row() -> None:
    counted = cost(h.network({"fc": (Flatten(), FullyConnected(10, bias=False))}, (4, 2, 2))).rows["fc"]
    assert (counted.params, counted.biases, counted.macs, counted.activations) == (160, 0, 160, 10)
    assert counted.receptive_field == (2, 2)
