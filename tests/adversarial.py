"""Files of just below 64 KiB that ask for more work than their size suggests: one function for each way to do so.

A family is `family(size) -> text`: a spec of at most `size` bytes, as large as fits. Most of them hold; the others are
refused. What matters is that either answer comes within bounds that depend on the size alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

SIZE = 64 * 1024
Family = Callable[[int], str]
FAMILIES: dict[str, Family] = {}


def family(make: Family) -> Family:
    """Enter a family under its name."""
    FAMILIES[make.__name__] = make
    return make


HEAD = "network: t\ninput: 3x8x8\n"
TABLE = "layers: |\n  name | layer\n"


def fill(size: int, head: str, item: Callable[[int], str], tail: str = "") -> str:
    """`head`, as many items as fit, and `tail`."""
    text, room = [head], size - len((head + tail).encode())
    for i in count():
        each = item(i)
        room -= len(each.encode())
        if room < 0:
            return "".join(text) + tail
        text.append(each)
    raise AssertionError


def rows(size: int, layer: Callable[[int], str], head: str = HEAD, tail: str = "") -> str:
    """As many rows as fit."""
    return fill(size, head + TABLE, lambda i: f"  r{i}|{layer(i)}\n", tail)


def modules(
    levels: int, first: str, each: Callable[[int], str], layer: str, columns: str = "", head: str = HEAD
) -> str:
    """A tower of modules, each of which calls the one below it."""
    listed = f"columns: [{columns}], " if columns else ""
    lines = [f"  m0: {{{listed}graph: '{first}'}}\n"]
    lines += [f"  m{i}: {{{listed}graph: '{each(i - 1)}'}}\n" for i in range(1, levels)]
    return f"{head}modules:\n{''.join(lines)}{TABLE}  a | {layer}\n"


def tower(
    size: int,
    first: str,
    each: Callable[[int], str],
    layer: Callable[[int], str],
    columns: str = "",
    levels: int = 48,
) -> str:
    """The highest tower that fits, of at most so many levels."""
    low, high = 1, levels
    while low < high:
        middle = (low + high + 1) // 2
        if len(modules(middle, first, each, layer(middle - 1), columns).encode()) <= size:
            low = middle
        else:
            high = middle - 1
    return modules(low, first, each, layer(low - 1), columns)


def few(text: str) -> Family:
    """A family of one text, whatever the size."""
    return lambda size: text


# --- what multiplies --------------------------------------------------------------------------------------------------


@family
def repeats_of_repeats(size: int) -> str:
    return HEAD + TABLE + "  a | 999 of [ 999 of [ 999 of conv 1x1 64 ] ]\n"


@family
def repeats_just_allowed(size: int) -> str:
    return HEAD + TABLE + "  a | 99 of [ 99 of conv 1x1 4 bn relu ]\n"


@family
def repeats_of_nothing(size: int) -> str:
    return HEAD + "modules: {m: {graph: pass}}\n" + TABLE + "  a | 9999 of [ 9999 of [ 9999 of m ] ]\n"


@family
def repeats_of_pass(size: int) -> str:
    return HEAD + TABLE + "  a | 9999 of [ 9999 of [ 9999 of pass ] ]\n"


@family
def repeats_that_widen(size: int) -> str:
    return HEAD + TABLE + "  a | 4999 of [ pass | conv 1x1 1 ]\n"


@family
def repeats_of_sums(size: int) -> str:
    return HEAD + TABLE + "  a | 3000 of [ pass + 0.5 * [ conv 1x1 3 ] ]\n"


@family
def doubling_chains(size: int) -> str:
    return tower(size, "conv 1x1 4", lambda i: f"m{i} -> m{i}", lambda i: f"m{min(i, 30)}")


@family
def doubling_joins(size: int) -> str:
    return tower(size, "conv 1x1 4", lambda i: f"[ m{i} | m{i} ]", lambda i: f"m{min(i, 30)}")


@family
def doubling_sums(size: int) -> str:
    return tower(size, "conv 1x1 4", lambda i: f"[ m{i} + m{i} ]", lambda i: f"m{min(i, 30)}")


@family
def doubling_up_to_the_limit(size: int) -> str:
    return tower(size, "conv 1x1 4", lambda i: f"[ m{i} | m{i} ]", lambda i: "m11")


@family
def doubling_conditions(size: int) -> str:
    return tower(
        size,
        "[ conv 1x1 {a} | conv 1x1 {a} ]",
        lambda i: f"[ m{i} a={{a}} | m{i} a={{a+1}} ]",
        lambda i: f"m{min(i, 30)} a=1",
        "a",
    )


@family
def doubling_conditions_repeated_never(size: int) -> str:
    return tower(
        size,
        "[ conv 1x1 {a} | conv 1x1 {a} ]",
        lambda i: f"0 of [ m{i} a={{a}} | m{i} a={{2*a+1}} ] -> conv 1x1 {{a}}",
        lambda i: f"m{i} a=1",
        "a",
        24,
    )


@family
def doubling_conditions_absent(size: int) -> str:
    return tower(
        size, "conv 1x1 {a}", lambda i: f"[ m{i} a={{a}} | m{i} a={{2*a}} | pass ]", lambda i: f"m{min(i, 30)} a=0", "a"
    )


@family
def doubling_structures(size: int) -> str:
    return tower(
        size,
        "conv 1x1/{a} 4 same",
        lambda i: f"m{i} a={{1+2*a%7}} -> m{i} a={{1+(2*a+1)%7}}",
        lambda i: f"m{min(i, 30)} a=1",
        "a",
    )


@family
def doubling_structures_apart(size: int) -> str:
    return tower(
        size,
        "conv 1x1 4 dilation={a}",
        lambda i: f"m{i} a={{2*a}} -> m{i} a={{2*a+1}}",
        lambda i: f"m{min(i, 9)} a=1",
        "a",
    )


@family
def doubling_structures_wide(size: int) -> str:
    return tower(
        size,
        "conv 1x1 {a} eps={b} bn",
        lambda i: f"m{i} a={{a}} b={{2*b}} -> m{i} a={{a}} b={{2*b+1}}",
        lambda i: f"m{min(i, 30)} a=1 b=1",
        "a, b",
    )


@family
def doubling_widths(size: int) -> str:
    return tower(size, "conv 1x1 {a}", lambda i: f"m{i} a={{a+a-a}}", lambda i: f"m{i} a=3", "a", 98)


@family
def doubling_in(size: int) -> str:
    return tower(size, "conv 1x1 {in+in-in}", lambda i: f"m{i} -> conv 1x1 {{in+in-in}}", lambda i: f"m{i}")


@family
def doubling_in_in_a_chain(size: int) -> str:
    chain = fill(size // 2, "", lambda i: (" -> " if i else "") + "conv 1x1 {in+in-in}")
    return HEAD + f"modules: {{m: {{graph: '{chain}'}}}}\n" + TABLE + "  a | m\n  b | conv 1x1 4\n  c | m\n"


@family
def doubling_classes(size: int) -> str:
    return rows(size // 2, lambda i: "conv 1x1 {in+in-in}" if i else "conv 1x1 {classes}", "classes: 7\n" + HEAD)


@family
def long_values_in_a_tower(size: int) -> str:
    long = "+".join(["a", *["1-1"] * 60])
    return tower(size, "conv 1x1 {a}", lambda i: f"m{i} a={{{long}}}", lambda i: f"m{i} a=3", "a", 98)


@family
def high_tower(size: int) -> str:
    return tower(size, "conv 1x1 4", lambda i: f"m{i}", lambda i: f"m{i}", levels=4000)


@family
def high_tower_of_brackets(size: int) -> str:
    nested = ("[ pass | w: " * 19, " ]" * 19)
    return tower(size, "conv 1x1 4", lambda i: nested[0] + f"m{i}" + nested[1], lambda i: f"m{i}", levels=3)


@family
def high_tower_called_from_below(size: int) -> str:
    text = tower(size // 2, "conv 1x1 4", lambda i: f"m{i}", lambda i: "m0", levels=4000)
    return fill(size, text, lambda i: f"  b{i} | m{i}\n" if f" m{i}:" in text else "  w\n")


@family
def repeats_below_long_labels(size: int) -> str:
    """Each of 9,999 layers is called by all the labels above it."""
    labels = "".join(f"{'l' * 58}: [ pass -> " for _ in range(38))
    return HEAD + TABLE + f"  a | {labels}9999 of [ conv 1x1 3 bn bias ]{' ]' * 38}\n"


@family
def repeats_below_labels_just_allowed(size: int) -> str:
    labels = "".join(f"{'l' * 50}: [ pass -> " for _ in range(3))
    return HEAD + TABLE + f"  a | {labels}9999 of [ conv 1x1 3 bn bias ]{' ]' * 3}\n"


# --- what is long -----------------------------------------------------------------------------------------------------


@family
def many_rows(size: int) -> str:
    return rows(size, lambda i: "bn")


@family
def many_rows_of_convolutions(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 9 bn relu")


@family
def many_rows_that_differ(size: int) -> str:
    return rows(size, lambda i: f"conv 1x1 {i + 1}")


@family
def many_rows_that_call(size: int) -> str:
    return rows(size, lambda i: "m", HEAD + "modules: {m: {graph: bn}}\n")


@family
def many_rows_that_call_with_widths(size: int) -> str:
    return rows(size, lambda i: f"m a={i + 1}", HEAD + "modules: {m: {columns: [a], graph: 'conv 1x1 {a}'}}\n")


@family
def one_long_chain(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|bn", lambda i: "->bn")


@family
def several_long_chains(size: int) -> str:
    return HEAD + TABLE + "".join("  a" + str(i) + "|" + "->".join(["bn"] * 2000) + "\n" for i in range(size // 8300))


@family
def long_chain_of_labels(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|bn", lambda i: f"->a{i}:bn")


@family
def long_join(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|[pass", lambda i: "|bn", "]\n")


@family
def long_join_of_passes(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|[pass", lambda i: "|pass", "]\n")


@family
def long_sum(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|[pass", lambda i: "+bn", "]\n")


@family
def as_many_layers_and_rows_as_are_allowed(size: int) -> str:
    """A join of 9,990 layers, and rows as far as there is room."""
    return rows(size, lambda i: "bn", tail="  a|[pass" + "|bn" * 9_988 + "]\n")


@family
def long_join_in_a_module(size: int) -> str:
    return fill(
        min(size, 40_000),
        HEAD + "modules: {m: {graph: '[pass",
        lambda i: "|conv 1x1 {a}",
        "]'}}\n" + TABLE + "  r | m a=2\n  s | m a=3\n",
    )


@family
def long_sum_in_a_module(size: int) -> str:
    return fill(
        min(size, 40_000),
        HEAD + "modules: {m: {graph: '[conv 1x1 {a}",
        lambda i: "+conv 1x1 {a}",
        "]'}}\n" + TABLE + "  r | m a=2\n  s | m a=3\n",
    )


@family
def long_chain_in_a_module(size: int) -> str:
    return fill(
        min(size, 40_000),
        HEAD + "modules: {m: {graph: 'conv 1x1 {a}",
        lambda i: "->conv 1x1 {a+1}",
        "'}}\n" + TABLE + "  r | m a=2\n  s | m a=3\n",
    )


@family
def long_pass_in_a_module_called_often(size: int) -> str:
    text = fill(size // 2, HEAD + "modules: {m: {graph: '[pass", lambda i: "|pass", "]'}}\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|conv 1x1 1 -> m\n")


@family
def many_conditions_called_often(size: int) -> str:
    text = fill(
        size // 2, HEAD + "modules: {m: {columns: [a], graph: '[pass", lambda i: f"|conv 1x1 {{a-{i + 1}}}", "]'}}\n"
    )
    return fill(size, text + TABLE, lambda i: f"  r{i}|m a=1\n")


@family
def many_structures(size: int) -> str:
    text = fill(
        size // 2, HEAD + "modules: {m: {columns: [s], graph: 'conv 1x1 2 dilation={s}", lambda i: " -> bn", "'}}\n"
    )
    return fill(size, text + TABLE, lambda i: f"  r{i}|m s={i % 999 + 1}\n")


@family
def many_small_structures(size: int) -> str:
    return rows(
        size,
        lambda i: f"m s={i % 999 + 1} t={i // 999 + 1}",
        HEAD + "modules: {m: {graph: 'conv 1x1 2 dilation={s}x{t}'}}\n",
    )


@family
def nested_brackets(size: int) -> str:
    return rows(size, lambda i: "[bn -> " * 38 + "bn" + "]" * 38)


@family
def nested_joins(size: int) -> str:
    return rows(size, lambda i: "[bn|w:" * 38 + "bn" + "]" * 38)


@family
def nested_repeats(size: int) -> str:
    return rows(size, lambda i: "1 of [" * 38 + "bn" + "]" * 38)


@family
def long_values(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 {" + "+".join(["1"] * 145) + "}")


@family
def long_values_of_names(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 {" + "+".join(["a"] * 145) + "}", HEAD + "settings: {a: 1}\n")


@family
def nested_values(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 {" + "(" * 38 + "1" + ")" * 38 + "}")


@family
def nested_functions(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 {" + "round(" * 38 + "1" + ")" * 38 + "}")


@family
def many_settings(size: int) -> str:
    text = fill(size // 2, HEAD + "settings:\n", lambda i: f"  s{i}: 1\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|conv 1x1 {{s{i % 99}}}\n")


@family
def many_modules(size: int) -> str:
    text = fill(size * 3 // 4, HEAD + "modules:\n", lambda i: f"  m{i}: {{graph: bn}}\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|m{i if f' m{i}:' in text else 0}\n")


@family
def many_columns(size: int) -> str:
    columns = [f"c{i}" for i in range(size // 40)]
    listed = ",".join(columns)
    graph = "->".join(f"conv 1x1 {{{column}}}" for column in columns)
    text = (
        HEAD
        + f"modules:\n  m: {{columns: [{listed}], graph: '{graph}'}}\nlayers: |\n  name|layer|"
        + "|".join(columns)
        + "\n"
    )
    return fill(size, text, lambda i: f"  r{i}|m|" + "|".join("1" * len(columns)) + "\n")


@family
def many_columns_in_one_row(size: int) -> str:
    columns = [f"c{i}" for i in range(size // 80)]
    listed = ",".join(columns)
    graph = "+".join(f"conv 1x1 {{{column}}}" for column in columns)
    text = (
        HEAD
        + f"modules:\n  m: {{columns: [{listed}], graph: '[{graph}]'}}\nlayers: |\n  name|layer|"
        + "|".join(columns)
        + "\n"
    )
    return text + fill(size - len(text), "  r|[m", lambda i: "|m", "]|" + "|".join("1" * len(columns)) + "\n")


@family
def wide_table_of_short_rows(size: int) -> str:
    text = fill(size // 2, HEAD + "layers: |\n  name|layer", lambda i: f"|c{i}") + "\n"
    return fill(size, text, lambda i: f"  r{i}|bn\n")


@family
def wide_table(size: int) -> str:
    head = HEAD + "published:\n" + "".join(f"  p{i}: {{measure: params}}\n" for i in range(300))
    head += "layers: |\n  name|layer" + "".join(f"|p{i}" for i in range(300)) + "\n"
    return fill(size, head, lambda i: f"  r{i}|bn" + "|6" * 300 + "\n")


@family
def many_printed_cells(size: int) -> str:
    return fill(size, HEAD + "layers: |\n  name|layer|params|output\n", lambda i: f"  r{i}|bn|6|8x8x3\n")


@family
def many_wrong_cells(size: int) -> str:
    return fill(size, HEAD + "layers: |\n  name|layer|params\n", lambda i: f"  r{i}|bn|7\n")


@family
def many_heads(size: int) -> str:
    return fill(size, HEAD + TABLE + "  a|bn\nheads:\n", lambda i: f"  h{i}: {{from: a, graph: bn}}\n")


@family
def many_heads_of_many_rows(size: int) -> str:
    text = fill(size // 3, HEAD + TABLE, lambda i: f"  r{i}|bn\n")
    return fill(size, text + "heads:\n", lambda i: f"  h{i}: {{from: r{i if f' r{i}|' in text else 0}, graph: fc 9}}\n")


@family
def many_errata(size: int) -> str:
    text = fill(size // 3, HEAD + "layers: |\n  name|layer|params\n", lambda i: f"  r{i}|bn|7\n")
    return fill(size, text + "published:\n  errata:\n", lambda i: f"    r{i}.params: x\n")


@family
def many_totals(size: int) -> str:
    return fill(size, HEAD + TABLE + "  a|bn\npublished:\n  totals:\n", lambda i: f"    t{i}: 7\n")


@family
def many_init(size: int) -> str:
    text = fill(size // 3, HEAD + TABLE, lambda i: f"  r{i}|conv 1x1 3\n")
    return fill(size, text + "init:\n  source: x\n", lambda i: f"  r{i if f' r{i}|' in text else 'x' + str(i)}: he\n")


@family
def many_init_deep(size: int) -> str:
    text = (
        HEAD
        + TABLE
        + "  r|"
        + "w:[" * 37
        + "bn -> ["
        + "|".join(f"y{i}: conv 1x1 1" for i in range(900))
        + "]" * 38
        + "\n"
    )
    path = ".".join(["r", *"w" * 37, "1"])
    return fill(size, text + "init:\n  source: x\n", lambda i: f"  {path}.y{i}: he\n")


@family
def init_of_a_deep_network(size: int) -> str:
    return fill(
        size,
        HEAD + TABLE + "  r|99 of [99 of conv 1x1 3]\ninit:\n  source: x\n",
        lambda i: f"  r.{i % 99}.{i // 99}: he\n",
    )


# --- what is wrong many times over ------------------------------------------------------------------------------------


@family
def unknown_layers(size: int) -> str:
    return rows(size, lambda i: f"comv{i}")


@family
def unknown_modules(size: int) -> str:
    text = fill(size // 2, HEAD + "modules:\n", lambda i: f"  module{i}: {{graph: bn}}\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|modul{i}\n")


@family
def unknown_modules_alike(size: int) -> str:
    text = fill(size // 2, HEAD + "modules:\n", lambda i: f"  a{i:05}: {{graph: bn}}\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|b{i:05}\n")


@family
def unknown_words(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 3 " + " ".join(f"sam{i}" for i in range(20)))


@family
def unknown_names_in_values(size: int) -> str:
    text = fill(size // 2, HEAD + "settings:\n", lambda i: f"  setting{i}: 1\n")
    return fill(size, text + TABLE, lambda i: f"  r{i}|conv 1x1 {{settin{i}}}\n")


@family
def unknown_columns(size: int) -> str:
    return fill(size, HEAD + "layers: |\n  name|layer", lambda i: f"|param{i}", "\n  r|bn\n")


@family
def unknown_columns_of_modules(size: int) -> str:
    text = fill(size // 2, HEAD + "modules:\n  m:\n    graph: '[pass", lambda i: f"|conv 1x1 {{col{i}}}", "]'\n")
    return fill(size, text + TABLE + "  r|m", lambda i: f" co{i}=1", "\n")


@family
def unknown_columns_in_graphs(size: int) -> str:
    text = fill(size // 2, HEAD + "modules:\n  m:\n    columns: [x", lambda i: f",col{i}")
    return fill(size, text + "]\n    graph: '[conv 1x1 {x}", lambda i: f"|conv 1x1 {{co{i}}}", f"]'\n{TABLE}  r|m\n")


@family
def unknown_rows_of_heads(size: int) -> str:
    text = fill(size // 2, HEAD + TABLE, lambda i: f"  row{i}|bn\n")
    return fill(size, text + "heads:\n", lambda i: f"  h{i}: {{from: rowx{i}, graph: bn}}\n")


@family
def unknown_cells_of_errata(size: int) -> str:
    text = fill(size // 2, HEAD + TABLE, lambda i: f"  row{i}|bn\n")
    return fill(size, text + "published:\n  errata:\n", lambda i: f"    rowx{i}.params: x\n")


@family
def unknown_layers_of_init(size: int) -> str:
    text = fill(size // 2, HEAD + TABLE, lambda i: f"  row{i}|conv 1x1 3\n")
    return fill(size, text + "init:\n  source: x\n", lambda i: f"  rowx{i}: he\n")


@family
def unknown_words_of_init(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|conv 1x1 3\ninit:\n  source: x\n  conv: he", lambda i: f" fan{i}=1", "\n")


@family
def unknown_keys(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\n", lambda i: f"layer{i}: 1\n")


@family
def unknown_keys_of_modules(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\nmodules:\n", lambda i: f"  m{i}: {{grap: bn}}\n")


@family
def unknown_keys_of_one_module(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\nmodules:\n  m:\n", lambda i: f"    graph{i}: bn\n")


@family
def unknown_defaults(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\ndefaults:\n", lambda i: f"  conv{i}: same\n")


@family
def unknown_words_of_defaults(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 3", HEAD + "defaults: {conv: same rel bm}\n")


@family
def unknown_settings_words(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\nsettings:\n", lambda i: f"  s{i}: conv{i}\n")


@family
def unknown_training(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\ntraining:\n  notes:\n", lambda i: f"    optim.l{i}: x\n")


@family
def unused_cells(size: int) -> str:
    return rows(size, lambda i: "bn|7", HEAD + "modules: {m: {graph: 'conv 1x1 {a}'}}\n").replace(
        "name | layer", "name|layer|a"
    )


@family
def unused_columns_of_modules(size: int) -> str:
    return fill(
        size,
        HEAD + TABLE + "  r|bn\nmodules:\n  m:\n    graph: conv 1x1 {x}\n    columns: [x",
        lambda i: f",xx{i}",
        "]\n",
    )


@family
def doubled_rows(size: int) -> str:
    return fill(size, HEAD + TABLE, lambda i: "  r|bn\n")


@family
def doubled_keys(size: int) -> str:
    return fill(size, HEAD, lambda i: "a: 1\n")


@family
def wrong_labels(size: int) -> str:
    return fill(min(size, 45_000), HEAD + TABLE + "  r|[pass", lambda i: "|a: bn", "]\n")


@family
def wrong_shapes(size: int) -> str:
    return fill(size, HEAD + TABLE + "  a|fc 3\nheads:\n", lambda i: f"  h{i}: {{from: a, graph: conv 1x1 3}}\n")


@family
def wrong_joins(size: int) -> str:
    return fill(
        min(size, 45_000), HEAD + TABLE + "  r|[pass", lambda i: "|bn" if i % 2 else "|conv 1x1/2 3 valid", "]\n"
    )


@family
def wrong_syntax(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 ->")


@family
def wrong_values(size: int) -> str:
    return rows(size, lambda i: "conv 1x1 {1.5}")


@family
def wrong_arguments(size: int) -> str:
    return rows(size, lambda i: "m", HEAD + "modules: {m: {graph: 'conv 1x1 {a}'}}\n")


# --- what is large in numbers -----------------------------------------------------------------------------------------


@family
def adaptive_pool_of_a_huge_image(size: int) -> str:
    return "network: t\ninput: 3x65535x65535\n" + TABLE + "  b | avgpool to=1000x999\n"


@family
def adaptive_pools(size: int) -> str:
    return rows(size, lambda i: f"avgpool to={999 - i % 7}x{997 - i % 5}", "network: t\ninput: 3x65535x65535\n")


@family
def adaptive_pools_that_slide(size: int) -> str:
    return rows(size, lambda i: "avgpool to=1000x999", "network: t\ninput: 3x1000x999\n")


@family
def adaptive_pools_upwards(size: int) -> str:
    return rows(size, lambda i: "avgpool to=1000x1000", "network: t\ninput: 3x1x1\n")


@family
def adaptive_pools_repeated(size: int) -> str:
    return (
        "network: t\ninput: 3x65535x65535\n"
        + TABLE
        + "  b | 99 of [ 99 of [ avgpool to=1000x999 -> avgpool to=997x983 ] ]\n"
    )


@family
def norms_without_gamma(size: int) -> str:
    return rows(size, lambda i: "bn gamma=none", "network: t\ninput: 65535x8x8\n")


@family
def norms_without_gamma_repeated(size: int) -> str:
    return "network: t\ninput: 3x8x8\n" + TABLE + "  a | conv 1x1 1000000\n  b | 9999 of bn gamma=none\n"


@family
def huge_kernels(size: int) -> str:
    return rows(
        size, lambda i: "conv 1000x1000 1000000 same_upper dilation=1000", "network: t\ninput: 65535x65535x65535\n"
    )


@family
def huge_pools(size: int) -> str:
    return rows(size, lambda i: "maxpool 999x999/1 same", "network: t\ninput: 3x65535x65535\n")


@family
def growing_fields(size: int) -> str:
    return rows(size, lambda i: "maxpool 1000x1000/1000 same_upper", "network: t\ninput: 3x65535x65535\n")


@family
def growing_channels(size: int) -> str:
    return HEAD + TABLE + "  a | 3000 of [ pass | pass ]\n"


@family
def growing_vectors(size: int) -> str:
    return rows(size, lambda i: "fc 1000000")


# --- words and warnings -----------------------------------------------------------------------------------------------


@family
def unknown_layers_in_one_formula(size: int) -> str:
    return fill(min(size, 50_000), HEAD + TABLE + "  a|[zq", lambda i: "->zq", "]\n")


@family
def near_layers_in_many_rows(size: int) -> str:
    return fill(size, HEAD + TABLE, lambda i: f"  r{i}|maxpo{chr(97 + i % 26)}{chr(97 + i // 26 % 26)} 3x3\n")


@family
def words_without_effect(size: int) -> str:
    return fill(size, HEAD + TABLE, lambda i: f"  r{i}|avgpool 1x1 ceil count_pad\n")


@family
def factors_around_factors(size: int) -> str:
    return HEAD + TABLE + "  a|" + "2*[" * 19 + "->".join(["bn"] * 3000) + "]" * 19 + "\n"


@family
def values_of_defaults_that_are_wrong(size: int) -> str:
    return rows(size, lambda i: "maxpool 2x2", HEAD + "defaults: {maxpool: pad=2}\n")


@family
def rows_that_lack_most_cells(size: int) -> str:
    text = fill(size // 2, HEAD + "layers: |\n  name|layer", lambda i: f"|c{i}") + "\n"
    return fill(size, text, lambda i: f"  r{i}|bn|\n")


# --- YAML -------------------------------------------------------------------------------------------------------------


@family
def deep_yaml(size: int) -> str:
    return "a: " + "[" * (size - 3)


@family
def deep_yaml_blocks(size: int) -> str:
    return "".join(" " * i + "a:\n" for i in range(350))


@family
def wide_yaml(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\nmodules:\n  m:\n    graph: bn\n    columns: [", lambda i: "1,", "1]\n")


@family
def many_empty_lines(size: int) -> str:
    return fill(size, HEAD + TABLE, lambda i: "\n", "  r|bn\n")


@family
def one_long_line(size: int) -> str:
    return HEAD + "title: " + "x" * (size - 200) + "\n" + TABLE + "  r|bn\n"


@family
def a_table_folded(size: int) -> str:
    return fill(size, HEAD + 'layers: "name|layer\\n', lambda i: f"r{i}|bn\\n", '"\n')


@family
def a_table_folded_and_wrong(size: int) -> str:
    return fill(size, HEAD + 'layers: "name|layer\\n', lambda i: f"r{i}|bm\\n", '"\n')


@family
def many_comments(size: int) -> str:
    return fill(size, HEAD + TABLE + "  r|bn\n", lambda i: "# x\n")


# --- what would be laid out far to the right --------------------------------------------------------------------------


@family
def rows_below_wide_cells(size: int) -> str:
    columns = "|".join(f"c{i}" for i in range(250))
    cells = f"  a|bn|{'|'.join(['1' * 79] * 250)}\n"
    return fill(size, f"{HEAD}layers: |\n  name|layer|{columns}\n{cells}", lambda i: f"  r{i}|bn{'|' * 250}\n")


@family
def rows_below_a_wide_name(size: int) -> str:
    return fill(size, f"{HEAD}{TABLE}  {'a' * (size // 2)}|bn\n", lambda i: f"  r{i}|bn\n")


@family
def branches_below_a_bracket_far_right(size: int) -> str:
    head = f"{HEAD}{TABLE}  r|m\nmodules:\n  m:\n    graph: |\n      {'bn -> ' * (size // 12)}[ bn\n"
    return fill(size * 2 // 3, head, lambda i: "      |bn\n", "      ]\n")


@family
def branches_below_a_wide_label(size: int) -> str:
    head = f"{HEAD}{TABLE}  r|m\nmodules:\n  m:\n    graph: |\n      | {'l' * (size // 3)}: bn\n"
    return fill(size * 2 // 3, head, lambda i: f"      |l{i}: bn\n")


@family
def hanging_brackets(size: int) -> str:
    head = f"{HEAD}{TABLE}  r|m\nmodules:\n  m:\n    graph: |\n{'      [' * 35}bn\n"
    return fill(size * 2 // 3, head.replace("      [", "      [\n"), lambda i: "      |bn\n", f"      {']' * 35}\n")


@family
def comments_below_a_long_line(size: int) -> str:
    return fill(
        size, f"{HEAD}{TABLE}  r|bn\ntitle: {'x' * (size // 2)}    # x\nsettings: # x\n", lambda i: f"  s{i}: 1 #\n"
    )


@family
def lists_below_a_bracket_far_right(size: int) -> str:
    head = f"{HEAD}{TABLE}  r|bn\npaper: {{authors: [{'x, ' * (size // 6)}[" + "[" * 40
    return fill(size, head, lambda i: "x,\n", f"{']' * 42}}}\n")


def families() -> Iterator[tuple[str, str]]:
    """Every family's largest text."""
    for name, make in FAMILIES.items():
        yield name, make(SIZE)
