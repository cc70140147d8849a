"""Settings by name, and words for what is wrong with them."""

from __future__ import annotations

import ast
import dataclasses
import math
from typing import Any, TypeVar

T = TypeVar("T")


class RunError(Exception):
    """What stops a run, in words for who started it."""


@dataclasses.dataclass(frozen=True)
class Range:
    """Where the numbers of a setting are: from `low` to `high`."""

    low: float
    high: float = 10**9
    above: bool = False  # not `low` itself
    below: bool = False  # not `high` itself
    pair: bool = False  # there are two, and the second is not the smaller one

    def missed(self, value: Any) -> str:
        """What to set where a number, or one of several, is not there; else nothing."""
        numbers = numbers_in(value)
        of = "numbers of " if isinstance(value, (tuple, dict)) else ""
        if not all(each > self.low if self.above else each >= self.low for each in numbers):
            return of + (f"more than {self.low:,}" if self.above else f"{self.low:,} or more")
        if not all(each < self.high if self.below else each <= self.high for each in numbers):
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
    "data.workers": Range(0, 1024),
    "augment.area": Range(0, 1, above=True, pair=True),
    "augment.aspect": Range(0, 100, above=True, pair=True),
    "augment.resize": Range(1, 65_536),
    "augment.padding": Range(0, 65_536),
    "augment.central": Range(0, 1, above=True),
    "optim.lr": Range(0, above=True),
    "optim.reference": Range(1),
    "optim.momentum": Range(0, 1, below=True),
    "optim.decay": Range(0, 1, below=True),
    "optim.eps": Range(0),
    "optim.weight_decay": Range(0),
    "optim.bias_lr": Range(0),
    "optim.clip": Range(0),
    "schedule.epochs": Range(0, above=True),
    "schedule.warmup": Range(0),
    "schedule.factor": Range(0, above=True),
    "schedule.every": Range(0, above=True),
    "schedule.power": Range(0),
    "loss.smoothing": Range(0, 1, below=True),
    "loss.heads": Range(0),
    "average.decay": Range(0, 1, below=True),
    "run.seed": Range(0, 2**63 - 1),
    "run.accumulate": Range(1),
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
    "optim.scale": ("none", "linear", "sqrt"),
    "schedule.name": ("constant", "exponential", "polynomial", "cosine"),
    "average.name": ("none", "ema", "polyak"),
    "run.precision": ("auto", "fp32", "bf16"),
}

LONGEST_VALUE = 2000  # characters: Python's reader of literals can crash on more


def numbers_in(value: Any) -> list[Any]:
    """What is in a tuple or under the keys of a dict; else the value alone."""
    return list(value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value])


def check_setting(key: str, value: Any) -> None:
    """Raises `RunError` for a value that no run can have."""
    if key in CHOICES and value not in CHOICES[key]:
        raise RunError(f"{key} is {value!r}; set one of {', '.join(CHOICES[key])}")
    if key in RANGES and (missed := RANGES[key].missed(value)):
        raise RunError(f"{key} is {value}; set {missed}")


def check_settings(config: Any) -> None:
    """Raises `RunError` for a setting that no run can have, on whatever images."""
    for group, values in vars(config).items():
        for name, value in vars(values).items():
            check_setting(f"{group}.{name}", value)


def lookup(table: dict[str, T], key: str, what: str) -> T:
    """An entry of a table of alternatives. Raises `RunError` where there is none of that name."""
    if key not in table:
        raise RunError(f"{what} is {key!r}; set one of {', '.join(table)}")
    return table[key]


def parse_value(text: str, old: Any) -> Any:
    """The value that a text writes, of the kind of an old one; None where it writes no such value."""
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
    return value if all(type(each) in {int, float} and abs(each) < math.inf for each in numbers) else None


def with_setting(config: T, key: str, text: str) -> T:
    """The config with `group.name` set to a value given as text. Raises `RunError` for a wrong key, kind or number."""
    group, _, name = key.partition(".")
    part: Any = vars(config).get(group)
    if part is None or name not in vars(part):
        known = [f"{each}.{inner}" for each, values in vars(config).items() for inner in vars(values)]
        raise RunError(f"there is no setting {key!r}; there are {', '.join(known)}")
    old = getattr(part, name)
    value = parse_value(text, old)
    if value is None:
        example = {"aux": 0.3} if old == {} else old
        raise RunError(f"{key} is such as {example!r}, not {text[:100]!r}{'...' * (len(text) > 100)}")
    check_setting(key, value)
    return type(config)(**{**vars(config), group: dataclasses.replace(part, **{name: value})})
