"""The tables of papers become specs, and the questions in them are all that is left to answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import test_tables
from cli_runner import cli, in_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl.authoring.transcription.transcript import Transcript, network_name, transcribe
from inception_dsl.authoring.transcription.words import kind
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.network import Network, load, loads
from inception_dsl.syntax import source as sources
from inception_dsl.tables import formats

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data" / "tables"
SPECS = ROOT / "specs"
pytestmark = pytest.mark.extras  # most papers are LaTeX, which the extra `tables` reads


def transcript(file: str) -> Transcript:
    """A table of the test data as a spec."""
    return transcribe(formats.read(sources.read(DATA / file)), "draft", "draft.yaml")


def replaced(text: str, answers: dict[str, str]) -> str:
    """A text with parts of it replaced, each of which it has once."""
    for old, new in answers.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def block(spec: str, key: str) -> str:
    """The lines of a key in a shipped spec."""
    text = (SPECS / spec).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^{key}:.*\n(?:(?: .*)?\n)*", text, re.MULTILINE)
    return str(found)


def without_questions(text: str) -> str:
    return re.sub(r"^ *# \?.*\n(?: *#   .*\n)*", "", text, flags=re.MULTILINE)


def same_network(given: Network, shipped: Network) -> None:
    """Both compute the same, with the same names of rows and weights, and print the same numbers."""
    assert given.typed.nodes == shipped.typed.nodes
    assert given.typed.ends == shipped.typed.ends and given.typed.input == shipped.typed.input
    assert given.check().verdicts == shipped.check().verdicts


# what the questions of GoogLeNet's table ask about, and the paper's answers
GOOGLENET = {
    "title: draft": "title: GoogLeNet (Inception v1)",  # which paper?
    "conv: same": "conv: same relu bias",  # what follows a convolution?
    "  conv2        |": "  norm1        | lrn 5" + " |" * 10 + "\n  conv2        |",  # are there layers left out?
    "  pool2        |": "  norm2        | lrn 5" + " |" * 10 + "\n  pool2        |",
    "layers: |": "heads:\n  aux1: {from: inception_4a, loss_weight: 0.3, graph: aux}\n"
    "  aux2: {from: inception_4d, loss_weight: 0.3, graph: aux}\n\nlayers: |",  # are there classifiers?
    "modules:\n": "modules:\n  aux: {graph: 'pool: avgpool 5x5/3 valid -> conv: conv 1x1 128 -> fc1: fc 1024 relu"
    " -> drop: dropout 70% -> fc2: fc {classes}'}\n",
}


@pytest.mark.parametrize("file", ["googlenet.tex", "googlenet.txt", "googlenet.html"])
def test_googlenet_with_the_answers_is_the_shipped_network(file: str) -> None:
    """The numbers of the paper hold for what its table and the answers to the questions say."""
    written = transcript(file)
    text = replaced(without_questions(written.text), GOOGLENET)
    text = text[: text.index("published:")] + block("googlenet.yaml", "published")  # how it counts, totals and errata
    network = loads(text)

    same_network(network, load(SPECS / "googlenet.yaml"))
    assert network.check().holds
    assert {question.about for question in written.questions} == {
        *("paper", "input", "defaults", "inception", "conv2", "softmax", "layers", "published")
    }


def test_the_draft_of_googlenet_has_its_shapes_and_counts() -> None:
    """Before any answer: all sizes and depths of the table hold."""
    check = loads(transcript("googlenet.tex").text).check()

    assert {v.verdict for v in check.verdicts if v.claim.column in ("output", "depth")} == {"exact"}


BN_INCEPTION = {
    "title: draft": "title: BN-Inception",
    "defaults: {conv: same,": "defaults: {conv: same bn relu,",
    "conv 7x7/2 64 ": "conv 7x7/2 24 groups=3 norm=none act=none -> conv 1x1 64 ",  # what does the footnote say?
    "  pool3 ": "  pool ",
    "avgpool 7x7/1 valid            ": "avgpool 7x7/1 valid -> flatten ",
}


@pytest.mark.parametrize("file", ["bn_inception.tex", "bn_inception.txt"])
def test_bn_inception_with_the_answers_is_the_shipped_network(file: str) -> None:
    """Its figure ends at the pool: the classifier is one of the layers that the questions ask about."""
    text = without_questions(transcript(file).text)
    text = re.sub(r"^(  pool3 .*)$", rf"\1\n  fc | fc {{classes}} {'| ' * 9}", text, flags=re.MULTILINE)
    answers = {old: new for old, new in BN_INCEPTION.items() if old in text}
    network, shipped = loads(replaced(text, answers)), load(SPECS / "bn_inception.yaml")

    assert network.typed.nodes == shipped.typed.nodes
    assert network.cost().trunk == shipped.cost().trunk


def test_the_same_table_as_latex_and_as_text_of_a_pdf() -> None:
    for name in ("googlenet", "bn_inception", "inception_v4_reductions", "mobilenet_v2"):
        assert transcript(f"{name}.tex") == transcript(f"{name}.txt"), name
    figures = str.maketrans("567", "abc")
    latex, text = transcript("inception_v3.tex").text, transcript("inception_v3.txt").text
    assert latex.replace("fig:", "") == re.sub(r"figure.\d", lambda at: at[0].translate(figures), text)


def test_the_stem_of_inception_v3_is_that_of_the_shipped_spec() -> None:
    """Its table prints the input of every row, and no padding but one: the sizes say the rest."""
    shipped = load(SPECS / "inception_v3_table1.yaml").typed
    text = transcript("inception_v3.tex").text
    found = re.findall(r"^  (conv\d|pool1)\s*\| (.*?)\s*\| (\S+)$", text, re.MULTILINE)

    assert [output for _, _, output in found] == [str(shipped.out(name)) for name, _, _ in found]
    assert dict(found_row[:2] for found_row in found) == {
        "conv1": "conv 3x3/2 32",
        "conv2": "conv 3x3 32",
        "conv3": "conv 3x3 64 same",
        "pool1": "maxpool 3x3/2",
        "conv4": "conv 3x3 80",
        "conv5": "conv 3x3/2 192",
        "conv6": "conv 3x3 288 same",
    }
    assert "  inception3 | 2 of inception_figure_c " in text and "defaults: {conv: valid, maxpool: ceil}" in text


def test_a_table_of_module_arguments() -> None:
    text = transcript("inception_v4_reductions.tex").text

    assert "inception_resnet_v2 | block | 256 | 256 | 384 | 384" in text and "columns: [k, l, m, n]" in text


def test_the_page_shows_what_is_written() -> None:
    page = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(# \? .*?)```", page, re.DOTALL)
    lines = transcript("googlenet.txt").text.splitlines()

    assert [line for line in lines if line in shown.splitlines()] == shown.splitlines()


def test_text_from_a_viewer_has_lost_its_blank_cells() -> None:
    """The cells of `conv2` may be in several columns: this is asked, and the other rows are right."""
    copied, laid_out = transcript("googlenet_copied.txt"), transcript("googlenet.txt")
    rows = [without_questions(written.text).splitlines() for written in (copied, laid_out)]

    assert any(q.about == "conv2" and "blank cells are lost" in q.text for q in copied.questions)
    assert [a.split()[0] for a, b in zip(*rows, strict=True) if a.split() != b.split()] == ["conv2"]


def test_markdown_of_squeezenet() -> None:
    written = transcript("squeezenet.md").text

    assert "input: 3x224x224\n" in written
    assert re.search(
        r"^  fire9 +\| fire +\| 64 +\| 256 +\| 256 +\| 13x13x512 +\| 2 +\| 197,184$", written, re.MULTILINE
    )
    assert "`conv1`: is its size right? No padding makes 224x224 to 111x111" in written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("convolution", ("conv", "", 1, "conv", "")),
        ("max pool", ("maxpool", "", 1, "pool", "")),
        ("3×Inception", ("", "inception", 3, "inception", "")),
        ("inception (3a)", ("", "inception", 1, "inception", "3a")),
        ("fire2", ("", "fire", 1, "fire2", "")),
        ("dropout (40%)", ("dropout", "", 1, "drop", "")),
        ("Fully connected", ("fc", "", 1, "fc", "")),
        ("soft-max", ("softmax", "", 1, "softmax", "")),
        ("bottleneck ×4", ("", "bottleneck", 4, "bottleneck", "")),
        ("class", ("", "class_block", 1, "class_block", "")),
    ],
)
def test_words_of_papers(text: str, expected: tuple[object, ...]) -> None:
    assert tuple(kind(text))[:5] == expected


def test_windows_inside_words() -> None:
    assert kind("conv3-64")[5:8] == ((3, 3), None, 64)
    assert kind("7x7 conv, 64, /2")[5:8] == ((7, 7), 2, 64)
    assert kind("FC-4096").width == 4096 and kind("dropout (40%)").share == "40%"


def test_names_of_files_become_names_of_networks() -> None:
    assert [network_name(text) for text in ("GoogLeNet-v1", "3", "ümläut", "class", "")] == [
        *("googlenet_v1", "n3", "umlaut", "class_", "n")
    ]


CELLS = st.sampled_from(
    [
        *("", "-", "1", "64", "1,024", "2.7K", "0", "0.5", "3x3/2", "3x3", "28x28x64", "1×1×10", "7²×32", "64a", "x*"),
        *("avg + 32", "max + pass through", "stride 2", "k", "conv", "max pool", "inception (3a)", "2×block", "fc"),
        *("softmax", "dropout (40%)", "linear", "lrn", "in", "{x}", "a | b", "@x", '"', "\\", "café", "#", "9" * 12),
    ]
)
HEADINGS = st.sampled_from(
    [
        *("type", "name", "layer", "patch size/stride", "stride", "output size", "input", "depth", "params (M)", "ops"),
        *("#1×1", "#3×3 reduce", "#3×3", "double #3×3", "pool proj", "Pool + proj", "t", "c", "n", "s", "filters"),
        *("in", "classes", "params", "1e9", "a+b", "{x}", "layer", "3", "é", "#", "round(x)", "output"),
    ]
)


@given(st.data(), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_any_table_is_a_spec_without_errors_of_syntax(data: st.DataObject, width: int) -> None:
    """Whatever a table holds, its spec can be read: errors in it are about shapes and values."""
    rows = [data.draw(st.lists(HEADINGS, min_size=width, max_size=width))]
    rows += data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))
    found = formats.read(Source("t.csv", test_tables.as_csv(rows)))
    try:
        text = transcribe(found, "draft", "draft.yaml").text
        loads(text)
        codes = set()
    except SpecError as error:
        codes = {fault.code for fault in error.diagnostics}
    assert not {code for code in codes - {"E118"} if code[1] in "019"}


MOBILENET = """\
Type / Stride, Filter Shape, Input Size
Conv / s2, 3 × 3 × 3 × 32, 224 × 224 × 3
Conv dw / s1, 3 × 3 × 32 dw, 112 × 112 × 32
Conv / s1, 1 × 1 × 32 × 64, 112 × 112 × 32
Conv dw / s2, 3 × 3 × 64 dw, 112 × 112 × 64
Softmax / s1, Classifier, 56 × 56 × 64
"""
NIN = """\
layer, filter, stride, output
conv1, 5x5x192, 1, 32x32x192
cccp1, 1x1x160, 1, 32x32x160
pool1, 3x3 max, 2, 16x16x160
dropout, 0.25, , 16x16x160
"""
TYPED = """\
| Layer | Type                    | Maps | Kernel  | Stride |
|-------|-------------------------|------|---------|--------|
| In    | Input (227 × 227 image) |      |         |        |
| C1    | Convolution             | 96   | 11 × 11 | 4      |
| S2    | Max pooling             |      | 3 × 3   | 2      |
"""
SQUEEZE = """\
layer name/type, output size, s1x1, e1x1, e3x3
fire2, 55x55x128, 16, 64, 64
"""


DENSENET = """\
| Layers      | Output Size | DenseNet-121         |
|-------------|-------------|----------------------|
| Convolution | 112 × 112   | 7 × 7 conv, stride 2 |
| Pooling     | 56 × 56     | 3 × 3 max, stride 2  |
"""
EFFICIENTNET = r"""\begin{tabular}{c|c|c|c|c}
Stage & Operator & Resolution & \#Channels & \#Layers \\
$i$ & $\hat{\mathcal{F}}_i$ & $\hat{H}_i \times \hat{W}_i$ & $\hat{C}_i$ & $\hat{L}_i$ \\ \midrule
1 & Conv3x3 & $224\times 224$ & 32 & 1 \\
2 & MBConv1, k3x3 & $112\times 112$ & 16 & 1 \\
\end{tabular}"""
SHUFFLENET = """\
Layer, Output size, KSize, Stride, Output channels (g=1)
Conv1, 112 × 112, 3 × 3, 2, 24
"""


@pytest.mark.parametrize(
    ("table", "written"),
    [
        pytest.param(
            MOBILENET,
            [
                "conv1 conv 3x3/2 32",
                "conv2 conv 3x3 {in} depthwise",
                "conv3 conv 1x1 64",
                "conv4 conv 3x3/2 {in} depth",
            ],
            id="a stride is no number of a row",
        ),
        pytest.param(
            NIN,
            ["cccp1 conv 1x1 160", "pool1 maxpool 3x3/2", "drop dropout 0.25"],
            id="the column of windows says what a row is",
        ),
        pytest.param(
            TYPED,
            ["input: 3x227x227", "c1 conv 11x11/4 96", "s2 maxpool 3x3/2"],
            id="names beside types, and an input that is described",
        ),
        pytest.param(
            SQUEEZE,
            ["graph: conv 1x1 {s1x1} | conv 1x1 {e1x1} | conv 3x3 {e3x3}"],
            id="a window inside the name of a column",
        ),
        pytest.param(
            DENSENET, ["conv conv 7x7/2 {in}", "pool maxpool 3x3/2"], id="a column of windows that is called otherwise"
        ),
        pytest.param(EFFICIENTNET, ["n1 conv 3x3 32", "n2 mbconv1_k3x3 16 1"], id="symbols below the names of columns"),
        pytest.param(SHUFFLENET, ["conv1 conv 3x3/2 24"], id="a remark in the name of a column"),
    ],
)
def test_tables_as_their_papers_write_them(table: str, written: list[str]) -> None:
    found = transcribe(
        formats.read(Source({"|": "t.md", "\\": "t.tex"}.get(table[0], "t.csv"), table)), "draft", "draft.yaml"
    )
    text = " ".join(found.text.replace("|", " ").split())

    assert [part for part in written if " ".join(part.replace("|", " ").split()) not in text] == []
    assert "are left out: Stride" not in text and "which share" not in text


def test_the_command_writes_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = (DATA / "googlenet.txt").read_text(encoding="utf-8")
    run = in_folder(tmp_path, monkeypatch, {"GoogLeNet.txt": table, "old.yaml": "precious"})
    shown = run("table", "GoogLeNet.txt")
    found = json.loads(run("table", "GoogLeNet.txt", "--format", "json").output)["result"]

    assert shown.exit_code == 0 and "network: googlenet\n" in shown.output
    assert found["spec"] == shown.output and found["form"] == "text"
    assert len(found["questions"]) == len(re.findall(r"# \? ", shown.output))
    assert run("table", "GoogLeNet.txt", "--out", "specs/net.yaml").output.startswith(
        "wrote specs/net.yaml\nanswer its "
    )
    assert load("specs/net.yaml").name == "net" and run("fmt", "--check", "specs/net.yaml").exit_code == 0
    refused = run("table", "GoogLeNet.txt", "--out", "old.yaml")
    assert refused.exit_code == 2 and Path("old.yaml").read_text(encoding="utf-8") == "precious"
    assert run("table", "GoogLeNet.txt", "--out", "old.yaml", "--force").exit_code == 0


def test_the_command_reports_what_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(
        tmp_path, monkeypatch, {"a.txt": "one\ntwo\n", "b.csv": "1,2\n3,4\n", "two.html": "<table><tr><td>a"}
    )

    assert run("table", "a.txt").exit_code == 1 and "E118" in run("table", "a.txt").output
    assert "the first row of this table has values" in run("table", "b.csv").output
    assert "the text has 1" in run("table", "two.html", "--table", "2").output
    assert run("table", "missing.txt").exit_code == 2
    assert "cannot name a network" in cli("table", "b.csv", "--name", "3").output
