"""The keys of a variant: those of a spec that it replaces, and its edits by verb and kind of part."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

from inception_dsl.spec.fields import (
    Line,
    LineName,
    MustBe,
    Omittable,
    PartName,
    PrintedNumber,
    Reason,
    Scalar,
    Section,
    SettingName,
)
from inception_dsl.spec.models import (
    Description,
    Head,
    InputSize,
    Module,
    PrintedColumn,
    Setting,
    SettingOrValue,
    section_or_value,
)

KINDS: Final = {
    "rows": "row",
    "columns": "column",
    "modules": "module",
    "heads": "head",
    "defaults": "default",
    "settings": "setting",
    "totals": "total",
    "errata": "erratum",
}
"""The kinds of parts that are edited, by their key, and what one of each is called."""

CellValue = Annotated[Line | int | float | None, MustBe("the text of a cell, a number, or nothing")]
BasePath = Annotated[str, Field(max_length=500), MustBe("the path of a spec, such as googlenet.yaml")]


def _edit_of(model: type[Section]) -> Any:
    """The same section with no key required; `null` for an optional key takes it out."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        fields[name] = (
            kind if field.is_required() else kind | None,
            Field(default=None, alias=field.alias, description=field.description, examples=field.examples),
        )
    return create_model(f"{model.__name__}Edit", __base__=Section, __doc__=f"Edits of: {model.__doc__}", **fields)


ModuleEdit: Any = _edit_of(Module)
HeadEdit: Any = _edit_of(Head)
PrintedColumnEdit: Any = _edit_of(PrintedColumn)
SettingEdit: Any = _edit_of(Setting)
SettingEditOrValue: Any = Annotated[
    Annotated[SettingEdit, Tag("section")] | Annotated[Scalar, Tag("value")], Discriminator(section_or_value)
]


class NewRow(Section):
    """A new row of the table. Any other key is a column, and what the row's cell holds."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, CellValue]

    name: LineName = Field(description="Its name.", examples=["conv1b"])
    layer: Line = Field(description="Its formula.", examples=["conv 3x3 64"])
    after: Omittable[Line] = Field(default=None, description="The row that it follows.", examples=["conv1"])
    before: Omittable[Line] = Field(default=None, description="The row that it precedes.", examples=["pool1"])


class Rename(Section):
    """New names, by the old ones; formulas, `from`, errata and `init` follow."""

    rows: dict[str, LineName] = Field(default={}, description="Rows.", examples=[{"conv1": "stem"}])
    modules: dict[str, LineName] = Field(default={}, description="Modules.", examples=[{"inception": "block"}])
    heads: dict[str, LineName] = Field(default={}, description="Heads.", examples=[{"aux1": "side"}])


class Remove(Section):
    """Parts of the base that the variant does not have, by name."""

    rows: list[Line] = Field(default=[], description="Rows.", examples=[["norm1", "norm2"]])
    columns: list[Line] = Field(default=[], description="Columns of the table.", examples=[["params", "ops"]])
    modules: list[Line] = Field(default=[], description="Modules.", examples=[["aux"]])
    heads: list[Line] = Field(default=[], description="Heads.", examples=[["aux1", "aux2"]])
    defaults: list[Line] = Field(default=[], description="Defaults of layers.", examples=[["maxpool"]])
    settings: list[Line] = Field(default=[], description="Settings.", examples=[["width"]])
    totals: list[Line] = Field(default=[], description="Printed totals.", examples=[["params"]])
    errata: list[Line] = Field(default=[], description="Errata.", examples=[["conv1.ops"]])


class Override(Section):
    """Other values for parts of the base, by name."""

    rows: dict[str, dict[str, CellValue]] = Field(
        default={}, description="Cells of rows, by column.", examples=[{"conv1": {"layer": "conv 3x3/2 64"}}]
    )
    columns: dict[str, PrintedColumnEdit] = Field(
        default={}, description="How printed columns count.", examples=[{"params": {"unit": 1000}}]
    )
    modules: dict[str, ModuleEdit] = Field(
        default={}, description="Keys of modules.", examples=[{"aux": {"graph": "avgpool global -> fc {classes}"}}]
    )
    heads: dict[str, HeadEdit] = Field(
        default={}, description="Keys of heads.", examples=[{"aux1": {"from": "inception_4b"}}]
    )
    defaults: dict[str, Line] = Field(
        default={}, description="Defaults of layers.", examples=[{"conv": "same bn relu"}]
    )
    settings: dict[str, SettingEditOrValue] = Field(
        default={}, description="Settings, or their default values.", examples=[{"width": 0.5}]
    )
    totals: dict[str, PrintedNumber] = Field(default={}, description="Printed totals.", examples=[{"ops": "1.5B"}])
    errata: dict[str, Reason] = Field(
        default={}, description="Errata.", examples=[{"conv1.ops": "of the convolution that the figure draws"}]
    )


class Insert(Section):
    """New parts, by name."""

    rows: list[NewRow] = Field(
        default=[],
        description="Rows, each with its place.",
        examples=[[{"name": "conv1b", "layer": "conv 3x3 64", "after": "conv1"}]],
    )
    columns: dict[str, PrintedColumn] = Field(
        default={}, description="Printed columns.", examples=[{"params": {"unit": 1000}}]
    )
    modules: dict[PartName, Module] = Field(
        default={}, description="Modules.", examples=[{"gate": {"graph": "avgpool global -> conv 1x1 {in}"}}]
    )
    heads: dict[PartName, Head] = Field(
        default={}, description="Heads.", examples=[{"aux": {"from": "mixed_6e", "graph": "fc {classes}"}}]
    )
    defaults: dict[str, Line] = Field(
        default={}, description="Defaults of layers.", examples=[{"avgpool": "count_pad"}]
    )
    settings: dict[SettingName, SettingOrValue] = Field(
        default={}, description="Settings.", examples=[{"width": {"default": 1.0, "min": 0.25, "max": 2}}]
    )
    totals: dict[str, PrintedNumber] = Field(default={}, description="Printed totals.", examples=[{"ops": "1.5B"}])
    errata: dict[str, Reason] = Field(
        default={}, description="Errata.", examples=[{"conv1.ops": "of the convolution that the figure draws"}]
    )


class Variant(Description):
    """A variant of a spec: the base's parts, edited."""

    extends: BasePath = Field(
        description="The spec that it is a variant of.", examples=["googlenet.yaml", "builtin:googlenet.yaml"]
    )
    network: LineName = Field(description="The variant's own name.", examples=["googlenet_wide"])
    input: Omittable[InputSize] = Field(default=None, description="Another size of images.", examples=["3x299x299"])
    rename: Omittable[Rename] = Field(default=None, description="New names for parts.")
    remove: Omittable[Remove] = Field(default=None, description="Parts that are left out.")
    override: Omittable[Override] = Field(default=None, description="Other values for parts.")
    insert: Omittable[Insert] = Field(default=None, description="New parts.")


REPLACED: Final = ("input", *Description.model_fields)
"""The keys that replace those of the base as a whole."""
