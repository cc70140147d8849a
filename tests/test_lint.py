"""Lint: every rule by its examples, comments that ignore findings, fixes, and which findings a variant has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_runner import Run, in_folder
from fuzzing import in_file
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import specs
from test_bad_specs import EDIT, ROWS, edited
from test_style import wrong

from inception_dsl import compiler
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.diagnostics.diagnostic import Source, Span, SpecError
from inception_dsl.edit.edit import apply
from inception_dsl.ir.shapes import Padding, Window
from inception_dsl.lint import ignores, table
from inception_dsl.lint.fix import fix_file
from inception_dsl.lint.lint import lint
from inception_dsl.lint.rule import Finding
from inception_dsl.lint.rules.names import KNOWN, is_slip
from inception_dsl.spec import loader

ROOT = Path(__file__).parent.parent
EXAMPLES = [(code, word) for code in table.codes() for word in ("wrong", "right")]


def linted(text: str, name: str = "spec.yaml") -> tuple[Finding, ...]:
    """What all rules find in a text."""
    spec = loader.load_source(Source(name, text), compiler.as_base)
    return lint(spec, compiler.at_size(compiler.compile_spec(spec)))


def codes(text: str) -> list[str]:
    """The codes that a text gives."""
    return [finding.diagnostic.code for finding in linted(text)]


def network(table: str, more: str = "", image: str = "3x32x32", layers: str = "layers: |") -> str:
    """A spec with a table."""
    rows = "\n".join(f"  {line}" for line in table.splitlines())
    return f"network: tiny\ninput: {image}\n{more}{layers}\n{rows}\n"


# the table of rules


@pytest.mark.parametrize(("code", "word"), EXAMPLES, ids=[f"{code} {word}" for code, word in EXAMPLES])
def test_an_example_shows_its_rule_and_no_other(code: Code, word: str) -> None:
    found = codes(getattr(code, word))

    assert {*found} == ({code} if word == "wrong" else set())


def test_codes_are_in_one_table() -> None:
    """In the order of the codes, every module of rules is read, and no code is one of the compiler's."""
    files = {path.stem for path in (ROOT / "inception_dsl/lint/rules").glob("*.py")} - {"__init__"}

    assert [*table.codes()] == sorted({*table.codes()})
    assert {module.__name__.rpartition(".")[2] for module in table.MODULES} == files
    assert all(re.fullmatch("L[0-9]{3}", code) for code in table.codes())
    assert all(code.severity == "warning" and code.exit_code == 1 for code in table.codes())
    assert not {*table.codes()} & {*CODES}


@pytest.mark.parametrize("code", table.codes(), ids=str)
def test_pages_are_written_well(code: Code) -> None:
    assert code.explanation.endswith(".\n") and not code.summary.endswith(".")
    assert wrong(f"{code.summary}. {code.explanation}") == []


def test_the_document_lists_the_rules() -> None:
    text = (ROOT / "docs/lint.md").read_text(encoding="utf-8")
    fixable = {finding.diagnostic.code for code in table.codes() for finding in linted(code.wrong) if finding.edits}

    rows = [f"| {code} | {code.summary} | {'yes ' if code in fixable else ''}|" for code in table.codes()]
    assert "\n".join(rows) in text


# rules, beyond their examples

PROPERTY = settings(max_examples=60, derandomize=True)


@PROPERTY
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3))
def test_where_a_last_window_may_lie_in_the_padding(kernel: int, stride: int, pad: int) -> None:
    """Compared with all sizes up to where the windows repeat: a rounded-up count that torch reduces by one (L001)."""
    pad = min(pad, kernel // 2)
    window = Window((kernel, 1), (stride, 1), Padding("pad", (pad, 0), ceil=True))
    sizes = range(max(1, kernel - 2 * pad), kernel + 2 * stride + 2)
    rounded = {size: -(-(size + 2 * pad - kernel) // stride) + 1 for size in sizes}

    assert window.may_end_in_padding == any(window.out((size, 1))[0] < rounded[size] for size in sizes)


def test_an_average_that_does_not_pad_says_nothing_about_borders() -> None:
    assert codes(network("name | layer\npool | avgpool 2x2/2 valid\nlast | avgpool global")) == []
    assert codes(network("name | layer\npool | avgpool 2x2/2 valid pad=1".replace("valid ", ""))) == ["L002"]
    assert codes(network("name | layer\npool | avgpool 3x3/1", "defaults: {avgpool: same count_pad}\n")) == []


def test_one_default_of_averages_is_one_finding() -> None:
    (finding,) = linted(network("name | layer\na | avgpool 3x3/1\nb | avgpool 3x3/1", "defaults: {avgpool: same}\n"))
    (edit,) = finding.edits

    assert str(finding.diagnostic.span) == "spec.yaml:3:21"
    assert "{avgpool: same skip_pad}" in apply(edit.span.source, [edit])


def test_a_pool_that_a_column_names_has_no_sure_fix() -> None:
    text = network("name | layer | pool\na | {pool} 3x3/1 same | avgpool\nb | {pool} 3x3/1 same | maxpool")
    (finding,) = linted(text)

    assert (finding.diagnostic.code, finding.edits) == ("L002", ())
    assert codes(text.replace("layers:", "defaults: {avgpool: skip_pad}\nlayers:")) == []


@pytest.mark.parametrize("written", ['"same"', "'same'", '"sam\\u0065"', ">-\n    same"])
def test_a_default_is_edited_where_it_is_written_as_it_is_read(written: str) -> None:
    text = network("name | layer\na | avgpool 3x3/1", f"defaults:\n  avgpool: {written}\n")
    source = Source("spec.yaml", text)
    (finding,) = linted(text)
    after = fix_file("spec.yaml", read=lambda file: source)

    assert bool(finding.edits) == (len(after.findings) == 0) == (len(written) == len("'same'"))
    assert after.source.text == (text.replace("same", "same skip_pad") if finding.edits else text)


def test_strides_of_one_and_odd_images_are_padded_alike_everywhere() -> None:
    rows = "name | layer\na | conv 3x3/2 8 same_upper\nb | conv 3x3 8 same"

    assert codes(network(rows)) == []
    assert codes(network(f"{rows}\nc | conv 3x3/2 8 same")) == ["L003"]
    assert codes(network(f"{rows}\nc | conv 3x3/2 8 same", image="3x31x31")) == [], "both pad both sides by one"


@pytest.mark.parametrize(("head", "found"), [("avgpool global", []), ("avgpool 5x5/3 valid", ["L004"])])
def test_a_head_is_compared_with_the_trunk(head: str, found: list[str]) -> None:
    rows = "name | layer\nconv1 | conv 3x3/2 8 same\nconv2 | conv 3x3/2 8 same\npool | {}\nfc | fc 10"
    heads = f'classes: 10\nheads: {{aux: {{from: conv2, graph: "{head} -> fc 10"}}}}\n'

    assert codes(network(rows.replace("{}", "avgpool global"), heads)) == found
    assert codes(network(rows.replace("{}", "avgpool 8x8 valid"), heads)) == [], "the trunk has one size itself"


def test_a_cut_of_eight_is_that_of_densenet() -> None:
    rows = "name | layer\nconv1 | conv 3x3 64 same\ncut | conv 1x1 {} -> maxpool 2x2/2 valid"

    assert codes(network(rows.format(32))) == []
    assert codes(network(rows.format(24))) == ["L011"]
    assert codes(network(rows.format(24).replace("2x2/2 valid", "global"))) == [], "it ends the images"


def test_a_row_is_compared_with_all_that_it_reads() -> None:
    rows = "name | layer\na | conv 3x3 32 same\nb | conv 3x3 32 same\njoin | [[@a | @b] -> conv 3x3/2 8 same]"
    (finding,) = linted(network(rows))

    assert codes(network(rows.replace("3x3/2 8", "3x3/2 32"))) == []
    assert finding.diagnostic.label == "32x32x32 and 32x32x32 to 16x16x8"


@pytest.mark.parametrize(
    ("branch", "found"),
    [
        ("conv 3x3 16 same", ["L012"]),
        ("bn -> relu -> conv 3x3 16 same", []),
        ("conv 1x3 16 same -> conv 3x1 16 same", ["L012"]),
        ("conv 3x3 64 same", []),
        ("conv 3x3 16 same groups=2", []),
        ("conv 1x1 8 -> [conv 1x3 8 same | conv 3x1 8 same]", []),
    ],
)
def test_what_reads_without_a_reduction(branch: str, found: list[str]) -> None:
    assert codes(network(f"name | layer\nconv1 | conv 1x1 48\nmixed | [conv 1x1 16 | {branch}]")) == found


def test_widths_of_papers_gates_and_classifiers_are_not_counted() -> None:
    rows = (
        "name | layer | n\nconv1 | conv 1x1 {n} | 20\ngate | [pass * [avgpool global -> conv 1x1 {in}]] |\nfc | fc 10 |"
    )
    (finding,) = linted(network(rows, "classes: 10\n"))

    assert (finding.diagnostic.code, str(finding.diagnostic.span)) == ("L014", "spec.yaml:6:26"), "the cell"
    assert codes(network(rows, "classes: 10\npaper: {title: A paper}\n")) == []


def test_names_of_rows_may_be_new_but_not_slips() -> None:
    assert codes(network("name | layer\nhourglass | conv 1x1 8\nact | relu\ncovn1 | relu")) == ["L031"]
    assert codes(network("name | layer\nstge2 | stge", "modules: {stge: {doc: Figure 1, graph: relu}}\n")) == []


@pytest.mark.parametrize(
    ("word", "known", "slip"),
    [
        ("covn", "conv", True),
        ("ocnv", "conv", True),
        ("cove", "conv", False),
        ("neck", "bneck", False),
        ("incepton", "inception", True),
        ("inceptioon", "inception", True),
        ("inseption", "inception", True),
        ("inceptions", "inception", False),
        ("inception", "inception", False),
        ("icnepiton", "inception", False),
        ("reductoin", "reduction", True),
    ],
)
def test_slips(word: str, known: str, slip: bool) -> None:
    assert is_slip(word, known) is is_slip(known, word) is slip


def test_known_words_are_those_of_the_tables() -> None:
    """`embedding` is in no table: a variant inserts it. `between` is no name of a paper, as its spec states."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "specs").rglob("*.yaml")]
    tables = [re.split(r"\n(?! )", text.partition("\nlayers: |\n")[2])[0] for text in texts]
    names = {name for table in tables for name in re.findall(r"^  (\w+) +\| ", table, re.MULTILINE)} - {"name"}

    assert {word for name in names for word in re.findall("[a-z]{4,}", name)} - {"between"} == KNOWN - {"embedding"}


def test_what_a_cell_or_a_setting_names_is_used() -> None:
    rows = "name | layer | pool\na | {pool} 3x3/1 same | maxpool\nb | {last} global | "

    assert codes(network(rows, "settings: {last: {default: avgpool, type: layer}}\ndefaults: {maxpool: same}\n")) == []


# comments

SEVENS = "name | layer\nconv1 | conv 1x1 7\nconv2 | conv 1x1 7"


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ("layers: |  # lint: ignore L014 because of the sensor", []),
        ("# lint: ignore L014 because of the sensor\nlayers: |", []),
        ("# lint: ignore L014 because of the sensor\n# and more\n\nlayers: |", []),
        ("#lint:ignore l014 in conv1, conv2 because of the sensor\nlayers: |", []),
        ("layers: |  # lint: ignore L014 in conv2 because of the sensor", ["L014"]),
        ("layers: |  # lint: ignore L014, L011 because of the sensor", ["L092"]),
        ("layers: |  # lint: ignore L014", ["L014", "L014", "L091"]),
        ("layers: |  # lint: ignore L014 because ", ["L014", "L014", "L091"]),
        ("layers: |  # lint: ignore L141 because of the sensor", ["L014", "L014", "L091"]),
        ("layers: |  # lint: disable L014", ["L014", "L014", "L091"]),
        ("layers: |  # lint-free", ["L014", "L014"]),
    ],
)
def test_a_comment_ignores_what_its_line_starts(layers: str, found: list[str]) -> None:
    assert sorted(codes(network(SEVENS, layers=layers))) == sorted(found)


def test_a_comment_is_for_its_own_part() -> None:
    more = "classes: 7  # lint: ignore L014 because of the classes\n"

    assert codes(network(SEVENS, more)) == ["L092"], "the classifier's width is no finding, nor are the others of 7"
    assert codes(network(SEVENS, "# lint: ignore L014 because it is early\n")) == []


def test_a_value_is_no_comment() -> None:
    reported = "reported: |\n  metric | value | data | source\n  top-1 error | 1% | x # lint: ignore L014 | y\n"
    title = 'title: "a # lint: ignore L014"\n'

    assert codes(network("name | layer\na | relu", title + reported)) == []
    assert codes(network("name | layer\na | relu", title + "# lint: ignore\n" + reported)) == ["L091"]
    assert codes(network("name | layer\na | relu", "title: >-    # lint: ignore\n  of two\n  lines\n")) == ["L091"]


def test_what_a_comment_no_longer_ignores_is_deleted() -> None:
    text = network(SEVENS, layers="layers: |    # lint: ignore L011, L014, L012 in conv1, conv2 because of it")
    (finding,) = linted(text)
    alone = network("name | layer\na | relu", layers="# lint: ignore L014 because of it\nlayers: |")
    behind = network("name | layer\na | relu", layers="layers: |    # lint: ignore L014 because of it")

    fixed = apply(finding.edits[0].span.source, finding.edits)
    assert "layers: |    # lint: ignore L014 in conv1, conv2 because of it\n" in fixed
    for text in (alone, behind):
        (finding,) = linted(text)
        assert apply(finding.edits[0].span.source, finding.edits) == network("name | layer\na | relu")


def test_only_rules_that_ran_can_say_that_a_comment_is_idle() -> None:
    text = network("name | layer\na | relu", layers="layers: |  # lint: ignore L014 because of it")
    spec = loader.load_source(Source("spec.yaml", text), compiler.as_base)

    assert lint(spec, compiler.at_size(compiler.compile_spec(spec)), {"L011", "L092"}) == ()


def test_a_block_ends_where_the_indent_does() -> None:
    source = Source("x", "a:\n  b: 1\n\n  # c\nd: 2\n# lint: ignore L011 because x\n")

    assert ignores._last_line(source.lines, 1) == 4
    (ignore,), findings = ignores.read_ignores(source, ["L011"])
    assert (ignore.first, ignore.last, findings) == (6, 7, []), "nothing follows"
    assert not ignore.names and ignore.reason == "x" and ignore.span == Span(source, 6, 1, 30)


# variants, fixes and the command


BASE = network("name | layer\nconv1 | conv 1x1 8 -> maxpool 2x2/1 valid\npool | avgpool 3x3/1 same")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with a spec, and variants of it."""
    variants = {
        "same.yaml": "extends: base.yaml\nnetwork: same\n",
        "wide.yaml": "extends: base.yaml\nnetwork: wide\noverride:\n  rows:\n    conv1: {layer: conv 1x1 9}\n",
        "cut.yaml": "extends: base.yaml\nnetwork: cut\ninput: 96x32x32\n",
    }
    return in_folder(tmp_path, monkeypatch, {"base.yaml": BASE, **variants})


def found(run: Run, *words: str) -> list[tuple[str, str, int]]:
    """The findings of a command: file, code and line."""
    data = json.loads(run("lint", *words, "--format", "json").stdout)
    return [(each["file"], each["code"], each["line"]) for each in data["diagnostics"]]


def test_a_variant_has_the_findings_that_it_causes(run: Run) -> None:
    assert found(run, "base.yaml") == [("base.yaml", "L002", 6)]
    assert found(run, "same.yaml") == [], "that is a finding of its base"
    assert found(run, "wide.yaml") == [("wide.yaml", "L014", 5)]
    assert found(run, "cut.yaml") == [("cut.yaml", "L011", 1)]
    assert "base.yaml:5:3" in run("lint", "cut.yaml").stderr


def test_settings_of_the_command_line_are_no_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = network("name | layer\nconv1 | conv 1x1 {n}", "settings: {n: 8}\n")
    run = in_folder(tmp_path, monkeypatch, {"spec.yaml": text})

    assert found(run, "spec.yaml") == []
    assert found(run, "spec.yaml", "--set", "n=9") == [("spec.yaml", "L014", 6)]


def test_the_exit_code_says_what_was_found(run: Run) -> None:
    base, same, none = run("lint", "base.yaml"), run("lint", "same.yaml"), run("lint", "base.yaml", "none.yaml")

    assert [base.exit_code, same.exit_code, none.exit_code] == [1, 0, 2]
    assert base.stdout == "1 spec: 1 finding; `--fix` can fix 1\n"
    assert base.stderr.startswith("warning[L002]: ")
    assert same.stdout == "1 spec: 0 findings\n"


def test_rules_are_selected_by_what_their_codes_begin_with(run: Run) -> None:
    assert run("lint", "wide.yaml", "--select", "L01").exit_code == 1
    assert run("lint", "wide.yaml", "--select", "L01", "--ignore", "L014").exit_code == 0
    assert run("lint", "wide.yaml", "--select", "L002,L02").exit_code == 0
    assert "Did you mean `L014`" in run("lint", "wide.yaml", "--select", "L140").stderr
    assert run("lint", "wide.yaml", "--select", "W201").exit_code == 2


def test_formats_for_machines(run: Run) -> None:
    assert run("lint", "base.yaml", "--format", "github").stdout.startswith("::warning file=base.yaml,line=6,")
    log = json.loads(run("lint", "base.yaml", "--format", "sarif").stdout)["runs"][0]
    assert log["tool"]["driver"]["rules"][0]["id"] == log["results"][0]["ruleId"] == "L002"
    assert json.loads(run("lint", ".", "--format", "json").stdout)["result"] == {
        "specs": 4,
        "findings": 3,
        "fixed": 0,
        "fixable": 1,
    }
    assert "## L011 representational bottleneck" in run("explain", "l011").stdout


def test_a_fix_keeps_the_file_as_it_is_elsewhere(run: Run) -> None:
    file = Path("base.yaml")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n").replace(b"tiny", b"tiny  # \xc3\xa9"))
    before = file.read_bytes()
    done = run("lint", "--fix", "base.yaml", "same.yaml")

    assert done.exit_code == 0
    assert done.stdout == "wrote base.yaml\n2 specs: 1 fixed, 0 findings\n"
    assert file.read_bytes() == before.replace(b"3x3/1 same", b"3x3/1 same skip_pad")
    assert run("lint", "--fix", "base.yaml").stdout == "1 spec: 0 fixed, 0 findings\n"


def test_a_built_in_spec_cannot_be_fixed(run: Run) -> None:
    assert run("lint", "--fix", "builtin:googlenet").exit_code == 2
    nothing = run("lint", "missing.yaml")
    assert nothing.exit_code == 2 and nothing.stdout == ""  # no count of findings where no spec was read
    assert run("lint", "builtin:googlenet").exit_code == 0


@settings(max_examples=150, derandomize=True)
@given(st.lists(EDIT, min_size=1, max_size=3))
def test_a_text_with_slips_that_compiles_is_linted(edits: list[tuple[str, int, str]]) -> None:
    """A spec with a few slips, where they leave it a spec: nothing is raised, and all places are in the file."""
    try:
        found = linted(edited(ROWS, edits))
    except SpecError:
        return

    assert all(in_file(finding.diagnostic) for finding in found)


@settings(max_examples=25, derandomize=True)
@given(specs())
def test_any_network_is_linted_and_its_fixes_are_sure(text: str) -> None:
    """Nothing but findings is raised; every edit can be made, and then the rule finds nothing there any more."""
    source = Source("drawn.yaml", text)
    before = linted(text, "drawn.yaml")
    after = fix_file("drawn.yaml", read=lambda file: source)

    assert not any(finding.edits for finding in after.findings)
    assert after.fixed == sum(bool(finding.edits) for finding in before)
    assert [finding.diagnostic.code for finding in after.findings] == [
        finding.diagnostic.code for finding in before if not finding.edits
    ]
