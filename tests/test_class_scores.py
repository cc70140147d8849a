"""A network with `training` ends in class scores, checked before training; others may end in any features."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import cli as command

from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError

TRAINED = "training: {recipe: modern, source: ours}"


def spec(last: str, head: str = "fc {classes}", training: str = TRAINED) -> str:
    """A spec that ends in a formula, with a head."""
    rows = f"  one  | conv 3x3 8 same\n  last | {last}\n"
    head = f"heads:\n  aux: {{from: one, graph: '{head}'}}\n"
    keys = "network: tiny\ninput: 3x8x8\nclasses: 10\nsettings: {n: 10}\n"
    return f"{keys}layers: |\n  name | layer\n{rows}{head}{training}\n"


def ended(text: str) -> list[tuple[str, str]]:
    """What is wrong with the ends of a network: message and help."""
    try:
        at_size(compile_source(Source("spec.yaml", text)))
    except SpecError as error:
        return [(fault.message, fault.help) for fault in error.diagnostics if fault.code == "E221"]
    return []


@pytest.mark.parametrize(
    "last",
    [
        "fc {classes}",
        "fc 10 -> softmax",
        "fc {n}",
        "avgpool global -> conv 1x1 {classes} -> flatten",
        "conv 8x8 10 valid -> flatten",
    ],
)
def test_a_vector_of_the_classes_is_right(last: str) -> None:
    assert ended(spec(last)) == ended(spec("fc {classes}", last)) == []


@pytest.mark.parametrize(
    ("last", "gives", "advice"),
    [
        ("avgpool global -> conv 1x1 {classes}", "an image of 1x1 with 10 channels", "write `-> flatten` after it"),
        ("conv 1x1 {classes}", "an image of 8x8 with 10 channels", "`-> avgpool global -> flatten`"),
        ("conv 1x1 16", "an image of 8x8 with 16 channels", "end in `fc {classes}`"),
        ("fc 12", "a vector of 12", "`classes: 12`"),
        ("conv 1x1 {classes} -> flatten", "a vector of 640", "end in `fc {classes}`"),
        ("pass", "an image of 8x8 with 8 channels", "end in `fc {classes}`"),
    ],
)
def test_anything_else_is_an_error(last: str, gives: str, advice: str) -> None:
    """As the last row and as a head; and not where the spec states no training."""
    ((message, hint),) = ended(spec(last))
    ((of_head, _),) = ended(spec("fc {classes}", last))

    assert message == f"`last` gives {gives}, but training needs one number for each of 10 classes"
    assert of_head == message.replace("last", "aux")
    assert advice in hint
    assert ended(spec(last, last, training="")) == []


@pytest.mark.parametrize(
    "verb", [("check",), ("compile", "--out", "made"), ("train", "--data", "fake:8x10", "--out", "made")]
)
@pytest.mark.parametrize(("last", "settings"), [("conv 1x1 {classes}", ()), ("fc {n}", ("--set", "n=12"))])
def test_every_command_reports_it_before_anything_is_written(
    verb: list[str], last: str, settings: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spec, and one that a setting makes of it."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(spec(last), encoding="utf-8")
    done = command(verb[0], "spec.yaml", *verb[1:], *settings)

    assert done.exit_code == 1
    assert "error[E221]" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]


def test_a_runner_for_another_size_needs_the_classes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends in a vector of the classes at its own size alone cannot be trained at another."""
    monkeypatch.chdir(tmp_path)
    text = spec("conv 1x1 {classes} -> avgpool 8x8 valid -> flatten", "avgpool global -> fc {classes}")
    Path("spec.yaml").write_text(text, encoding="utf-8")

    assert command("compile", "spec.yaml", "--out", "own").exit_code == 0
    larger = command("compile", "spec.yaml", "--out", "larger", "--size", "16")
    assert (larger.exit_code, "error[E221]" in larger.stderr) == (1, True)
    assert not Path("larger").exists()
    assert command("show", "spec.yaml", "--size", "16").exit_code == 0
