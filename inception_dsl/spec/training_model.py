"""The key `training`: the recipe that a paper states, and the settings of the runner that differ from it.

The settings, their types and their defaults are the runner's own dataclasses; their ranges and choices are in its
`settings`. The compiler only carries the values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WrapValidator, create_model

from inception_dsl.runner.base import config as runner_config
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import CHOICES, NAMES, RANGES, Range
from inception_dsl.spec.fields import Line, MustBe, Reason, Section

_RECIPES: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), "recipes")

RECIPES: Final = tuple(sorted(name[:-5] for name in os.listdir(_RECIPES) if name.endswith(".yaml")))
"""What `recipe` names: settings that a run begins with, and that this section adds to."""

EXAMPLES: Final[Mapping[str, Any]] = {
    "data.source": "folder:/data/imagenet",
    "loss.heads": {"aux1": 0.3},
    "run.trackers": "tensorboard, wandb",
    "transfer.freeze": "conv1, inception_3a",
    "transfer.new": "fc, aux1.fc2",
    "transfer.sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "transfer.weights": "googlenet.safetensors",
}
"""Values of settings whose default is empty."""

MAX_LIST: Final = 64
"""The numbers in a list of any length, such as the means of channels."""

REFERENCE_SIDE: Final = 224
"""The input size that `augment.resize` of a recipe by name, and its default, assume."""

_Literal: Any = Literal  # its words are known at run time alone


def recipe_file(name: str) -> str:
    """The file of a built-in recipe."""
    return os.path.join(_RECIPES, f"{name}.yaml")


def in_proportion(resize: int, side: int, new_side: int) -> int:
    """`augment.resize`, of an input of that side, for another input."""
    return resize * new_side // side


def _type(key: str, default: Any) -> Any:
    """The type of a setting: that of its default, with its choices or its range."""
    if isinstance(default, bool):
        return bool
    if key in NAMES:
        name = f"({'|'.join(NAMES[key])})"
        what = MustBe(f"names with commas between them, of {', '.join(NAMES[key])}")
        return Annotated[str, Field(max_length=500, pattern=rf"^{name}( *, *{name})*$"), what]
    if isinstance(default, str):
        return _Literal[CHOICES[key]] if key in CHOICES else Line
    limits = RANGES[key]
    low = Field(gt=limits.low) if limits.above else Field(ge=limits.low)
    high = Field(lt=limits.high) if limits.below else Field(le=limits.high)
    integer = Annotated[int, low, high]
    number: Any = integer | Annotated[float, low, high]  # one that is written without a point stays an int
    match default:
        case int():
            return Annotated[integer, limits, MustBe("a whole number")]
        case tuple():
            least, most = (2, 2) if limits.pair else (1, MAX_LIST)
            count = f"{least}" if least == most else f"{least} to {most}"
            what = MustBe(f"a list of {count} numbers from {limits.low:g} to {limits.high:g}")
            length = Field(min_length=least, max_length=most)
            return Annotated[list[number], length, AfterValidator(_checked_by(limits)), limits, what]
        case dict():
            return dict[str, Annotated[number, limits, MustBe("a number")]]
        case _:
            return Annotated[number, limits, MustBe("a number")]


def _checked_by(limits: Range) -> Callable[[list[float]], list[float]]:
    def check(numbers: list[float]) -> list[float]:
        if advice := limits.advice(tuple(numbers)):
            raise ValueError(advice)
        return numbers

    return check


def _descriptions() -> dict[str, str]:
    """The comment beside each setting in the runner's `config`, by `group.name`."""
    found: dict[str, str] = {}
    group = ""
    with open(runner_config.__file__, encoding="utf-8") as file:
        for line in file:
            if start := re.match(r"class (\w+)", line):
                group = start[1].lower()
            elif setting := re.match(r"    (\w+): .*?  # (.+)", line):
                found[f"{group}.{setting[1]}"] = setting[2]
    return found


GROUPS: Final = {group: vars(settings) for group, settings in vars(Config()).items()}
"""The settings of a run by group and name, with the values that they have where nothing sets them."""


def _group(name: str, descriptions: Mapping[str, str]) -> Any:
    fields: dict[str, Any] = {}
    for key, default in GROUPS[name].items():
        setting = f"{name}.{key}"
        examples = [EXAMPLES[setting]] if setting in EXAMPLES else None
        field = Field(default=default, description=descriptions.get(setting), examples=examples)
        fields[key] = _type(setting, default), field
    return create_model(name.capitalize(), __base__=Section, __doc__=getattr(Config(), name).__doc__, **fields)


def _group_field(name: str, section: Any) -> Any:
    """A group as a field: its section or, if it has a `name`, that name alone, as in `loss: bce`."""
    field, words = Field(default=None, description=section.__doc__), CHOICES.get(f"{name}.name")
    if not words:
        return section, field

    def spell_out(value: Any) -> Any:
        return {"name": value} if isinstance(value, str) and value in words else value

    return Annotated[section, BeforeValidator(spell_out, json_schema_input_type=section | _Literal[words])], field


def _or_of_a_plugin(name: Any, ours: Callable[[Any], Any]) -> Any:
    """The name of a recipe, which a plugin may offer; what that gives is read with the recipe."""
    if isinstance(name, str) and name not in RECIPES:
        from inception_dsl.plugins import offers

        if name in offers.names("recipes"):
            return name
    return ours(name)


def _sections() -> tuple[type[Section], type[Section]]:
    """The key `training`, and a file of a recipe, which has its keys except `recipe`."""
    descriptions = _descriptions()
    keys = tuple(f"{group}.{key}" for group, settings in GROUPS.items() for key in settings)
    source: Any = Field(default="", description="Where the settings are stated.", examples=["1409.4842, section 6"])
    notes: Any = Field(
        default={},
        description="Why a setting has its value, by `group.setting`.",
        examples=[{"optim.lr": "not printed; BVLC's is 0.01"}],
    )
    fields: dict[str, Any] = {
        "source": (Line, source),
        **{group: _group_field(group, _group(group, descriptions)) for group in GROUPS},
        "notes": (dict[_Literal[keys], Reason], notes),
    }
    known: Any = _Literal[RECIPES]
    recipe = Annotated[known, WrapValidator(_or_of_a_plugin, json_schema_input_type=known | str)]
    name = (recipe, Field(default=None, description="The recipe that a run begins with."))
    doc = "How the network is trained."
    return (
        create_model("Training", __base__=Section, __doc__=doc, recipe=name, **fields),
        create_model("RecipeFile", __base__=Section, __doc__="A recipe: how networks are trained.", **fields),
    )


if TYPE_CHECKING:

    class Training(Section):
        """How the network is trained; its fields are known at run time alone."""

    class RecipeFile(Section):
        """A file of a recipe; its fields are known at run time alone."""

else:
    Training, RecipeFile = _sections()
