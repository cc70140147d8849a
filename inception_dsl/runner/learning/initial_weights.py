"""The weights that a run starts from, and the modules that stay as they are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.files import file_sha256
from inception_dsl.runner.base.settings import RunError, listed_modules, with_setting
from inception_dsl.runner.base.tensor_files import CONVERT, read_safetensors


def is_inside(name: str, modules: Iterable[str]) -> bool:
    """Whether a tensor or module is inside one of some modules, or is one of them."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def is_new(name: str, config: Config) -> bool:
    """Whether a parameter is drawn for this run: no file holds its first value."""
    return not config.transfer.weights or is_inside(name, listed_modules(config.transfer.new))


def with_weights_sha256(config: Config, resumed: dict[str, Any] | None) -> Config:
    """The config with the sha256 of its initial weights, by which a run knows them.

    A resumed run needs no file. Raises `RunError` if a file is missing, or is not the one that the config names.
    """
    transfer = config.transfer
    if not transfer.weights:
        if transfer.new:
            raise RunError("transfer.new is set, but not transfer.weights: every module is drawn anew")
        if transfer.freeze:
            why = "what is drawn at random would never learn"
            raise RunError(f"transfer.freeze is set, but not transfer.weights: {why}; add --init-from FILE")
        return config
    path = _weights_path(config)
    if resumed and (transfer.sha256 or not path.is_file()):
        known = ast.literal_eval(resumed["identity"].get("transfer.sha256", "''"))
        return config if transfer.sha256 else with_setting(config, "transfer.sha256", known)
    if not path.is_file():  # reading a pipe might never end
        raise RunError(f"{path}: {'not a file' if path.exists() else 'no such file'}; transfer.weights names it")
    found = file_sha256(path)
    if transfer.sha256 not in {"", found}:
        problem = f"{path}: its sha256 is {found}, but transfer.sha256 is {transfer.sha256}"
        raise RunError(f"{problem}; put that file there, or start from this one with --init-from")
    return with_setting(config, "transfer.sha256", found)


def _weights_path(config: Config) -> Path:
    """The file of `transfer.weights`: from the working folder, or else from the folder of the script."""
    path = Path(config.transfer.weights)
    beside = Path(sys.argv[0]).absolute().parent / path
    return beside if beside.is_file() and not path.exists() else path


def load_initial_weights(network: nn.Module, config: Config) -> None:
    """Load `transfer.weights` into a network. Raises `RunError` unless the file has all but the modules drawn anew."""
    if not config.transfer.weights:
        return
    path, new = _weights_path(config), listed_modules(config.transfer.new)
    own, found = network.state_dict(), read_safetensors(path)
    if unknown := [name for name in new if not any(is_inside(tensor, [name]) for tensor in own)]:
        raise RunError(f"transfer.new: the network has no weights in {', '.join(unknown)}")
    wanted = {name: tensor for name, tensor in own.items() if not is_inside(name, new)}
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise RunError(f"{path}: has no {_some(missing)}; {_drawn_anew(missing)}")
    if unexpected := [name for name in found if name not in own]:
        raise RunError(f"{path}: the network has no {_some(unexpected)}; {CONVERT}")
    wrong = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    if wrong:
        there, here = ("x".join(map(str, tensors[wrong[0]].shape)) for tensors in (found, own))
        raise RunError(f"{path}: {wrong[0]} is {there}, the network's {here}; {_drawn_anew(wrong)}")
    network.load_state_dict({name: found[name] for name in wanted if name in found}, strict=False)


def _drawn_anew(names: Sequence[str]) -> str:
    modules = ",".join(dict.fromkeys(name.rpartition(".")[0] for name in names))
    return f"--set transfer.new={modules} draws them anew, and for a file of another library {CONVERT}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + f" and {len(names) - 5} more" * (len(names) > 5)


def freeze(network: nn.Module, config: Config) -> None:
    """Freeze the modules of `transfer.freeze`: no gradient, no decay, and batch norms keep their statistics.

    Call it after `train()`, which would have them use those of the batch. Raises `RunError` for an unknown module.
    """
    known = [name for name, module in network.named_modules() if name and any(True for _ in module.parameters())]
    for name in listed_modules(config.transfer.freeze):
        if name not in known:
            raise RunError(f"transfer.freeze: the network has no weights in {name}; they are in {_some(known)}")
        module = network.get_submodule(name).requires_grad_(False)
        if config.transfer.weights and any(is_new(f"{name}.{inner}", config) for inner, _ in module.named_parameters()):
            raise RunError(f"transfer.freeze: {name} is drawn anew, at least in part, and has to learn; leave it out")
        for inner in module.modules():
            if isinstance(inner, _BatchNorm):
                inner.eval()
    if not any(weight.requires_grad for weight in network.parameters()):
        raise RunError("transfer.freeze: nothing is left to train; freeze fewer modules")


def transfer_summary(config: Config) -> str:
    """What a run takes over, and what it freezes, in one line; empty for a run from scratch."""
    transfer = config.transfer
    parts = []
    if transfer.weights:
        parts.append(f"starts from {transfer.weights}")
        parts += [f"drawn anew: {transfer.new}"] if transfer.new else []
        parts += [f"the rest learns at {config.optim.trunk_lr:g} of the rate"] if config.optim.trunk_lr != 1 else []
    parts += [f"frozen: {transfer.freeze}"] if transfer.freeze else []
    return "; ".join(parts)
