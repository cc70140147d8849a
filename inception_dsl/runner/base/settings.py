"""Settings by name: their ranges, their choices, and how a text sets one."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import math
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class RunError(Exception):
    """A run cannot start or go on; the message tells the user why and what to do."""


def one_line(error: Exception) -> str:
    """The message of an error on one line of at most 300 characters; its type if it has none."""
    return " ".join((str(error) or type(error).__name__).split())[:300]


def error_text(error: Exception) -> str:
    """The message of an error on one line, without the file of an `OSError`."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers that a setting may have: `low` to `high`."""

    low: float
    high: float = 10**9
    above: bool = False  # `low` itself is excluded
    below: bool = False  # `high` itself is excluded
    pair: bool = False  # two numbers in ascending order

    def advice(self, value: Any) -> str:
        """What the user should set where a number is out of range; empty if all are in it."""
        numbers = numbers_in(value)
        of = "numbers of " if isinstance(value, (tuple, dict)) else ""
        if not all(number > self.low if self.above else number >= self.low for number in numbers):
            return of + (f"more than {self.low:,}" if self.above else f"{self.low:,} or more")
        if not all(number < self.high if self.below else number <= self.high for number in numbers):
            return of + (f"less than {self.high:,}" if self.below else f"{self.high:,} or less")
        if self.pair and (len(numbers) != 2 or numbers[0] > numbers[1]):
            return "two numbers, the smaller one first"
        return ""


RANGES = {
    "data.channels": Range(1, 65_536),
    "data.height": Range(1, 65_536),
    "data.width": Range(1, 65_536),
    "data.mean": Range(0, 255),
    "data.std": Range(0, 255, above=True),
    "data.batch": Range(1),
    "data.workers": Range(-1, 1024),
    "data.prefetch": Range(1, 1024),
    "data.timeout": Range(0),
    "augment.area": Range(0, 1, above=True, pair=True),
    "augment.aspect": Range(0, 100, above=True, pair=True),
    "augment.resize": Range(1, 65_536),
    "augment.padding": Range(0, 65_536),
    "augment.central": Range(0, 1, above=True),
    "augment.randaugment": Range(0, 100),
    "augment.magnitude": Range(0, 30),
    "augment.erasing": Range(0, 1),
    "augment.mixup": Range(0, 1000),
    "augment.cutmix": Range(0, 1000),
    "augment.repeats": Range(1, 100),
    "optim.lr": Range(0, above=True),
    "optim.reference": Range(0),
    "optim.momentum": Range(0, 1, below=True),
    "optim.decay": Range(0, 1, below=True),
    "optim.eps": Range(0),
    "optim.weight_decay": Range(0),
    "optim.bias_lr": Range(0),
    "optim.trunk_lr": Range(0),
    "optim.clip": Range(0),
    "optim.bn_momentum": Range(0, 1),
    "schedule.epochs": Range(0, above=True),
    "schedule.warmup": Range(-1),
    "schedule.factor": Range(0, above=True),
    "schedule.every": Range(0, above=True),
    "schedule.power": Range(0),
    "loss.smoothing": Range(0, 1, below=True),
    "loss.heads": Range(0),
    "average.decay": Range(0, 1, below=True),
    "run.seed": Range(0, 2**63 - 1),
    "run.accumulate": Range(1),
    "run.skip_limit": Range(1),
    "run.save_every": Range(1),
    "run.keep": Range(1),
    "run.evaluate_every": Range(0, above=True),
    "run.log_every": Range(1),
}

CHOICES = {
    "data.unreadable": ("replace", "stop"),
    "augment.crop": ("area", "window", "shift", "whole"),
    "augment.interpolation": ("bilinear", "random"),
    "augment.colour": ("none", "photometric", "tensorflow"),
    "augment.evaluation": ("centre", "central", "whole"),
    "optim.name": ("sgd", "rmsprop", "adamw"),
    "optim.scale": ("auto", "none", "linear", "sqrt"),
    "schedule.name": ("constant", "exponential", "polynomial", "cosine"),
    "loss.name": ("cross_entropy", "bce", "mse"),
    "average.name": ("none", "ema", "polyak"),
    "run.precision": ("auto", "fp32", "bf16", "fp16"),
    "run.batch_statistics": ("average", "first"),
}

NAMES = {"run.trackers": ("auto", "none", "tensorboard", "wandb", "mlflow")}  # of which a setting may list several

LONGEST_VALUE = 2000  # characters: Python's parser can crash on longer literals


def numbers_in(value: Any) -> list[Any]:
    """The items of a tuple, the values of a dict, or the value itself."""
    return list(value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value])


def listed_modules(text: str) -> list[str]:
    """The names in a setting such as transfer.freeze: `conv1, inception_3a`."""
    return text.replace(",", " ").split()


def flat_settings(config: Any) -> dict[str, Any]:
    """All settings by `group.name`."""
    return {f"{group}.{name}": value for group, part in vars(config).items() for name, value in vars(part).items()}


def check_setting(key: str, value: Any) -> None:
    """Raise `RunError` for a value out of its range or not among its choices."""
    if key in CHOICES and value not in CHOICES[key]:
        raise RunError(f"{key} is {value!r}; set one of {', '.join(CHOICES[key])}")
    if key in NAMES and not {name.strip() for name in value.split(",")} <= {*NAMES[key]}:
        raise RunError(f"{key} is {value!r}; set names with commas between them, of {', '.join(NAMES[key])}")
    if key in RANGES and (advice := RANGES[key].advice(value)):
        raise RunError(f"{key} is {value}; set {advice}")


def check_settings(config: Any) -> None:
    """Raise `RunError` for a setting out of its range or not among its choices."""
    for key, value in flat_settings(config).items():
        check_setting(key, value)


def lookup(table: dict[str, T], key: str, what: str) -> T:
    """Look up an alternative by name. Raises `RunError` for an unknown one."""
    if key not in table:
        near = difflib.get_close_matches(key[:LONGEST_VALUE], table, n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}? It is" if near else "set"
        raise RunError(f"{what} is {key!r}; {hint} one of {', '.join(table)}")
    return table[key]


def parse_value(text: str, old: Any) -> Any:
    """Parse a text as a value of the same type as `old`; None if it is not one."""
    if isinstance(old, str):
        return text
    if len(text) > LONGEST_VALUE:
        return None
    try:
        value = ast.literal_eval(text.title() if isinstance(old, bool) else text)
        value = tuple(value) if isinstance(old, tuple) and isinstance(value, list) else value
        value = float(value) if isinstance(old, float) and type(value) is int else value
    except (SyntaxError, ValueError, TypeError, ArithmeticError, MemoryError, RecursionError):
        return None
    if type(value) is not type(old) or (isinstance(value, dict) and not all(isinstance(name, str) for name in value)):
        return None
    numbers = [] if isinstance(old, bool) else numbers_in(value)
    return value if all(type(number) in {int, float} and abs(number) < math.inf for number in numbers) else None


def settings_called(name: str, known: Iterable[str]) -> list[str]:
    """The settings that a name without its group may mean: `optim.lr` for `lr`, and `loss.name` for `loss`."""
    return [setting for setting in known if name and (setting == f"{name}.name" or setting.endswith(f".{name}"))]


def with_setting(config: T, key: str, text: str) -> T:
    """Return the config with `group.name` set from a text. Raises `RunError` for an unknown key or a wrong value."""
    group, _, name = key.partition(".")
    part: Any = vars(config).get(group)
    if part is None or name not in vars(part):
        known = [*flat_settings(config)]
        near = settings_called(key, known) or difflib.get_close_matches(key[:LONGEST_VALUE], known, n=1, cutoff=0.7)
        names = f"those of {group} are {', '.join(vars(part))}" if part else f"the groups are {', '.join(vars(config))}"
        hint = f"did you mean {' or '.join(near)}?" if near else names
        raise RunError(f"unknown setting {key!r}; {hint}")
    old = getattr(part, name)
    value = parse_value(text, old)
    if value is None:
        example = {"aux": 0.3} if old == {} else old
        raise RunError(f"{key} cannot be {text[:100]!r}{'...' * (len(text) > 100)}; set a value such as {example!r}")
    check_setting(key, value)
    return type(config)(**{**vars(config), group: dataclasses.replace(part, **{name: value})})
