"""Settings as text: what is read, and that whatever else is given is refused in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import CONFIG

from inception_dsl.runner.base import scaling
from inception_dsl.runner.base.config import Config, Optim
from inception_dsl.runner.base.settings import CHOICES, LONGEST_VALUE, RANGES, RunError, check_settings, with_setting
from inception_dsl.runner.images import colours, geometry
from inception_dsl.runner.learning import average, batch_statistics, loss, optim, schedule
from inception_dsl.runner.loop.preflight import check_run, dry_run
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record import scores

KEYS = {f"{group}.{name}": value for group, part in vars(Config()).items() for name, value in vars(part).items()}


def value(config: Any, key: str) -> Any:
    group, _, name = key.partition(".")
    return getattr(getattr(config, group), name)


def with_value(key: str, value: Any, config: Config = CONFIG) -> Config:
    """The config with a value that nothing has looked at."""
    group, _, name = key.partition(".")
    return replace(config, **{group: replace(getattr(config, group), **{name: value})})


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("optim.lr", "0.02", 0.02),
        ("optim.lr", "1", 1.0),
        ("optim.lr", " 1e-3 ", 0.001),
        ("optim.name", "adamw", "adamw"),
        ("data.source", "folder:{1}", "folder:{1}"),
        ("data.source", "x" * 4000, "x" * 4000),
        ("data.batch", "1_000", 1000),
        ("data.mean", "(0.5,)", (0.5,)),
        ("data.mean", "[0, 0.5, 1]", (0, 0.5, 1)),
        ("augment.area", "1, 1", (1, 1)),
        ("augment.flip", "false", False),
        ("augment.flip", "TRUE", True),
        ("loss.heads", "{'aux1': 0.3, 'aux2': 0}", {"aux1": 0.3, "aux2": 0}),
        ("loss.heads", "{}", {}),
    ],
)
def test_a_text_is_a_value_of_the_settings_kind(key: str, text: str, expected: Any) -> None:
    config = with_setting(Config(), key, text)
    assert value(config, key) == expected
    assert type(value(config, key)) is type(expected)
    assert replace(config) == with_value(key, expected, Config())


@pytest.mark.parametrize("key", KEYS)
def test_what_a_setting_is_can_be_set(key: str) -> None:
    old = KEYS[key]
    assert with_setting(Config(), key, old if isinstance(old, str) else repr(old)) == Config()


@pytest.mark.parametrize(
    "key",
    [
        *("", ".", "optim", "optim.", ".lr", "lr", "optim.rl", "optim.lr.x", "optim..lr", "OPTIM.lr", " optim.lr"),
        *("optim.__doc__", "optim.__class__", "optim.__dict__", "optim.__init__", "__class__.__name__", "__doc__.x"),
        *("optim.__dataclass_fields__", "optim.lr\n", "\ud800.\ud800", "x" * 10_000),
    ],
)
def test_unknown_settings_are_reported(key: str) -> None:
    with pytest.raises(
        RunError,
        match=r"unknown setting '.*'; (did you mean optim\.|those of optim are name, |the groups are data, .*, run$)",
    ):
        with_setting(Config(), key, "x")


DEEP = [each * 5000 for each in "[({-~9"] + ["[" * 150 + "]" * 150, "1+" * 5000 + "1", "{1:" * 900, "-" * 1999 + "1"]
BAD = {
    "optim.lr": ["", "fast", "{[]:1}", "{{}}", "1e999", "-1e999", "nan", "inf", "1j", "True", "'1'", "(1,)", "None"],
    "optim.eps": ["9" * 400, "0x" + "f" * 1900, "b'1'", "1 2", "\0", "\ud800", "__import__('os')", "1if 1else 2"],
    "data.batch": ["1.0", "True", "1e3", "[]", "9" * 5000],
    "augment.flip": ["1", "yes", "'True'", "not true", "None"],
    "data.mean": ["0.5", "('x',)", "(None,)", "(True,)", "((1,),)", "(1e999,)", "{0.5}", "{0.5: 1}", "'0.5'", "(1j,)"],
    "loss.heads": ["{1:2}", "{'aux': None}", "{'aux': 'x'}", "{'aux': 1e999}", "{'aux': True}", "[]", "{'aux'}", "0.3"],
}


@pytest.mark.parametrize(("key", "meant"), [("loss", "loss.name"), ("lr", "optim.lr"), ("seed", "run.seed")])
def test_a_name_without_its_group_is_completed(key: str, meant: str) -> None:
    with pytest.raises(RunError, match=rf"unknown setting '{key}'; did you mean {meant}\?"):
        with_setting(Config(), key, "bce")


@pytest.mark.parametrize("key", BAD)
def test_values_of_another_type_are_reported(key: str) -> None:
    for text in (*BAD[key], *DEEP):
        with pytest.raises(RunError) as raised:
            with_setting(Config(), key, text)
        assert str(raised.value).startswith(f"{key} cannot be ") and len(str(raised.value)) < 300, text


def test_an_example_of_the_heads_is_given_where_there_are_none() -> None:
    with pytest.raises(RunError, match=r"loss\.heads cannot be '0\.3'; set a value such as \{'aux': 0\.3\}$"):
        with_setting(Config(), "loss.heads", "0.3")


@given(st.sampled_from([*KEYS]), st.text(st.sampled_from("[](){}'\"-+~.,:019eEjnaTruelsx\\ \n#_"), max_size=40))
@example("optim.lr", "[" * LONGEST_VALUE)
def test_no_text_is_more_than_refused(key: str, text: str) -> None:
    try:
        config = with_setting(Config(), key, text)
    except RunError:
        return
    assert type(value(config, key)) is type(KEYS[key])
    check_settings(config)


MISSED: dict[str, list[tuple[Any, str]]] = {
    "data.channels": [(0, "1 or more"), (10**6, "65,536 or less")],
    "data.height": [(0, "1 or more"), (-1, "1 or more")],
    "data.width": [(0, "1 or more")],
    "data.mean": [((-0.1,), "numbers of 0 or more"), ((0.5, 256.0), "numbers of 255 or less")],
    "data.std": [((0.0,), "numbers of more than 0"), ((1.0, -1.0), "numbers of more than 0")],
    "data.batch": [(0, "1 or more")],
    "data.workers": [(-2, "-1 or more"), (10**4, "1,024 or less")],
    "data.prefetch": [(0, "1 or more"), (10**4, "1,024 or less")],
    "data.timeout": [(-1.0, "0 or more")],
    "data.unreadable": [("ignore", "one of replace, stop")],
    "augment.crop": [("corner", "one of area, window, shift, whole")],
    "augment.interpolation": [("bicubic", "one of bilinear, random")],
    "augment.colour": [("grey", "one of none, photometric, tensorflow")],
    "augment.evaluation": [("center", "one of centre, central, whole")],
    "optim.name": [("adam", "one of sgd, rmsprop, adamw")],
    "optim.scale": [("cubic", "one of auto, none, linear, sqrt")],
    "schedule.name": [("step", "one of constant, exponential, polynomial, cosine")],
    "loss.name": [("hinge", "one of cross_entropy, bce, mse")],
    "average.name": [("swa", "one of none, ema, polyak")],
    "augment.area": [
        ((0.0, 1.0), "numbers of more than 0"),
        ((0.1, 1.1), "numbers of 1 or less"),
        ((0.9, 0.1), "two numbers, the smaller one first"),
        ((0.5,), "two numbers, the smaller one first"),
        ((0.1, 0.2, 0.3), "two numbers, the smaller one first"),
        ((), "two numbers, the smaller one first"),
    ],
    "augment.aspect": [((0.0, 1.0), "numbers of more than 0"), ((2.0, 1.0), "two numbers, the smaller one first")],
    "augment.resize": [(0, "1 or more")],
    "augment.randaugment": [(-1, "0 or more"), (101, "100 or less")],
    "augment.magnitude": [(-1, "0 or more"), (31, "30 or less")],
    "augment.erasing": [(-0.1, "0 or more"), (1.1, "1 or less")],
    "augment.mixup": [(-1.0, "0 or more"), (1001.0, "1,000 or less")],
    "augment.cutmix": [(-1.0, "0 or more"), (1001.0, "1,000 or less")],
    "augment.repeats": [(0, "1 or more"), (101, "100 or less")],
    "augment.padding": [(-1, "0 or more")],
    "augment.central": [(0.0, "more than 0"), (1.1, "1 or less")],
    "optim.lr": [(0.0, "more than 0"), (-0.1, "more than 0"), (float("nan"), "more than 0"), (2e9, "1,000,000,000 or")],
    "optim.reference": [(-1, "0 or more")],
    "optim.momentum": [(-0.1, "0 or more"), (1.0, "less than 1")],
    "optim.decay": [(-0.1, "0 or more"), (1.0, "less than 1")],
    "optim.eps": [(-1.0, "0 or more")],
    "optim.weight_decay": [(-1.0, "0 or more")],
    "optim.bias_lr": [(-1.0, "0 or more")],
    "optim.trunk_lr": [(-1.0, "0 or more")],
    "optim.clip": [(-1.0, "0 or more")],
    "optim.bn_momentum": [(-0.1, "0 or more"), (1.1, "1 or less")],
    "schedule.epochs": [(0.0, "more than 0")],
    "schedule.warmup": [(-2.0, "-1 or more")],
    "schedule.factor": [(0.0, "more than 0")],
    "schedule.every": [(0.0, "more than 0")],
    "schedule.power": [(-1.0, "0 or more")],
    "loss.smoothing": [(-0.1, "0 or more"), (1.0, "less than 1")],
    "loss.heads": [({"aux": -0.3}, "numbers of 0 or more")],
    "average.decay": [(-0.1, "0 or more"), (1.0, "less than 1")],
    "run.seed": [(-1, "0 or more"), (2**63, "9,223,372,036,854,775,807 or less")],
    "run.precision": [("fp8", "one of auto, fp32, bf16, fp16")],
    "run.batch_statistics": [("second", "one of average, first")],
    "run.skip_limit": [(0, "1 or more")],
    "run.accumulate": [(0, "1 or more")],
    "run.save_every": [(0, "1 or more")],
    "run.keep": [(0, "1 or more")],
    "run.evaluate_every": [(0.0, "more than 0")],
    "run.log_every": [(0, "1 or more")],
}


@pytest.mark.parametrize(("key", "wrong", "words"), [(key, *case) for key, cases in MISSED.items() for case in cases])
def test_numbers_out_of_range_are_reported_before_a_run_starts(key: str, wrong: Any, words: str) -> None:
    with pytest.raises(RunError) as raised:
        check_run(with_value(key, wrong), RankContext(torch.device("cpu")))
    shown = repr(wrong) if isinstance(wrong, str) else wrong
    assert str(raised.value).startswith(f"{key} is {shown}; set {words}")
    text = wrong if isinstance(wrong, str) else repr(wrong)
    with pytest.raises(RunError, match=key):  # and already where it is set
        with_setting(CONFIG, key, text)


def test_every_number_has_a_range_and_every_range_a_test() -> None:
    assert RANGES.keys() == {key for key, each in KEYS.items() if not isinstance(each, bool | str)}
    assert RANGES.keys() | CHOICES.keys() == MISSED.keys()


def test_the_choices_are_the_keys_of_the_tables() -> None:
    tables: dict[str, Mapping[str, Any]] = {
        "augment.crop": geometry.CROPS,
        "augment.interpolation": geometry.INTERPOLATIONS,
        "augment.colour": colours.COLOURS,
        "augment.evaluation": geometry.VIEWS,
        "optim.name": optim.OPTIMISERS,
        "optim.scale": {"auto": None, **scaling.SCALES},
        "schedule.name": schedule.SCHEDULES,
        "average.name": average.AVERAGES,
        "loss.name": loss.LOSSES,
        "run.batch_statistics": batch_statistics.BATCH_STATISTICS,
    }

    assert CHOICES.keys() - tables.keys() == {"data.unreadable", "run.precision"}
    assert {key: {*table} for key, table in tables.items()} == {key: {*CHOICES[key]} for key in tables}
    assert scores.TALLIES.keys() == loss.LOSSES.keys()


def test_the_settings_of_a_run_are_looked_at_as_far_as_it_has_them() -> None:
    @dataclass
    class Few:
        optim: Optim = field(default_factory=lambda: Optim(lr=0.0))
        own: Optim = field(default_factory=lambda: Optim(lr=0.0))

    with pytest.raises(RunError, match=r"^optim\.lr is 0\.0; set more than 0$"):
        check_settings(Few())
    check_settings(Few(Optim()))


def test_what_may_stand_at_an_end_may() -> None:
    for key, text in (
        *(("augment.area", "(1, 1)"), ("augment.central", "1"), ("optim.momentum", "0"), ("optim.clip", "0")),
        *(("schedule.warmup", "0"), ("loss.smoothing", "0"), ("data.workers", "0"), ("optim.eps", "0")),
    ):
        check_settings(with_setting(Config(), key, text))


@pytest.mark.parametrize(
    ("key", "wrong", "words"),
    [
        ("data.mean", (0.5, 0.5), "data.mean has 2 numbers for 3 channels; give one per channel"),
        ("data.std", (), "data.std has 0 numbers for 3 channels; give one per channel"),
        ("augment.resize", 7, "augment.resize is 7, but the input has 8 pixels"),
        (
            "data.batch",
            97,
            "data.batch 97 cannot be divided evenly among 1 ranks with run.accumulate 2; set a multiple",
        ),
    ],
)
def test_conflicting_settings_are_reported_before_a_run_starts(key: str, wrong: Any, words: str) -> None:
    check_settings(with_value(key, wrong))
    with pytest.raises(RunError) as raised:
        check_run(with_value(key, wrong), RankContext(torch.device("cpu")))
    assert str(raised.value).startswith(words)


def test_images_that_exceed_any_memory_are_reported() -> None:
    vast = with_value("data.height", 2**40)
    with pytest.raises(RunError, match=r"the network cannot be trained on images of \(6, 3, 1099511627776, 8\): "):
        dry_run(torch.nn.Identity(), vast, RankContext(torch.device("cpu")), print, torch.tensor(0))
