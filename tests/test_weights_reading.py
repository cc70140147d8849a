"""Unusual weight files: wrapped, prefixed, hostile or of another network, and the diagnostics for them."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_runner import cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from inception_dsl import build, compiler
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.network import loads
from inception_dsl.weights import files, identify, transfer
from inception_dsl.weights.drawn import draw
from inception_dsl.weights.former_names import rename_former
from inception_dsl.weights.matching import match, own_names
from inception_dsl.weights.names.libraries import BUILTIN_SPECS, LIBRARIES
from inception_dsl.weights.preprocessing import KEY, parse_preprocessing
from inception_dsl.weights.published import PUBLISHED

FOLDER = Path(__file__).parent.parent / "specs"
TINY = """
network: tiny
input: 3x16x16
classes: 5
layers: |
  name  | layer
  conv1 | conv 3x3/2 8 same bn relu
  pool  | avgpool global -> flatten
  fc    | fc {classes}
heads:
  aux: {from: conv1, loss_weight: 0.3, graph: "avgpool global -> flatten -> fc 3"}
init: {source: a test, conv: normal std=0.3 bias=1, fc: constant value=0.25 bias=0.5}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path / "tiny.yaml"


def typed(text: str = TINY) -> Typed:
    return loads(text).typed


def state(given: Typed | None = None) -> dict[str, torch.Tensor]:
    """Weights under a network's own names."""
    torch.manual_seed(0)
    given = given or typed()
    content = {name: torch.rand(each.shape) for name, each in given.weights.items()}
    return content | {name: torch.tensor(7) for name in own_names(given, heads=True) if name not in content}


def refused(action: Callable[[], object]) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        action()
    return caught.value.diagnostics


# --- wrappers and prefixes --------------------------------------------------------------------------------------------

OTHER = {"epoch": 3, "args": {"lr": 0.1}, "optimizer": {"state": {}, "param_groups": []}, "best": 0.5}


def marked(value: float) -> dict[str, torch.Tensor]:
    """Weights that can be identified by their first bias."""
    return state() | {"fc.bias": torch.full((5,), float(value))}


WRAPPED: dict[str, tuple[dict[str, Any], str]] = {
    "plain": (marked(1), ""),
    "state_dict": ({"state_dict": marked(1), **OTHER}, "read `state_dict` of `net.pth.tar`"),
    "model_state_dict": ({**OTHER, "model_state_dict": marked(1)}, "read `model_state_dict` of `net.pth.tar`"),
    "model": ({"model": marked(1), **OTHER}, "read `model` of `net.pth.tar`"),
    "nested": ({"model": {"state_dict": marked(1)}}, "read `state_dict` of `net.pth.tar`"),
    "ema": (
        {"state_dict": marked(2), "state_dict_ema": marked(1), **OTHER},
        "read `state_dict_ema` of `net.pth.tar`, not `state_dict`",
    ),
    "model_ema": ({"model_ema": marked(1), "model": marked(2)}, "read `model_ema` of `net.pth.tar`, not `model`"),
    "run": (
        {
            "network": marked(2),
            "averaged": marked(1),
            "identity": {"spec": "f00"},
            "step": 4,
            "optimiser": {"state": {}},
        },
        "read `averaged` of `net.pth.tar`, not `network`",
    ),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_containers_are_opened_and_an_average_is_preferred(kind: str, tmp_path: Path) -> None:
    content, message = WRAPPED[kind]
    torch.save(content, tmp_path / "net.pth.tar")
    found = transfer.load_weights(typed(), tmp_path / "net.pth.tar", heads=True)
    assert (found.tensors["fc.bias"] == 1).all() and found.tensors.keys() == state().keys()
    assert found.notes[-1:] == ((message,) if message else ())
    assert found.metadata.get("spec") == ("f00" if kind == "run" else None)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_prefixes_are_removed_and_reported(prefix: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"net{suffix}"
    content = {f"{prefix}{name}": each for name, each in state().items()}
    save_file(content, file) if suffix == ".safetensors" else torch.save({"model": content}, file)
    found = transfer.load_weights(typed(), file, heads=True)
    assert found.tensors.keys() == state().keys()
    assert found.notes[-1] == f"removed the prefix `{prefix}` from the names in `net{suffix}`"


def test_an_averaged_model_of_torch_is_read(tmp_path: Path) -> None:
    net = build.build(pytorch.source(typed()), "tiny")
    averaged = torch.optim.swa_utils.AveragedModel(torch.nn.DataParallel(net))
    torch.save(averaged.state_dict(), tmp_path / "net.pt")
    assert transfer.load_weights(typed(), tmp_path / "net.pt", heads=True).tensors.keys() == net.state_dict().keys()


def test_a_row_may_be_called_as_a_prefix(tmp_path: Path) -> None:
    given = typed(
        "network: named\ninput: 3x8x8\nlayers: |\n  name | layer\n  module | conv 3x3 8 same bias -> flatten\n"
    )
    save_file(state(given), tmp_path / "x.safetensors")
    assert transfer.load_weights(given, tmp_path / "x.safetensors", heads=True).notes == ()


def test_a_file_that_only_some_names_of_have_a_prefix_stays_as_it_is(tmp_path: Path) -> None:
    content = {f"module.{name}" if name.startswith("conv1") else name: each for name, each in state().items()}
    torch.save(content, tmp_path / "x.pt")
    codes = [each.code for each in refused(lambda: transfer.load_weights(typed(), tmp_path / "x.pt", heads=True))]
    assert codes == ["E133", "E134"]


# --- what cannot be used ----------------------------------------------------------------------------------------------


def test_non_finite_weights_leave_no_file(spec: Path) -> None:
    content, file, out = state(), spec.with_name("x.safetensors"), spec.with_name("x.onnx")
    content["conv1.conv.weight"].view(-1)[:3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    content["fc.bias"][0] = float("nan")
    save_file(content, file)
    result = cli("export", spec, "--weights", file, "--out", out, "--format", "json")
    found = [(diagnostic["code"], diagnostic["message"]) for diagnostic in json.loads(result.stdout)["diagnostics"]]
    assert found == [
        ("E136", f"`conv1.conv.weight` in `{file}` has 1 NaN and 2 infinite among 216 values"),
        ("E136", f"`fc.bias` in `{file}` has 1 NaN among 5 values"),
    ]
    assert result.exit_code == 1 and not out.exists()
    content = {name: each * torch.nan if each.is_floating_point() else each for name, each in state().items()}
    save_file(content, file)
    errors = refused(lambda: transfer.load_weights(typed(), file, heads=True))
    assert len(errors) == 7 and errors[-1].message.startswith(f"the same holds for 3 more tensors of `{file}`: ")


def test_a_network_that_overflows_is_reported(spec: Path) -> None:
    content = {name: each * 3e38 if name == "fc.weight" else each for name, each in state().items()}
    save_file(content | {"conv1.bn.weight": torch.full((8,), 1e4)}, spec.with_name("x.safetensors"))
    result = cli("export", spec, "--weights", spec.with_name("x.safetensors"), "--out", spec.with_name("x.onnx"))
    assert result.exit_code == 1 and "is not finite: with these weights the network overflows float32" in result.stderr


def test_meta_tensors_are_reported(tmp_path: Path) -> None:
    content = {name: each.to("meta") if name == "fc.bias" else each for name, each in state().items()}
    torch.save(content, tmp_path / "x.pt")
    (found,) = refused(lambda: files.read_weights(tmp_path / "x.pt"))
    assert (
        found.code == "E135"
        and "`fc.bias`" in found.message
        and "on the meta device and has no values" in found.message
    )


def bomb(file: Path) -> None:
    """An archive of a few kB that unpacks to 100 MB of zeros."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(10**8))


def spread(file: Path) -> None:
    """A tensor of 4 TB that stores one number."""
    torch.save({"fc.weight": torch.zeros(1).expand(10**6, 10**6)}, file)


def many_views(file: Path) -> None:
    """A thousand tensors that share one storage."""
    data = torch.zeros(10**5)
    torch.save({f"x{i}": data for i in range(1000)}, file)


def cut(file: Path) -> None:
    torch.save(state(), file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def header(file: Path) -> None:
    file.write_bytes(struct.pack("<Q", 2**60) + b"{}")


def lying(file: Path) -> None:
    text = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text)


def half(file: Path) -> None:
    save_file(state(), file)
    file.write_bytes(file.read_bytes()[:-20])


def eight_bits(file: Path) -> None:
    save_file({"w": torch.zeros(4).to(torch.float8_e5m2)}, file)


def complex_numbers(file: Path) -> None:
    torch.save({"w": torch.zeros(2, dtype=torch.complex64)}, file)


def old_bomb(file: Path) -> None:
    """A file in the format of torch before 1.6 that claims a storage of a TB."""
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3)}, buffer, _use_new_zipfile_serialization=False)
    file.write_bytes(buffer.getvalue().replace(b"K\x03", b"\x8a\x06\x00\x00\x00\x00\x00\x01", 1))


HOSTILE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "bomb": ("x.pt", bomb, "E130"),
    "spread": ("x.pt", spread, "E130"),
    "many views": ("x.pth", many_views, "E130"),
    "cut": ("x.pth.tar", cut, "E130"),
    "old bomb": ("x.pt", old_bomb, "E130"),
    "magic": ("x.pt", lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "E130"),
    "zip of nothing": ("x.pt", lambda file: zipfile.ZipFile(file, "w").close(), "E130"),
    "header": ("x.safetensors", header, "E130"),
    "lying": ("x.safetensors", lying, "E130"),
    "half": ("x.safetensors", half, "E130"),
    "eight bits": ("x.safetensors", eight_bits, "E135"),
    "complex": ("x.pt", complex_numbers, "E135"),
    "folder": ("x.safetensors", Path.mkdir, "E001"),
    "folder.pt": ("x.pt", Path.mkdir, "E001"),
    "pipe": ("x.pt", os.mkfifo, "E001"),
    "pipe2": ("x.safetensors", os.mkfifo, "E001"),
    "pipe of keras": ("x.keras", os.mkfifo, "E001"),
    "folder of keras": ("x.h5", Path.mkdir, "E001"),
    "broken link": ("x.pt", lambda file: file.symlink_to("nowhere"), "E001"),
    "number": ("x.pt", lambda file: torch.save(3, file), "E130"),
    "numbers for names": ("x.pt", lambda file: torch.save({3: torch.zeros(2)}, file), "E130"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_end_in_a_diagnostic(kind: str, spec: Path) -> None:
    name, make, code = HOSTILE[kind]
    file = spec.with_name(name)
    make(file)
    library = "keras" if name.endswith((".keras", ".h5")) else "torchvision"
    if library == "keras":
        given = compiler.at_size(compiler.compile_file(FOLDER / "xception.yaml"))
        assert [each.code for each in refused(lambda: transfer.import_weights(given, file, library))] == [code]
        return
    for arguments in (
        ("weights", "import", spec, file, "--from", library),
        ("weights", "export", spec, file, "--to", library),
        ("export", spec, "--weights", file, "--out", file.with_suffix(".onnx")),
    ):
        result = cli(*arguments, "--format", "json")
        if "pipe" in kind:  # refused with the command line, before anything opens it
            assert result.exit_code == 2 and "is a pipe" in result.stderr
            continue
        assert {diagnostic["code"] for diagnostic in json.loads(result.stdout)["diagnostics"]} == {code}, result.output
        assert result.exit_code == (2 if code == "E001" else 1)
    assert {each.name for each in spec.parent.iterdir()} == {"tiny.yaml", name}


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_what_torch_only_reads_by_running_it_is_refused(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 3))
    torch.jit.script(net).save(str(tmp_path / "script.pt"))  # type: ignore[no-untyped-call]
    torch.save(net, tmp_path / "whole.pt")
    with tarfile.open(tmp_path / "old.pt", "w") as archive:
        archive.add(FOLDER / "alexnet.yaml", "storages")
    for name in ("script.pt", "whole.pt", "old.pt"):
        (found,) = refused(lambda name=name: files.read_weights(tmp_path / name))  # type: ignore[misc]
        assert found.code == "E131" and "weights_only" not in found.message
        assert "save only the weights" in found.help


class Attack:
    """A pickle that would create a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pth.tar", ".bin"])
def test_no_command_runs_code(suffix: str, spec: Path) -> None:
    made, file = spec.with_name("made"), spec.with_name(f"evil{suffix}")
    torch.save({"state_dict": state(), "hidden": [Attack(made)]}, file)
    data = spec.with_name("images") / "val" / "a"
    data.mkdir(parents=True)
    torch.save({"step": Attack(made)}, spec.with_name("step_00000001.pt"))
    for arguments in (
        ("weights", "import", spec, file),
        ("weights", "export", spec, file, "--to", "timm"),
        ("export", spec, "--weights", file, "--out", spec.with_name("x.onnx")),
    ):
        result = cli(*arguments)
        assert result.exit_code == 1 and "error[E131]" in result.stderr
    (spec.with_name("older.pt")).write_bytes(pickle.dumps({"w": Attack(made)}, protocol=2))
    assert [each.code for each in refused(lambda: files.read_weights(spec.with_name("older.pt")))] == ["E131"]
    assert not made.exists()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([".pt", ".safetensors"]))
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    file = tmp_path / f"x{suffix}"
    content = bytearray(whole(suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content) - 1, 3000)))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)) | st.just(len(content)))]))
    try:
        transfer.load_weights(typed(), file, heads=False)
    except SpecError as error:
        assert {diagnostic.code for diagnostic in error.diagnostics} <= {f"E13{i}" for i in range(7)}  # noqa: PT017


@lru_cache
def whole(suffix: str) -> bytes:
    buffer = io.BytesIO()
    torch.save(state(), buffer)
    return buffer.getvalue() if suffix == ".pt" else files.safetensors({n: t.numpy() for n, t in state().items()}, {})


def test_a_file_of_keras_is_sent_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "x.weights.h5").write_bytes(b"\x89HDF")
    (found,) = refused(lambda: files.read_weights(tmp_path / "x.weights.h5"))
    assert found.help.endswith("for a keras file, use `weights import --from keras`")


def test_names_are_quoted_on_one_line(tmp_path: Path) -> None:
    save_file({**state(), "a\n\x1b[31m\u202e" + "x" * 500: torch.zeros(1)}, tmp_path / "x.safetensors")
    (found,) = refused(lambda: transfer.load_weights(typed(), tmp_path / "x.safetensors", heads=False))
    assert found.message.isprintable() and len(found.message) < 400


def test_a_list_has_no_stray_space() -> None:
    assert listing("abc", ",") == "`a`, `b`, `c`" and listing("ab", "or") == "`a` or `b`"
    assert refused(lambda: transfer.load_weights(typed(), missing_two(), heads=False))[0].message.endswith(
        ": `fc.weight`, `fc.bias`"
    )


@lru_cache
def missing_two() -> Path:
    import tempfile

    file = Path(tempfile.mkdtemp()) / "x.safetensors"
    save_file({name: each for name, each in state().items() if not name.startswith("fc")}, file)
    return file


# --- whose weights they are -------------------------------------------------------------------------------------------


@lru_cache
def shipped(name: str) -> Typed:
    path = FOLDER / f"{name}.yaml"
    return compiler.at_size(compiler.compile_file(path if path.is_file() else f"builtin:{name}"))


def shapes(library: str, name: str, heads: bool = True) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a library's network, as `weights export` writes them, which other tests check."""
    given = shipped(BUILTIN_SPECS[library][name])
    theirs = match(given, library, heads=heads and library != "keras").theirs
    return {theirs[ours]: given.weights[ours].shape for ours in theirs if ours in given.weights}


ROWS = [(library, name) for library, known in BUILTIN_SPECS.items() for name in known if library != "keras"]


@pytest.mark.parametrize(("library", "name"), ROWS)
def test_a_librarys_network_is_named(library: str, name: str) -> None:
    spec = BUILTIN_SPECS[library][name]
    asked = shipped("googlenet" if spec != "googlenet" else "alexnet")
    assert identify.hint(asked, shapes(library, name), library) == f"this is {library}'s {name}: use {place(spec)}"
    assert identify.hint(shipped(spec), shapes(library, name), library) == ""


@pytest.mark.parametrize(("library", "name"), ROWS)
def test_a_network_is_known_by_its_layers(library: str, name: str) -> None:
    """`weights export` has no names to know it by; some networks have as many layers, or even the same names."""
    assert match(shipped(BUILTIN_SPECS[library][name]), library, heads=False).names.name == name


def place(spec: str) -> str:
    """Where the hint says that a spec is: beside the one that was asked for, or built in."""
    return str(path) if (path := FOLDER / f"{spec}.yaml").is_file() else f"builtin:{spec}"


def test_the_number_of_classes_tells_networks_with_the_same_names_apart() -> None:
    fid, headless = shapes("pytorch-fid", "fid_inception_v3"), shapes("torchvision", "inception_v3", heads=False)
    use = f"use {FOLDER}/inception_v3"
    assert identify.hint(shipped("inception_v3"), fid, "torchvision") == (
        f"this is pytorch-fid's fid_inception_v3: {use}_fid.yaml"
    )
    assert identify.hint(shipped("inception_v3"), headless, "torchvision") == (
        f"this is torchvision's inception_v3: {use}_torchvision.yaml"
    )
    assert identify.hint(shipped("inception_v3_fid"), headless, "pytorch-fid") == (
        f"this is torchvision's inception_v3: {use}_torchvision.yaml"
    )


def test_the_library_of_a_spec_is_named_first(tmp_path: Path) -> None:
    torch.save(
        {name: torch.zeros(shape) for name, shape in shapes("pytorch-fid", "fid_inception_v3").items()},
        tmp_path / "fid.pth",
    )
    result = cli("weights", "import", FOLDER / "inception_v3_fid.yaml", tmp_path / "fid.pth")
    assert result.exit_code == 1 and "add `--from pytorch-fid`" in result.stderr


@pytest.mark.parametrize("name", ["googlenet", "googlenet_torchvision", "xception", "bn_inception"])
def test_a_spec_is_named_by_its_own_names(name: str) -> None:
    content = {each: weight.shape for each, weight in shipped(name).weights.items()}
    assert identify.hint(typed(), content, "") == f"this is {name}: use builtin:{name}"
    fewer = {each: (10, *shape[1:]) if shape[0] == 1000 else shape for each, shape in content.items()}
    assert identify.hint(typed(), fewer, "") == f"this is {name}: use builtin:{name}"
    assert identify.hint(typed(), {**content, "more.weight": (1,)}, "").startswith(
        f"99% of its tensors have the shapes of {name}"
    )
    assert identify.hint(shipped(name), content, "") == ""


def of_torchvision(tmp_path: Path, **change: tuple[int, ...]) -> Path:
    """A file of torchvision's GoogLeNet, with other shapes for some tensors."""
    content = {**shapes("torchvision", "googlenet"), **{name.replace("__", "."): each for name, each in change.items()}}
    torch.save({name: torch.zeros(shape) for name, shape in content.items()}, tmp_path / "googlenet.pth")
    return tmp_path / "googlenet.pth"


def variant(tmp_path: Path, text: str) -> Path:
    """A spec that extends torchvision's GoogLeNet, beside it."""
    for name in ("googlenet_torchvision", "googlenet"):
        (tmp_path / f"{name}.yaml").write_text((FOLDER / f"{name}.yaml").read_text())
    (tmp_path / "own.yaml").write_text(f"extends: googlenet_torchvision.yaml\nnetwork: own\ntitle: Own\n{text}\n")
    return tmp_path / "own.yaml"


def test_a_file_of_another_variant_is_named(tmp_path: Path) -> None:
    file = of_torchvision(tmp_path)
    result = cli("weights", "import", FOLDER / "googlenet.yaml", file, "--from", "torchvision", "--out", tmp_path / "x")
    assert result.exit_code == 2  # the name of --out
    result = cli("weights", "import", FOLDER / "googlenet.yaml", file, "--from", "torchvision")
    assert result.exit_code == 1
    assert f"this is torchvision's googlenet: use {FOLDER / 'googlenet_torchvision.yaml'}" in result.stderr
    result = cli("weights", "import", FOLDER / "inception_v4.yaml", file, "--from", "timm")
    assert f"this is torchvision's googlenet: use {FOLDER / 'googlenet_torchvision.yaml'}" in result.stderr
    result = cli("weights", "import", FOLDER / "googlenet_torchvision.yaml", file)
    assert result.exit_code == 1 and "these are names of `torchvision`: add `--from torchvision`" in result.stderr


@pytest.mark.parametrize(
    ("text", "tensors"),
    [
        (
            "classes: 10",
            ["aux1.fc2.bias", "aux1.fc2.weight", "aux2.fc2.bias", "aux2.fc2.weight", "fc.bias", "fc.weight"],
        ),
        ("classes: 10\nremove: {heads: [aux1, aux2]}", ["fc.bias", "fc.weight"]),
    ],
)
def test_another_number_of_classes_is_reported_for_each_tensor(text: str, tensors: list[str], tmp_path: Path) -> None:
    given = compiler.at_size(compiler.compile_file(variant(tmp_path, text)))
    found = refused(lambda: transfer.import_weights(given, of_torchvision(tmp_path), "torchvision"))
    assert {each.code for each in found} == {"E135"}
    assert sorted(each.message.split("`")[1] for each in found) == tensors
    assert all(each.message.endswith(": the file is for 1,000 classes, the spec for 10") for each in found)
    assert found[0].help == f"this is torchvision's googlenet: use {tmp_path / 'googlenet_torchvision.yaml'}"


def test_images_with_other_channels_are_reported(tmp_path: Path) -> None:
    given = compiler.at_size(compiler.compile_file(variant(tmp_path, "input: 1x224x224")))
    (found,) = refused(lambda: transfer.import_weights(given, of_torchvision(tmp_path), "torchvision"))
    assert found.message.startswith("`conv1.conv.weight` is 64x3x7x7 in ") and found.message.endswith(
        ": the file is for images with 3 channels, the spec for 1 channel"
    )


def test_missing_heads_suggest_to_leave_them_out(spec: Path) -> None:
    file, out = spec.with_name("x.safetensors"), spec.with_name("y.safetensors")
    save_file({name: each for name, each in state().items() if not name.startswith("aux")}, file)
    result = cli("weights", "import", spec, file, "--out", out)
    assert result.exit_code == 1 and "help: leave the heads out with `--no-heads`" in result.stderr
    assert cli("weights", "import", spec, file, "--out", out, "--no-heads").exit_code == 0
    result = cli("export", spec, "--weights", file, "--out", spec.with_name("x.onnx"), "--heads")
    assert result.exit_code == 1 and "help: leave `--heads` out" in result.stderr
    assert cli("export", spec, "--weights", file, "--out", spec.with_name("x.onnx"), "--no-verify").exit_code == 0


def test_missing_heads_are_reported_in_a_variant_too(tmp_path: Path) -> None:
    given = compiler.at_size(compiler.compile_file(variant(tmp_path, "")))
    content = {name: torch.zeros(shape) for name, shape in shapes("torchvision", "googlenet", heads=False).items()}
    torch.save(content, tmp_path / "x.pth")
    (found,) = refused(lambda: transfer.import_weights(given, tmp_path / "x.pth", "torchvision"))
    assert (found.code, found.help) == ("E133", "leave the heads out with `--no-heads`")
    assert transfer.import_weights(given, tmp_path / "x.pth", "torchvision", heads=False).left == ()


def test_heads_may_be_left_out_of_what_goes_back_and_nan_never_goes(tmp_path: Path) -> None:
    given = shipped("googlenet_torchvision")
    content = {name: torch.zeros(each.shape) for name, each in given.weights.items()}
    save_file(content | {"fc.bias": torch.full((1000,), torch.nan)}, tmp_path / "x.safetensors")
    (found,) = refused(lambda: transfer.export_weights(given, tmp_path / "x.safetensors", "torchvision"))
    assert found.code == "E136" and "has 1,000 NaN among 1,000 values" in found.message
    save_file(content, tmp_path / "x.safetensors")
    for heads in (True, False):
        moved = transfer.export_weights(given, tmp_path / "x.safetensors", "torchvision", heads=heads)
        assert any(name.startswith("aux") for name in moved.weights) == heads


# --- a run's own weights, and preprocessing ---------------------------------------------------------------------------


def test_a_runs_checkpoint_becomes_a_file_of_weights(spec: Path) -> None:
    file, out = spec.with_name("step_00000004.pt"), spec.with_name("x.safetensors")
    torch.save(WRAPPED["run"][0], file)
    result = cli("weights", "import", spec, file, "--out", out)
    assert result.stdout.splitlines() == [
        "read `averaged` of `step_00000004.pt`, not `network`",
        "found all 10 tensors under the spec's own names",
        f"wrote {out}",
    ]
    assert torch.equal(load_file(out)["fc.bias"], torch.ones(5))
    assert files.read_weights(out).metadata["spec"] == "f00"
    assert cli("weights", "import", spec, file, "--out", out, "--tag", "none").exit_code == 2
    # whoever says a library all the same means the same file
    assert cli("weights", "import", spec, file, "--from", "torchvision", "--out", out).exit_code == 0


def test_what_images_are_prepared_by_goes_with_the_weights(tmp_path: Path) -> None:
    spec, ours, theirs = FOLDER / "googlenet_torchvision.yaml", tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    file, wanted = of_torchvision(tmp_path), PUBLISHED["torchvision"]["googlenet"].tags["IMAGENET1K_V1"]
    result = cli("weights", "import", spec, file, "--from", "torchvision", "--out", ours)
    assert result.exit_code == 0 and result.stdout.splitlines()[1] == (
        "images: shorter side resized to 256 (bilinear), center crop 224x224, mean 0.5, std 0.5, as for "
        "torchvision googlenet IMAGENET1K_V1; for other weights, set `--tag` to `none`"
    )
    assert parse_preprocessing(files.read_weights(ours).metadata[KEY]) == wanted
    assert cli("weights", "export", spec, ours, "--to", "torchvision", "--out", theirs).exit_code == 0
    assert parse_preprocessing(files.read_weights(theirs).metadata[KEY]) == wanted
    assert cli("weights", "import", spec, file, "--from", "torchvision", "--tag", "none", "--out", ours).exit_code == 0
    assert KEY not in files.read_weights(ours).metadata
    result = cli("weights", "import", spec, file, "--from", "torchvision", "--tag", "V9", "--out", ours)
    assert result.exit_code == 1 and "set `--tag` to `IMAGENET1K_V1` or `none`" in result.stderr
    save_file(load_file(theirs), theirs, {KEY: json.dumps({**json.loads(wanted.json), "mean": [0.1]})})
    moved = transfer.import_weights(shipped("googlenet_torchvision"), theirs, "torchvision")
    assert parse_preprocessing(moved.metadata[KEY]).mean == (0.1,)
    save_file(load_file(theirs), theirs, {KEY: "{}"})
    (found,) = refused(lambda: transfer.import_weights(shipped("googlenet_torchvision"), theirs, "torchvision"))
    assert found.code == "E130" and "`preprocessing` in the metadata of" in found.message


def test_the_graph_says_how_images_are_prepared(spec: Path) -> None:
    import onnx

    wanted = PUBLISHED["torchvision"]["alexnet"].tags["IMAGENET1K_V1"].at(16, 16)
    save_file(state(), spec.with_name("x.safetensors"), {KEY: wanted.json})
    out = spec.with_name("x.onnx")
    assert cli("export", spec, "--weights", spec.with_name("x.safetensors"), "--out", out).exit_code == 0
    props = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert parse_preprocessing(props[KEY]) == wanted and wanted.resize == 18


def test_fresh_weights_are_those_that_the_generated_network_begins_with(spec: Path) -> None:
    """The spec's `init`, else torch's: exactly the values of `model.py` with that seed."""
    random = torch.random.get_rng_state()
    drawn = draw(typed(), 7)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert (drawn["fc.weight"] == 0.25).all() and (drawn["fc.bias"] == 0.5).all()
    torch.manual_seed(7)
    net: nn.Module = build.build(pytorch.source(typed()), "tiny")
    assert all(np.array_equal(drawn[name], net.state_dict()[name].numpy()) for name in typed().weights)
    assert not np.array_equal(drawn["conv1.conv.weight"], draw(typed(), 8)["conv1.conv.weight"])
    plain = typed(TINY.partition("init:")[0])
    bound = 1 / 27**0.5  # torch's own: uniform to one by the root of the fan
    assert 0.9 * bound < np.abs(draw(plain, 7)["conv1.conv.weight"]).max() <= bound
    assert {*LIBRARIES} == {
        "torchvision",
        "timm",
        "pytorch-fid",
        "torch-fidelity",
        "facenet-pytorch",
        "pretrainedmodels",
        "keras",
    }


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- names of version 0.1 ---------------------------------------------------------------------------------------------


def former_name(name: str) -> str:
    """What version 0.1 called a tensor of Inception-ResNet-v2 or VGG-16."""
    block = re.match(r"(block\w+\.(?:\d+\.)?)(.*)", name)
    if block and block[2].startswith("conv."):
        return f"{block[1]}residual.1.{block[2].removeprefix('conv.')}"
    if block:
        return f"{block[1]}residual.0.{block[2]}"
    return re.sub(r"^(conv\d_\d\.)conv\.|^(fc[67]\.)fc\.", r"\1\2", name)  # a convolution with a norm keeps its name


@pytest.mark.parametrize("name", ["vgg16", "inception_resnet_v2"])
def test_files_with_the_names_of_version_0_1_are_read(name: str) -> None:
    own = own_names(shipped(name), heads=True)
    tensors = {former_name(new): new for new in own}

    renamed, notes = rename_former(tensors, own, "x.pt")
    assert renamed == {new: new for new in own}
    assert [note.startswith("renamed ") for note in notes] == [True]
    assert rename_former({**tensors, "other": "other"}, own, "x.pt") == ({**tensors, "other": "other"}, ())


def test_present_names_stay() -> None:
    own = own_names(typed(), heads=True)

    assert rename_former({name: name for name in own}, own, "x.pt") == ({name: name for name in own}, ())


def test_batch_norms_without_a_scale_are_of_the_same_kind() -> None:
    """Keras' Inception-v3 has none; a spec that has them takes its weights."""
    typed = compiler.at_size(compiler.compile_file("builtin:inception_v3_timm"))

    assert match(typed, "keras", heads=False).names.name == "InceptionV3"
