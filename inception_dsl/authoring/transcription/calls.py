"""The modules that the rows of a table call, drafted from the columns that they fill."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from inception_dsl.authoring.transcription import modules
from inception_dsl.authoring.transcription.columns import Column
from inception_dsl.authoring.transcription.formulas import Ask
from inception_dsl.authoring.transcription.rows import Layer, filled


def draft_modules(
    rows: Sequence[Layer], columns: Sequence[Column], strided: bool, padding: Mapping[str, str], ask: Ask
) -> tuple[dict[str, modules.Draft], dict[int, str]]:
    """Draft the modules that rows call: the drafts by name, and the names by the index of a row.

    `columns` are those that may fill modules; `strided` says that one of them is a stride. Rows of one word with other
    strides or figures call other modules.
    """
    groups: dict[tuple[str, int, str], list[int]] = {}
    for i, row in enumerate(rows):
        if not row.kind.layer:
            own = 1 if strided else row.stride or 1
            groups.setdefault((row.kind.module, own, _figure(row.text)), []).append(i)
    drafts: dict[str, modules.Draft] = {}
    calls: dict[int, str] = {}
    taken = {row.name for row in rows}
    word = " same" if padding.get("conv", "same") != "same" else ""
    for (base, stride, figure), members in groups.items():
        alone = sum(module == base for module, *_ in groups) == 1
        parts = [
            base,
            *([f"stride_{stride}"] if stride > 1 and not alone else []),
            *([figure] if not alone else []),
        ]
        name = "_".join(filter(None, parts))
        while name in taken or name in drafts:
            name += "_block" if not name.endswith("_block") else "_"
        inside = [rows[i] for i in members]
        filling = filled(inside, columns)
        passes = _passes(inside, filling)
        filling = [column for column in filling if column.role != "pool"] if passes else filling
        draft = modules.draft(filling, stride, word, passes)
        drafts[name] = draft
        calls |= dict.fromkeys(members, name)
        _ask_about(name, draft, inside, ask)
    return drafts, calls


def _ask_about(name: str, draft: modules.Draft, inside: Sequence[Layer], ask: Ask) -> None:
    remarks = dict.fromkeys(
        row.text for row in inside if row.text and (row.kernel or not row.text.lower().startswith(row.kind.base))
    )
    noted = f" The table says: {'; '.join(remarks)}." if remarks else ""
    if draft.graph == "pass":
        ask(name, f"what is in this module? The table has no column that describes it.{noted}")
    elif draft.sure:
        ask(name, f"is this the module of the paper's figure? It is what the columns are called.{noted}")
    else:
        ask(name, f"what is in this module? The graph is a guess that uses its columns.{noted}")


def _passes(inside: Sequence[Layer], columns: Sequence[Column]) -> bool:
    """Whether the pool of these rows passes its input on: it has no projection, and is a maximum everywhere."""
    pools = [column for column in columns if column.role == "pool"]
    found = {row.values.get(column.name) for row in inside for column in pools}
    projected = any("proj" in column.name for column in columns)
    return found == {"maxpool"} and not projected


def _figure(text: str) -> str:
    """The figure that a row refers to, as a part of a name: `figure_5`."""
    match = re.search(r"\bfig(?:ure|\.)?\s*(?:fig:)?(\w{1,12})", text, re.IGNORECASE | re.ASCII)
    return f"figure_{match[1]}" if match else ""
