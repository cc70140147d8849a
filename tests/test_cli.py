"""The commands as a user runs them: what they print and write, their exit codes, and what they refuse."""

from __future__ import annotations

import json
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import onnx
import pytest
from cli_runner import Run, in_folder
from click.shell_completion import ShellComplete

from inception_dsl.cli import commands
from inception_dsl.cli.main import main
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.network import load

ROOT = Path(__file__).parent.parent
GOOGLENET = str(ROOT / "specs/googlenet.yaml")
FILES = ("architecture.svg", "model.onnx", "model.py", "report.md", "support.py", "train.py")
BAD = [
    path
    for path in sorted((ROOT / "tests/cases/bad").glob("*.yaml"))
    if "error[" in path.with_suffix(".txt").read_text("utf-8") and not path.stem.startswith("claims")
]

TINY = """
network: tiny
input: 3x8x8
layers: |
  name | layer               | output
  conv | conv 3x3 4 same     | 8x8x4
  pool | avgpool 8x8/1 valid | 1x1x4
  fc   | fc {classes}        | 1x1x1000
heads:
  aux: {from: conv, loss_weight: 0.5, graph: avgpool global -> fc 10}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder that holds `tiny.yaml`."""
    return in_folder(tmp_path, monkeypatch, {"tiny.yaml": TINY})


def files(folder: str = "generated") -> list[str]:
    return sorted(path.as_posix() for path in Path(folder).rglob("*") if path.is_file())


def test_compile_writes_its_files_and_says_so(run: Run) -> None:
    result = run("compile", GOOGLENET)

    assert result.exit_code == 0
    assert files() == [f"generated/googlenet/{name}" for name in FILES]
    assert "64 printed numbers: 39 exact, 13 rounds, 12 errata, 0 mismatches" in result.stdout
    assert all(f"wrote generated/googlenet/{name}" in result.stdout for name in FILES)


def test_compiled_files_do_not_depend_on_where_they_are_made(run: Run) -> None:
    run("compile", GOOGLENET)

    for name in FILES:
        made, committed = Path("generated/googlenet") / name, ROOT / "generated/googlenet" / name
        assert made.read_bytes() == committed.read_bytes()


def test_options_of_the_graph(run: Run) -> None:
    assert run("compile", "tiny.yaml", "--opset", "18", "--batch", "3", "--heads", "--out", "made").exit_code == 0

    graph = onnx.load("made/tiny/model.onnx")
    assert graph.opset_import[0].version == 18
    assert [each.dim_value for each in graph.graph.input[0].type.tensor_type.shape.dim] == [3, 3, 8, 8]
    assert [each.name for each in graph.graph.output] == ["logits", "aux"]


def test_a_size_that_a_layer_does_not_allow(run: Run) -> None:
    result = run("compile", "tiny.yaml", "--size", "9", "--out", "made")

    assert result.exit_code == 1
    assert "E218" in result.stderr
    assert "avgpool global" in result.stderr
    assert files("made") == []
    with pytest.raises(SpecError, match="fixes the image size"):
        load("tiny.yaml").onnx(9)


@pytest.mark.parametrize("size", ["9", 0, -1, (9,), (9, 9, 3), (9, 0), 9.0])
def test_what_is_not_an_image_size_is_an_error_of_the_api(size: Any, run: Run) -> None:
    net = load("tiny.yaml")
    for given in (net.cost, net.pytorch_source, net.onnx):
        with pytest.raises(ValueError, match="an image size is a number of pixels, or height and width, not "):
            given(size)
    with pytest.raises(ValueError, match="at least one image, not 0"):
        net.onnx(batch=0)
    with pytest.raises(KeyError, match="no backend is called 'torch': choose one of pytorch, onnx"):
        net.emit("torch")


def test_sizes_of_a_network_that_takes_any(run: Run) -> None:
    Path("tiny.yaml").write_text(TINY.replace("avgpool 8x8/1 valid", "avgpool global"), encoding="utf-8")

    assert run("compile", "tiny.yaml", "--size", "dynamic", "--out", "made").exit_code == 0
    shape = onnx.load("made/tiny/model.onnx").graph.input[0].type.tensor_type.shape
    assert [each.dim_param or each.dim_value for each in shape.dim] == ["N", 3, "H", "W"]
    assert run("compile", "tiny.yaml", "--size", "9x11", "--out", "made").exit_code == 0
    assert "9 x 11" in Path("made/tiny/model.py").read_text(encoding="utf-8")


def test_check_of_the_files_finds_what_is_stale_missing_and_orphaned(run: Run) -> None:
    assert run("compile", "tiny.yaml").exit_code == 0
    assert run("compile", "--check", "tiny.yaml").exit_code == 0
    Path("generated/tiny/model.py").write_text("edited\n", encoding="utf-8")
    Path("generated/tiny/report.md").unlink()
    Path("generated/tiny/old.svg").write_text("", encoding="utf-8")
    figure = Path("generated/tiny/architecture.svg")
    figure.write_text(figure.read_text("utf-8").replace("conv 3x3", "conv 5x5"), "utf-8")

    result = run("compile", "--check", "tiny.yaml")

    assert result.exit_code == 1
    for name, problem in (
        ("model.py", "stale"),
        ("architecture.svg", "stale"),
        ("report.md", "missing"),
        ("old.svg", "orphaned"),
    ):
        assert f"`generated/tiny/{name}` is {problem}" in result.stderr
    assert "-edited" in result.stdout
    assert Path("generated/tiny/model.py").read_text(encoding="utf-8") == "edited\n"


def test_a_network_without_a_spec_is_orphaned_when_a_folder_is_checked(run: Run) -> None:
    Path("specs").mkdir()
    shutil.move("tiny.yaml", "specs/tiny.yaml")
    assert run("compile").exit_code == 0
    Path("generated/gone").mkdir()
    Path("generated/gone/model.py").write_text("", encoding="utf-8")

    result = run("compile", "--check", "specs")

    assert result.exit_code == 1
    assert "`generated/gone/model.py` is orphaned" in result.stderr


def test_an_onnx_file_is_compared_as_a_graph(run: Run) -> None:
    run("compile", "tiny.yaml")
    path = Path("generated/tiny/model.onnx")
    padded = onnx.load(path)
    padded.graph.node[0].name = "other"
    path.write_bytes(padded.SerializeToString())

    result = run("compile", "--check", "tiny.yaml")

    assert result.exit_code == 1
    assert '-    name: "other"' in result.stdout


def test_nothing_is_written_where_a_number_does_not_hold(run: Run) -> None:
    Path("tiny.yaml").write_text(TINY.replace("| 8x8x4", "| 9x9x4"), encoding="utf-8")

    result = run("compile", "tiny.yaml")

    assert result.exit_code == 1
    assert "E301" in result.stderr
    assert files() == []


@pytest.mark.parametrize("spec", BAD, ids=lambda spec: str(spec.stem))
def test_nothing_is_written_for_a_broken_spec(spec: Path, run: Run) -> None:
    result = run("compile", str(spec))

    assert result.exit_code in (1, 2)
    assert "error[E" in result.stderr
    assert "Traceback" not in result.output
    assert files() == []


def test_a_folder_that_cannot_be_written(run: Run) -> None:
    Path("generated").write_text("a file, not a folder", encoding="utf-8")

    result = run("compile", "tiny.yaml")

    assert result.exit_code == 2
    assert "E006" in result.stderr


def test_two_specs_of_one_name(run: Run) -> None:
    shutil.copy("tiny.yaml", "other.yaml")

    result = run("check", "tiny.yaml", "other.yaml")

    assert result.exit_code == 1
    assert "E114" in result.stderr


def test_one_bad_spec_does_not_hide_the_others(run: Run) -> None:
    Path("bad.yaml").write_text("network: 1\n", encoding="utf-8")

    result = run("check", "bad.yaml", "tiny.yaml")

    assert result.exit_code == 1
    assert "3 printed numbers: 3 exact" in result.stdout


@pytest.mark.parametrize("words", [("check", "none.yaml"), ("check", "empty"), ("show", "none.yaml"), ("compile",)])
def test_what_cannot_run_exits_with_2(words: tuple[str, ...], run: Run) -> None:
    Path("empty").mkdir()

    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("chek",),
        ("check", "--against", "keras", "tiny.yaml"),
        ("compile", "--size", "0"),
        ("compile", "--size", "2x2x2"),
        ("show", "tiny.yaml", "--after", "assign_name"),
        ("explain", "E999"),
        ("explain", "e1o4"),
        ("ops", "convolution"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_is_known(words: tuple[str, ...], run: Run) -> None:
    result = run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error:" in result.stderr
    assert "Did you mean `" in result.stderr or words not in (("chek",), ("explain", "e1o4"))


def test_json_for_machines(run: Run) -> None:
    checked = json.loads(run("check", GOOGLENET, "--explain", "--format", "json").stdout)
    (spec,) = checked["specs"]
    assert checked["diagnostics"] == []
    assert spec["network"] == "googlenet"
    conv2 = next(each for each in spec["verdicts"] if (each["row"], each["column"]) == ("conv2", "params"))
    assert (conv2["printed"], conv2["computed"], conv2["verdict"]) == ("112K", 114944, "rounds")
    assert {each["row"] for each in spec["explanations"]} >= {"conv1", "inception_5a"}

    shown = json.loads(run("show", GOOGLENET, "--format", "json").stdout)
    assert shown["result"]["totals"]["trunk"] == {"params": 6998552, "macs": 1582671872, "depth": 22}
    assert json.loads(run("explain", "E204", "--format", "json").stdout)["result"]["code"] == "E204"
    assert json.loads(run("ops", "--format", "json").stdout)["result"]["layers"]["conv"]["backends"] == [
        "PyTorch",
        "ONNX",
    ]
    broken = json.loads(run("check", "none.yaml", "--format", "json").stdout)
    assert [each["code"] for each in broken["diagnostics"]] == ["E001"]


def test_annotations_and_sarif(run: Run) -> None:
    Path("tiny.yaml").write_text(TINY.replace("conv 3x3 4 same", "conv 3x3 4 sam"), encoding="utf-8")

    github = run("check", "tiny.yaml", "--format", "github")
    sarif = run("check", "tiny.yaml", "--format", "sarif")

    assert github.exit_code == sarif.exit_code == 1
    assert github.stdout.startswith("::error file=tiny.yaml,line=6,")
    assert json.loads(sarif.stdout)["runs"][0]["results"][0]["ruleId"] == "E203"


def test_no_colour_away_from_a_terminal(run: Run) -> None:
    result = run("check", GOOGLENET)

    assert "\x1b" not in result.output


def test_show_after_each_pass_is_a_spec_again(run: Run) -> None:
    for step in ("elaborate", "drop_empty", "simplify", "assign_names"):
        Path("again.yaml").write_text(run("show", "tiny.yaml", "--after", step).stdout, encoding="utf-8")
        assert run("check", "again.yaml").exit_code == 0


def test_a_former_name_of_a_pass_still_works(run: Run) -> None:
    former, current = (run("show", "tiny.yaml", "--after", step) for step in ("drop_absent", "drop_empty"))

    assert former.exit_code == 0
    assert former.output == current.output


@pytest.mark.parametrize("words", [("show",), ("show", "--resolved"), ("show", "--after", "simplify"), ("specs",)])
def test_nothing_is_printed_where_there_is_no_result(words: tuple[str, ...], run: Run) -> None:
    result = run(*words, "none.yaml")

    assert (result.exit_code, result.stdout) == (2, "")


def test_versions(run: Run) -> None:
    """By itself a line; as JSON, with those of Python, the platform and the libraries that are installed."""
    printed = run("--version")
    data = json.loads(run("--version", "--format", "json").stdout)

    assert (printed.exit_code, printed.stdout) == (0, f"inception-dsl {metadata.version('inception-dsl')}\n")
    assert data["tool"]["version"] == metadata.version("inception-dsl")
    assert data["result"]["python"] == platform.python_version()
    assert data["result"]["libraries"]["onnx"] == metadata.version("onnx")
    assert {"torch", "keras", "resvg-py"} <= {*data["result"]["libraries"]}
    for words in (("--format", "json", "check", "tiny.yaml"), ("--format", "json")):
        result = run(*words)
        assert result.exit_code == 2
        assert "--format goes after the command" in result.stderr


def test_several_specs_end_with_how_all_did(run: Run) -> None:
    Path("other.yaml").write_text(TINY.replace("network: tiny", "network: other"), encoding="utf-8")
    numbers = "6 printed numbers: 6 exact, 0 rounds, 0 errata, 0 mismatches"
    assert run("check", "tiny.yaml", "other.yaml").stdout.splitlines()[-1] == f"2 specs: {numbers}; all hold"

    wrong = TINY.replace("network: tiny", "network: wrong").replace("8x8x4", "9x9x4")
    Path("wrong.yaml").write_text(wrong, encoding="utf-8")
    Path("bad.yaml").write_text("network: 1\n", encoding="utf-8")
    last = run("check", "tiny.yaml", "other.yaml", "wrong.yaml", "bad.yaml").stdout.splitlines()[-1]
    assert last == ("4 specs: 9 printed numbers: 8 exact, 0 rounds, 0 errata, 1 mismatch; 2 hold, 2 do not")
    assert run("check", "tiny.yaml").stdout.splitlines()[-1] == numbers.replace("6", "3")
    stderr = run("check", "bad.yaml", "./bad.yaml", "wrong.yaml").stderr
    assert stderr.index("bad.yaml:1") < stderr.index("wrong.yaml:") and stderr.count("no key `input`") == 1


GREET = """
import click
from inception_dsl.cli.run import CommandRun, output_formats

@click.command()
@output_formats("text", "json")
def command(run: CommandRun) -> None:
    "Greet."
    run.print_result("greeting", "hello")
"""


def test_a_file_of_the_folder_is_a_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the help, is completed and suggested, and runs; nothing else names it."""
    Path("greet.py").write_text(GREET, encoding="utf-8")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(Path.cwd())])

    assert "  greet     Greet.\n" in run("--help").stdout
    assert [item.value for item in ShellComplete(main, {}, "inception-dsl", "X").get_completions([], "gr")] == ["greet"]
    assert "Did you mean `greet`?" in run("gret").stderr
    assert run("greet").stdout == "hello\n"
    data = json.loads(run("greet", "--format", "json").stdout)
    assert (data["command"], data["result"]) == ("greet", {"greeting": "hello"})


def test_every_file_of_the_folder_is_a_command() -> None:
    folder = ROOT / "inception_dsl" / "cli" / "commands"
    context = click.Context(main)

    assert main.list_commands(context) == sorted(file.stem for file in folder.glob("[!_]*.py"))
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command and command.name == name
