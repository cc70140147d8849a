"""What a run starts from, and what it leaves as it is."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny import ABOUT, Tiny, fingerprint, run, starting_from, with_run
from torch import Tensor

from inception_dsl.runner.base.config import Config, Optim, Transfer
from inception_dsl.runner.base.files import file_sha256
from inception_dsl.runner.base.settings import RunError, listed_modules
from inception_dsl.runner.base.tensor_files import read_safetensors, save_safetensors
from inception_dsl.runner.learning.initial_weights import is_inside
from inception_dsl.runner.learning.optim import make_optimiser, set_learning_rate
from inception_dsl.runner.loop.command import main
from inception_dsl.runner.loop.engine import train
from inception_dsl.runner.record.checkpoint import load_checkpoint

FROZEN = ("conv.", "norm.")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of weights that no seed of these tests draws."""
    torch.manual_seed(1)
    network = Tiny(4)
    network.norm.running_mean = torch.full((8,), 0.25)
    save_safetensors(tmp_path / "init.safetensors", network.state_dict(), {})
    return tmp_path / "init.safetensors"


def state(out: Path, step: int) -> dict[str, Any]:
    """A checkpoint."""
    return load_checkpoint(out / "checkpoints" / f"step_{step:08d}.pt")


def alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    """The names of tensors that differ by no more than a step at a rate of 1e-30 makes them."""
    return {name for name in one if torch.allclose(one[name], other[name], rtol=0, atol=1e-29)}


@given(
    st.dictionaries(st.text("abc.", min_size=1), st.lists(st.integers(0, 3), max_size=3), min_size=1),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64]),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_file_is_read_as_the_library_reads_it(
    tmp_path: Path, shapes: dict[str, list[int]], dtype: torch.dtype
) -> None:
    path = tmp_path / "x.safetensors"
    save_file({name: (torch.randn(shape) * 9).to(dtype) for name, shape in shapes.items()}, path, {"format": "pt"})
    found, expected = read_safetensors(path), load_file(path)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        wide = tensor.float() if tensor.is_floating_point() else tensor
        assert found[name].dtype == wide.dtype and torch.equal(found[name], wide)


@given(st.binary(max_size=200), st.integers(0, 400), st.booleans())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_file_that_is_no_such_file_is_refused(tmp_path: Path, noise: bytes, at: int, whole: bool) -> None:
    """Noise, and a right file that is cut off or overwritten: refused, or (in the values alone) read."""
    path = tmp_path / "x.safetensors"
    save_safetensors(path, {"a": torch.ones(3, 4), "b": torch.ones(2, dtype=torch.int64)}, {})
    right = path.read_bytes()
    path.write_bytes(noise if whole else right[:at] + noise + right[at + len(noise) :])
    with suppress(RunError):
        found = read_safetensors(path)
        assert sum(tensor.nbytes for tensor in found.values()) <= 4 * path.stat().st_size


def test_pickles_are_refused(tmp_path: Path) -> None:
    torch.save(Tiny(4).state_dict(), tmp_path / "x.pth")
    with pytest.raises(RunError, match=r"not a whole .safetensors file .*inception-dsl train SPEC --init-from FILE"):
        read_safetensors(tmp_path / "x.pth")
    huge = {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    text = json.dumps(huge).encode()
    (tmp_path / "huge").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(RunError, match="not a whole"):
        read_safetensors(tmp_path / "huge")


def test_a_run_starts_from_a_file(weights: Path, tmp_path: Path) -> None:
    """A rate of 0 shows what it starts from: the file, and for the new classifier what the seed draws."""
    still = replace(starting_from(weights, freeze=""), optim=Optim(lr=1e-30, weight_decay=0.0))
    run(tmp_path / "scratch", replace(still, transfer=Transfer()), steps=1)
    run(tmp_path / "tuned", still, steps=1)
    first, scratch, tuned = (
        read_safetensors(weights),
        state(tmp_path / "scratch", 1)["network"],
        state(tmp_path / "tuned", 1)["network"],
    )
    learning = [name for name, _ in Tiny(4).named_parameters()]
    assert alike(first, tuned) & {*learning} == {name for name in learning if not name.startswith("head.")}
    assert alike(scratch, tuned) & {*learning} == {"head.weight", "head.bias", "norm.weight", "norm.bias"}
    assert state(tmp_path / "tuned", 1)["identity"]["transfer.sha256"] == repr(file_sha256(weights))


@pytest.mark.parametrize("average", ["none", "ema"])
@pytest.mark.parametrize("compiled", [False, True])
def test_frozen_modules_stay(weights: Path, tmp_path: Path, average: str, compiled: bool) -> None:
    """Through steps with weight decay, evaluations and a resume; batch norms keep their statistics."""
    if compiled:
        if average != "none":
            return
        torch.compiler.set_stance("force_eager")
    config = starting_from(weights)
    config = replace(config, average=replace(config.average, name=average))
    config = with_run(config, evaluate_every=0.25, compile=compiled)
    try:
        for steps in (3, 9):
            run(tmp_path / "run", config, steps=steps)
    finally:
        torch.compiler.set_stance("default")
    first, last = read_safetensors(weights), state(tmp_path / "run", 9)
    for part in ("network", "averaged"):
        assert alike(first, last[part]) == {name for name in first if name.startswith(FROZEN)}
    tuned = sum(len(group["params"]) for group in last["optimiser"]["param_groups"])
    assert tuned == len([name for name, _ in Tiny(4).named_parameters() if not name.startswith(FROZEN)])


def test_a_resumed_run_needs_no_file(weights: Path, tmp_path: Path) -> None:
    config = starting_from(weights)
    run(tmp_path / "whole", config, steps=8)
    run(tmp_path / "parts", config, steps=4)
    weights.rename(weights.with_name("gone"))
    run(tmp_path / "parts", config, steps=8)
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    with pytest.raises(RunError, match=r"init.safetensors: no such file; transfer.weights names it"):
        run(tmp_path / "new", config, steps=1)

    torch.manual_seed(2)
    save_safetensors(weights, Tiny(4).state_dict(), {})
    with pytest.raises(RunError, match=r"the checkpoint belongs to another run: transfer.sha256 was"):
        run(tmp_path / "parts", config, steps=9)
    stated = replace(config, transfer=replace(config.transfer, sha256=file_sha256(weights.with_name("gone"))))
    with pytest.raises(RunError, match=r"its sha256 is \w+, but transfer.sha256 is"):
        run(tmp_path / "new", stated, steps=1)
    run(tmp_path / "parts", stated, steps=9)  # which does not look at the file


def test_the_trunk_learns_at_its_own_rate() -> None:
    """One step of SGD on a gradient of ones: each parameter moves by its rate."""
    network = Tiny(4)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    config = Config(
        optim=Optim(lr=1.0, bias_lr=2.0, trunk_lr=0.125, weight_decay=0.0, momentum=0.0),
        transfer=Transfer(weights="x.safetensors", new="head"),
    )
    for transfer in (config.transfer, Transfer()):
        network.load_state_dict(before, strict=False)
        optimiser = make_optimiser(replace(config, transfer=transfer), network)
        set_learning_rate(optimiser, 1.0)
        for weight in network.parameters():
            weight.grad = torch.ones_like(weight)
        optimiser.step()
        for name, weight in network.named_parameters():
            rate = (2.0 if name.endswith("bias") else 1.0) * (
                1.0 if name.startswith("head") or not transfer.weights else 0.125
            )
            torch.testing.assert_close(before[name] - weight.detach(), torch.full_like(weight, rate))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"new": ""}, r"head.weight is 4x8, the network's 5x8; --set transfer.new=head,aux draws them anew"),
        ({"new": "head, aux, tail"}, "transfer.new: the network has no weights in tail"),
        ({"freeze": "conv, aux2"}, "transfer.freeze: the network has no weights in aux2; they are in conv, norm"),
        ({"freeze": "conv, norm, aux"}, "transfer.freeze: aux is drawn anew, at least in part, and has to learn"),
        ({"weights": ""}, "transfer.new is set, but not transfer.weights"),
        ({"weights": "", "new": "", "freeze": "conv"}, "transfer.freeze is set, but not transfer.weights"),
        ({"weights": "none.safetensors"}, "none.safetensors: no such file"),
        ({"weights": "/"}, "not a file"),
    ],
)
def test_what_does_not_fit_is_reported(weights: Path, tmp_path: Path, values: dict[str, str], message: str) -> None:
    given = {"weights": str(weights), "new": "head, aux", "freeze": "", **values}
    config = starting_from(**given)
    with pytest.raises(RunError, match=message):
        run(tmp_path / "run", replace(config, data=replace(config.data, source="fake:96x5x10")), steps=1)


def test_nothing_is_left_out_in_silence(weights: Path, tmp_path: Path) -> None:
    tensors = read_safetensors(weights)
    for change, message in (
        ({"norm.bias": None}, "has no norm.bias; --set transfer.new=norm draws them anew"),
        ({"tail.weight": torch.ones(1)}, "the network has no tail.weight"),
    ):
        changed = {name: tensor for name, tensor in (tensors | change).items() if tensor is not None}
        save_safetensors(tmp_path / "changed.safetensors", changed, {})
        with pytest.raises(RunError, match=message):
            run(tmp_path / "run", starting_from(tmp_path / "changed.safetensors"), steps=1)
    save_safetensors(tmp_path / "whole.safetensors", Tiny(4).state_dict(), {})
    everything = starting_from(tmp_path / "whole.safetensors", new="", freeze="conv norm head aux")
    with pytest.raises(RunError, match="nothing is left to train"):
        run(tmp_path / "run", everything, steps=1)


@given(st.text("ab.", min_size=1), st.lists(st.text("ab.", min_size=1)))
def test_a_name_is_inside_a_module_by_whole_parts(name: str, modules: list[str]) -> None:
    parts = name.split(".")
    prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    assert is_inside(name, modules) == bool(prefixes & {*modules})
    assert listed_modules(", ".join(modules)) == listed_modules(" ".join(modules)) == modules


def test_the_script_takes_a_file_and_looks_beside_itself(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train.py` names its file by its own folder; `--init-from` names another."""
    other = tmp_path / "other.safetensors"
    other.write_bytes(weights.read_bytes())
    config = starting_from(weights.name)
    stated = replace(config, transfer=replace(config.transfer, weights="none", sha256="0" * 64))
    for name, words, chosen in (("beside", [], config), ("named", ["--init-from", str(other)], stated)):
        script = [str(tmp_path / "train.py"), "--out", str(tmp_path / name), "--steps", "2", *words]
        monkeypatch.setattr("sys.argv", script)
        with pytest.raises(SystemExit) as ended:
            main(train, Tiny, chosen, ABOUT)
        assert ended.value.code == 0
        assert "; drawn anew: head; the rest learns at 0.1 of the rate; frozen: conv, norm\n" in capsys.readouterr().out
    assert fingerprint(tmp_path / "beside") == fingerprint(tmp_path / "named")
