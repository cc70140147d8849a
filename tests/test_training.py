"""The recipe that a paper states: data that is checked, printed, inherited and reported, and never interpreted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit.report import report
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.settings import CHOICES, RANGES
from inception_dsl.runner.images.augment import evaluation_transform, training_transform
from inception_dsl.spec import discovery
from inception_dsl.spec.network import NetworkSpec, read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.spec.training_model import GROUPS, RECIPES
from inception_dsl.spec.variants import vary
from inception_dsl.syntax import yaml
from inception_dsl.syntax.yaml_printer import dump

SPECS = Path(__file__).parent.parent / "specs"

NETWORK = "network: tiny\ninput: 3x8x8\nclasses: 10\nlayers: |\n  name | layer\n  fc   | fc 10\n"


def spec(training: str = "") -> NetworkSpec:
    return read_spec(yaml.parse(Source("tiny.yaml", f"{NETWORK}{training}\n")))


def values(key: str, default: Any) -> st.SearchStrategy[Any]:
    """The values of a setting, by its choices and its range."""
    if key in CHOICES:
        return st.sampled_from(CHOICES[key])
    if isinstance(default, bool):
        return st.booleans()
    if key == "run.trackers":
        return st.sampled_from(["auto", "wandb, mlflow"])
    if isinstance(default, str):
        return st.sampled_from(["builtin:fashion-mini", "one, two"])
    limits = RANGES[key]
    low, high = limits.low, min(limits.high, 1000.0)
    number = st.floats(low, high, exclude_min=limits.above, exclude_max=limits.below)
    if limits.pair:
        return st.lists(number, min_size=2, max_size=2).map(sorted)
    if isinstance(default, tuple):
        return st.lists(number, min_size=1, max_size=3)
    if isinstance(default, dict):
        return st.dictionaries(st.sampled_from(["aux1", "aux 2"]), number)
    return st.integers(int(low), int(high)) if isinstance(default, int) else number


@st.composite
def recipes(draw: Any) -> dict[str, Any]:
    section: dict[str, Any] = {}
    if draw(st.booleans()):
        section["recipe"] = draw(st.sampled_from(RECIPES))
    if draw(st.booleans()):
        section["source"] = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
    for group in draw(st.lists(st.sampled_from(list(GROUPS)), unique=True)):
        keys = draw(st.lists(st.sampled_from(list(GROUPS[group])), unique=True, min_size=1, max_size=4))
        section[group] = {key: draw(values(f"{group}.{key}", GROUPS[group][key])) for key in keys}
        if draw(st.booleans()):
            section["notes"] = {f"{group}.{keys[0]}": "not printed: nowhere"}
    return section


@settings(max_examples=200)
@given(recipes())
def test_what_is_printed_reads_back(section: dict[str, Any]) -> None:
    given = spec(dump({"training": section}) if section else "")
    program = compiler.compile_spec(given)

    assert given.training == section
    assert read_spec(yaml.parse(Source("again.yaml", print_spec(given)))) == given
    assert compiler.compile_source(Source("again.yaml", print_program(program))).training == section


WRONG = {
    "recipe: googlenet-papr": ("E105", "googlenet-papr", "did you mean `googlenet-paper`?"),
    "optm: {lr: 1}": ("E103", "optm", "did you mean `optim`?"),
    "optim: {learning_rate: 1}": ("E103", "learning_rate", "`lr`"),
    "optim: {name: rmspro}": ("E105", "rmspro", "did you mean `rmsprop`?"),
    "optim: {lr: fast}": ("E105", "fast", ""),
    "optim: {lr: -0.1}": ("E117", "-0.1", ""),
    "optim: {lr: .nan}": ("E105", ".nan", ""),
    "optim: {momentum: 1.5}": ("E117", "1.5", ""),
    "optim: {lr: 0}": ("E117", "0", ""),
    "optim: {momentum: 1}": ("E117", "1", ""),
    "optim: {nesterov: 1}": ("E105", "1", ""),
    "optim: 3": ("E105", "3", "its keys are"),
    "data: {batch: 0}": ("E117", "0", ""),
    "data: {batch: 1.5}": ("E105", "1.5", ""),
    "augment: {area: [0.5]}": ("E105", "[0.5]", ""),
    "augment: {area: [0.5, 2]}": ("E117", "[0.5, 2]", ""),
    "augment: {area: [0.5, 0.1]}": ("E117", "[0.5, 0.1]", ""),
    "data: {std: [0]}": ("E117", "[0]", ""),
    "loss: {heads: {aux: high}}": ("E105", "high", ""),
    "run: {precision: float16}": ("E105", "float16", "`bf16` keeps the range of fp32"),
    "notes: {optim.lrr: not printed}": ("E103", "optim.lrr", "did you mean `optim.lr`"),
    "notes: {lr: not printed}": ("E103", "lr", "such as `data.source`"),
    "notes: {optim.lr: 3}": ("E105", "3", ""),
}


@pytest.mark.parametrize("line", WRONG)
def test_errors_are_reported_at_their_place(line: str) -> None:
    code, part, hint = WRONG[line]
    with pytest.raises(SpecError) as caught:
        spec(f"training:\n  {line}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span
    written = diagnostic.span.source.lines[diagnostic.span.line - 1]

    assert diagnostic.code == code
    assert written[diagnostic.span.column - 1 : diagnostic.span.end - 1] == part
    assert hint in diagnostic.help


def test_a_variant_inherits_it_or_states_it_anew() -> None:
    base = compiler.as_base(spec("training: {recipe: bvlc, optim: {lr: 0.01}}"))
    head = "extends: tiny.yaml\nnetwork: other\n"
    same, other = (
        vary(base, yaml.parse(Source("other.yaml", head + section))) for section in ("", "training: {recipe: modern}\n")
    )

    assert same.training == base.spec.training
    assert other.training == {"recipe": "modern"}


def test_what_is_wrong_in_a_variant_is_reported_too() -> None:
    text = "extends: tiny.yaml\nnetwork: other\ntraining: {optim: {lrr: 1}}\n"
    with pytest.raises(SpecError, match="unknown key `lrr`") as caught:
        vary(compiler.as_base(spec()), yaml.parse(Source("other.yaml", text)))

    assert caught.value.diagnostics[0].help == "did you mean `lr`?"


def test_it_is_reported() -> None:
    given = spec(
        "training:\n  recipe: bvlc\n  source: section 5, in <b>words</b>\n  augment: {area: [0.08, 1], flip: true}\n"
        "  loss: {smoothing: 0.3}\n  notes: {optim.lr: not | printed, augment.area: read}"
    )
    text = report.report(compiler.at_size(compiler.compile_spec(given)))
    section = text.partition("## Training\n\n")[2].partition("\n\n## ")[0].splitlines()
    lines = [line.replace("\\|", "!").strip("|").split("|") for line in section if line.startswith("|")]
    rows = {setting.strip(): (value.strip(), source.strip()) for setting, value, source in lines}

    assert section[0].startswith("Recipe bvlc: ")
    assert section[2] == "Source of the spec's own values: section 5, in &lt;b&gt;words&lt;/b&gt;"
    assert rows["setting"] == ("value", "source")
    assert rows["augment.area"] == ("0.08, 1", "read")
    assert rows["augment.flip"] == ("true", "the spec")
    assert rows["loss.smoothing"] == ("0.3", "the spec")
    assert rows["optim.lr"] == ("0.01", "not ! printed"), "a note on a value that the recipe gives"


def test_no_report_of_what_is_not_stated() -> None:
    assert "Training" not in report.report(compiler.at_size(compiler.compile_spec(spec())))


def images_fit(path: Path) -> int:
    """Hold a recipe to one image, as training and as evaluation see it; gives what the shorter side is resized to."""
    stated = recipe(compiler.compile_file(path))
    if stated is None:
        return 0
    config = stated.config()
    for transform in (training_transform(config), evaluation_transform(config)):
        image, _ = transform(lambda _: torch.zeros(3, 40, 30, dtype=torch.uint8), torch.Generator())
        assert image.shape == (config.data.channels, config.data.height, config.data.width)
    return config.augment.resize


@pytest.mark.parametrize("path", discovery.find_specs([SPECS]), ids=lambda path: path.stem)
def test_every_recipe_fits_the_input_of_its_network(path: Path) -> None:
    images_fit(path)


@pytest.mark.parametrize(
    ("base", "edits", "resize"),
    [
        ("googlenet_torchvision", "input: 3x512x512\nclasses: 2", 585),  # a recipe by name says 256
        ("googlenet_torchvision", "input: 3x112x96", 128),
        ("googlenet_torchvision", "classes: 2", 256),
        ("xception", "classes: 2", 341),  # its recipe says nothing of it
        ("xception", "input: 3x150x150", 171),
        ("xception", "input: 3x150x150\ntraining: {source: a test, augment: {resize: 160}}", 160),
    ],
)
def test_images_are_resized_in_proportion_to_the_input(base: str, edits: str, resize: int, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"extends: builtin:{base}.yaml\nnetwork: own\ntitle: Own\n{edits}\n")
    assert images_fit(tmp_path / "own.yaml") == resize


WITHOUT_RECIPE = {
    "inception_naive",
    "inception_resnet_v1_facenet",  # embeddings need other losses
    "inception_time",  # time series need other data
    *("nasnet_a_large", "polynet"),  # their papers' recipes are not transcribed
}


@pytest.mark.parametrize("path", discovery.find_specs([SPECS]), ids=lambda path: path.stem)
def test_every_network_states_its_training(path: Path) -> None:
    """With a recipe to begin from, or with its own optimiser and rate; a module alone trains nothing.

    Networks of the zoo, which are here for their layers and weights, and a few others may leave it to their users.
    """
    training = compiler.load(path).training

    assert training or path.parent.name == "zoo" or path.stem in WITHOUT_RECIPE
    if training:
        assert training["source"]
        assert "recipe" in training or {"name", "lr"} <= training["optim"].keys()
