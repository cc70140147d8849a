"""`eval` of imported weights: torchvision's own pipeline and network give the same numbers for the same photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from cli_runner import cli
from click.testing import Result
from PIL import Image, ImageOps
from torch import Tensor, nn

CAT = Path(__file__).parent / "data" / "chelsea.jpg"
CLOSE = 2e-4
"""Of probabilities; with another mean and deviation they are more than ten times as far away."""

SPEC = """\
extends: builtin:googlenet_torchvision.yaml
network: two
title: GoogLeNet (torchvision) of two classes
classes: 2
remove: {heads: [aux1, aux2]}
"""


def probabilities(folder: Path) -> Tensor:
    with np.load(folder / "predictions.npz") as held:
        (name,) = (file for file in held.files if file.startswith("probabilities/"))
        return torch.from_numpy(held[name])


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tensor]:
    """A folder with a spec, weights and two photographs, and what torchvision makes of these."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "two.yaml").write_text(SPEC)
    with Image.open(CAT) as image:
        cats = image.convert("RGB"), ImageOps.invert(image.convert("RGB").crop((40, 10, 330, 240)))
    for name, each in zip("ab", cats, strict=True):
        (folder / "images" / "val" / name).mkdir(parents=True)
        each.save(folder / "images" / "val" / name / "cat.png")
    torch.manual_seed(1)
    weights = torchvision.models.GoogLeNet_Weights.IMAGENET1K_V1
    net = torchvision.models.googlenet(
        weights=None, aux_logits=False, init_weights=False, num_classes=2, transform_input=True
    )
    for name, each in net.state_dict().items():
        if each.dim() > 1:
            nn.init.kaiming_normal_(each, nonlinearity="relu")
        elif "bias" in name:
            each.uniform_(-0.5, 0.5)
    images = torch.stack([weights.transforms()(cat) for cat in cats])
    with torch.inference_mode():
        net.fc.weight.div_(net.eval()(images).std() + 1e-9)
        expected = net(images).softmax(1)
    torch.save(
        {"model_state_dict": {f"module.{n}": each for n, each in net.state_dict().items()}}, folder / "two.pth.tar"
    )
    out = folder / "two.safetensors"
    done = cli("weights", "import", folder / "two.yaml", folder / "two.pth.tar", "--from", "torchvision", "--out", out)
    assert done.exit_code == 0, done.output
    return folder, expected


def scored(folder: Path, *options: str) -> Result:
    (spec, weights), data = (folder / f"two.{each}" for each in ("yaml", "safetensors")), f"folder:{folder / 'images'}"
    return cli("eval", spec, weights, "--data", data, "--out", folder / "out", "--set", "data.workers=0", *options)


def test_imported_weights_see_what_their_library_shows_them(there: tuple[Path, Tensor]) -> None:
    folder, expected = there
    done = scored(folder)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("images: shorter side resized to 256 (bilinear), center crop 224x224; mean 0.5;")
    assert "warning[W130]" in done.stderr and "mean 0.4824, 0.4588, 0.4078 (the weights: 0.5)" in " ".join(
        done.stderr.split()
    )
    assert (probabilities(folder / "out") - expected).abs().max() < CLOSE


def test_what_the_user_says_goes_before(there: tuple[Path, Tensor]) -> None:
    folder, expected = there
    done = scored(folder, "--set", "data.mean=[0.4824, 0.4588, 0.4078]", "--set", "data.std=[0.00392157]*3")
    assert done.exit_code == 2  # the rate overflows
    done = scored(folder, "--set", "data.mean=[0.4824,0.4588,0.4078]", "--set", "data.std=[0.25,0.25,0.25]")
    assert done.exit_code == 0 and "W130" not in done.stderr
    assert "mean 0.4824, 0.4588, 0.4078 by `--set`; std 0.25 by `--set`" in done.stdout
    assert (probabilities(folder / "out") - expected).abs().max() > 10 * CLOSE
    done = scored(folder, "--protocol", "1")
    assert done.exit_code == 0 and "mean 0.5; std 0.5, as the weights say" in done.stdout
    assert "crops by `--protocol 1`" in done.stdout
