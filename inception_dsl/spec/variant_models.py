"""The keys of a variant: those of a spec that it replaces, and its edits by verb and kind of part."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

from inception_dsl.spec.fields import Line, MustBe, Omittable, PrintedNumber, Reason, Scalar, Section
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
            Field(default=None, alias=field.alias, description=field.description),
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

    name: Line = Field(description="Its name.")
    layer: Line = Field(description="Its formula.")
    after: Omittable[Line] = Field(default=None, description="The row that it follows.")
    before: Omittable[Line] = Field(default=None, description="The row that it precedes.")


class Rename(Section):
    """New names, by the old ones; formulas, `from`, errata and `init` follow."""

    rows: dict[str, Line] = Field(default={}, description="Rows.")
    modules: dict[str, Line] = Field(default={}, description="Modules.")
    heads: dict[str, Line] = Field(default={}, description="Heads.")


class Remove(Section):
    """Parts of the base that the variant does not have, by name."""

    rows: list[Line] = Field(default=[], description="Rows.")
    columns: list[Line] = Field(default=[], description="Columns of the table.")
    modules: list[Line] = Field(default=[], description="Modules.")
    heads: list[Line] = Field(default=[], description="Heads.")
    defaults: list[Line] = Field(default=[], description="Defaults of layers.")
    settings: list[Line] = Field(default=[], description="Settings.")
    totals: list[Line] = Field(default=[], description="Printed totals.")
    errata: list[Line] = Field(default=[], description="Errata.")


class Override(Section):
    """Other values for parts of the base, by name."""

    rows: dict[str, dict[str, CellValue]] = Field(default={}, description="Cells of rows, by column.")
    columns: dict[str, PrintedColumnEdit] = Field(default={}, description="How printed columns count.")
    modules: dict[str, ModuleEdit] = Field(default={}, description="Keys of modules.")
    heads: dict[str, HeadEdit] = Field(default={}, description="Keys of heads.")
    defaults: dict[str, Line] = Field(default={}, description="Defaults of layers.")
    settings: dict[str, SettingEditOrValue] = Field(default={}, description="Settings, or their default values.")
    totals: dict[str, PrintedNumber] = Field(default={}, description="Printed totals.")
    errata: dict[str, Reason] = Field(default={}, description="Errata.")


class Insert(Section):
    """New parts, by name."""

    rows: list[NewRow] = Field(default=[], description="Rows, each with its place.")
    columns: dict[str, PrintedColumn] = Field(default={}, description="Printed columns.")
    modules: dict[str, Module] = Field(default={}, description="Modules.")
    heads: dict[str, Head] = Field(default={}, description="Heads.")
    defaults: dict[str, Line] = Field(default={}, description="Defaults of layers.")
    settings: dict[str, SettingOrValue] = Field(default={}, description="Settings.")
    totals: dict[str, PrintedNumber] = Field(default={}, description="Printed totals.")
    errata: dict[str, Reason] = Field(default={}, description="Errata.")


class Variant(Description):
    """A variant of a spec: the base's parts, edited."""

    extends: BasePath = Field(description="The spec that it is a variant of.")
    network: Line = Field(description="The variant's own name.")
    input: Omittable[InputSize] = Field(default=None, description="Another size of images.")
    rename: Omittable[Rename] = Field(default=None, description="New names for parts.")
    remove: Omittable[Remove] = Field(default=None, description="Parts that are left out.")
    override: Omittable[Override] = Field(default=None, description="Other values for parts.")
    insert: Omittable[Insert] = Field(default=None, description="New parts.")


REPLACED: Final = ("input", *Description.model_fields)
"""The keys that replace those of the base as a whole."""
