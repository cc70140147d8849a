"""The documents are true: programs accept the commands in them, and tables and numbers are those of the code."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from cli_runner import all_commands
from click.testing import CliRunner
from torch.distributed.run import get_args_parser

from inception_dsl.cli.main import main
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.lint import ignores
from inception_dsl.lint.table import RULES
from inception_dsl.network import load, loads
from inception_dsl.recipes.recipe import named, recipe
from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.scaling import SCALES
from inception_dsl.runner.base.settings import CHOICES, with_setting
from inception_dsl.runner.loop import command
from inception_dsl.runner.machine import devices
from inception_dsl.runner.readers.readers import READERS, open_images
from inception_dsl.spec.training_model import RECIPES
from inception_dsl.training import launch

ROOT = Path(__file__).parent.parent
OF_TRAINING = ("training", "data", "devices", "fine-tuning")
TRAINING = "\n".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in OF_TRAINING)
SENTENCES = " ".join(TRAINING.split())
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands(program: str) -> list[str]:
    """The command lines of a program in the blocks of all pages, with continuation lines joined.

    Pages that write files are followed, in test_tutorials.py.
    """
    found = []
    for text in (text for text in PAGES.values() if ' title="' not in text):
        for language, block in FENCE.findall(text):
            for line in block.replace("\\\n", " ").splitlines() if language in {"sh", "console", "bash", ""} else ():
                match = re.search(rf"(?:^|[\s/]){re.escape(program)}(\s.*)", line.partition("  #")[0])
                if match and not line.lstrip().startswith(("#", "|")):
                    found.append(program + match[1].rstrip())
    return [*dict.fromkeys(found)]


OURS, TORCHRUN = commands("inception-dsl"), commands("torchrun")
SCRIPTS = {
    name: commands(f"python benchmarks/{name}")
    for name in ("bench.py", "gpu.py", "loading.py", "sweeping.py", "training.py")
}


def test_commands_are_found() -> None:
    assert len(OURS) > 20 and len(TORCHRUN) == 3 and [*map(bool, SCRIPTS.values())] == [True] * 5


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[click.Context]:
    """Collect the parsed contexts of commands instead of running them."""
    contexts: list[click.Context] = []

    def invoke(command: click.Command, context: click.Context) -> None:
        if not isinstance(command, click.Group):
            contexts.append(context)

    monkeypatch.setattr(click.Command, "invoke", invoke)
    return contexts


@pytest.mark.parametrize("line", OURS)
def test_a_command_is_one_that_the_tool_takes(line: str, read: list[click.Context]) -> None:
    done = CliRunner().invoke(main, shlex.split(line)[1:])
    assert done.exit_code == 0, done.output
    for context in read:
        values = context.params.values()
        for word in (word for value in values for word in (value if type(value) is tuple else [value])):
            assert not str(word).startswith("specs/") or (ROOT / str(word).partition("@")[0]).exists(), line
        if context.command.name == "train":
            stated = recipe(load(str(context.params["spec"])).program)
            assert stated
            for key, text in context.params["settings"].items():
                with_setting(stated.config(), key, text)


@pytest.mark.parametrize("line", TORCHRUN)
def test_torchrun_and_the_script_take_what_they_are_given(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = get_args_parser().parse_args(shlex.split(re.sub(r"\$\w+", "7", line))[1:])
    assert parsed.training_script == "train.py"
    configs: list[Config] = []

    def train(network: Any, config: Config, *_: Any) -> str:
        configs.append(config)
        return "done"

    for name, stand_in in (
        ("rank_context", lambda: None),
        ("destroy_distributed", lambda: None),
        ("exit_process", lambda code: None),
    ):
        monkeypatch.setattr(command, name, stand_in)
    monkeypatch.setattr("sys.argv", ["train.py", *parsed.training_script_args])
    command.main(train, lambda classes: None, Config(), NetworkInfo("v3", "v3", ""))  # type: ignore[arg-type,return-value]

    (config,) = configs
    assert config.data.source == "folder:/data/imagenet" and config.optim.scale == "auto"
    assert config.data.batch in {256, 1024}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_knows_the_options_that_it_is_given(name: str) -> None:
    source = (ROOT / "benchmarks" / name).read_text(encoding="utf-8")
    for line in SCRIPTS[name]:
        assert all(f'"{word}"' in source for word in shlex.split(line) if word.startswith("--")), line


def rows(after: str) -> Iterator[list[str]]:
    """The body of the first table that follows a text of the pages about training."""
    table = re.search(r"\n\n((?:\|.*\n)+)", TRAINING[TRAINING.index(after) :])
    assert table
    for line in table[1].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


WORDS_OF = {
    "SGD": ("optim.name", "sgd"),
    "RMSProp": ("optim.name", "rmsprop"),
    "Nesterov momentum": ("optim.nesterov", True),
    "warm-up": ("schedule.warmup", 5.0),
    "cosine": ("schedule.name", "cosine"),
    "label smoothing": ("loss.smoothing", 0.1),
    "bf16 where the device has it": ("run.precision", "auto"),
    "BN-x30": ("optim.lr", 0.045),  # section 4.2.2 of 1502.03167: 30 times Inception's 0.0015
}


def test_recipes_are_what_the_table_says() -> None:
    contents = {name: text for names, text in rows("## Recipes") for name in re.findall(r"`([\w-]+)`", names)}
    assert {*contents} == {*RECIPES}
    for word, (key, value) in WORDS_OF.items():
        assert any(word in text for text in contents.values()), word
        for name, text in contents.items():
            if word in text:
                group, _, inner = key.partition(".")
                assert getattr(getattr(named(name).config(), group), inner) == value, (name, word)
    assert "30" in named("bn-inception").notes["optim.lr"] and "BN-x30" in (
        ROOT / "inception_dsl" / "recipes" / "bn-inception.yaml"
    ).read_text(encoding="utf-8")


def test_recipes_have_fp32_and_the_newest_choose() -> None:
    found = {name: named(name).config().run.precision for name in RECIPES}
    assert {name for name, each in found.items() if each == "auto"} == {"modern", "finetune"}
    assert {each for name, each in found.items() if name not in {"modern", "finetune"}} == {"fp32"}
    own = recipe(load("specs/googlenet_bn_small.yaml").program)
    assert own and own.config().run.precision == "fp32"
    assert set(CHOICES["run.precision"]) == {"fp32", "bf16", "fp16", "auto"}
    assert all(f"`{word}`" in TRAINING.partition("## Precision")[2][:200] for word in CHOICES["run.precision"])


def test_sources_of_images_are_the_readers() -> None:
    kinds = {kind for cell, _ in rows("## Sources") for kind in re.findall(r"`(\w+):", cell)}
    assert kinds == {*READERS, "builtin"}
    from inception_dsl.datasets.builtin import builtin

    sizes = [len(open_images(f"idx:{builtin('fashion-mini')}", split)) for split in ("train", "test")]
    assert sizes == [5000, 1000] and "5,000 and 1,000 images of Fashion-MNIST" in SENTENCES


def test_numbers_are_the_codes() -> None:
    assert "torch (2.13 or newer)" in SENTENCES and devices.MIN_TORCH == (2, 13)
    assert "the exit code is 75" in SENTENCES and {launch.PREEMPTED, command.EXIT_CODES["preempted"]} == {75}
    assert "ln 10 = 2.30" in SENTENCES and round(math.log(10), 2) == 2.30
    lengths = [len(file.read_text("utf-8").splitlines()) for file in ROOT.glob("generated/*/train.py")]
    assert "fewer than 600 lines" in SENTENCES
    assert max(lengths) < 600
    assert all(f"`{scale}`" in SENTENCES for scale in SCALES)
    stated = recipe(load("specs/googlenet.yaml").program)
    assert stated
    config = stated.config()
    assert "SGD at 0.01, both auxiliary heads at 0.3, Polyak's average" in SENTENCES
    assert (config.optim.name, config.optim.lr, config.average.name) == ("sgd", 0.01, "polyak")
    assert [*config.loss.heads.values()] == [0.3, 0.3]
    assert "of the recipe's 250 epochs" in SENTENCES and config.schedule.epochs == 250


def test_sentences_name_commands_and_options_that_exist() -> None:
    known = {
        " ".join(("inception-dsl", *words)): {"--help", *(name for one in command.params for name in one.opts)}
        for words, command in all_commands()
    }
    wrong = []
    for page, text in PAGES.items():
        for code in re.findall(r"`(inception-dsl [^`]+)`", " ".join(FENCE.sub("", text).split())):
            command = max((name for name in known if f"{code} ".startswith(f"{name} ")), key=len)
            named = {word.partition("=")[0] for word in code.split() if word.startswith("--")}
            if named - known[command] or (command == "inception-dsl" and "--" not in code):
                wrong.append((page, code))
    assert wrong == []


def test_sentences_name_codes_that_exist() -> None:
    known = {*CODES, *(rule.code for rule in RULES), *ignores.CODES}
    named = {(page, code) for page, text in PAGES.items() for code in re.findall(r"\b[EWL]\d{3}\b", text)}
    assert {(page, code) for page, code in named if code not in known} == set()
    assert len(named) > 20


def test_no_section_is_there_twice() -> None:
    for page, text in PAGES.items():
        headings = re.findall(
            r"^#+ .*$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE
        )
        assert len(headings) == len({*headings}), page


def test_the_settings_that_are_named_exist() -> None:
    known = {f"{group}.{name}" for group, names in dataclasses.asdict(Config()).items() for name in names}
    groups = "|".join(dataclasses.asdict(Config()))
    named_ = {each for text in PAGES.values() for each in re.findall(rf"`(?:--set )?((?:{groups})\.[a-z_]+)", text)}
    assert {each for each in named_ if not each.endswith((".py", ".yaml", ".jsonl"))} <= known
    assert {"run.precision", "data.batch", "optim.scale"} <= named_


KEYS = re.findall(r"^```yaml\n(.*?)^```$", PAGES["docs/language.md"], re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("keys", KEYS)
def test_the_keys_in_the_reference_are_those_of_a_spec(keys: str) -> None:
    title, _, graph = MINIMAL.partition("layers")
    assert loads(f"{title}{keys}layers{graph}").check().holds


MINIMAL = """\
network: minimal
title: Minimal
paper: {title: None, authors: None, year: 2014, arxiv: "1409.4842"}
input: 3x32x32
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3 8 same relu bias
  conv2 | conv 3x3 8 same relu bias
  pool  | avgpool global
  fc    | fc {classes}
"""
