"""The keys of a spec: every section, what each key holds, and what applies where it is left out.

This file is the reference of the language's outer form; the formulas inside it are described by `vocabulary`. The
models validate files, and JSON Schema is generated from them.
"""

from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from inception_dsl.ir import values
from inception_dsl.ir.program import Column
from inception_dsl.spec.fields import (
    Line,
    LineName,
    MustBe,
    Number,
    Omittable,
    PartName,
    PrintedNumber,
    Reason,
    Rounding,
    Scalar,
    Section,
    SettingName,
    Text,
)
from inception_dsl.spec.input_size import INPUT_SIZE
from inception_dsl.spec.settings import OLD_TYPES
from inception_dsl.spec.training_model import Training
from inception_dsl.spec.vocabulary.entry import DEFAULT_CLASSES, LOSS_WEIGHT

Year = Annotated[int, Field(ge=1900, le=2200), MustBe("a year, such as 2015")]
Numbering = Annotated[int | Annotated[str, Field(max_length=50)], MustBe("a number, or a string such as A.1")]
InputSize = Annotated[
    str,
    Field(max_length=50, json_schema_extra={"pattern": f"^{INPUT_SIZE.pattern}$"}),
    MustBe("channels, height and width, such as 3x224x224"),
]
SettingType = Annotated[
    Literal["int", "float", "layer"],
    BeforeValidator(
        lambda name: OLD_TYPES.get(name, name) if isinstance(name, str) else name,
        json_schema_input_type=Literal["int", "float", "layer", *OLD_TYPES],
    ),
]
Classes = Annotated[int, Field(ge=1, le=10**6), MustBe("a whole number from 1 to 1,000,000")]
Measure = Literal["output", values.Measure]
Unit = Annotated[
    int,
    Field(ge=1, le=2**40),
    MustBe("a whole number such as 1000 or 1024: what its suffix stands for"),
]

_COLUMN: Any = Column("")  # the defaults


class Paper(Section):
    """The paper that a spec transcribes."""

    title: Omittable[Line] = Field(
        default=None, description="The paper's title.", examples=["Going Deeper with Convolutions"]
    )
    authors: Omittable[Line] = Field(
        default=None, description="Its authors, as the citation names them.", examples=["Szegedy et al."]
    )
    year: Omittable[Year] = Field(default=None, description="The year it appeared in.", examples=[2015])
    arxiv: Omittable[Line] = Field(default=None, description="Its arXiv identifier, in quotes.", examples=["1409.4842"])
    table: Omittable[Numbering] = Field(
        default=None, description="The table that `layers` transcribes.", examples=[1, "A.1"]
    )
    figure: Omittable[Numbering] = Field(
        default=None, description="The figure that shows the network.", examples=[3, "5 (left)"]
    )


class Setting(Section):
    """A value that formulas use by name, and that a variant or `--set` may change."""

    default: Scalar = Field(
        description="Its value, unless a variant or `--set` gives another.", examples=[1.0, 64, "maxpool"]
    )
    type: Omittable[SettingType] = Field(
        default=None, description="What the value is; by default what `default` is. A float may be written as an int."
    )
    min: Omittable[Number] = Field(default=None, description="The least value it may have.", examples=[0.25])
    max: Omittable[Number] = Field(default=None, description="The largest value it may have.", examples=[2])
    doc: Line = Field(default="", description="What it changes, in a sentence.", examples=["The width of every layer."])


class Module(Section):
    """A block that rows call by its name."""

    graph: Text = Field(
        description="Its formula.",
        examples=["| 1x1: conv 1x1 {#1x1}\n| 3x3: conv 1x1 {#3x3 reduce} -> conv 3x3 {#3x3}\n"],
    )
    columns: Omittable[list[Line]] = Field(
        default=None,
        description="The columns of the table that fill it, in order; by default those that `graph` uses.",
        examples=[["#1x1", "#3x3 reduce", "#3x3"]],
    )
    doc: Line = Field(
        default="",
        description="What it is and where the paper shows it, in a sentence.",
        examples=["Figure 2(b): Inception module with dimension reductions."],
    )


class Head(Section):
    """A classifier that leaves the trunk and trains beside it."""

    source: Line = Field(alias="from", description="The row whose output it reads.", examples=["inception_4a"])
    graph: Text = Field(description="Its formula.", examples=["avgpool 5x5/3 valid -> conv 1x1 128 -> fc {classes}"])
    loss_weight: Number = Field(
        default=LOSS_WEIGHT,
        description="The weight of its loss beside the trunk's, whose weight is 1.",
        examples=[LOSS_WEIGHT],
    )


class PrintedColumn(Section):
    """How a column of printed numbers counts."""

    measure: Omittable[Measure] = Field(default=None, description="What it counts; by default what its name says.")
    unit: Unit = Field(default=_COLUMN.unit, description="What the suffix K stands for.", examples=[1000, 1024])
    rounding: Rounding = Field(default=_COLUMN.rounding, description="How the paper rounds.")
    bias: bool = Field(default=_COLUMN.bias, description="Whether biases count as parameters.")


class Published(Section):
    """The numbers that the paper prints: how each column counts, the totals, and where the paper is wrong.

    Any other key is a column of the table.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, PrintedColumn]

    totals: dict[str, PrintedNumber] = Field(
        default={}, description="The printed total of each column.", examples=[{"depth": 22, "ops": "1.5B"}]
    )
    errata: dict[str, Reason] = Field(
        default={},
        description="Why a printed number is wrong, by `row.column` or `totals.column`.",
        examples=[{"conv1.ops": "a separable convolution: 2,712 weights at 112x112 are 34.0M"}],
    )


class Init(Section):
    """How weights are initialised: by layer word, such as `conv`, or by the path of a layer."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Line]

    source: Line = Field(description="Where the initialisation is stated.", examples=["1409.4842, section 6"])


def section_or_value(value: object) -> str:
    """The tag of a setting: it is given as a section, or as its value alone."""
    return "section" if isinstance(value, dict | Section) else "value"


SettingOrValue = Annotated[
    Annotated[Setting, Tag("section")] | Annotated[Scalar, Tag("value")], Discriminator(section_or_value)
]
"""A setting: its section, or its default value alone."""


class Description(Section):
    """Keys about the network as a whole. A variant that gives one of these keys replaces the base's."""

    title: Omittable[Line] = Field(
        default=None, description="Its name in full; by default what `network` says.", examples=["GoogLeNet"]
    )
    paper: Omittable[Paper] = Field(default=None, description="The paper it comes from.")
    classes: Classes = Field(
        default=DEFAULT_CLASSES, description="The number of classes, `{classes}` in formulas.", examples=[10]
    )
    init: Omittable[Init] = Field(default=None, description="How weights are initialised.")
    training: Omittable[Training] = Field(default=None, description="How the network is trained.")
    reported: Omittable[Text] = Field(
        default=None,
        description="A table of results that were measured on this network. A variant inherits none.",
        examples=["metric | value | data | source\ntop-5 error | 6.67% | ILSVRC 2014, test | 1409.4842, Table 2\n"],
    )


class Spec(Description):
    """A network: the table that its paper prints, and what the table needs to be read."""

    network: LineName = Field(
        description="The network's name, from which folders and classes take theirs.", examples=["googlenet"]
    )
    input: InputSize = Field(
        description="The size of an image: channels, height and width, such as 3x224x224.", examples=["3x224x224"]
    )
    settings: dict[SettingName, SettingOrValue] = Field(
        default={}, description="Values that formulas use, by name.", examples=[{"width": 1.0}]
    )
    defaults: dict[str, Line] = Field(
        default={},
        description="Words that are added to every use of a layer, by layer.",
        examples=[{"conv": "same bn relu", "maxpool": "valid"}],
    )
    modules: dict[PartName, Module] = Field(
        default={},
        description="Blocks that rows call, by name.",
        examples=[{"reduction": {"graph": "| conv 3x3/2 {width}\n| maxpool 3x3/2\n"}}],
    )
    layers: Text = Field(
        description="The table: one row a step of the trunk, from the input to the output.",
        examples=["name  | layer         | output\nconv1 | conv 7x7/2 64 | 112x112x64\n"],
    )
    heads: dict[PartName, Head] = Field(
        default={},
        description="Auxiliary classifiers, by name.",
        examples=[{"aux1": {"from": "inception_4a", "graph": "avgpool global -> fc {classes}"}}],
    )
    published: Omittable[Published] = Field(default=None, description="How the paper counts, and where it is wrong.")


VERBS: Final = ("rename", "remove", "override", "insert")
"""The keys of a variant's edits, in the order in which they are made."""


class OptionalKey(NamedTuple):
    """A key that may be left out: what it means, and the value that then applies, empty where `meaning` says it."""

    meaning: str
    default: str


def optional_keys() -> dict[str, OptionalKey]:
    """The optional keys of a network and of its parts, by path; `*` stands for a name."""
    parts: dict[str, type[Section]] = {
        "": Description,
        "settings.*.": Setting,
        "modules.*.": Module,
        "heads.*.": Head,
        "published.*.": PrintedColumn,
    }
    return {
        f"{path}{field.alias or name}": OptionalKey(field.description or "", _spelled(field.default))
        for path, section in parts.items()
        for name, field in section.model_fields.items()
        if not field.is_required()
    }


def _spelled(default: object) -> str:
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
