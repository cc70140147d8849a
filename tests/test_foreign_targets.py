"""What is given as a network: names that are mistyped, code that fails, and files whose names and order say nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_runner import Run
from hostile_models import NODE, model, weight

from inception_dsl.weights.files import safetensors

MISTAKES = {
    "theirs.nets.Net": "write `theirs.nets:Net`: a colon",
    "theirs/nets.py:Net": "write `theirs.nets:Net`",
    "theirs.nets:Net(width=8)": "write `theirs.nets:Net`; its arguments are given with `--arg NAME=VALUE`",
    "theirs/nets.py": "`theirs.nets:CALLABLE`",
    "theirs.net:Net": "did you mean `theirs.nets`?",
    "theirs.nets:Nett": "did you mean `Net`?",
    "thiers.nets:Net": "there is no module `thiers`",
    "spec.yaml": "`inception-dsl diff` compares",
    "builtin:googlenet": "`inception-dsl diff` compares",
    "model.tflite": "export the network as ONNX",
    "model.keras": "give a callable that loads it",
    "model.weights.h5": "holds weights of keras, and no graph",
    "https://example.com/model.onnx": "download it",
    "": "give an `.onnx` file",
    ".": "give an `.onnx` file",
    "no such thing": "give an `.onnx` file",
    "theirs.nets:nothing": "it takes `width`, as `--arg NAME=VALUE`",
    "theirs.nets:fails": "RuntimeError: no such config, at theirs/nets.py:",
    "theirs.nets:leaves": "SystemExit: 3, at theirs/nets.py:",
    "theirs.nets:downloads": "it reads from example.com",
    "theirs.nets:scripted": "gives TorchScript",
    "theirs.nets:Two": "missing a required argument: 'mask'",
    "program:net": "belongs below `if __name__ == '__main__':`",
    "incomplete:net": "install `no_such_library`",
}


@pytest.mark.parametrize("target", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(theirs: Run, target: str) -> None:
    done = theirs("audit", "spec.yaml", target)

    assert done.exit_code == 2
    assert MISTAKES[target] in done.stderr
    assert done.stdout == ""


def test_the_spec_comes_before_the_network(theirs: Run) -> None:
    done = theirs("audit", "theirs.nets:Net", "spec.yaml")

    assert done.exit_code == 2
    assert "the spec comes before the network" in done.stderr


def test_the_traceback_of_their_code_is_shown_if_asked(theirs: Run) -> None:
    done = theirs("--traceback", "audit", "spec.yaml", "theirs.nets:fails")

    assert "in fails\n" in done.stderr


def test_adopt_overwrites_nothing_and_says_so_first(theirs: Run) -> None:
    for options in (["--out", "spec.yaml"], ["--out", "new.yaml", "--weights", "w.safetensors"]):
        Path("w.safetensors").write_text("mine", encoding="utf-8")
        done = theirs("adopt", "theirs.nets:fails", *options)

        assert done.exit_code == 2
        assert "exists already" in done.stderr
        assert not Path("new.yaml").exists()


NASTY = "conv\n::error::x\x1b[31m<b>`|\u2028injected: yes\u0085- y 層" * 50


def test_names_of_a_stranger_end_no_line(theirs: Run) -> None:
    nodes = [
        NODE("Conv", ["x", "w"], ["c"], name=f"/{NASTY}/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        NODE("Relu", ["c"], ["r"], name=f"/{NASTY}/Relu"),
        NODE("Conv", ["r", "v"], ["y"], name="/層/Conv", kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
    ]
    data = model(nodes, [weight("w", 4, 3, 3, 3), weight("v", 4, 4, 5, 5)], (1, 3, 8, 8)).SerializeToString()
    Path("nasty.onnx").write_bytes(data)

    assert theirs("adopt", "nasty.onnx", "--out", "adopted.yaml", "--force").exit_code == 0
    text = Path("adopted.yaml").read_text(encoding="utf-8")
    assert "\u2028" not in text
    assert "injected: yes" not in [line.strip() for line in text.splitlines()]
    assert max(map(len, text.splitlines())) < 200
    assert theirs("audit", "adopted.yaml", "nasty.onnx").exit_code == 0


def test_a_finding_without_a_place_names_the_spec_as_it_was_given(theirs: Run) -> None:
    done = theirs("audit", "spec.yaml", "theirs.nets:Scaled", "--format", "github")

    assert done.exit_code == 1
    assert done.stdout.startswith("::error file=spec.yaml,")
    done = theirs("audit", "builtin:googlenet_bn_small", "theirs.nets:Lazy")
    assert done.stdout.startswith("googlenet_bn_small (builtin:googlenet_bn_small) against")


@pytest.mark.parametrize("names", ["zyxw", "abcd"])
def test_a_file_of_weights_without_an_order_is_paired_by_content(theirs: Run, names: str) -> None:
    shapes = [(9, 3, 3, 3), (9, 9, 1, 1), (7, 9, 3, 3), (5, 7, 3, 3)]
    rows = "\n".join(f"  c{at} | conv {shape[2]}x{shape[3]} {shape[0]} same" for at, shape in enumerate(shapes))
    Path("four.yaml").write_text(f"network: four\ninput: 3x8x8\nlayers: |\n  name | layer\n{rows}\n", encoding="utf-8")
    tensors = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in zip(names, shapes, strict=True)}
    Path("four.safetensors").write_bytes(safetensors(tensors, {}))

    assert theirs("audit", "four.yaml", "four.safetensors").exit_code == 0
    tensors[f"{names[2]}.weight"] = np.zeros((7, 9, 1, 1), np.float32)
    Path("four.safetensors").write_bytes(safetensors(tensors, {}))
    result = json.loads(theirs("audit", "four.yaml", "four.safetensors", "--format", "json").stdout)["result"]
    assert [(each["what"], each["places"][0]["row"]) for each in result["findings"]] == [("kernel", "c2")]


@pytest.mark.parametrize("name", ["model.onnx", "model.pth", "model.safetensors"])
def test_a_file_that_git_lfs_keeps_is_said_to_be_one(theirs: Run, name: str) -> None:
    Path(name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", encoding="utf-8")
    done = theirs("audit", "spec.yaml", name)

    assert done.exit_code == 2
    assert "`git lfs pull`" in done.stderr
