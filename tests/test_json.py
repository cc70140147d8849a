"""The JSON of every command: the keys that docs/json.md lists, whatever was found, and files that findings name."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Run, all_commands, cli, in_folder
from click.testing import Result

from inception_dsl.cli.formats import FORMATTERS
from inception_dsl.cli.outcome import Outcome

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs/json.md").read_text(encoding="utf-8")
ENVELOPE = {"version", "tool", "command", "summary", "specs", "claims", "files", "result", "diagnostics"}
SMALL = """
network: small
input: 3x8x8
classes: 10
layers: |
  name | layer                   | output | params
  conv | conv 3x3 4 same         | 8x8x4  | 108
  fc   | avgpool global -> fc 10 | 1x1x10 | 1K
"""
CLAIMS = """
claims:
  conv:
    source: a note
    sentence: It has 158 parameters.
    formula: params(small)
    printed: 158
    verdict: exact
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with a spec that does not hold, one that does, and claims about it."""
    specs = {"wrong": SMALL.replace("small", "wrong"), "small": SMALL.replace("1K", "50"), "claims": CLAIMS}
    return in_folder(tmp_path, monkeypatch, {f"specs/{name}.yaml": text for name, text in specs.items()})


def documented(heading: str) -> set[str]:
    """The keys in the first table below a heading of the document; "" for the one on top."""
    section = DOC.partition(f"## `{heading}`\n")[2] if heading else DOC
    table = re.split(r"\n\n(?=#|[^|\n])", section[section.index("| key") :], maxsplit=1)[0]
    return {key for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)}


def results() -> dict[str, set[str]]:
    """The keys of `result`, by command."""
    section = DOC.partition("## `result`")[2].partition("\n\nThe rows")[0]
    rows = re.findall(r"^\| (`.*`) \| (`.*`) \|$", section, re.MULTILINE)
    return {
        command: {*re.findall(r"`(\w+)`", keys)} for names, keys in rows for command in re.findall("`(.*?)`", names)
    }


def enveloped(result: Result, command: str = "") -> dict[str, Any]:
    """The JSON that a command printed, with the keys that are documented; those of `result`, of a `command`, too."""
    data: dict[str, Any] = json.loads(result.stdout)
    assert not command or {*data["result"]} == results()[command]
    assert {*data} == documented("") == ENVELOPE
    assert {*data["summary"]} == documented("summary")
    assert data["summary"]["exit_code"] == result.exit_code
    assert data["summary"]["errors"] == sum(each["severity"] == "error" for each in data["diagnostics"])
    for name in ("specs", "claims", "files", "diagnostics"):
        assert all({*each} == documented(name) for each in data[name]), name
    return data


def of(run: Run, *words: str) -> dict[str, Any]:
    """The JSON of a command."""
    result = run(*words, "--format", "json")
    assert result.stderr == ""
    return enveloped(result)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "specs/small.yaml"),
        ("show --resolved", "specs/small.yaml"),
        ("show --after", "elaborate", "specs/small.yaml"),
        ("explain",),
        ("explain CODE", "E204"),
        ("ops",),
        ("schema",),
        ("draw", "specs/small.yaml"),
        ("specs NAME", "googlenet"),
        ("--version",),
    ],
)
def test_what_a_command_gives_besides(words: tuple[str, ...], run: Run) -> None:
    command = [word for word in words[0].split() if word not in ("CODE", "NAME")]
    data = of(run, *command, *words[1:])

    assert {*data["result"]} == results()[words[0]]
    assert data["command"] == (command[0] if words[0] != "--version" else "")
    assert data["specs"] == data["files"] == data["diagnostics"] == []


def test_entries_of_ops(run: Run) -> None:
    kinds = of(run, "ops")["result"]
    found = {kind: [*entries.values()] for kind, entries in kinds.items()}
    found["a size of a layer"] = [size for layer in found["layers"] for size in layer["sizes"].values()]
    table = DOC.partition("| kind | keys of an entry |")[2].partition("\n\n")[0]
    rows = [re.findall(r"[^|]+", line) for line in table.splitlines()[2:]]

    for kind, entries in found.items():
        (shown,) = [keys for names, keys in rows if kind in re.findall(r"`(\w+)`", names) or kind == names.strip()]
        assert {key for entry in entries for key in entry} == {*re.findall(r"`(\w+)`", shown)}, kind


def test_rows(run: Run) -> None:
    rows = of(run, "show", "specs/small.yaml")["result"]["rows"]

    keys = {
        *re.findall(r"`(\w+)`", DOC.partition("The rows of")[2].partition("| --- |")[2].partition("`report.md`")[0])
    }
    keys |= {"receptive_field", "stride"}
    assert {*rows[0]} == keys
    assert rows[0]["output"] == [4, 8, 8]


def test_specs_claims_and_their_counts(run: Run) -> None:
    data = of(run, "check", "specs/small.yaml", "specs/wrong.yaml", "specs/claims.yaml", "--explain")

    small, wrong = data["specs"]
    assert {*small["verdicts"][0]} == documented("verdicts")
    assert (small["holds"], wrong["holds"]) == (True, False)
    assert (small["spec"], small["network"]) == ("specs/small.yaml", "small")
    assert small["verdicts"][0]["computed"] == [4, 8, 8], "a shape has one form"
    assert small["verdicts"][-2]["computed"] == [10]
    assert wrong["explanations"][0]["row"] == "fc"
    assert [each["verdict"] for each in data["claims"]] == ["exact"]
    assert (data["summary"]["specs"], data["summary"]["holding"]) == (2, 1)
    assert data["summary"]["verdicts"] == {"exact": 7, "rounds": 0, "erratum": 0, "MISMATCH": 1}
    assert data["summary"]["claims"]["exact"] == 1


def test_every_command_says_as_much_of_a_file_that_cannot_be_read(run: Run) -> None:
    for words in (("check", "none.yaml"), ("compile", "none.yaml"), ("show", "none.yaml"), ("claims", "none.yaml")):
        data = of(run, *words)

        assert data["specs"] == data["claims"] == data["files"] == []
        assert data["result"] is None
        assert data["summary"]["exit_code"] == 2
        assert [(each["code"], each["file"]) for each in data["diagnostics"]] == [("E001", "none.yaml")]


def test_files(run: Run) -> None:
    """What `compile` wrote, and what `--check` holds against it."""
    names = ["architecture.svg", "model.onnx", "model.py", "report.md"]
    made = of(run, "compile", "specs/small.yaml")
    assert sorted(made["files"], key=lambda each: str(each["path"])) == [
        {"path": f"generated/small/{name}", "status": "written"} for name in names
    ]
    assert {each["status"] for each in of(run, "compile", "--check", "specs/small.yaml")["files"]} == {"current"}

    Path("generated/small/model.py").write_text("", encoding="utf-8")
    Path("generated/small/report.md").unlink()
    Path("generated/small/more.svg").write_text("", encoding="utf-8")
    found = of(run, "compile", "--check", "specs/small.yaml")
    status = {Path(each["path"]).name: each["status"] for each in found["files"]}
    assert status == {
        "architecture.svg": "current",
        "model.onnx": "current",
        "model.py": "stale",
        "report.md": "missing",
        "more.svg": "orphaned",
    }
    assert {each["file"] for each in found["diagnostics"]} == {
        f"generated/small/{name}" for name in ("model.py", "report.md", "more.svg")
    }


def test_nothing_is_written_where_something_is_wrong(run: Run) -> None:
    assert of(run, "compile", "specs/wrong.yaml")["files"] == []


FAILING = [
    ("check", "none.yaml"),
    ("check", "empty"),
    ("check", "empty.yaml"),
    ("check", "not_utf8.yaml"),
    ("check", "large.yaml"),
    ("check", "specs"),
    ("check", "specs/small.yaml", "specs/copy.yaml"),
    ("check", "specs/small.yaml", "--set", "width=2"),
    ("claims", "specs/small.yaml"),
    ("claims", "none.yaml"),
    ("compile", "specs/small.yaml", "--out", "empty.yaml"),
    ("compile", "specs/small.yaml", "--opset", "3", "--out", "generated/3"),
    ("compile", "--check", "specs/small.yaml"),
    ("compile", "specs/edited.yaml"),
    ("show", "none.yaml"),
    ("show", "specs/small.yaml", "--resolved", "--set", "width=2"),
    ("check", "specs/../specs/small.yaml", "--against", "onnx", "--set", "width=2"),
    ("weights", "import", "specs/small.yaml", "none.pth", "--from", "timm"),
    ("weights", "import", "specs/small.yaml", "empty.yaml", "--from", "timm"),
    ("weights", "export", "specs/small.yaml", "empty.safetensors", "--to", "timm"),
    ("export", "specs/small.yaml", "--weights", "empty.safetensors", "--out", "small.onnx"),
    ("export", "specs/small.yaml", "--init", "0", "--out", "empty.yaml/small.onnx"),
    ("ensemble", "none.npz", "empty.npz"),
    ("features", "none.onnx", "none.png", "--out", "x.npz"),
    ("features", "empty.yaml", "empty", "--out", "x.npz"),
    ("eval", "specs/small.yaml", "none.safetensors", "--data", "fake:8x10"),  # it has no `training`
    ("eval", "specs/edited.yaml", "none.safetensors", "--data", "fake:8x10"),
    ("eval", "specs/edited.yaml", "none.safetensors", "--data", "folder:none"),
]


@pytest.mark.parametrize("words", FAILING, ids=" ".join)
def test_every_finding_names_its_file(words: tuple[str, ...], run: Run) -> None:
    """An annotation or a result in code scanning is at a file; only the installation has none."""
    Path("empty").mkdir()
    for name in ("empty.yaml", "empty.safetensors", "empty.npz"):
        Path(name).touch()
    Path("not_utf8.yaml").write_bytes(b"network: \xff")
    Path("large.yaml").write_bytes(b"#" * (4 * 2**20 + 1))
    Path("specs/copy.yaml").write_text(Path("specs/small.yaml").read_text("utf-8"), encoding="utf-8")
    training = "\ntraining: {recipe: modern}\n"
    Path("specs/edited.yaml").write_text(
        SMALL.replace("small", "edited").replace("1K", "50").replace("fc 10", "fc {classes}") + training, "utf-8"
    )
    if words == ("compile", "specs/edited.yaml"):
        assert run(*words).exit_code == 0
        file = Path("generated/edited/train.py")
        file.write_text(file.read_text("utf-8") + "# mine\n", encoding="utf-8")
    data = of(run, *words)

    assert data["diagnostics"]
    if words[0] == "eval":  # what is wrong is the spec, the weights, or the data that the spec is to be tried on
        wrong = words[2] if words[1:] == FAILING[-2][1:] else words[1]
        assert [each["file"] for each in data["diagnostics"]] == [wrong]
    places = [each["file"] for each in data["diagnostics"]]
    assert [place for place in places if not any(word in place for word in (*words, "generated", "empty.yaml"))] == []


def test_every_command_has_json() -> None:
    others = {("weights",), (), ("lsp",), ("mcp",)}  # groups of commands, and servers
    checked = [words for words, _ in all_commands() if words not in others]
    assert [words for words in checked if "json" not in cli(*words, "--help").stdout] == []


def test_what_is_no_number_is_null() -> None:
    """JSON has no NaN."""
    outcome = Outcome("export", 0, (), result={"a": [math.nan, (1, -math.inf)], "b": 0.5})

    assert json.loads(FORMATTERS["json"](outcome))["result"] == {"a": [None, [1, None]], "b": 0.5}
    assert "NaN" not in FORMATTERS["json"](outcome)
