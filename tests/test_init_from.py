"""`train --init-from`, `--freeze` and `--recipe` as a person runs them, on a few images of noise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from test_json import enveloped

from inception_dsl.cli.main import main
from inception_dsl.network import load
from inception_dsl.recipes.recipe import recipe
from inception_dsl.weights.preprocessing import KEY
from inception_dsl.weights.published import PUBLISHED

pytestmark = pytest.mark.extras  # a run trains

SPEC = "specs/googlenet_bn_small.yaml"
FEW = ("--set", "data.batch=8", "--set", "data.workers=0", "--set", "run.log_every=1", "--steps", "1")


def train(out: Path, *arguments: object, spec: str | Path = SPEC, data: str = "fake:16x4") -> Result:
    """What `train` gives."""
    words = ["train", str(spec), "--out", str(out), "--data", data, *FEW, *map(str, arguments)]
    return CliRunner().invoke(main, words)


def said(result: Result) -> str:
    """What a command printed, on one line."""
    return " ".join(result.output.split())


def config(spec: Path) -> Any:
    """The settings that a spec states."""
    stated = recipe(load(spec).typed.program)
    assert stated
    return stated.config()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the small network for ten classes, as `torch.save` writes them."""
    file = tmp_path_factory.mktemp("weights") / "small.pth"
    torch.manual_seed(3)
    torch.save(load(SPEC).build().state_dict(), file)
    return file


@pytest.fixture(scope="module")
def run(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step that started from them, with its first rows frozen."""
    out = tmp_path_factory.mktemp("runs") / "first"
    done = train(out, "--init-from", weights, "--freeze", "conv1..inception_3a,heads.aux1.fc1", "--format", "json")
    assert done.exit_code == 0, done.output
    start = enveloped(done, "train")["result"]["start"]
    assert start["new"] == dict.fromkeys(("fc", "aux1.fc2"), "for 4 classes; the file has 10")
    assert start["loaded"][:3] == ["conv1", "conv2", "inception_3a"] and start["loaded"][-1] == "aux1.fc1"
    return out


def test_frozen_rows_are_those_of_the_file(run: Path, weights: Path) -> None:
    first, last = torch.load(weights, weights_only=True), load_file(run / "model" / "model.safetensors")
    for name, tensor in last.items():
        frozen = name.startswith(("conv1.", "conv2.", "inception_3a.", "aux1.fc1."))
        assert (first[name].shape == tensor.shape and torch.equal(first[name], tensor)) == frozen, name
    assert 'freeze="conv1, conv2, inception_3a, aux1.fc1",  # --freeze' in (run / "train.py").read_text()


def test_the_folder_repeats_its_run_without_the_file(run: Path, weights: Path, tmp_path: Path) -> None:
    """By its spec; and, where our package cannot be imported, by train.py alone."""
    model = (run / "model" / "model.safetensors").read_bytes()
    shutil.copytree(run, copy := tmp_path / "copy")
    again = train(tmp_path / "again", spec=copy / "spec.yaml")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again" / "model" / "model.safetensors").read_bytes() == model
    assert (tmp_path / "again" / "init.safetensors").read_bytes() == (run / "init.safetensors").read_bytes()

    (alone := tmp_path / "alone").mkdir()
    for name in ("model.py", "train.py", "support.py", "init.safetensors"):
        shutil.copy(run / name, alone / name)
    words = [sys.executable, "-P", "-c", ALONE, str(alone), "--out", str(alone / "out"), "--steps", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (alone / "out" / "model" / "model.safetensors").read_bytes() == model


ALONE = """
import runpy, sys
sys.modules["inception_dsl"] = sys.modules["numpy"] = sys.modules["safetensors"] = None
folder = sys.argv.pop(1)
sys.path.insert(0, folder)
sys.argv[0] = folder + "/train.py"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_run_goes_on_although_the_file_is_gone(
    run: Path, weights: Path, tmp_path: Path, launched: list[Sequence[str]]
) -> None:
    shutil.copytree(run, copy := tmp_path / "copy")
    gone = weights.with_name("gone.pth")
    freeze = ("--freeze", "conv1..inception_3a,aux1.fc1")
    assert train(copy, "--init-from", weights, *freeze).exit_code == 0  # done
    before = config(copy / "spec.yaml")
    assert train(copy, "--init-from", gone, *freeze).exit_code == 0
    assert not launched
    assert train(copy, "--init-from", gone, *freeze, "--steps", "2").exit_code == 75
    assert launched and config(copy / "spec.yaml") == before

    scratch = train(copy)
    assert scratch.exit_code == 2 and "transfer.sha256 was" in scratch.output
    state = torch.load(weights, weights_only=True)
    state["conv1.conv.weight"] += 1
    torch.save(state, other := tmp_path / "other.pth")
    refused = train(copy, "--init-from", other, *freeze)
    assert refused.exit_code == 2 and "transfer.sha256 was" in refused.output
    missing = train(tmp_path / "new", "--init-from", gone)
    assert missing.exit_code == 2 and "error[E001]" in missing.output


def test_a_run_is_a_start_for_another(run: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    """Its folder, its model's, a checkpoint: the images are normalised as its own were."""
    assert train(tmp_path / "x", "--init-from", run).exit_code == 75
    for name in ("model/model.safetensors", "checkpoints/step_00000001.pt", "model"):
        spec = tmp_path / "spec.yaml"
        spec.write_text(Path(SPEC).read_text().replace("mean: [0.286]", "mean: [0.7]"))
        done = train(tmp_path / name.replace("/", "-"), "--init-from", run / name, spec=spec)
        assert done.exit_code == 75, done.output
        assert "images: mean 0.286 (the recipe: 0.7), std 0.353, as the weights say" in said(done)
        assert config(tmp_path / name.replace("/", "-") / "spec.yaml").data.mean == (0.286,)
        mine = train(tmp_path / "mine", "--init-from", run / name, "--set", "data.mean=[0.1]", "--force", spec=spec)
        assert mine.exit_code == 75, mine.output
        assert "images: mean 0.1 by `--set` (the weights: 0.286), std 0.353" in said(mine)
        assert config(tmp_path / "mine" / "spec.yaml").data.mean == (0.1,)
    other = train(tmp_path / "five", "--init-from", run, data="fake:16x5")
    assert "drawn anew: fc, aux1.fc2 (for 5 classes; the file has 4)" in said(other)

    shutil.rmtree(shutil.copytree(run, tmp_path / "unfinished") / "model")
    refused = train(tmp_path / "x", "--init-from", tmp_path / "unfinished")
    assert refused.exit_code == 2 and "name a checkpoint of it, such as" in said(refused)


def test_preprocessing_travels_with_the_weights(weights: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    stated = PUBLISHED["torchvision"]["alexnet"].of("", "")
    save_file(torch.load(weights, weights_only=True), tmp_path / "w.safetensors", {KEY: stated.json})
    done = train(tmp_path / "run", "--init-from", tmp_path / "w.safetensors")
    assert done.exit_code == 75, done.output
    assert "std 0.226 (the recipe: 0.353), as the weights say (torchvision alexnet IMAGENET1K_V1)" in said(done)
    assert config(tmp_path / "run" / "spec.yaml").data.std == pytest.approx((0.226,))
    with safe_open(tmp_path / "run" / "init.safetensors", "pt") as file:
        assert KEY in file.metadata()
    unknown = train(tmp_path / "unknown", "--init-from", weights)
    assert "by the recipe: nothing says how those of the weights were prepared" in said(unknown)


def test_nothing_is_frozen_that_is_drawn_at_random(tmp_path: Path, launched: list[Sequence[str]]) -> None:
    refused = train(tmp_path / "run", "--freeze", "conv1..inception_3a")
    assert refused.exit_code == 2 and not launched and not (tmp_path / "run").exists()
    assert "--freeze conv1, conv2, inception_3a: without weights to start from, what is drawn" in said(refused)
    assert "add --init-from FILE" in said(refused)


def test_the_file_of_a_library_starts_a_run_on_other_images(tmp_path: Path, launched: list[Sequence[str]]) -> None:
    """As docs/fine-tuning.md shows it: torchvision's network for six classes in colour, on four classes in grey."""
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(weights=None, num_classes=6, aux_logits=True, init_weights=False)
    torch.save(theirs.state_dict(), file := tmp_path / "googlenet.pth")
    spec = tmp_path / "googlenet.yaml"
    spec.write_text("extends: builtin:googlenet_torchvision\nnetwork: googlenet_grey\ninput: 1x32x32\n")
    done = train(out := tmp_path / "run", "--init-from", file, "--recipe", "finetune", spec=spec)
    assert done.exit_code == 75 and launched, done.output
    for sentence in (
        f"starts from `{file}` (torchvision's googlenet): 358 tensors of conv1..inception_5b",
        "drawn anew: fc, aux1.fc2, aux2.fc2 (for 4 classes; the file has 6)",
        "adapted: conv1.conv (3 channels summed to 1)",
    ):
        assert sentence in said(done)
    own, state = load_file(out / "init.safetensors"), theirs.state_dict()
    assert torch.equal(own["inception_3a.b3x3.1.conv.weight"], state["inception3a.branch2.1.conv.weight"])
    torch.testing.assert_close(own["conv1.conv.weight"], state["conv1.conv.weight"].sum(1, keepdim=True))


def test_a_spec_can_state_its_start(weights: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    """Its file is beside the spec."""
    text = Path(SPEC).read_text() + "  transfer: {weights: w.pth, new: aux, freeze: conv1}\n"
    (tmp_path / "spec.yaml").write_text(text.replace("  notes:\n    data.mean: of the training images\n", "  notes:\n"))
    shutil.copy(weights, tmp_path / "w.pth")
    done = train(tmp_path / "run", spec=tmp_path / "spec.yaml", data="fake:16x10")
    assert done.exit_code == 75, done.output
    assert "drawn anew: aux1 (as set)" in said(done) and "kept: fc, of as many classes" in said(done)
    transfer = config(tmp_path / "run" / "spec.yaml").transfer
    assert (transfer.weights, transfer.new, transfer.freeze) == ("init.safetensors", "aux1", "conv1")
    (tmp_path / "run" / "init.safetensors").write_bytes(b"changed")
    changed = train(tmp_path / "again", spec=tmp_path / "run" / "spec.yaml", data="fake:16x10")
    assert changed.exit_code == 2 and "init.safetensors: not the file that the spec states" in said(changed)


def test_another_recipe_leaves_images_and_losses(tmp_path: Path, launched: list[Sequence[str]]) -> None:
    assert train(tmp_path / "run", "--recipe", "finetune").exit_code == 75
    found = config(tmp_path / "run" / "spec.yaml")
    assert (found.optim.lr, found.optim.trunk_lr, found.augment.crop, found.augment.resize) == (0.1, 0.1, "window", 36)
    assert (found.data.mean, found.loss.heads, found.run.save_every) == ((0.286,), {"aux1": 0.3}, 200)
    assert found.average.name == "none" and found.optim.scale == "none"
    without = tmp_path / "spec.yaml"
    without.write_text(Path(SPEC).read_text().partition("\ntraining:")[0])
    assert train(tmp_path / "without", "--recipe", "modern", spec=without).exit_code == 75


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--freeze", "conv9"), "E206", "did you mean `conv2` or `conv1`?"),
        (("--freeze", "conv1..fc,aux1"), "E008", "are all of the network; leave some rows out"),
        (("--freeze", "pool2"), "E206", "`pool2` has no weights"),
        (("--freeze", "fc"), "E008", "--freeze fc: fc is drawn anew, so it has to learn; leave it out"),
        (("--freeze", "aux1"), "E008", "--freeze aux1: aux1.fc2 is drawn anew"),
        (("--set", "transfer.weights=x"), "E008", "name the file by --init-from"),
        (("--set", "transfer.new=fc9"), "E206", "did you mean `fc`"),
        (("--recipe", "finetuning"), "E008", "did you mean `finetune`?"),
    ],
)
def test_what_cannot_be_is_reported(
    weights: Path, tmp_path: Path, launched: list[Sequence[str]], arguments: Sequence[str], code: str, message: str
) -> None:
    done = train(tmp_path / "run", "--init-from", weights, *arguments)
    assert done.exit_code in {1, 2} and f"error[{code}]" in done.output
    assert message in said(done).replace("= help: ", "")
    assert not launched and not (tmp_path / "run").exists()
