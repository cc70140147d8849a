"""Work is bounded before it is done: any file up to 64 KiB is answered soon, and with little memory.

The contract is in CPU seconds and MB, on a machine where `python -c pass` takes 20 ms of CPU: `check` answers within
2 s and 300 MB, `compile` within 5 s and 500 MB. Every other machine is measured first.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from adversarial import FAMILIES, HEAD, SIZE, TABLE, fill
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl import compiler
from inception_dsl.compilation import Build
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.layers import UNKNOWN_LAYER
from inception_dsl.diagnostics.diagnostic import Findings, Source, SpecError
from inception_dsl.diagnostics.spelling import COMPARED, MAX_WORDS_LISTED, did_you_mean, listing
from inception_dsl.edit.edit import apply
from inception_dsl.elaborate.size import MOST_LAYERS
from inception_dsl.formatting.format import format_edits
from inception_dsl.ir.shapes import Window, adaptive_bins, largest_bin, uniform_window
from inception_dsl.lower import LONGEST_PATH, lower
from inception_dsl.paper.single_edits import single_edits
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import LEVELS

ROOT = Path(__file__).parent.parent
CHECK, COMPILE = (2, 300), (5, 500)
"""CPU seconds, and MB."""
SLACK = 2 if "PYTEST_XDIST_WORKER" in os.environ else 1
"""How much longer work may take beside other workers, which share its caches and its core; `nightly/` has no slack."""


def cpu(command: list[str]) -> tuple[float, int]:
    """The CPU seconds that a process takes, and how it ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def scale() -> float:
    """How much slower this machine is, now, than one where Python starts in 20 ms."""
    return min(cpu([sys.executable, "-c", "pass"])[0] for _ in range(5)) / 0.020


once = cache(scale)


def within(seconds: float, work: Callable[[], object]) -> None:
    """Hold some work to a bound, again where something else took the machine the first times."""
    for _ in range(3):
        start = time.process_time()
        work()
        spent = time.process_time() - start
        if spent <= seconds * once() * SLACK:
            return
    assert spent <= seconds * scale() * SLACK


def answer(text: str, *, files: bool) -> tuple[str, ...]:
    """The codes that a spec gives, and the text of them; where it holds, its files are made if asked for."""
    for read in (algebra.parse_formula, algebra.parse_words, algebra.parse_braced):
        read.cache_clear()  # each answer is a process's first
    try:
        build = Build(compiler.compile_source(Source("spec.yaml", text)))
        found = build.findings
        if files and not any(each.code.startswith("E") for each in found):
            assert build.files
    except SpecError as error:
        found = error.diagnostics
    assert len(render.text(found)) < 200_000
    return tuple(each.code for each in found)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_file_is_checked_soon(name: str) -> None:
    text = FAMILIES[name](SIZE)

    assert len(text.encode()) <= SIZE
    within(CHECK[0], lambda: answer(text, files=False))


@pytest.mark.parametrize(
    "name",
    """
    repeats_just_allowed doubling_widths doubling_in_in_a_chain long_sum_in_a_module many_small_structures
    adaptive_pools norms_without_gamma_repeated many_init_deep repeats_below_labels_just_allowed
    """.split(),
)
def test_a_file_is_compiled_soon(name: str) -> None:
    """Those that emitters could be slow at; `nightly/` compiles all of them, as processes whose memory is counted."""
    text = FAMILIES[name](SIZE)

    within(COMPILE[0], lambda: answer(text, files=True))


@pytest.mark.parametrize(
    "name",
    """
    rows_below_wide_cells rows_below_a_wide_name branches_below_a_bracket_far_right branches_below_a_wide_label
    hanging_brackets comments_below_a_long_line lists_below_a_bracket_far_right many_columns_in_one_row
    """.split(),
)
def test_a_file_is_formatted_soon(name: str) -> None:
    """Those that could become large; `nightly/` formats all of them."""
    source = Source("spec.yaml", FAMILIES[name](SIZE))
    within(CHECK[0], lambda: formatted_size(source))

    assert formatted_size(source) <= 64 * SIZE


def formatted_size(source: Source) -> int:
    """The characters of a text once it is formatted; 0 if it does not parse."""
    try:
        return len(apply(source, format_edits(source)))
    except SpecError:
        return 0


def test_a_variant_of_a_long_table_is_checked_soon(tmp_path: Path) -> None:
    """Two files of that size, the base with a printed number in each row, which the variant inherits."""
    (tmp_path / "base.yaml").write_text(FAMILIES["many_printed_cells"](SIZE))
    head = "extends: base.yaml\nnetwork: v\nrename:\n  rows:\n"
    path = tmp_path / "v.yaml"
    path.write_text(fill(SIZE, head, lambda i: f"    r{i}: q{i}\n" if i < 1000 else f"    # {i}\n"))

    within(2 * CHECK[0], lambda: Build(compiler.compile_file(path)).verdicts)


def test_a_chain_over_a_large_base_is_answered_soon(tmp_path: Path) -> None:
    """Each file of a chain is worked out for the next: a few short ones ask as much as many large ones."""
    (tmp_path / "v0.yaml").write_text(f"{HEAD}{TABLE}  a|9000 of bn\n")
    for i in range(1, 20):
        (tmp_path / f"v{i}.yaml").write_text(f"extends: v{i - 1}.yaml\nnetwork: v{i}\n")

    compiler.load(tmp_path / "v1.yaml")
    with pytest.raises(SpecError) as caught:
        compiler.load(tmp_path / "v19.yaml")
    assert [(diagnostic.code, diagnostic.message) for diagnostic in caught.value.diagnostics] == [
        ("E121", "the files that this one extends have 18,000 layers together; the limit is 10,000")
    ]


def test_what_explains_many_wrong_numbers_is_searched_soon() -> None:
    """Every row has its share of the search; what was not searched is not said to explain nothing."""
    head = f"{HEAD}layers: |\n  name|layer|params|ops\n"
    text = fill(SIZE, head, lambda i: f"  r{i}|conv 3x3 {i % 99 + 1} same|9|9\n")
    build = Build(compiler.compile_source(Source("spec.yaml", text)))
    found = single_edits(build.typed, build.verdicts)

    assert len({each.row for each in found}) == len(build.typed.program.rows)
    assert {each.sentence.partition(" fit")[0] for each in found if not each.cells} <= {
        f"none of the {number} edits tried" for number in range(1, 100)
    }
    within(CHECK[0], lambda: single_edits(build.typed, build.verdicts))


MEASURED = """
import os, resource, sys
status = os.waitstatus_to_exitcode(os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)[1])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, status)
"""


def process(verb: str, text: str, folder: Path) -> tuple[float, float, int]:
    """The CPU seconds and MB that a command takes over a spec, and its exit status."""
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    out = ["--out", str(folder / "out")] if verb == "compile" else []
    command = [sys.executable, "-m", "inception_dsl", verb, str(path), *out]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True, cwd=ROOT
    )
    seconds, memory, status = done.stdout.splitlines()[-1].split()
    return float(seconds), int(memory) / 1024, int(status)


def hold_process(verb: str, name: str, folder: Path) -> None:
    """Hold a command over a family's largest file to the contract."""
    bound, most = COMPILE if verb == "compile" else CHECK
    for _ in range(3):
        seconds, memory, status = process(verb, FAMILIES[name](SIZE), folder)
        assert status in (0, 1)
        assert memory <= most
        if seconds <= bound * once() * SLACK:
            return
    assert seconds <= bound * scale() * SLACK


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("check", "many_rows"),
        ("check", "doubling_conditions"),
        ("compile", "repeats_just_allowed"),
        ("compile", "adaptive_pool_of_a_huge_image"),
        ("compile", "repeats_below_long_labels"),
        ("compile", "repeats_below_labels_just_allowed"),
    ],
)
def test_a_process_is_small_and_soon_done(verb: str, name: str, tmp_path: Path) -> None:
    hold_process(verb, name, tmp_path)


FUZZED = sorted((Path(__file__).parent / "cases" / "fuzz").glob("*.yaml"))
"""What coverage-guided fuzzing kept (`nightly/fuzz.py`): a short file for each of many ways to fail."""


def test_fuzzed_files_are_answered() -> None:
    """With a diagnostic, or with files: nothing else is ever raised."""
    codes = {path: answer(path.read_text(encoding="utf-8"), files=True) for path in FUZZED}

    assert len(FUZZED) > 50
    assert len({*codes.values()}) > 30


def test_thousands_of_wrong_names_in_a_variant(tmp_path: Path) -> None:
    """Each is told against all rows of the base."""
    rows = "".join(f"  r{i} | conv 1x1 4 same\n" for i in range(2500))
    base = f"network: base\ninput: 3x8x8\nlayers: |\n  name | layer\n{rows}"
    wrong = ", ".join(f"rr{i}" for i in range(8000))
    (tmp_path / "base.yaml").write_text(base, encoding="utf-8")
    path = tmp_path / "variant.yaml"
    path.write_text(f"extends: base.yaml\nnetwork: rows\nremove: {{rows: [{wrong}]}}\n", encoding="utf-8")

    def check() -> None:
        with pytest.raises(SpecError) as caught:
            compiler.compile_file(path)
        assert len(caught.value.diagnostics) == 8000
        assert caught.value.diagnostics[7].help == "did you mean `r7`?"

    within(CHECK[0], check)


# --- the count --------------------------------------------------------------------------------------------------------


def spec(layer: str, modules: str = "", rows: str = "") -> str:
    """A small spec."""
    return f"network: t\ninput: 3x8x8\n{modules}layers: |\n  name | layer\n{rows}  a | {layer}\n"


def messages(text: str) -> list[str]:
    """The messages about a spec."""
    with pytest.raises(SpecError) as caught:
        lower(compiler.compile_source(Source("spec.yaml", text)))
    return [diagnostic.message for diagnostic in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        ("999 of [ 999 of [ 999 of conv 1x1 64 ] ]", "997,002,998"),
        ("101 of [ 100 of conv 1x1 4 ]", "10,099"),
        ("5000 of [ pass + bn ]", "14,999"),
        ("2501 of [ [ bn | bn ] -> relu ]", "10,003"),
        ("9999 of [" * 20 + "bn" + "]" * 20, "10^79 and more"),
    ],
)
def test_the_size_of_an_expansion_is_stated(layer: str, count: str) -> None:
    assert messages(spec(layer)) == [
        f"with `a`, the network has {count} more layers than rows; the limit is {MOST_LAYERS:,}"
    ]


def test_the_row_that_makes_a_network_too_large_is_named() -> None:
    rows = "  before | 6000 of bn\n  after | 5000 of bn\n"

    assert messages(spec("bn", rows=rows)) == [
        f"with `after`, the network has 10,998 more layers than rows; the limit is {MOST_LAYERS:,}"
    ]


def test_modules_are_counted_by_multiplication() -> None:
    modules = "modules:\n  m0: {graph: conv 1x1 3}\n"
    modules += "".join(f"  m{i + 1}: {{graph: '4 of [ m{i} -> bn ]'}}\n" for i in range(8))

    assert messages(spec("m8", modules)) == [
        f"with `a`, the network has 152,915 more layers than rows; the limit is {MOST_LAYERS:,}"
    ]


@pytest.mark.parametrize("layer", ["10000 of bn", "5000 of [ bn -> relu ]", "10000 of m", "100 of [ 100 of m ]"])
def test_as_many_layers_as_are_allowed(layer: str) -> None:
    assert answer(spec(layer, "modules: {m: {graph: bn}}\n"), files=False) == ()


def test_written_rows_are_not_counted() -> None:
    """Ten thousand of them, and some that repeats make."""
    rows = "".join(f"  r{i} | bn\n" for i in range(MOST_LAYERS + 1))

    assert answer(spec("9999 of bn", rows=rows), files=False) == ()


def test_layers_that_are_left_out_by_a_count_are_none() -> None:
    """A tower that would double without end is called no times."""
    modules = "modules:\n  m0: {graph: 'conv 1x1 {a}'}\n"
    modules += "".join(
        f"  m{i + 1}: {{graph: '[ {{n}} of m{i} a={{2*a}} | {{n}} of m{i} a={{2*a+1}} | bn ]'}}\n" for i in range(30)
    )

    assert answer("settings: {n: 0}\n" + spec("m30 a=1", modules), files=False) == ()


# --- the depth --------------------------------------------------------------------------------------------------------


def tower(levels: int) -> str:
    """Modules that call each other, as deep as that with the row."""
    calls = "".join(f"  m{i}: {{graph: m{i - 1}}}\n" for i in range(1, levels - 1))
    return spec(f"m{levels - 2}", "modules:\n  m0: {graph: 'conv 1x1 4'}\n" + calls)


def test_modules_nest_as_deep_as_the_limit_states() -> None:
    """Each module adds its name to those of the layers in it, which grow too long before the levels are too many."""
    assert answer(tower(LEVELS // 2), files=True) == ()
    assert answer(tower(LEVELS), files=True) == ("E117",)
    assert messages(tower(LEVELS + 1)) == [
        f"`a` nests {LEVELS + 1} levels deep with the modules it calls; the limit is {LEVELS}"
    ]
    assert messages(tower(198)) == [
        f"`m100` nests {LEVELS + 1} levels deep with the modules it calls; the limit is {LEVELS}"
    ]


@pytest.mark.parametrize(
    "layer",
    [
        "1 of " * 98 + "bn",
        "0.5 * " * 98 + "bn",
        "1 of 0.5 * " * 49 + "bn",
        "[ bn -> w: " * 39 + "bn" + "]" * 39,
        "[ bn | w: " * 39 + "bn" + "]" * 39,
        "[ pass + w: " * 39 + "bn" + "]" * 39,
        "conv 1x1 {" + "+".join(["1"] * 149) + "}",
        "conv 1x1 {" + "(1+" * 38 + "1" + ")" * 38 + "}",
        "conv 1x1 {" + "max(1, " * 38 + "1" + ")" * 38 + "}",
    ],
)  # fmt: skip
def test_nested_parts_compile_or_are_reported(layer: str) -> None:
    """As deep as the language allows, in a row and at the end of the deepest tower."""
    for text in (spec(layer), tower(60).replace("conv 1x1 4", layer)):
        assert set(answer(text, files=True)) <= {"E107", "E117", "E214", "W202"}


@pytest.mark.parametrize("step", ["1 of ", "0.5 * "])
def test_repeats_and_factors_nest_to_a_limit(step: str) -> None:
    assert messages(spec(step * 200 + "bn")) == [f"parts nest deeper than {LEVELS}"]


def test_a_name_is_as_long_as_its_labels_make_it() -> None:
    """`a.LABELS.1`: a name of as many characters as are allowed, and of one more."""
    row, last = "ab", "zz: bn"
    labels = ["l" * 58, "m" * 58, "n" * 58]
    room = LONGEST_PATH - len(".".join([row, *labels, "zz"])) - 1
    nested = "".join(f"{label}: [ pass -> " for label in labels)

    def named(length: int) -> str:
        return f"network: t\ninput: 3x8x8\n{TABLE}  {row} | {nested}{'k' * length}: [ bn -> {last} ]{' ]' * 3}\n"

    assert answer(named(room), files=True) == ()
    assert messages(named(room + 1)) == [f"`{row}`: the full name of a layer has more than {LONGEST_PATH} characters"]


# --- what takes time by itself ----------------------------------------------------------------------------------------


@given(st.integers(1, 400), st.integers(1, 400))
def test_adaptive_windows_are_known_without_being_made(size: int, out: int) -> None:
    windows = list(adaptive_bins(size, out))
    steps = {after.start - window.start for window, after in pairwise(windows)} or {1}
    alike = len({len(window) for window in windows}) == 1 and len(steps) == 1 and 0 not in steps
    window = Window((len(windows[0]),) * 2, (steps.pop(),) * 2) if alike else None

    assert largest_bin(size, out) == max(map(len, windows))
    assert uniform_window((size, size), (out, out)) == window


NAMES = st.lists(st.text("abc_12", min_size=3, max_size=12), min_size=COMPARED + 1, max_size=200, unique=True)


@given(NAMES, st.data())
def test_a_slip_finds_its_name_among_many(names: list[str], data: st.DataObject) -> None:
    """One letter more, less, changed or swapped, as among a few."""
    name = data.draw(st.sampled_from(names))
    i = data.draw(st.integers(0, len(name) - 2))
    slips = [name[:i] + name[i + 1 :], name[:i] + "z" + name[i:], name[:i] + "z" + name[i + 1 :]]
    word = data.draw(st.sampled_from([*slips, name[:i] + name[i + 1] + name[i] + name[i + 2 :]]))

    assert bool(did_you_mean(word, [name])) <= bool(did_you_mean(word, names))


def test_thousands_of_errors_are_reported_quickly() -> None:
    known = [f"module_{i}" for i in range(4000)]

    within(2, lambda: [did_you_mean(f"modul_{i}", known) for i in range(4000)])
    assert did_you_mean("modul_7", known) == "did you mean `module_7`?"


def test_a_listing_is_short() -> None:
    words = [f"w{i}" for i in range(5000)]

    assert listing(words[:MAX_WORDS_LISTED]).count("`") == 2 * MAX_WORDS_LISTED
    assert listing(words).endswith(f"`w{MAX_WORDS_LISTED - 2}` and 4,981 more")


def test_thousands_of_errors_are_rendered_soon() -> None:
    source = Source("spec.yaml", "x" * 60_000)
    findings = Findings()
    for _ in range(20_000):
        findings.error(UNKNOWN_LAYER, "there is no such thing")
    assert source.lines
    with pytest.raises(SpecError) as caught:
        findings.stop()

    within(1, lambda: render.text(caught.value.diagnostics))
